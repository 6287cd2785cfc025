using Antiphon.Protocol;
using Antiphon.Protocol.Packets;

namespace Antiphon.Broker.Tests.Publishing;

/// <summary>QoS 2 from a client to the broker (MQTT 5 §4.3.3).</summary>
public sealed class QoS2ReceptionTests
{
    private static readonly PacketIdentifier Seven = new(7);

    private readonly HandTurnedBroker _broker = new(new BrokerOptions { ReceiveMaximum = 3 });

    [Fact]
    [Trait("Label", "MQTT-4.3.3-8")]
    [Trait("Label", "MQTT-4.3.3-10")]
    [Trait("Label", "MQTT-4.3.3-11")]
    [Trait("Label", "MQTT-4.3.3-12")]
    public void A_message_is_passed_on_once_until_PUBREL_and_after_PUBCOMP_the_identifier_means_a_new_one()
    {
        var subscriber = _broker.Subscriber("subscriber", "t");
        var publisher = _broker.Connect("publisher");

        Publish(publisher, "first");
        Assert.Equal(ReasonCode.Success, publisher.ExpectAnswer(PacketType.PubRec, Seven));
        Publish(publisher, "first", dup: true);
        Assert.Equal(ReasonCode.Success, publisher.ExpectAnswer(PacketType.PubRec, Seven));
        Publish(publisher, "first");
        Assert.Equal(ReasonCode.Success, publisher.ExpectAnswer(PacketType.PubRec, Seven));
        subscriber.NextMessage("first");
        subscriber.ExpectNothing();

        publisher.Answer(PacketType.PubRel, Seven);
        Assert.Equal(ReasonCode.Success, publisher.ExpectAnswer(PacketType.PubComp, Seven));
        Publish(publisher, "second", dup: true);
        Assert.Equal(ReasonCode.Success, publisher.ExpectAnswer(PacketType.PubRec, Seven));
        subscriber.NextMessage("second");
        subscriber.ExpectNothing();
    }

    [Fact]
    [Trait("Label", "MQTT-4.3.3-10")]
    public void An_identifier_stays_in_use_when_the_connection_breaks_and_not_when_the_Session_ends()
    {
        var subscriber = _broker.Subscriber("subscriber", "t");
        Publish(Connect(), "once");
        _broker.Connect("publisher", connect => connect with { SessionExpiryInterval = 100 }).Lose();
        var back = Connect();

        Publish(back, "once", dup: true);

        Assert.Equal(ReasonCode.Success, back.ExpectAnswer(PacketType.PubRec, Seven));
        subscriber.NextMessage("once");
        subscriber.ExpectNothing();
        back.Lose();
        var again = Connect();
        again.Answer(PacketType.PubRel, Seven);
        Assert.Equal(ReasonCode.Success, again.ExpectAnswer(PacketType.PubComp, Seven));

        Publish(again, "before the end");
        subscriber.NextMessage("before the end");
        again.Lose();
        _broker.TurnSeconds(101);
        Publish(Connect(), "after it");
        subscriber.NextMessage("after it");
    }

    [Fact]
    [Trait("Label", "MQTT-3.7.2-1")]
    public void PUBREL_of_an_identifier_that_is_not_in_use_is_answered_with_0x92_and_a_second_one_too()
    {
        var publisher = _broker.Connect("publisher");
        publisher.Answer(PacketType.PubRel, Seven);
        Assert.Equal(ReasonCode.PacketIdentifierNotFound, publisher.ExpectAnswer(PacketType.PubComp, Seven));

        Assert.Equal(ReasonCode.NoMatchingSubscribers, publisher.PublishExactlyOnce("t"));

        publisher.Answer(PacketType.PubRel, new(1));
        Assert.Equal(ReasonCode.PacketIdentifierNotFound, publisher.ExpectAnswer(PacketType.PubComp, new(1)));
    }

