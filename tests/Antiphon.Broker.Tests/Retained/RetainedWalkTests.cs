using Antiphon.Broker.Retained;
using Antiphon.Protocol;
using Antiphon.Protocol.Packets;
using static Antiphon.Broker.Tests.Retained.RetainedMessageTests;

namespace Antiphon.Broker.Tests.Retained;

public sealed class RetainedWalkTests
{
    private const int Many = 20_000;

    private static readonly SubscribePacket All = new()
    {
        PacketIdentifier = new(1),
        Subscriptions = [new("#", new(QualityOfService.AtMostOnce))],
    };

    [Fact]
    public void Many_come_in_slices_between_which_others_are_served()
    {
        var broker = Filled(Many);
        var other = broker.Subscriber("other", "ping");
        var reader = broker.Connect("reader");
        var received = 0;
        var turns = 0;

        Begin(broker, reader);
        do
        {
            var before = received;
            Turn(broker);
            received += reader.All().Count;
            turns++;
            Assert.InRange(received - before, 1, RetainedWalks.StepsPerTurn + 1);

            broker.Engine.Receive(other.Connection, TestLink.Bytes(new PublishPacket(TestLink.Message("ping", $"{turns}"))), broker.Now);
            Turn(broker);
            other.NextMessage($"{turns}");
            received += reader.All().Count;
        }
        while (broker.Engine.HasWork);

        Assert.Equal(1 + Many + turns, received);
    }

    [Fact]
    public void Two_that_ask_are_served_in_turns()
    {
        var broker = Filled(Many);
        var first = broker.Connect("first");
        var second = broker.Connect("second");

        Begin(broker, first);
        Turn(broker);
        first.All();
        Begin(broker, second);
        Turn(broker);

        Assert.InRange(first.All().Count, 1000, 3000);
        Assert.InRange(second.All().Count, 1000, 3000);
        broker.Settle();
    }

    [Fact]
    public void Who_does_not_read_is_waited_for_and_half_of_the_output_is_left_to_others()
    {
        var broker = Filled(Many, new BrokerOptions { MaximumOutputBytes = 20_000 });
        var reader = broker.Connect("reader");
        reader.Reads = false;
        reader.Send(All);
        Assert.False(broker.Engine.HasWork, "The loop would spin.");
        Assert.InRange(reader.Connection.Output.Length, 10_000, 10_100);

        broker.Connect("publisher").Publish("live", new string('x', 5000));
        reader.ReadAgain();

        Assert.Equal(0, broker.Counters.DroppedSlowReader);
        Assert.Equal(1 + 1 + Many, reader.All().Count);
        Assert.False(broker.Engine.HasWork);
    }

    [Fact]
    public void Many_who_do_not_read_take_no_more_than_half_of_the_room_for_all()
    {
        const int Mebibyte = 1024 * 1024;
        var broker = new HandTurnedBroker(new BrokerOptions { MaximumBufferBytes = Mebibyte });
        var publisher = broker.Connect("publisher");
        for (var i = 0; i < 100; i++)
        {
            publisher.Publish(ToRetain($"{i}", new string('x', 3000)));
        }

        var readers = Enumerable.Range(0, 10).Select(i => broker.Connect($"reader{i}")).ToList();
        foreach (var reader in readers)
        {
            reader.Reads = false;
            reader.Send(All);
        }

        Assert.False(broker.Engine.HasWork, "The loop would spin.");
        Assert.InRange(readers.Sum(reader => reader.Connection.Output.Length), Mebibyte / 4, Mebibyte / 2);
        foreach (var reader in readers)
        {
            reader.ReadAgain();
            Assert.Equal(1 + 100, reader.All().Count);
        }
    }

    [Fact]
    [Trait("Label", "MQTT-3.3.4-9")]
    public void They_wait_for_the_Receive_Maximum_and_take_no_place_in_the_queue()
    {
        var broker = Filled(100, new BrokerOptions { MaximumQueuedMessages = 1 });
        var reader = broker.Subscriber("reader", "#", with: connect => connect with { ReceiveMaximum = 10 });
        var publisher = broker.Connect("publisher");

        var unacknowledged = reader.All().Cast<PublishPacket>().ToList();
        Assert.Equal(10, unacknowledged.Count);
        Assert.False(broker.Engine.HasWork, "The loop would spin.");
        publisher.PublishAcknowledged("live", "comes first");
        reader.Acknowledge(unacknowledged[0]);
        reader.NextMessage("comes first");
        unacknowledged.Skip(1).ToList().ForEach(reader.Acknowledge);
        var received = 10;
        while (reader.TryNext() is PublishPacket publish)
        {
            received++;
            reader.Acknowledge(publish);
        }

        // The live one is still unacknowledged.
        Assert.Equal(100, received);
        Assert.Equal(0, broker.Counters.DroppedQueueFull);
    }

