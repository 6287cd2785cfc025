using Antiphon.Protocol;
using Antiphon.Protocol.Packets;
using static Antiphon.Broker.Tests.Retained.RetainedMessageTests;

namespace Antiphon.Broker.Tests.Retained;

public sealed class RetainedBoundsTests
{
    [Fact]
    public void One_too_many_is_refused_with_0x97_and_nothing_of_it_takes_effect()
    {
        var broker = new HandTurnedBroker(new BrokerOptions { MaximumRetainedMessages = 2 });
        var listener = broker.Subscriber("listener", "#");
        var publisher = broker.Connect("publisher");
        publisher.PublishAcknowledged(ToRetain("a", "1"));
        publisher.PublishAcknowledged(ToRetain("b", "2"));

        publisher.Send(new PublishPacket(ToRetain("c", "3", QualityOfService.AtLeastOnce)) { PacketIdentifier = new(9) });

        var refusal = publisher.Next<AcknowledgementPacket>();
        Assert.Equal(ReasonCode.QuotaExceeded, refusal.ReasonCode);
        Assert.Contains("retained", refusal.ReasonString, StringComparison.Ordinal);
        Assert.Equal(["1", "2"], Texts(listener));
        Assert.Equal(["1", "2"], Texts(broker.Subscriber("later", "#")));
        Assert.Equal(0, broker.Counters.NotRetained);
    }

    [Fact]
    public void A_full_store_still_replaces_and_removes()
    {
        var broker = new HandTurnedBroker(new BrokerOptions { MaximumRetainedMessages = 1 });
        var publisher = broker.Connect("publisher");
        publisher.PublishAcknowledged(ToRetain("a", "1"));

        Assert.Equal(ReasonCode.NoMatchingSubscribers, publisher.PublishAcknowledged(ToRetain("a", "2")));
        Assert.Equal(["2"], Texts(broker.Subscriber("first", "#")));
        publisher.PublishAcknowledged(ToRetain("a", ""));
        publisher.PublishAcknowledged(ToRetain("b", "3"));

        Assert.Equal(["3"], Texts(broker.Subscriber("second", "#")));
    }

    [Fact]
    public void QoS_0_beyond_the_bound_is_passed_on_and_leaves_no_older_message_to_be_taken_for_the_latest()
    {
        var broker = new HandTurnedBroker(new BrokerOptions { MaximumRetainedBytes = 2000 });
        var listener = broker.Subscriber("listener", "#");
        var publisher = broker.Connect("publisher");
        publisher.Publish(ToRetain("a", "short"));
        var large = new string('x', 2000);

        publisher.Publish(ToRetain("a", large));

        Assert.Equal(["short", large], Texts(listener));
        Assert.Equal(1, broker.Counters.NotRetained);
        Assert.Equal(0, broker.Counters.RetainedMessages);
        Assert.Equal(0, broker.Counters.RetainedBytes);
    }

    [Fact]
    public void A_Will_beyond_the_bound_is_passed_on_and_counted()
    {
        var broker = new HandTurnedBroker(new BrokerOptions { MaximumRetainedMessages = 0 });
        var listener = broker.Subscriber("listener", "will");

        broker.Connect(
            "mortal", connect => connect with { Will = new Will(ToRetain("will", "gone", QualityOfService.AtLeastOnce)) }).Lose();

        listener.NextMessage("gone");
        Assert.Equal(1, broker.Counters.NotRetained);
        broker.Subscriber("later", "will").ExpectNothing();
    }

    [Fact]
    public void The_bound_in_bytes_counts_topics_and_buffers_and_holds()
    {
        var broker = new HandTurnedBroker(new BrokerOptions { MaximumRetainedBytes = 100_000 });
        var publisher = broker.Connect("publisher");
        var stored = 0;
        while (publisher.PublishAcknowledged(ToRetain($"many/levels/{stored}/of/one/topic", "x")) == ReasonCode.NoMatchingSubscribers)
        {
            stored++;
        }

        Assert.Equal(stored, broker.Counters.RetainedMessages);
        Assert.InRange(broker.Counters.RetainedBytes, 98_000, 100_000);
        for (var i = 0; i < stored; i++)
        {
            publisher.Publish(ToRetain($"many/levels/{i}/of/one/topic", ""));
        }

        Assert.Equal(0, broker.Counters.RetainedMessages);
        Assert.Equal(0, broker.Counters.RetainedBytes);
    }

    [Fact]
    public void A_topic_of_128_levels_is_retained_and_one_of_more_is_refused()
    {
        var broker = new HandTurnedBroker();
        var publisher = broker.Connect("publisher");
        var deepest = string.Join('/', Enumerable.Repeat("a", 128));

        Assert.Equal(ReasonCode.NoMatchingSubscribers, publisher.PublishAcknowledged(ToRetain(deepest, "deep")));
        Assert.Equal(ReasonCode.TopicNameInvalid, publisher.PublishAcknowledged(ToRetain(deepest + "/a", "deeper")));
        Assert.Equal(ReasonCode.TopicNameInvalid, publisher.PublishAcknowledged(ToRetain(new string('/', 60_000), "deepest")));

        Assert.Equal(["deep"], Texts(broker.Subscriber("multi", "#")));
        Assert.Equal(["deep"], Texts(broker.Subscriber("exact", deepest)));
        Assert.Equal(["deep"], Texts(broker.Subscriber("single", string.Join('/', Enumerable.Repeat("+", 128)))));
    }

    [Fact]
    public void What_is_retained_withholds_no_acknowledgement()
    {
        var broker = new HandTurnedBroker(new BrokerOptions { MaximumBufferBytes = 1024 * 1024 });
        var publisher = broker.Connect("publisher");
        for (var i = 0; i < 100; i++)
        {
            Assert.Equal(ReasonCode.NoMatchingSubscribers, publisher.PublishAcknowledged(ToRetain($"{i}", new string('x', 40_000))));
        }

        Assert.True(broker.Counters.RetainedBytes > 4 * 1024 * 1024);
        Assert.Equal(0, broker.Counters.WithheldAcknowledgements);
        Assert.Equal(0, broker.Counters.PausedConnections);
    }

    [Fact]
    public void A_message_that_waits_for_a_Session_and_is_retained_no_more_counts_among_the_buffers_again()
    {
        var broker = new HandTurnedBroker(new BrokerOptions { MaximumBufferBytes = 1024 * 1024 });
        var slow = broker.Subscriber("slow", "#");
        var publisher = broker.Connect("publisher");
        for (var i = 0; i < 20; i++)
        {
            publisher.PublishAcknowledged(ToRetain($"{i}", new string('x', 60_000)));
        }

        for (ushort i = 0; i < 20; i++)
        {
            publisher.Send(
                new PublishPacket(ToRetain($"{i}", "", QualityOfService.AtLeastOnce)) { PacketIdentifier = new((ushort)(100 + i)) });
        }

        Assert.True(broker.Counters.WithheldAcknowledgements > 0);
        slow.All().Cast<PublishPacket>().ToList().ForEach(slow.Acknowledge);
        Assert.Equal(0, broker.Counters.WithheldAcknowledgements);
    }
}
