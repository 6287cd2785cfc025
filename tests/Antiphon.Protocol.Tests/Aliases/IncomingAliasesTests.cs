using System.Text;
using Antiphon.Protocol.Aliases;
using Antiphon.Protocol.Packets;

namespace Antiphon.Protocol.Tests.Aliases;

public sealed class IncomingAliasesTests
{
    [Fact]
    [Trait("Label", "MQTT-3.3.2-10")]
    [Trait("Label", "MQTT-3.3.2-12")]
    public void Every_alias_up_to_the_maximum_stands_for_the_topic_that_taught_it_last()
    {
        var aliases = new IncomingAliases(300, "MQTT-3.3.2-9");
        for (ushort alias = 300; alias >= 1; alias--)
        {
            Assert.Equal(($"topic/{alias}", default), Resolve(aliases, $"topic/{alias}", alias));
        }

        for (ushort alias = 1; alias <= 300; alias++)
        {
            Assert.Equal(($"topic/{alias}", default), Resolve(aliases, "", alias));
        }

        Resolve(aliases, "b", 7);
        Assert.Equal(("b", default), Resolve(aliases, "", 7));
        Resolve(aliases, "a/longer/topic", 7);
        Assert.Equal(("a/longer/topic", default), Resolve(aliases, "", 7));
    }

    [Fact]
    public void A_message_without_an_alias_is_left_alone_also_where_none_is_allowed() =>
        Assert.Equal(("a", default), Resolve(new IncomingAliases(0, "MQTT-3.1.2-27"), "a", null));

    [Theory]
    [InlineData(0, 1, "a", ReasonCode.TopicAliasInvalid, "The Topic Alias is 1; the Topic Alias Maximum of this end is 0 [MQTT-3.1.2-27].")]
    [InlineData(2, 3, "a", ReasonCode.TopicAliasInvalid, "The Topic Alias is 3; the Topic Alias Maximum of this end is 2 [MQTT-3.1.2-27].")]
    [InlineData(2, 3, "", ReasonCode.TopicAliasInvalid, "The Topic Alias is 3; the Topic Alias Maximum of this end is 2 [MQTT-3.1.2-27].")]
    [InlineData(2, 2, "", ReasonCode.ProtocolError, "The Topic Alias 2 stands for no Topic Name on this connection (MQTT 5 §3.3.2.3.4).")]
    public void A_wrong_alias_is_a_fault(int maximum, int alias, string topic, ReasonCode code, string message) =>
        Assert.Equal(
            (topic, new Fault(code, message)),
            Resolve(new IncomingAliases((ushort)maximum, "MQTT-3.1.2-27"), topic, (ushort)alias));

    private static (string Topic, Fault Fault) Resolve(IncomingAliases aliases, string topic, ushort? alias)
    {
        var view = new PublishView { Topic = Encoding.UTF8.GetBytes(topic), TopicAlias = alias };
        var fault = aliases.Resolve(ref view);
        return (Encoding.UTF8.GetString(view.Topic), fault);
    }
}
