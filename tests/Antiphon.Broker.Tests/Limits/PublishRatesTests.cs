using Antiphon.Protocol;
using Antiphon.Protocol.Packets;
using Antiphon.Protocol.Properties;

namespace Antiphon.Broker.Tests.Limits;

/// <summary>How fast a client may publish.</summary>
public sealed class PublishRatesTests
{
    private readonly HandTurnedBroker _broker = new(
        new BrokerOptions { MaximumPublishesPerSecond = 10, MaximumPublishBurst = 5, ReceiveMaximum = 20 });

    [Fact]
    [Trait("Label", "MQTT-4.6.0-2")]
    public void What_is_published_too_fast_is_delivered_at_once_and_acknowledged_at_the_rate_in_order()
    {
        var reader = _broker.Subscriber("reader", "t");
        var publisher = _broker.Connect("publisher");

        Send(publisher, 1, 15);

        Assert.Equal(15, reader.All().Count);
        Assert.Equal([1, 2, 3, 4, 5], Acknowledged(publisher));
        Assert.Equal(10, _broker.Counters.WithheldAcknowledgements);
        Assert.Equal(10, _broker.Counters.DelayedOverRate);

        // One leaves each tenth of a second, which a deadline may meet 32 ms late.
        var later = new List<int>();
        for (var step = 1; step <= 10; step++)
        {
            _broker.Turn(TimeSpan.FromMilliseconds(100));
            later.AddRange(Acknowledged(publisher));
            Assert.InRange(later.Count, step - 1, step + 1);
        }

        _broker.Turn(TimeSpan.FromMilliseconds(100));
        Assert.Equal([6, 7, 8, 9, 10, 11, 12, 13, 14, 15], later.Concat(Acknowledged(publisher)));
        Assert.Equal(0, _broker.Counters.WithheldAcknowledgements);
    }

    [Fact]
    public void A_client_that_waits_for_its_acknowledgements_publishes_at_the_rate()
    {
        var publisher = _broker.Connect("publisher");
        var acknowledged = 0;
        Send(publisher, 1, 20);
        for (var turn = 0; turn < 1000; turn++)
        {
            var more = Acknowledged(publisher);
            acknowledged += more.Count;
            Send(publisher, more);
            _broker.Turn(TimeSpan.FromMilliseconds(10));
        }

        Assert.InRange(acknowledged, 100, 110);
    }

    [Fact]
    public void A_high_rate_is_reached_with_a_Receive_Maximum_that_lasts_for_less_than_a_tick_of_the_deadlines()
    {
        var broker = new HandTurnedBroker(
            new BrokerOptions { MaximumPublishesPerSecond = 10_000, MaximumPublishBurst = 1, ReceiveMaximum = 100 });
        var publisher = broker.Connect("publisher");
        var acknowledged = 0;
        Send(publisher, 1, 100);
        for (var turn = 0; turn < 1000; turn++)
        {
            for (var more = Acknowledged(publisher); more.Count > 0; more = Acknowledged(publisher))
            {
                acknowledged += more.Count;
                Send(publisher, more);
            }

            broker.Turn(TimeSpan.FromMilliseconds(1));
        }

        Assert.InRange(acknowledged, 9_500, 10_500);
    }

    [Fact]
    public void Who_goes_on_beyond_the_Receive_Maximum_is_ended_with_0x93()
    {
        var publisher = _broker.Connect("publisher");

        Send(publisher, 1, 26);

        Assert.Equal(5, publisher.All().OfType<AcknowledgementPacket>().Count());
        Assert.Equal(ReasonCode.ReceiveMaximumExceeded, publisher.Connection.CloseReason.Code);
        Assert.Equal(0, _broker.Counters.WithheldAcknowledgements);
    }

    [Fact]
    [Trait("Label", "MQTT-4.6.0-2")]
    public void What_waits_still_leaves_first_where_a_rate_is_taken_back()
    {
        var publisher = _broker.Connect("publisher");
        Send(publisher, 1, 7);
        Acknowledged(publisher);

        _broker.Engine.ReplaceOptions(_broker.Options with { MaximumPublishesPerSecond = 0 });
        Send(publisher, 8, 9);
        _broker.TurnSeconds(1);

        Assert.Equal([6, 7, 8, 9], Acknowledged(publisher));
        Send(publisher, 10, 20);
        Assert.Equal(11, Acknowledged(publisher).Count);
    }

