using Antiphon.Protocol;
using Antiphon.Protocol.Packets;
using Antiphon.Protocol.Properties;

namespace Antiphon.Broker.Tests.Limits;

/// <summary>How long and how deep topics may be, how many User Properties a packet may have, how many messages are on their way.</summary>
public sealed class MessageLimitsTests
{
    private readonly HandTurnedBroker _broker = new(
        new BrokerOptions { MaximumTopicLength = 20, MaximumTopicLevels = 4, MaximumUserProperties = 3, MaximumUserPropertyBytes = 30 });

    [Theory]
    [InlineData("12345678901234567890", true)]
    [InlineData("123456789012345678901", false)]
    [InlineData("1/2/3/4", true)]
    [InlineData("1/2/3/4/5", false)]
    [InlineData("////", false)]
    public void A_topic_that_is_too_long_or_too_deep_is_refused_with_0x90_and_dropped_with_QoS_0(string topic, bool holds)
    {
        var listener = _broker.Subscriber("listener", "#");
        var client = _broker.Connect("a");
        var expected = holds ? ReasonCode.Success : ReasonCode.TopicNameInvalid;

        client.Publish(topic);
        Assert.Equal(expected, client.PublishAcknowledged(topic));
        Assert.Equal(expected, client.PublishExactlyOnce(topic));
        var old = _broker.ConnectV311("old");
        Assert.Equal(ReasonCode.Success, old.PublishAcknowledged(topic));

        Assert.Equal(holds ? 4 : 0, listener.All().Count);
        Assert.Equal(holds ? 0 : 4, _broker.Counters.OverMessageLimits);
    }

