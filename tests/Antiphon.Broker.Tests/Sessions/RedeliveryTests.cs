using System.Globalization;
using Antiphon.Protocol;
using Antiphon.Protocol.Packets;

namespace Antiphon.Broker.Tests.Sessions;

public sealed class RedeliveryTests
{
    [Fact]
    [Trait("Label", "MQTT-4.4.0-1")]
    [Trait("Label", "MQTT-3.3.1-1")]
    [Trait("Label", "MQTT-4.3.2-3")]
    public void What_was_not_acknowledged_comes_again_in_order_with_DUP_and_the_same_identifiers_and_then_the_rest()
    {
        var broker = new HandTurnedBroker();
        var publisher = broker.Connect("publisher");
        var client = Subscriber(broker);
        for (var i = 0; i < 6; i++)
        {
            publisher.PublishAcknowledged("t", $"{i}");
        }

        var first = Messages(client);
        Assert.All(first, publish => Assert.False(publish.Dup));
        client.Acknowledge(first[0]);
        client.Acknowledge(first[3]);
        client.Lose();
        publisher.PublishAcknowledged("t", "6");

        var again = Messages(Connect(broker));

        Assert.Equal(["1", "2", "4", "5", "6"], again.Select(TestLink.Text));
        Assert.Equal([true, true, true, true, false], again.Select(publish => publish.Dup));
        Assert.Equal(
            [.. new[] { 1, 2, 4, 5 }.Select(i => first[i].PacketIdentifier)], again.Take(4).Select(publish => publish.PacketIdentifier));
        Assert.DoesNotContain(again[4].PacketIdentifier, again.Take(4).Select(publish => publish.PacketIdentifier));
    }

    [Fact]
    [Trait("Label", "MQTT-4.4.0-2")]
    public void A_message_that_the_client_refused_does_not_come_again()
    {
        var broker = new HandTurnedBroker();
        var client = Subscriber(broker);
        broker.Connect("publisher").PublishAcknowledged("t", "unwanted");
        client.Send(
            new AcknowledgementPacket(PacketType.PubAck, client.NextMessage("unwanted").PacketIdentifier, ReasonCode.NotAuthorized));
        client.Lose();

        Connect(broker).ExpectNothing();
    }

    [Fact]
    [Trait("Label", "MQTT-3.3.4-9")]
    public void The_Receive_Maximum_holds_for_what_comes_again()
    {
        var broker = new HandTurnedBroker();
        var publisher = broker.Connect("publisher");
        var client = Subscriber(broker);
        for (var i = 0; i < 7; i++)
        {
            publisher.PublishAcknowledged("t", $"{i}");
        }

        client.Acknowledge(Messages(client)[1]);
        client.Lose();
        publisher.PublishAcknowledged("t", "7");

        var narrow = Connect(broker, receiveMaximum: 2);
        var seen = new List<string>();
        while (Messages(narrow) is { Count: > 0 } batch)
        {
            Assert.InRange(batch.Count, 1, 2);
            seen.AddRange(batch.Select(TestLink.Text));
            batch.ForEach(narrow.Acknowledge);
        }

        Assert.Equal(["0", "2", "3", "4", "5", "6", "7"], seen);
    }

    [Fact]
    public void Losing_the_connection_again_and_again_loses_and_reorders_nothing()
    {
        var broker = new HandTurnedBroker();
        var publisher = broker.Connect("publisher");
        var random = new Random(5);
        Subscriber(broker).Lose();
        var sent = 0;
        var expected = new SortedSet<int>();
        for (var round = 0; round < 300; round++)
        {
            for (var i = random.Next(4); i > 0; i--)
            {
                expected.Add(sent);
                publisher.PublishAcknowledged("t", $"{sent++}");
            }

            var client = Connect(broker, receiveMaximum: (ushort)random.Next(1, 6));
            for (var turn = random.Next(3); turn >= 0; turn--)
            {
                var batch = Messages(client);
                Assert.Equal(batch.OrderBy(Number), batch);
                foreach (var publish in batch.Where(_ => random.Next(2) == 0))
                {
                    Assert.True(expected.Remove(Number(publish)), "An acknowledged message came again.");
                    client.Acknowledge(publish);
                }
            }

            client.Lose();
        }

        Assert.Equal(expected, Messages(Connect(broker)).Select(Number));
        Assert.Equal(0, broker.Counters.UnknownAcknowledgements);
    }

    [Fact]
    public void An_acknowledgement_that_nothing_waits_for_is_counted_and_harmless()
    {
        var broker = new HandTurnedBroker();
        var client = Subscriber(broker);

        client.Send(new AcknowledgementPacket(PacketType.PubAck, new(1)), new AcknowledgementPacket(PacketType.PubAck, new(65_535)));

        client.ExpectNothing();
        Assert.Equal(2, broker.Counters.UnknownAcknowledgements);
        broker.Connect("publisher").PublishAcknowledged("t", "still here");
        var publish = client.NextMessage("still here");
        client.Acknowledge(publish);
        client.Acknowledge(publish);
        Assert.Equal(3, broker.Counters.UnknownAcknowledgements);
    }

    [Fact]
    [Trait("Label", "MQTT-2.2.1-4")]
    public void One_message_that_stays_unacknowledged_stops_no_other()
    {
        var broker = new HandTurnedBroker();
        var publisher = broker.Connect("publisher");
        var client = Subscriber(broker);
        publisher.PublishAcknowledged("t", "the stubborn one");
        var stubborn = client.NextMessage("the stubborn one");

        // One more than there are identifiers beside it.
        for (var i = 0; i < 65_535; i++)
        {
            publisher.PublishAcknowledged("t", "x");
            var publish = client.NextMessage("x");
            Assert.NotEqual(stubborn.PacketIdentifier, publish.PacketIdentifier);
            client.Acknowledge(publish);
        }

        client.Lose();
        var again = Connect(broker).NextMessage("the stubborn one");
        Assert.Equal(stubborn.PacketIdentifier, again.PacketIdentifier);
        Assert.True(again.Dup);
    }

    private static int Number(PublishPacket publish) => int.Parse(TestLink.Text(publish), CultureInfo.InvariantCulture);

    private static List<PublishPacket> Messages(TestLink client) => [.. client.All().Cast<PublishPacket>()];

    private static TestLink Subscriber(HandTurnedBroker broker)
    {
        var client = Connect(broker);
        client.Subscribe("t");
        return client;
    }

    private static TestLink Connect(HandTurnedBroker broker, ushort? receiveMaximum = null) =>
        broker.Connect("client", connect => connect with { SessionExpiryInterval = 3600, ReceiveMaximum = receiveMaximum });
}