    [Fact]
    public void Of_QoS_2_it_is_PUBREC_that_waits()
    {
        var publisher = _broker.Connect("publisher");
        Send(publisher, 1, 5);
        Acknowledged(publisher);

        publisher.Send(new PublishPacket(TestLink.Message("t", "", QualityOfService.ExactlyOnce)) { PacketIdentifier = new(9) });
        publisher.ExpectNothing();
        _broker.Turn(TimeSpan.FromMilliseconds(140));

        Assert.Equal(ReasonCode.NoMatchingSubscribers, publisher.ExpectAnswer(PacketType.PubRec, new(9)));
        publisher.Answer(PacketType.PubRel, new(9));
        Assert.Equal(ReasonCode.Success, publisher.ExpectAnswer(PacketType.PubComp, new(9)));
    }

    [Fact]
    public void With_QoS_0_what_is_too_fast_is_dropped_and_counted_and_uses_nothing_of_the_rate()
    {
        var reader = _broker.Subscriber("reader", "t");
        var publisher = _broker.Connect("publisher");
        for (var i = 0; i < 50; i++)
        {
            publisher.Publish("t", $"{i}");
        }

        Assert.Equal(["0", "1", "2", "3", "4"], reader.All().Cast<PublishPacket>().Select(TestLink.Text));
        Assert.Equal(45, _broker.Counters.DroppedOverRate);
        _broker.Turn(TimeSpan.FromMilliseconds(101));
        publisher.Publish("t", "next");
        publisher.Publish("t", "too soon");
        reader.NextMessage("next");
        reader.ExpectNothing();
    }

    [Fact]
    public void Each_client_has_a_rate_of_its_own_and_other_packets_are_not_held_up()
    {
        var publisher = _broker.Connect("publisher");
        Send(publisher, 1, 10);
        Acknowledged(publisher);

        publisher.Send(PingReqPacket.Instance);
        publisher.Next<PingRespPacket>();
        publisher.Subscribe("t");
        Assert.Equal(ReasonCode.Success, _broker.Connect("other").PublishAcknowledged("t"));
        publisher.NextMessage("");
    }

    [Fact]
    public void A_connection_that_ends_forgets_what_waits_and_the_Session_remembers_what_was_used()
    {
        var publisher = Connect();
        Send(publisher, 1, 15);
        publisher.Lose();
        Assert.Equal(0, _broker.Counters.WithheldAcknowledgements);

        // The ten that were not acknowledged come again, and are still too fast.
        var back = Connect();
        Send(back, 6, 15);
        Assert.Empty(Acknowledged(back));
        _broker.Turn(TimeSpan.FromMilliseconds(1100));
        Assert.Equal([6, 7, 8, 9, 10, 11, 12, 13, 14, 15], Acknowledged(back));

        TestLink Connect() => _broker.Connect("publisher", connect => connect with { SessionExpiryInterval = 100 });
    }

    [Fact]
    public void What_waits_counts_in_memory_and_gives_it_back()
    {
        var publisher = _broker.Connect("publisher");
        Send(publisher, 1, 5);
        Acknowledged(publisher);
        var before = _broker.Engine.BufferBytes;

        Send(publisher, 6, 15);
        Assert.True(_broker.Engine.BufferBytes >= before + 10 * 64);
        _broker.TurnSeconds(2);

        Assert.Equal(10, Acknowledged(publisher).Count);
        Assert.Equal(before, _broker.Engine.BufferBytes);
    }

    [Theory]
    [InlineData(QualityOfService.AtMostOnce)]
    [InlineData(QualityOfService.AtLeastOnce)]
    public void Bytes_may_be_bounded_too_and_a_packet_longer_than_a_seconds_worth_passes_all_the_same(QualityOfService qos)
    {
        var broker = new HandTurnedBroker(new BrokerOptions { MaximumPublishBytesPerSecond = 1000 });
        var publisher = broker.Connect("publisher");
        Publish(1, 3000);
        Publish(2, 10);

        Assert.Equal(qos == QualityOfService.AtMostOnce ? 1 : 0, broker.Counters.DroppedOverRate);
        Assert.Equal(qos == QualityOfService.AtMostOnce ? 0 : 1, broker.Counters.WithheldAcknowledgements);
        broker.Turn(TimeSpan.FromMilliseconds(2200));

        Assert.Equal(0, broker.Counters.WithheldAcknowledgements);
        Publish(3, 10);
        Assert.Equal(qos == QualityOfService.AtMostOnce ? 1 : 0, broker.Counters.DroppedOverRate);

        void Publish(ushort identifier, int length) => publisher.Send(
            new PublishPacket(TestLink.Message("t", new string('x', length), qos)) { PacketIdentifier = new(identifier) });
    }

