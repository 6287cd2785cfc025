using Antiphon.Protocol.Wire;

namespace Antiphon.Protocol.Tests.Wire;

public sealed class Utf8TextTests
{
    [Fact]
    public void An_excerpt_is_short_and_has_no_control_characters()
    {
        Assert.Equal("plain", Utf8Text.Excerpt("plain"));
        Assert.Equal("a\uFFFD\uFFFDb", Utf8Text.Excerpt("a\r\nb"));
        Assert.Equal(new string('a', 64), Utf8Text.Excerpt(new string('a', 64)));
        Assert.Equal(new string('a', 64) + "…", Utf8Text.Excerpt(new string('a', 65)));
    }

    [Fact]
    public void An_excerpt_does_not_cut_a_character_in_two()
    {
        var text = new string('a', 63) + "\U0001F600 and more";
        Assert.Equal(new string('a', 63) + "…", Utf8Text.Excerpt(text));
    }

    [Fact]
    public void Bytes_are_counted_in_UTF_8() => Assert.Equal(1 + 2 + 3 + 4, Utf8Text.GetByteCount("aé€\U0001F600"));
}