    [Fact]
    [Trait("Label", "MQTT-4.3.3-9")]
    [Trait("Label", "MQTT-3.5.2-1")]
    public void After_a_refusal_the_identifier_means_a_new_message()
    {
        var requester = _broker.Connect("requester", connect => connect with { RequestResponseInformation = true });
        var topic = requester.ConnAck.ResponseInformation!;
        requester.Subscribe(topic);
        var uninvited = _broker.Connect("uninvited");
        Publish(uninvited, "", topic: topic);
        Assert.Equal(ReasonCode.NotAuthorized, uninvited.ExpectAnswer(PacketType.PubRec, Seven));
        var subscriber = _broker.Subscriber("subscriber", "t");

        Publish(uninvited, "new");

        Assert.Equal(ReasonCode.Success, uninvited.ExpectAnswer(PacketType.PubRec, Seven));
        subscriber.NextMessage("new");
        requester.ExpectNothing();
    }

    [Theory]
    [Trait("Label", "MQTT-3.1.2-29")]
    [Trait("Label", "MQTT-3.4.2-2")]
    [Trait("Label", "MQTT-3.5.2-2")]
    [InlineData(QualityOfService.AtLeastOnce, true, 1000u, true)]
    [InlineData(QualityOfService.ExactlyOnce, true, 1000u, true)]
    [InlineData(QualityOfService.AtLeastOnce, false, 1000u, false)]
    [InlineData(QualityOfService.ExactlyOnce, false, 1000u, false)]
    [InlineData(QualityOfService.AtLeastOnce, true, 80u, false)]
    [InlineData(QualityOfService.ExactlyOnce, true, 80u, false)]
    public void A_refusal_has_a_Reason_String_where_the_client_wants_it_and_can_take_it(
        QualityOfService qos, bool wanted, uint maximum, bool expected)
    {
        var requester = _broker.Connect("requester", connect => connect with { RequestResponseInformation = true });
        var topic = requester.ConnAck.ResponseInformation!;
        requester.Subscribe(topic);
        var uninvited = _broker.Connect(
            "uninvited", connect => connect with { RequestProblemInformation = wanted, MaximumPacketSize = maximum });

        uninvited.Send(new PublishPacket(TestLink.Message(topic, "", qos)) { PacketIdentifier = Seven });

        var answer = uninvited.Next<AcknowledgementPacket>();
        Assert.Equal(
            (ReasonCode.NotAuthorized, Seven, expected), (answer.ReasonCode, answer.PacketIdentifier, answer.ReasonString is not null));
    }

    [Fact]
    [Trait("Label", "MQTT-4.3.3-13")]
    public void The_handshake_goes_on_though_the_message_expired_at_once()
    {
        var subscriber = _broker.Subscriber("subscriber", "t");
        var publisher = _broker.Connect("publisher");
        publisher.Send(
            new PublishPacket(
                TestLink.Message("t", "", QualityOfService.ExactlyOnce) with { MessageExpiryInterval = 0 })
            { PacketIdentifier = Seven });

        Assert.Equal(ReasonCode.Success, publisher.ExpectAnswer(PacketType.PubRec, Seven));
        publisher.Answer(PacketType.PubRel, Seven);
        Assert.Equal(ReasonCode.Success, publisher.ExpectAnswer(PacketType.PubComp, Seven));
        subscriber.ExpectNothing();
    }

    [Theory]
    [Trait("Label", "MQTT-3.3.4-7")]
    [InlineData(QualityOfService.AtLeastOnce)]
    [InlineData(QualityOfService.ExactlyOnce)]
    public void One_message_more_than_the_Receive_Maximum_without_PUBCOMP_ends_the_connection_with_0x93(QualityOfService last)
    {
        var subscriber = _broker.Subscriber("subscriber", "t");
        var publisher = _broker.Connect("publisher");
        for (ushort i = 1; i <= 3; i++)
        {
            Publish(publisher, $"{i}", i);
            Publish(publisher, $"{i}", i, dup: true);
        }

        publisher.All();
        publisher.Answer(PacketType.PubRel, new(2));
        publisher.ExpectAnswer(PacketType.PubComp, new(2));
        Publish(publisher, "4", 4);
        publisher.ExpectAnswer(PacketType.PubRec, new(4));
        publisher.Publish("t", "QoS 0 is not counted");

        publisher.Send(new PublishPacket(TestLink.Message("t", "one too many", last)) { PacketIdentifier = new(5) });

        publisher.ExpectDisconnect(ReasonCode.ReceiveMaximumExceeded);
        Assert.Equal(["1", "2", "3", "4", "QoS 0 is not counted"], subscriber.All().Cast<PublishPacket>().Select(TestLink.Text));
    }