    [Fact]
    public void A_request_with_QoS_0_that_asks_to_be_notified_is_answered_with_429_to_its_requester_alone()
    {
        var reader = _broker.Subscriber("reader", "#");
        var requester = Requester(out var topic);
        for (var i = 0; i < 5; i++)
        {
            requester.Publish("t");
        }

        requester.Publish(Request(topic));

        var reply = requester.Next<PublishPacket>();
        Assert.Equal(topic, reply.Message.Topic);
        Assert.Empty(reply.Message.Payload.ToArray());
        Assert.Equal<byte>([1, 2, 3], reply.Message.CorrelationData!.Value.ToArray());
        Assert.Equal(
            [new UserProperty("__stat", "429"), new UserProperty("antiphon-reason", "publish-rate")], reply.Message.UserProperties);
        Assert.Equal(7u, Assert.Single(reply.SubscriptionIdentifiers));
        Assert.Equal(QualityOfService.AtMostOnce, reply.Message.QoS);
        Assert.Equal(5, reader.All().Count);
        Assert.Equal(0, _broker.Counters.OpenExchanges);
    }

    [Fact]
    public void Nobody_else_is_notified()
    {
        var requester = Requester(out var topic);
        var other = Requester(out var another, "other");
        for (var i = 0; i < 5; i++)
        {
            requester.Publish("t");
        }

        requester.Publish(Request(topic) with { UserProperties = [] });
        requester.Publish(Request(topic) with { UserProperties = [new UserProperty("antiphon-notify", "0")] });
        requester.Publish(Request(another));
        requester.Publish(Request("responses/of/somebody"));
        requester.Publish(TestLink.Message("t") with { UserProperties = [new UserProperty("antiphon-notify", "1")] });
        requester.Unsubscribe(topic);
        requester.Publish(Request(topic));

        requester.ExpectNothing();
        other.ExpectNothing();
        Assert.Equal(6, _broker.Counters.DroppedOverRate);
    }

    [Fact]
    public void Where_no_rate_is_set_nothing_is_held()
    {
        var broker = new HandTurnedBroker();
        var publisher = broker.Connect("publisher");
        for (ushort i = 1; i <= 2000; i++)
        {
            Assert.Equal(ReasonCode.NoMatchingSubscribers, publisher.PublishAcknowledged("t"));
        }

        Assert.Null(broker.Engine.FindSession("publisher")!.Pace);
    }

    private TestLink Requester(out string topic, string clientId = "requester")
    {
        var requester = _broker.Connect(clientId, connect => connect with { RequestResponseInformation = true });
        topic = requester.ConnAck.ResponseInformation!;
        requester.Subscribe(topic, QualityOfService.AtLeastOnce, identifier: 7);
        return requester;
    }

    private static ApplicationMessage Request(string responseTopic) => TestLink.Message("t") with
    {
        ResponseTopic = responseTopic,
        CorrelationData = new byte[] { 1, 2, 3 },
        UserProperties = [new UserProperty("antiphon-notify", "1")],
    };

    private static void Send(TestLink publisher, int first, int last) => Send(publisher, Enumerable.Range(first, last - first + 1));

    private static void Send(TestLink publisher, IEnumerable<int> identifiers) => publisher.Send(identifiers.Select(identifier =>
        new PublishPacket(TestLink.Message("t", "", QualityOfService.AtLeastOnce)) { PacketIdentifier = new((ushort)identifier) }));

    private static List<int> Acknowledged(TestLink publisher) =>
        [.. publisher.All().Cast<AcknowledgementPacket>().Select(answer => (int)answer.PacketIdentifier.Value)];
}
