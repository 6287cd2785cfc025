using Antiphon.Protocol;
using Antiphon.Protocol.Packets;

namespace Antiphon.Broker.Tests.Publishing;

public sealed class SlowReaderTests
{
    private static readonly string Kilobyte = new('x', 1000);

    [Fact]
    public void QoS_0_to_a_slow_reader_is_dropped_beyond_the_bound_and_counted()
    {
        var broker = new HandTurnedBroker(new BrokerOptions { MaximumOutputBytes = 10_000 });
        var slow = broker.Subscriber("slow", "t", QualityOfService.AtMostOnce);
        var quick = broker.Subscriber("quick", "t", QualityOfService.AtMostOnce);
        var publisher = broker.Connect("publisher");
        slow.Reads = false;

        for (var i = 0; i < 100; i++)
        {
            publisher.Publish("t", Kilobyte);
        }

        Assert.InRange(slow.Connection.Output.Length, 10_000, 11_100);
        Assert.Equal(100, quick.All().Count);
        slow.ReadAgain();
        Assert.Equal(100 - broker.Counters.DroppedSlowReader, slow.All().Count);
        publisher.Publish("t", "after");
        slow.NextMessage("after");
    }

    [Fact]
    public void QoS_1_to_a_slow_reader_waits_in_its_Session_and_comes_in_order()
    {
        var broker = new HandTurnedBroker(new BrokerOptions { MaximumOutputBytes = 10_000 });
        var slow = broker.Subscriber("slow", "t");
        var publisher = broker.Connect("publisher");
        slow.Reads = false;
        for (var i = 0; i < 100; i++)
        {
            publisher.PublishAcknowledged("t", $"{i} {Kilobyte}");
        }

        Assert.InRange(slow.Connection.Output.Length, 10_000, 11_100);
        slow.ReadAgain();

        Assert.Equal(Enumerable.Range(0, 100).Select(i => $"{i} {Kilobyte}"), slow.All().Cast<PublishPacket>().Select(TestLink.Text));
    }

    [Fact]
    public void The_queue_is_bounded_in_messages_and_the_newest_is_dropped_and_counted()
    {
        var broker = new HandTurnedBroker(new BrokerOptions { MaximumQueuedMessages = 3 });
        broker.Subscriber("away", "t", with: connect => connect with { SessionExpiryInterval = 100 }).Lose();
        var publisher = broker.Connect("publisher");
        for (var i = 0; i < 5; i++)
        {
            Assert.Equal(ReasonCode.Success, publisher.PublishAcknowledged("t", $"{i}"));
        }

        Assert.Equal(["0", "1", "2"], broker.Connect("away").All().Cast<PublishPacket>().Select(TestLink.Text));
        Assert.Equal(2, broker.Counters.DroppedQueueFull);
    }

    [Fact]
    public void With_DiscardOldest_those_that_waited_longest_make_room_for_the_newest()
    {
        var broker = new HandTurnedBroker(
            new BrokerOptions { MaximumQueuedMessages = 4, MaximumQueuedBytes = 2500, QueueOverflow = QueueOverflow.DiscardOldest });
        broker.Subscriber("away", "t", with: connect => connect with { SessionExpiryInterval = 100 }).Lose();
        var publisher = broker.Connect("publisher");
        for (var i = 0; i < 6; i++)
        {
            publisher.PublishAcknowledged("t", $"{i}");
        }

        Assert.Equal(2, broker.Counters.DroppedQueueFull);
        publisher.PublishAcknowledged("t", Kilobyte + Kilobyte);
        Assert.Equal(3, broker.Counters.DroppedQueueFull);
        publisher.PublishAcknowledged("t", Kilobyte);
        Assert.Equal(7, broker.Counters.DroppedQueueFull);
        publisher.PublishAcknowledged("t", "last");

        Assert.Equal([Kilobyte, "last"], broker.Connect("away").All().Cast<PublishPacket>().Select(TestLink.Text));
    }

    [Fact]
    public void A_message_larger_than_the_whole_queue_displaces_nothing()
    {
        var broker = new HandTurnedBroker(new BrokerOptions { MaximumQueuedBytes = 500, QueueOverflow = QueueOverflow.DiscardOldest });
        broker.Subscriber("away", "t", with: connect => connect with { SessionExpiryInterval = 100 }).Lose();
        var publisher = broker.Connect("publisher");
        publisher.PublishAcknowledged("t", "small");

        publisher.PublishAcknowledged("t", Kilobyte);

        var back = broker.Connect("away");
        back.NextMessage("small");
        back.ExpectNothing();
        Assert.Equal(1, broker.Counters.DroppedQueueFull);
    }

