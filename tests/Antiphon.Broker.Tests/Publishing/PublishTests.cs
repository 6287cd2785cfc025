using Antiphon.Protocol;
using Antiphon.Protocol.Packets;
using Antiphon.Protocol.Properties;

namespace Antiphon.Broker.Tests.Publishing;

public sealed class PublishTests
{
    private static readonly UserProperty[] Pairs = [new("b", "2"), new("a", "1"), new("b", "2"), new("", ""), new("\uFEFFé", "€")];

    private static readonly string[] Overlapping =
        ["a/#", "a/b/#", "a/b/c/#", "a/b/c/d/#", "a/b/c/d", "+/b/c/d", "a/+/c/d", "a/b/+/d", "a/b/c/+", "+/+/+/+", "+/#", "#"];

    [Theory]
    [Trait("Label", "MQTT-3.8.4-8")]
    [Trait("Label", "MQTT-4.3.1-1")]
    [Trait("Label", "MQTT-4.3.2-2")]
    [InlineData(QualityOfService.AtMostOnce, QualityOfService.AtMostOnce, QualityOfService.AtMostOnce)]
    [InlineData(QualityOfService.AtMostOnce, QualityOfService.AtLeastOnce, QualityOfService.AtMostOnce)]
    [InlineData(QualityOfService.AtLeastOnce, QualityOfService.AtMostOnce, QualityOfService.AtMostOnce)]
    [InlineData(QualityOfService.AtLeastOnce, QualityOfService.AtLeastOnce, QualityOfService.AtLeastOnce)]
    [InlineData(QualityOfService.AtLeastOnce, QualityOfService.ExactlyOnce, QualityOfService.AtLeastOnce)]
    [InlineData(QualityOfService.ExactlyOnce, QualityOfService.AtMostOnce, QualityOfService.AtMostOnce)]
    [InlineData(QualityOfService.ExactlyOnce, QualityOfService.AtLeastOnce, QualityOfService.AtLeastOnce)]
    [InlineData(QualityOfService.ExactlyOnce, QualityOfService.ExactlyOnce, QualityOfService.ExactlyOnce)]
    public void A_message_is_delivered_with_the_lower_QoS(
        QualityOfService published, QualityOfService subscribed, QualityOfService delivered)
    {
        var broker = new HandTurnedBroker();
        var subscriber = broker.Subscriber("subscriber", "t", subscribed);
        var publisher = broker.Connect("publisher");

        if (published == QualityOfService.AtMostOnce)
        {
            publisher.Publish("t", "hello");
        }
        else
        {
            Assert.Equal(
                ReasonCode.Success,
                published == QualityOfService.AtLeastOnce
                    ? publisher.PublishAcknowledged("t", "hello")
                    : publisher.PublishExactlyOnce("t", "hello"));
        }

        var publish = subscriber.NextMessage("hello");
        Assert.Equal(delivered, publish.Message.QoS);
        Assert.False(publish.Dup);
        Assert.False(publish.Message.Retain);
        publisher.ExpectNothing();
    }

    [Theory]
    [Trait("Label", "MQTT-3.3.2-4")]
    [Trait("Label", "MQTT-3.3.2-15")]
    [Trait("Label", "MQTT-3.3.2-16")]
    [Trait("Label", "MQTT-3.3.2-17")]
    [Trait("Label", "MQTT-3.3.2-18")]
    [Trait("Label", "MQTT-3.3.2-20")]
    [InlineData(QualityOfService.AtMostOnce)]
    [InlineData(QualityOfService.AtLeastOnce)]
    public void Everything_that_a_publisher_says_reaches_the_subscriber_untouched_and_in_order(QualityOfService qos)
    {
        var broker = new HandTurnedBroker();
        var subscriber = broker.Subscriber("subscriber", "t/é");
        var message = new ApplicationMessage
        {
            Topic = "t/é",
            QoS = qos,
            Payload = new byte[] { 0, 1, 255 },
            ContentType = "application/json",
            CorrelationData = new byte[] { 0, 255 },
            MessageExpiryInterval = 1000,
            PayloadIsUtf8 = false,
            ResponseTopic = "answers/é",
            UserProperties = Pairs,
        };

        broker.Connect("publisher").Send(new PublishPacket(message) { PacketIdentifier = new((ushort)qos) });

        var got = subscriber.Next<PublishPacket>().Message;
        Assert.Equal(message.Payload.ToArray(), got.Payload.ToArray());
        Assert.Equal(message.CorrelationData.Value.ToArray(), got.CorrelationData!.Value.ToArray());
        Assert.Equal(Pairs, got.UserProperties);
        Assert.Equal(WithoutReferences(message), WithoutReferences(got));

        static ApplicationMessage WithoutReferences(ApplicationMessage message) =>
            message with { Payload = default, CorrelationData = null, UserProperties = [] };
    }

    [Fact]
    [Trait("Label", "MQTT-3.3.1-3")]
    [Trait("Label", "MQTT-4.3.2-5")]
    public void DUP_of_the_publisher_is_not_passed_on_and_the_same_identifier_is_a_new_message()
    {
        var broker = new HandTurnedBroker();
        var subscriber = broker.Subscriber("subscriber", "t");
        var publisher = broker.Connect("publisher");
        var publish = new PublishPacket(
            TestLink.Message("t", "again", QualityOfService.AtLeastOnce))
        { PacketIdentifier = new(7), Dup = true };

        publisher.Send(publish, publish);

        Assert.All(
            publisher.All(),
            packet => Assert.Equal(new PacketIdentifier(7), Assert.IsType<AcknowledgementPacket>(packet).PacketIdentifier));
        Assert.False(subscriber.NextMessage("again").Dup);
        Assert.False(subscriber.NextMessage("again").Dup);
    }