    [Fact]
    public void The_refusal_says_why()
    {
        var client = _broker.Connect("a");

        client.Send(new PublishPacket(TestLink.Message("1/2/3/4/5", "", QualityOfService.AtLeastOnce)) { PacketIdentifier = new(1) });

        Assert.Contains("4 levels", client.Next<AcknowledgementPacket>().ReasonString, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("1/2/3/4")]
    [InlineData("1/2/3/#")]
    [InlineData("$share/a long name of a group/1/2/3/4")]
    [InlineData("$share/g/12345678901234567890")]
    public void A_filter_within_the_limits_is_granted(string filter) =>
        Assert.Equal([ReasonCode.GrantedQoS1], _broker.Connect("a").Subscribe(filter).ReasonCodes);

    [Theory]
    [InlineData("1/2/3/4/#")]
    [InlineData("$share/g/1/2/3/4/5")]
    [InlineData("123456789012345678901")]
    public void A_filter_that_is_too_long_or_too_deep_is_refused_with_0x8F(string filter)
    {
        var answer = _broker.Connect("a").Subscribe(filter);

        Assert.Equal([ReasonCode.TopicFilterInvalid], answer.ReasonCodes);
        Assert.NotNull(answer.ReasonString);
        Assert.Equal(1, _broker.Counters.RefusedSubscriptions);
    }

    [Fact]
    public void A_Will_is_held_to_the_same()
    {
        var link = _broker.Open();
        link.Send(new ConnectPacket { Will = new Will(TestLink.Message("1/2/3/4/5")) });
        Assert.Equal(ReasonCode.TopicNameInvalid, link.Next<ConnAckPacket>().ReasonCode);

        link = _broker.Open();
        link.Send(new ConnectPacket { Will = new Will(TestLink.Message("w") with { UserProperties = Many(4) }) });
        Assert.Equal(ReasonCode.QuotaExceeded, link.Next<ConnAckPacket>().ReasonCode);

        _broker.Connect("a", connect => connect with { Will = new Will(TestLink.Message("1/2/3/4") with { UserProperties = Many(3) }) });
    }

    [Theory]
    [InlineData(3, 5, true)]
    [InlineData(4, 1, false)]
    [InlineData(1, 15, true)]
    [InlineData(1, 16, false)]
    [InlineData(0, 0, true)]
    public void A_message_with_too_many_or_too_long_User_Properties_is_refused_with_0x97_and_dropped_with_QoS_0(
        int count, int length, bool holds)
    {
        var listener = _broker.Subscriber("listener", "t");
        var client = _broker.Connect("a");
        var text = new string('x', length);
        var message = TestLink.Message("t") with
        {
            UserProperties = [.. Enumerable.Repeat(new UserProperty(text, text), count)],
            ContentType = "one that is longer than all User Properties may be together",
        };

        client.Publish(message);
        Assert.Equal(holds ? ReasonCode.Success : ReasonCode.QuotaExceeded, client.PublishAcknowledged(message));

        Assert.Equal(holds ? 2 : 0, listener.All().Count);
        Assert.Equal(holds ? 0 : 2, _broker.Counters.OverMessageLimits);
    }

    [Fact]
    public void Too_many_in_another_packet_end_its_connection_with_0x97()
    {
        var connect = _broker.Open();
        connect.Send(new ConnectPacket { UserProperties = Many(4) });
        Assert.Equal(ReasonCode.QuotaExceeded, connect.Next<ConnAckPacket>().ReasonCode);
        connect.ExpectClosed();

        var subscribe = Subscription(Many(3));
        _broker.Connect("a").Send(subscribe);
        Expect0x97(Subscription(Many(4)));
        Expect0x97(new UnsubscribePacket { PacketIdentifier = new(1), TopicFilters = ["a"], UserProperties = Many(4) });
        Assert.Equal(3, _broker.Counters.OverMessageLimits);
        Assert.Equal(1, _broker.Counters.Subscriptions);

        void Expect0x97(Packet packet)
        {
            var client = _broker.Connect("b");
            client.Send(packet);
            Assert.Contains("4 User Properties", client.ExpectDisconnect(ReasonCode.QuotaExceeded).ReasonString, StringComparison.Ordinal);
        }

        static SubscribePacket Subscription(IReadOnlyList<UserProperty> properties) => new()
        {
            PacketIdentifier = new(1),
            Subscriptions = [new RequestedSubscription("a", new SubscriptionOptions(QualityOfService.AtMostOnce))],
            UserProperties = properties,
        };
    }

    [Theory]
    [InlineData(null, 3)]
    [InlineData(2, 2)]
    [InlineData(65_535, 3)]
    public void No_more_messages_are_sent_than_the_broker_keeps_on_their_way_whatever_the_client_takes(int? asked, int expected)
    {
        var broker = new HandTurnedBroker(new BrokerOptions { MaximumInflight = 3 });
        var reader = broker.Subscriber("reader", "t", with: connect => connect with { ReceiveMaximum = (ushort?)asked });
        var publisher = broker.Connect("publisher");
        for (var i = 0; i < 5; i++)
        {
            publisher.PublishAcknowledged("t", $"{i}");
        }

        var sent = reader.All().Cast<PublishPacket>().ToList();
        Assert.Equal(expected, sent.Count);
        reader.Acknowledge(sent[0]);
        reader.NextMessage($"{expected}");
    }

    [Fact]
    public void Refusals_for_want_of_room_are_counted()
    {
        var broker = new HandTurnedBroker(new BrokerOptions { MaximumConnections = 1, MaximumSubscriptions = 1, MaximumPacketSize = 100 });
        var client = broker.Subscriber("a", "1");
        client.Subscribe("2");
        broker.Open().Send(new ConnectPacket { ClientId = "b" });
        client.Send(new PublishPacket(TestLink.Message("t", new string('x', 100))));

        client.ExpectDisconnect(ReasonCode.PacketTooLarge);
        Assert.Equal(
            (1, 1, 1),
            (broker.Counters.RefusedClients, broker.Counters.RefusedSubscriptions, broker.Counters.OversizedPackets));
    }

    private static IReadOnlyList<UserProperty> Many(int count) => [.. Enumerable.Repeat(new UserProperty("k", "v"), count)];
}