    [Theory]
    [InlineData(QueueOverflow.DiscardNewest)]
    [InlineData(QueueOverflow.DiscardOldest)]
    public void What_has_expired_takes_no_place_from_what_has_not_wherever_it_stands(QueueOverflow policy)
    {
        var broker = new HandTurnedBroker(new BrokerOptions { MaximumQueuedMessages = 4, QueueOverflow = policy });
        var slow = broker.Subscriber("slow", "t", with: connect => connect with { ReceiveMaximum = 1 });
        var publisher = broker.Connect("publisher");
        publisher.PublishAcknowledged("t", "0");
        publisher.PublishAcknowledged("t", "1");
        publisher.PublishAcknowledged(TestLink.Message("t", "2") with { MessageExpiryInterval = 5 });
        publisher.PublishAcknowledged(TestLink.Message("t", "3") with { MessageExpiryInterval = 9 });
        publisher.PublishAcknowledged(TestLink.Message("t", "4") with { MessageExpiryInterval = 5 });
        broker.TurnSeconds(5);

        publisher.PublishAcknowledged("t", "5");
        publisher.PublishAcknowledged("t", "6");

        Assert.Equal((2, 0), (broker.Counters.Expired, broker.Counters.DroppedQueueFull));
        foreach (var expected in new[] { "0", "1", "3", "5", "6" })
        {
            slow.Acknowledge(slow.NextMessage(expected));
        }
    }

    [Fact]
    public void What_expires_while_its_client_is_away_gives_its_memory_back_then()
    {
        var broker = new HandTurnedBroker(new BrokerOptions { MaximumBufferBytes = 1024 * 1024 });
        broker.Subscriber("away", "t", with: connect => connect with { SessionExpiryInterval = uint.MaxValue }).Lose();
        broker.Subscriber("other", "u", with: connect => connect with { SessionExpiryInterval = uint.MaxValue }).Lose();
        var publisher = broker.Connect("publisher");
        for (var i = 0; broker.Counters.DroppedMemoryShort == 0; i++)
        {
            Assert.InRange(i, 0, 2000);
            publisher.PublishAcknowledged(TestLink.Message("t", Kilobyte) with { MessageExpiryInterval = (uint)(5 + i % 2) });
        }

        publisher.PublishAcknowledged("u", "too early");
        broker.TurnSeconds(5.1);
        publisher.PublishAcknowledged("u", "there is room");
        broker.TurnSeconds(1);
        publisher.PublishAcknowledged("u", "and more");

        Assert.Equal(["there is room", "and more"], broker.Connect("other").All().Cast<PublishPacket>().Select(TestLink.Text));
        broker.Connect("away").ExpectNothing();
    }

    [Fact]
    public void QoS_0_for_a_client_that_is_away_is_dropped_and_counted()
    {
        var broker = new HandTurnedBroker();
        broker.Subscriber("away", "t", with: connect => connect with { SessionExpiryInterval = 100 }).Lose();

        broker.Connect("publisher").Publish("t");

        Assert.Equal(1, broker.Counters.DroppedAway);
        broker.Connect("away").ExpectNothing();
    }

    [Fact]
    public void The_queue_is_bounded_in_bytes()
    {
        var broker = new HandTurnedBroker(new BrokerOptions { MaximumQueuedBytes = 2500 });
        broker.Subscriber("away", "t", with: connect => connect with { SessionExpiryInterval = 100 }).Lose();
        var publisher = broker.Connect("publisher");
        for (var i = 0; i < 5; i++)
        {
            publisher.PublishAcknowledged("t", Kilobyte);
        }

        publisher.PublishAcknowledged("t", "small");

        var back = broker.Connect("away", connect => connect with { SessionExpiryInterval = 100 });
        Assert.Equal([Kilobyte, Kilobyte, "small"], back.All().Cast<PublishPacket>().Select(TestLink.Text));
        Assert.Equal(3, broker.Counters.DroppedQueueFull);
    }

    [Fact]
    public void What_was_delivered_or_expired_no_longer_counts_for_the_queue()
    {
        var broker = new HandTurnedBroker(new BrokerOptions { MaximumQueuedBytes = 2500, MaximumQueuedMessages = 2 });
        var publisher = broker.Connect("publisher");
        broker.Subscriber("away", "t", with: connect => connect with { SessionExpiryInterval = 100 }).Lose();
        for (var round = 0; round < 20; round++)
        {
            publisher.PublishAcknowledged(TestLink.Message("t", Kilobyte) with { MessageExpiryInterval = 5 });
            publisher.PublishAcknowledged("t", $"{round}");
            broker.TurnSeconds(6);
            var back = broker.Connect("away", connect => connect with { SessionExpiryInterval = 100 });
            back.Acknowledge(back.NextMessage($"{round}"));
            back.ExpectNothing();
            back.Lose();
        }

        Assert.Equal(0, broker.Counters.DroppedQueueFull);
    }

    [Fact]
    public void A_client_that_reads_but_never_acknowledges_does_not_make_the_broker_hold_more_than_the_bound()
    {
        var broker = new HandTurnedBroker(new BrokerOptions { MaximumQueuedBytes = 20_000 });
        var subscriber = broker.Subscriber("never", "t");
        var publisher = broker.Connect("publisher");
        for (var i = 0; i < 200; i++)
        {
            publisher.PublishAcknowledged("t", Kilobyte);
        }

        var sent = subscriber.All().Cast<PublishPacket>().ToList();
        Assert.InRange(sent.Count, 15, 25);
        Assert.InRange(broker.Counters.DroppedQueueFull, 155, 170);

        sent.ForEach(subscriber.Acknowledge);
        Assert.NotEmpty(subscriber.All());
    }
}