    [Fact]
    [Trait("Label", "MQTT-3.3.4-1")]
    [Trait("Label", "MQTT-4.3.2-4")]
    public void PUBACK_says_0x10_when_no_subscription_matches()
    {
        var broker = new HandTurnedBroker();
        var publisher = broker.Connect("publisher");

        Assert.Equal(ReasonCode.NoMatchingSubscribers, publisher.PublishAcknowledged("t"));
        var subscriber = broker.Subscriber("subscriber", "t", with: connect => connect with { SessionExpiryInterval = 10 });
        Assert.Equal(ReasonCode.Success, publisher.PublishAcknowledged("t"));
        subscriber.Lose();
        Assert.Equal(ReasonCode.Success, publisher.PublishAcknowledged("t"));
        broker.TurnSeconds(11);
        Assert.Equal(ReasonCode.NoMatchingSubscribers, publisher.PublishAcknowledged("t"));
        Assert.Equal(2, broker.Counters.MessagesWithoutSubscriber);
    }

    [Fact]
    [Trait("Label", "MQTT-4.6.0-5")]
    [Trait("Label", "MQTT-4.6.0-6")]
    public void Messages_keep_their_order_from_one_publisher_to_each_subscriber()
    {
        var broker = new HandTurnedBroker();
        var quick = broker.Subscriber("quick", "#");
        var narrow = broker.Subscriber("narrow", "#", with: connect => connect with { ReceiveMaximum = 1 });
        var publisher = broker.Connect("publisher");

        for (var i = 0; i < 50; i++)
        {
            publisher.PublishAcknowledged("t", $"{i}");
        }

        for (var i = 0; i < 50; i++)
        {
            quick.NextMessage($"{i}");
            narrow.Acknowledge(narrow.NextMessage($"{i}"));
        }
    }

    [Fact]
    [Trait("Label", "MQTT-3.3.4-9")]
    [Trait("Label", "MQTT-3.3.4-10")]
    [Trait("Label", "MQTT-4.9.0-2")]
    [Trait("Label", "MQTT-4.9.0-3")]
    public void The_clients_Receive_Maximum_holds_back_QoS_1_and_nothing_else()
    {
        var broker = new HandTurnedBroker();
        var subscriber = broker.Subscriber("subscriber", "t", with: connect => connect with { ReceiveMaximum = 3 });
        var publisher = broker.Connect("publisher");
        for (var i = 0; i < 5; i++)
        {
            publisher.PublishAcknowledged("t", $"{i}");
        }

        publisher.Publish("t", "QoS 0");
        subscriber.Send(PingReqPacket.Instance);

        var held = Enumerable.Range(0, 3).Select(i => subscriber.NextMessage($"{i}")).ToList();
        subscriber.NextMessage("QoS 0");
        subscriber.Next<PingRespPacket>();
        subscriber.ExpectNothing();
        subscriber.Acknowledge(held[1]);
        subscriber.NextMessage("3");
        subscriber.ExpectNothing();
        subscriber.Acknowledge(held[0]);
        subscriber.NextMessage("4");
        subscriber.ExpectNothing();
    }

    [Fact]
    [Trait("Label", "MQTT-3.1.2-24")]
    [Trait("Label", "MQTT-3.1.2-25")]
    public void A_message_larger_than_the_clients_Maximum_Packet_Size_is_left_out_for_that_client_only()
    {
        var broker = new HandTurnedBroker();
        var narrow = broker.Subscriber("narrow", "t", with: connect => connect with { MaximumPacketSize = 100, ReceiveMaximum = 1 });
        var wide = broker.Subscriber("wide", "t");
        var publisher = broker.Connect("publisher");
        var large = new string('x', 200);

        publisher.Publish("t", large);
        publisher.PublishAcknowledged("t", large);
        publisher.PublishAcknowledged("t", "small");

        wide.NextMessage(large);
        wide.NextMessage(large);
        wide.NextMessage("small");
        narrow.NextMessage("small");
        narrow.ExpectNothing();
        Assert.Equal(2, broker.Counters.TooLargeForReceiver);
    }

    [Theory]
    [Trait("Label", "MQTT-3.1.2-24")]
    [InlineData(QualityOfService.AtMostOnce)]
    [InlineData(QualityOfService.AtLeastOnce)]
    public void The_clients_Maximum_Packet_Size_holds_to_the_byte_also_with_many_Subscription_Identifiers(QualityOfService qos)
    {
        var broker = new HandTurnedBroker();
        var publisher = broker.Connect("publisher");
        for (var limit = 64u; limit < 120; limit++)
        {
            var subscriber = broker.Connect("narrow", connect => connect with { MaximumPacketSize = limit });
            for (var i = 0u; i < Overlapping.Length; i++)
            {
                subscriber.Subscribe(Overlapping[i], QualityOfService.AtLeastOnce, 268_435_000u + i);
            }

            publisher.Send(new PublishPacket(TestLink.Message("a/b/c/d", "12345678", qos)) { PacketIdentifier = new((ushort)qos) });
            publisher.All();

            Assert.All(subscriber.All(), publish => Assert.InRange(TestLink.Bytes(publish).Length, 0, (int)limit));
            subscriber.Lose();
        }
    }

    [Fact]
    public void A_packet_over_the_brokers_Maximum_Packet_Size_ends_the_connection_with_0x95_before_its_body_came()
    {
        var broker = new HandTurnedBroker(new BrokerOptions { MaximumPacketSize = 1000 });
        var exact = broker.Connect("exact");
        exact.Publish("t", new string('x', 1000 - 7));
        exact.ExpectNothing();
        var over = broker.Connect("over");

        over.Send([0x30, 0xE6, 0x07]);

        over.ExpectDisconnect(ReasonCode.PacketTooLarge);
    }
}
