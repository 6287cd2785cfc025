using System.Text;
using Antiphon.Protocol.Topics;

namespace Antiphon.Protocol.Tests.Topics;

public sealed class TopicNameTests
{
    [Theory]
    [InlineData("a", false)]
    [InlineData("/", false)]
    [InlineData("$SYS/a b/€", false)]
    [InlineData("#", true)]
    [InlineData("a/#", true)]
    [InlineData("a+b", true)]
    [Trait("Label", "MQTT-3.3.2-2")]
    [Trait("Label", "MQTT-4.7.0-1")]
    public void A_Topic_Name_holds_no_wildcard(string topic, bool hasWildcard)
    {
        Assert.Equal(
            hasWildcard ? ReasonCode.TopicNameInvalid : ReasonCode.Success,
            TopicName.CheckWildcards(Encoding.UTF8.GetBytes(topic)).Code);
        var refused = Record.Exception(() => TopicName.ThrowIfInvalid(topic, "parameter"));
        Assert.Equal(hasWildcard ? "parameter" : null, (refused as ArgumentException)?.ParamName);
    }

    [Fact]
    [Trait("Label", "MQTT-4.7.3-1")]
    [Trait("Label", "MQTT-4.7.3-2")]
    [Trait("Label", "MQTT-4.7.3-3")]
    public void A_Topic_Name_that_no_string_can_hold_is_refused_in_the_name_of_the_callers_parameter()
    {
        foreach (var topic in (string[])["", "a\0", "a\uD800", new string('a', 65_536)])
        {
            Assert.Equal("parameter", Assert.Throws<ArgumentException>(() => TopicName.ThrowIfInvalid(topic, "parameter")).ParamName);
        }
    }
}
