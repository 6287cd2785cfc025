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

    [Theory]
    [InlineData("")]
    [InlineData("a#")]
    [InlineData("#/a")]
    [InlineData("a/#/b")]
    [InlineData("a/b#")]
    [InlineData("##")]
    [InlineData("a+")]
    [InlineData("a/+b/c")]
    [InlineData("++")]
    [InlineData("$share/")]
    [InlineData("$share/g")]
    [InlineData("$share/g/")]
    [InlineData("$share//a")]
    [InlineData("$share/+/a")]
    [InlineData("$share/g#/a")]
    [InlineData("$share/g/a#")]
    [Trait("Label", "MQTT-4.7.1-1")]
    [Trait("Label", "MQTT-4.7.1-2")]
    [Trait("Label", "MQTT-4.7.3-1")]
    [Trait("Label", "MQTT-4.8.2-1")]
    [Trait("Label", "MQTT-4.8.2-2")]
    public void A_bad_filter_is_refused(string text)
    {
        Assert.False(TopicFilter.TryParse(text, out _, out var fault));
        Assert.Equal(ReasonCode.TopicFilterInvalid, fault.Code);
        Assert.Contains("MQTT-4.", fault.Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => TopicFilter.Parse(text));
    }

    [Theory]
    [InlineData("a", null, "a", false, false)]
    [InlineData("#", null, "#", true, true)]
    [InlineData("+/a", null, "+/a", true, true)]
    [InlineData("a/+/b/#", null, "a/+/b/#", true, false)]
    [InlineData("/", null, "/", false, false)]
    [InlineData("$share", null, "$share", false, false)]
    [InlineData("$share/g/a", "g", "a", false, false)]
    [InlineData("$share/g/#", "g", "#", true, true)]
    [InlineData("$share/g//", "g", "/", false, false)]
    [Trait("Label", "MQTT-4.8.2-1")]
    public void A_filter_is_taken_apart(string text, string? shareName, string pattern, bool hasWildcard, bool beginsWithWildcard)
    {
        var filter = TopicFilter.Parse(text);
        Assert.Equal((shareName, pattern), (filter.ShareName, filter.Pattern));
        Assert.Equal(
            (shareName is not null, hasWildcard, beginsWithWildcard),
            (filter.IsShared, filter.HasWildcard, filter.BeginsWithWildcard));
        Assert.Equal(text, filter.ToString());
    }

    [Fact]
    [Trait("Label", "MQTT-4.7.3-4")]
    public void Nothing_is_normalized()
    {
        Assert.False(TopicFilter.Parse("\u00C5").Matches("A\u030A"));
        Assert.False(TopicFilter.Parse("a").Matches("A"));
        Assert.False(TopicFilter.Parse("a").Matches("/a"));
        Assert.False(TopicFilter.Parse("a").Matches("a/"));
        Assert.False(TopicFilter.Parse("a").Matches(" a"));
    }

    [Fact]
    [Trait("Label", "MQTT-4.7.3-2")]
    [Trait("Label", "MQTT-4.7.3-3")]
    public void A_filter_that_no_string_can_hold_is_refused()
    {
        Assert.Throws<ArgumentException>(() => TopicFilter.Parse("a\0"));
        Assert.Throws<ArgumentException>(() => TopicFilter.Parse(new string('a', 65_536)));
        Assert.Equal(65_535, TopicFilter.Parse(new string('a', 65_535)).Pattern.Length);
    }
}