    [Fact]
    public void What_an_earlier_connection_left_takes_nothing_from_the_Receive_Maximum_until_it_is_sent_again()
    {
        var publisher = Connect();
        for (ushort i = 1; i <= 3; i++)
        {
            Publish(publisher, "", i);
        }

        publisher.Lose();
        var back = Connect();
        for (ushort i = 3; i <= 5; i++)
        {
            Publish(back, "", i, dup: i == 3);
            Assert.Equal(i == 3 ? ReasonCode.Success : ReasonCode.NoMatchingSubscribers, back.ExpectAnswer(PacketType.PubRec, new(i)));
        }

        back.Answer(PacketType.PubRel, new(1));
        back.ExpectAnswer(PacketType.PubComp, new(1));
        Publish(back, "", 6);
        back.ExpectDisconnect(ReasonCode.ReceiveMaximumExceeded);
    }

    [Fact]
    public void A_QoS_1_message_under_the_identifier_of_an_unfinished_QoS_2_message_is_refused_with_0x91()
    {
        var subscriber = _broker.Subscriber("subscriber", "t");
        var publisher = _broker.Connect("publisher");
        Publish(publisher, "exactly once");
        publisher.ExpectAnswer(PacketType.PubRec, Seven);
        subscriber.NextMessage("exactly once");

        publisher.Send(new PublishPacket(TestLink.Message("t", "mistaken", QualityOfService.AtLeastOnce)) { PacketIdentifier = Seven });

        Assert.Equal(ReasonCode.PacketIdentifierInUse, publisher.ExpectAnswer(PacketType.PubAck, Seven));
        subscriber.ExpectNothing();
        publisher.Answer(PacketType.PubRel, Seven);
        Assert.Equal(ReasonCode.Success, publisher.ExpectAnswer(PacketType.PubComp, Seven));
    }

    [Theory]
    [Trait("Label", "MQTT-3.2.2-9")]
    [Trait("Label", "MQTT-3.2.2-10")]
    [Trait("Label", "MQTT-3.2.2-12")]
    [InlineData(QualityOfService.AtMostOnce)]
    [InlineData(QualityOfService.AtLeastOnce)]
    public void A_lower_Maximum_QoS_is_announced_granted_and_held_to(QualityOfService maximum)
    {
        var broker = new HandTurnedBroker(new BrokerOptions { MaximumQoS = maximum });
        var client = broker.Connect("client");

        Assert.Equal(maximum, client.ConnAck.MaximumQoS);
        Assert.Equal([(ReasonCode)maximum], client.Subscribe("t", QualityOfService.ExactlyOnce).ReasonCodes);
        client.Send(new PublishPacket(TestLink.Message("t", "", maximum + 1)) { PacketIdentifier = Seven });
        client.ExpectDisconnect(ReasonCode.QoSNotSupported);

        var willing = broker.Open();
        willing.Send(new ConnectPacket { ClientId = "willing", Will = new Will(TestLink.Message("w", "", maximum + 1)) });
        Assert.Equal(ReasonCode.QoSNotSupported, willing.Next<ConnAckPacket>().ReasonCode);
        willing.ExpectClosed();
        Assert.Null(new HandTurnedBroker().Connect("client").ConnAck.MaximumQoS);
    }

    [Fact]
    public void A_Will_with_QoS_2_is_published_with_it()
    {
        var subscriber = _broker.Subscriber("subscriber", "w", QualityOfService.ExactlyOnce);
        _broker.Connect(
            "willing", connect => connect with { Will = new Will(TestLink.Message("w", "gone", QualityOfService.ExactlyOnce)) }).Lose();

        Assert.Equal(QualityOfService.ExactlyOnce, subscriber.NextMessage("gone").Message.QoS);
    }

    private TestLink Connect() => _broker.Connect("publisher", connect => connect with { SessionExpiryInterval = 100 });

    private static void Publish(TestLink publisher, string payload, ushort identifier = 7, bool dup = false, string topic = "t") =>
        publisher.Send(
            new PublishPacket(
                TestLink.Message(topic, payload, QualityOfService.ExactlyOnce))
            { PacketIdentifier = new(identifier), Dup = dup });
}