    [Fact]
    [Trait("Label", "MQTT-4.4.0-1")]
    public void The_next_connection_of_the_Session_gets_the_rest()
    {
        static ConnectPacket Lasting(ConnectPacket connect) => connect with { SessionExpiryInterval = 100, ReceiveMaximum = 10 };
        var broker = Filled(100);
        var reader = broker.Subscriber("reader", "#", with: Lasting);
        var texts = new List<string>();
        for (var i = 0; i < 15; i++)
        {
            Take(reader);
        }

        reader.Lose();
        Assert.False(broker.Engine.HasWork, "The loop would spin.");
        var unacknowledged = reader.All().Count;

        reader = broker.Connect("reader", Lasting);
        for (var i = 0; i < unacknowledged; i++)
        {
            Take(reader);
        }

        for (var i = 15 + unacknowledged; i < 100; i++)
        {
            Take(reader);
        }

        reader.ExpectNothing();
        Assert.Equal(100, texts.Distinct().Count());

        void Take(TestLink link)
        {
            var publish = link.Next<PublishPacket>();
            texts.Add(TestLink.Text(publish));
            link.Acknowledge(publish);
        }
    }

    [Theory]
    [InlineData("unsubscribe")]
    [InlineData("end")]
    [InlineData("clean start")]
    public void A_subscription_that_ends_leaves_no_trace_in_the_tree(string how)
    {
        var broker = Filled(100);
        var reader = broker.Subscriber(
            "reader", "#", with: connect => connect with { ReceiveMaximum = 10, SessionExpiryInterval = how == "end" ? 0u : 100u });
        reader.Acknowledge(reader.Next<PublishPacket>());
        switch (how)
        {
            case "unsubscribe":
                reader.Unsubscribe("#");
                break;
            case "end":
                reader.Lose();
                break;
            default:
                broker.Connect("reader", connect => connect with { CleanStart = true }).ExpectNothing();
                break;
        }

        Empty(broker, 100);

        Assert.Equal(0, broker.Counters.RetainedBytes);
        Assert.False(broker.Engine.HasWork);
    }

    [Fact]
    [Trait("Label", "MQTT-3.8.4-4")]
    public void Who_asks_again_meanwhile_gets_all_of_them_once_more()
    {
        var broker = Filled(100);
        var reader = broker.Subscriber("reader", "#", with: connect => connect with { ReceiveMaximum = 10 });
        for (var i = 0; i < 5; i++)
        {
            reader.Subscribe("#");
        }

        broker.Connect("publisher").Publish(ToRetain("later", "later"));
        var texts = new List<string>();
        while (reader.TryNext() is PublishPacket publish)
        {
            if (publish.Message.Retain)
            {
                texts.Add(TestLink.Text(publish));
            }

            if (publish.Message.QoS == QualityOfService.AtLeastOnce)
            {
                reader.Acknowledge(publish);
            }
        }

        Assert.Equal(200, texts.Count);
        Assert.All(texts.CountBy(text => text), counted => Assert.Equal(2, counted.Value));
    }

    [Fact]
    public void A_message_that_expires_while_it_waits_for_the_walk_does_not_come()
    {
        var broker = new HandTurnedBroker();
        var publisher = broker.Connect("publisher");
        publisher.PublishAcknowledged(ToRetain("last", "for ever"));
        publisher.PublishAcknowledged(ToRetain("middle", "short") with { MessageExpiryInterval = 5 });
        publisher.PublishAcknowledged(ToRetain("first", "first"));
        var reader = broker.Subscriber("reader", "#", with: connect => connect with { ReceiveMaximum = 1 });
        var first = reader.NextMessage("first");

        broker.TurnSeconds(6);
        reader.Acknowledge(first);

        reader.Acknowledge(reader.NextMessage("for ever"));
        reader.ExpectNothing();
    }

    private static HandTurnedBroker Filled(int count, BrokerOptions? options = null)
    {
        var broker = new HandTurnedBroker(options);
        var publisher = broker.Connect("publisher");
        for (var i = 0; i < count; i++)
        {
            publisher.Send(
                new PublishPacket(ToRetain($"sensors/{i}/state", $"{i}", QualityOfService.AtLeastOnce)) { PacketIdentifier = new(1) });
        }

        Assert.Equal(count, broker.Counters.RetainedMessages);
        return broker;
    }

    private static void Empty(HandTurnedBroker broker, int count)
    {
        var publisher = broker.Connect("publisher");
        for (var i = 0; i < count; i++)
        {
            publisher.Publish(ToRetain($"sensors/{i}/state", ""));
        }
    }

    /// <summary>A SUBSCRIBE arrives, and the turn does not end yet.</summary>
    private static void Begin(HandTurnedBroker broker, TestLink reader) =>
        broker.Engine.Receive(reader.Connection, TestLink.Bytes(All), broker.Now);

    /// <summary>One turn of the loop ends.</summary>
    private static void Turn(HandTurnedBroker broker)
    {
        broker.Engine.Advance(broker.Now);
        broker.Engine.Flush(broker.Now);
    }
}
