using Antiphon.Protocol.Properties;

namespace Antiphon.Protocol.Tests.Properties;

public sealed class CallerTextTests
{
    [Theory]
    [InlineData("relay-1", null, "client=relay-1")]
    [InlineData("relay-1", "ann", "client=relay-1;user=ann")]
    [InlineData("relay-1", "", "client=relay-1;user=")]
    [InlineData("a;user=bob", null, "client=a%3Buser=bob")]
    [InlineData("a%3Bb", "100%", "client=a%253Bb;user=100%25")]
    [InlineData("client=x", "user=y;", "client=client=x;user=user=y%3B")]
    public void Whoever_it_is_is_written_and_read_without_being_taken_for_another(string clientId, string? userName, string text)
    {
        Assert.Equal(text, CallerText.Write(clientId, userName));
        Assert.True(CallerText.TryRead(text, out var client, out var user));
        Assert.Equal((clientId, userName), (client, user));
    }

    [Theory]
    [InlineData("")]
    [InlineData("relay-1")]
    [InlineData("user=ann")]
    [InlineData("user=ann;client=a")]
    [InlineData("client=a;")]
    [InlineData("client=a;user=b;user=c")]
    [InlineData("client=a%")]
    [InlineData("client=a%2F")]
    [InlineData("client=a%3b")]
    public void Other_texts_name_nobody(string text) => Assert.False(CallerText.TryRead(text, out _, out _));
}
