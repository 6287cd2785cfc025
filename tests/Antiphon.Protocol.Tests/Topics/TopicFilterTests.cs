using Antiphon.Protocol.Topics;

namespace Antiphon.Protocol.Tests.Topics;

public sealed class TopicFilterTests
{
    [Theory]
    [InlineData("a/b", "a/b", true)]
    [InlineData("a/b", "a/c", false)]
    [InlineData("a/b", "a/b/c", false)]
    [InlineData("a/b", "a", false)]
    [InlineData("a/+", "a/b", true)]
    [InlineData("a/+", "a/", true)]
    [InlineData("a/+", "a", false)]
    [InlineData("a/+/c", "a/b/c", true)]
    [InlineData("a/#", "a", true)]
    [InlineData("a/#", "a/b/c", true)]
    [InlineData("a/#", "ab", false)]
    [InlineData("+/+", "/finance", true)]
    [InlineData("+", "/finance", false)]
    [InlineData("#", "$SYS/x", false)]
    [InlineData("+/x", "$SYS/x", false)]
    [InlineData("$SYS/#", "$SYS/x", true)]
    [InlineData("/", "/", true)]
    [InlineData("+/", "/", true)]
    [InlineData("a//b", "a/b", false)]
    [Trait("Label", "MQTT-4.7.2-1")]
    public void A_filter_matches_level_by_level(string filter, string topic, bool matches)
    {
        Assert.Equal(matches, TopicFilter.Parse(filter).Matches(topic));
        Assert.Equal(matches, TopicFilter.Matches(System.Text.Encoding.UTF8.GetBytes(filter), System.Text.Encoding.UTF8.GetBytes(topic)));
    }
}
