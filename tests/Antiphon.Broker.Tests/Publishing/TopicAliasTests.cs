using Antiphon.Protocol;
using Antiphon.Protocol.Packets;

namespace Antiphon.Broker.Tests.Publishing;

public sealed class TopicAliasTests
{
    [Fact]
    [Trait("Label", "MQTT-3.3.2-12")]
    public void An_alias_stands_for_the_Topic_Name_that_taught_it_last_and_goes_no_further_than_the_broker()
    {
        var broker = new HandTurnedBroker();
        var subscriber = broker.Subscriber("subscriber", "a/#", QualityOfService.AtMostOnce);
        var publisher = broker.Connect("publisher");

        publisher.Send(Aliased("a/1", 3, "taught"), Aliased("", 3, "used"), Aliased("a/2", 3, "taught anew"), Aliased("", 3, "used anew"));

        foreach (var (topic, payload) in new[] { ("a/1", "taught"), ("a/1", "used"), ("a/2", "taught anew"), ("a/2", "used anew") })
        {
            var publish = subscriber.NextMessage(payload);
            Assert.Equal(topic, publish.Message.Topic);
            Assert.Null(publish.TopicAlias);
        }
    }

    [Fact]
    [Trait("Label", "MQTT-3.3.2-7")]
    public void An_alias_of_one_connection_means_nothing_to_another()
    {
        var broker = new HandTurnedBroker();
        var first = broker.Connect("first");
        first.Send(Aliased("a/1", 1, "taught"));
        var second = broker.Connect("second");

        second.Send(Aliased("", 1, "unknown"));

        second.ExpectDisconnect(ReasonCode.ProtocolError);
        first.Send(Aliased("", 1, "known"));
        first.ExpectNothing();
    }

    [Fact]
    public void The_highest_alias_is_the_one_that_CONNACK_names()
    {
        var broker = new HandTurnedBroker(new BrokerOptions { TopicAliasMaximum = 2 });
        var subscriber = broker.Subscriber("subscriber", "a", QualityOfService.AtMostOnce);
        var publisher = broker.Connect("publisher");
        Assert.Equal((ushort?)2, publisher.ConnAck.TopicAliasMaximum);

        publisher.Send(Aliased("a", 2, "within"));
        subscriber.NextMessage("within");
        publisher.Send(Aliased("a", 3, "beyond"));

        publisher.ExpectDisconnect(ReasonCode.TopicAliasInvalid);
        subscriber.ExpectNothing();
    }

    private static PublishPacket Aliased(string topic, ushort alias, string payload) =>
        new(TestLink.Message(topic, payload)) { TopicAlias = alias };
}
