using System.Globalization;
using Antiphon.Protocol;
using Antiphon.Protocol.Packets;

namespace Antiphon.Broker.Tests.Sessions;

/// <summary>QoS 2 from the broker to a client (MQTT 5 §4.3.3, §4.4).</summary>
public sealed class QoS2DeliveryTests
{
    private readonly HandTurnedBroker _broker = new();

    [Fact]
    [Trait("Label", "MQTT-4.3.3-1")]
    [Trait("Label", "MQTT-4.3.3-2")]
    [Trait("Label", "MQTT-4.3.3-4")]
    [Trait("Label", "MQTT-4.3.3-6")]
    public void PUBREC_is_answered_by_PUBREL_as_often_as_it_comes_until_PUBCOMP()
    {
        var client = Subscriber();
        _broker.Connect("publisher").PublishExactlyOnce("t", "x");
        var publish = client.NextMessage("x");
        Assert.Equal((QualityOfService.ExactlyOnce, false), (publish.Message.QoS, publish.Dup));

        client.Answer(PacketType.PubRec, publish.PacketIdentifier);
        Assert.Equal(ReasonCode.Success, client.ExpectAnswer(PacketType.PubRel, publish.PacketIdentifier));
        client.Answer(PacketType.PubRec, publish.PacketIdentifier);
        Assert.Equal(ReasonCode.Success, client.ExpectAnswer(PacketType.PubRel, publish.PacketIdentifier));
        client.Answer(PacketType.PubComp, publish.PacketIdentifier);
        client.ExpectNothing();

        client.Answer(PacketType.PubRec, publish.PacketIdentifier);
        Assert.Equal(ReasonCode.PacketIdentifierNotFound, client.ExpectAnswer(PacketType.PubRel, publish.PacketIdentifier));
        Assert.Equal(1, _broker.Counters.UnknownAcknowledgements);
    }

    [Fact]
    [Trait("Label", "MQTT-3.1.2-25")]
    [Trait("Label", "MQTT-4.3.3-5")]
    public void A_message_begun_that_has_become_too_large_is_not_sent_again_and_its_identifier_is_released()
    {
        var client = Subscriber();
        var publisher = _broker.Connect("publisher");
        publisher.PublishExactlyOnce("t", new string('x', 100));
        var begun = client.NextMessage(new string('x', 100));
        client.Lose();

        var back = _broker.Connect(
            "client", connect => connect with { MaximumPacketSize = 80, SessionExpiryInterval = 100, ReceiveMaximum = 1 });
        Assert.Equal(ReasonCode.Success, back.ExpectAnswer(PacketType.PubRel, begun.PacketIdentifier));
        publisher.PublishExactlyOnce("t", "next");
        back.ExpectNothing();
        back.Lose();
        back = _broker.Connect("client", connect => connect with { MaximumPacketSize = 80, ReceiveMaximum = 1 });
        Assert.Equal(ReasonCode.Success, back.ExpectAnswer(PacketType.PubRel, begun.PacketIdentifier));
        back.Answer(PacketType.PubComp, begun.PacketIdentifier);

        back.Complete(back.NextMessage("next"));
        Assert.Equal((1, 0), (_broker.Counters.TooLargeForReceiver, _broker.Counters.UnknownAcknowledgements));
    }

    [Fact]
    [Trait("Label", "MQTT-4.4.0-1")]
    [Trait("Label", "MQTT-4.3.3-3")]
    [Trait("Label", "MQTT-4.3.3-5")]
    [Trait("Label", "MQTT-4.3.3-6")]
    public void A_new_connection_is_sent_each_PUBREL_without_PUBCOMP_and_each_PUBLISH_without_PUBREC_again_in_order()
    {
        var publisher = _broker.Connect("publisher");
        var client = Subscriber();
        for (var i = 0; i < 6; i++)
        {
            publisher.PublishExactlyOnce("t", $"{i}");
        }

        var first = Messages(client);
        client.Complete(first[0]);
        client.Answer(PacketType.PubRec, first[1].PacketIdentifier);
        client.Answer(PacketType.PubRec, first[2].PacketIdentifier);
        client.Answer(PacketType.PubRec, first[4].PacketIdentifier, ReasonCode.QuotaExceeded);
        client.Lose();
        publisher.PublishExactlyOnce("t", "6");

        for (var round = 0; round < 2; round++)
        {
            var back = Connect();
            Assert.Equal(ReasonCode.Success, back.ExpectAnswer(PacketType.PubRel, first[1].PacketIdentifier));
            Assert.Equal(ReasonCode.Success, back.ExpectAnswer(PacketType.PubRel, first[2].PacketIdentifier));
            var again = Messages(back);
            Assert.Equal(["3", "5", "6"], again.Select(TestLink.Text));
            Assert.Equal([true, true, round > 0], again.Select(publish => publish.Dup));
            Assert.Equal([first[3].PacketIdentifier, first[5].PacketIdentifier], again.Take(2).Select(publish => publish.PacketIdentifier));
            back.Lose();
        }
    }

    [Fact]
    [Trait("Label", "MQTT-4.4.0-2")]
    public void A_message_that_the_client_refused_in_PUBREC_gets_no_PUBREL_and_does_not_come_again()
    {
        var client = Subscriber(receiveMaximum: 1);
        var publisher = _broker.Connect("publisher");
        publisher.PublishExactlyOnce("t", "unwanted");
        publisher.PublishExactlyOnce("t", "next");

        client.Answer(PacketType.PubRec, client.NextMessage("unwanted").PacketIdentifier, ReasonCode.NotAuthorized);

        client.Complete(client.NextMessage("next"));
        client.ExpectNothing();
        client.Lose();
        Connect().ExpectNothing();
    }

    [Fact]
    [Trait("Label", "MQTT-3.3.4-9")]
    [Trait("Label", "MQTT-3.3.4-10")]
    [Trait("Label", "MQTT-4.9.0-2")]
    public void The_clients_Receive_Maximum_counts_QoS_1_and_QoS_2_until_PUBACK_and_PUBCOMP()
    {
        var client = Subscriber(receiveMaximum: 2);
        var publisher = _broker.Connect("publisher");
        publisher.PublishAcknowledged("t", "a");
        publisher.PublishExactlyOnce("t", "b");
        publisher.PublishExactlyOnce("t", "c");
        publisher.PublishAcknowledged("t", "d");
        var a = client.NextMessage("a");
        var b = client.NextMessage("b");
        client.ExpectNothing();

        client.Answer(PacketType.PubRec, b.PacketIdentifier);
        client.ExpectAnswer(PacketType.PubRel, b.PacketIdentifier);
        client.ExpectNothing();
        client.Answer(PacketType.PubComp, b.PacketIdentifier);
        var c = client.NextMessage("c");
        client.ExpectNothing();
        client.Acknowledge(a);
        client.NextMessage("d");
        client.Complete(c);
        client.ExpectNothing();
    }

    [Fact]
    [Trait("Label", "MQTT-3.3.4-9")]
    [Trait("Label", "MQTT-3.3.4-10")]
    public void A_smaller_Receive_Maximum_after_a_loss_holds_back_PUBLISH_and_not_PUBREL()
    {
        var client = Subscriber();
        var publisher = _broker.Connect("publisher");
        for (var i = 0; i < 5; i++)
        {
            publisher.PublishExactlyOnce("t", $"{i}");
        }

        var first = Messages(client);
        foreach (var i in new[] { 0, 2, 4 })
        {
            client.Answer(PacketType.PubRec, first[i].PacketIdentifier);
        }

        client.Lose();
        var back = Connect(receiveMaximum: 2);
        foreach (var i in new[] { 0, 2, 4 })
        {
            back.ExpectAnswer(PacketType.PubRel, first[i].PacketIdentifier);
        }

        back.ExpectNothing();
        back.Answer(PacketType.PubComp, first[4].PacketIdentifier);
        back.ExpectNothing();
        back.Answer(PacketType.PubComp, first[0].PacketIdentifier);
        back.NextMessage("1");
        back.ExpectNothing();
        back.Answer(PacketType.PubComp, first[2].PacketIdentifier);
        back.Complete(back.NextMessage("3"));
        publisher.PublishExactlyOnce("t", "5");
        back.NextMessage("5");
    }

    [Fact]
    [Trait("Label", "MQTT-4.3.3-6")]
    public void A_PUBREC_that_comes_before_the_PUBLISH_was_sent_again_counts()
    {
        var client = Subscriber();
        var publisher = _broker.Connect("publisher");
        publisher.PublishExactlyOnce("t", "first");
        publisher.PublishExactlyOnce("t", "second");
        var first = Messages(client);
        client.Lose();
        var back = Connect(receiveMaximum: 1);
        back.NextMessage("first");

        back.Answer(PacketType.PubRec, first[1].PacketIdentifier);

        Assert.Equal(ReasonCode.Success, back.ExpectAnswer(PacketType.PubRel, first[1].PacketIdentifier));
        back.Answer(PacketType.PubComp, first[1].PacketIdentifier);
        back.Complete(first[0]);
        back.ExpectNothing();
        publisher.PublishExactlyOnce("t", "third");
        back.NextMessage("third");
    }

    [Theory]
    [Trait("Label", "MQTT-4.3.3-7")]
    [Trait("Label", "MQTT-4.4.0-1")]
    [InlineData(QualityOfService.AtLeastOnce)]
    [InlineData(QualityOfService.ExactlyOnce)]
    public void A_message_begun_is_sent_again_though_it_has_expired_since_and_says_that_no_time_is_left(QualityOfService qos)
    {
        var client = Subscriber();
        var message = TestLink.Message("t", "begun", qos) with { MessageExpiryInterval = 5 };
        _broker.Connect("publisher").Send(new PublishPacket(message) { PacketIdentifier = new(1) });
        client.NextMessage("begun");
        client.Lose();
        _broker.TurnSeconds(60);

        var again = Connect().NextMessage("begun");

        Assert.Equal((true, 0u), (again.Dup, again.Message.MessageExpiryInterval));
        Assert.Equal(0, _broker.Counters.Expired);
    }

    [Fact]
    public void Acknowledgements_that_do_not_fit_the_QoS_of_the_message_end_nothing()
    {
        var client = Subscriber();
        var publisher = _broker.Connect("publisher");
        publisher.PublishAcknowledged("t", "one");
        publisher.PublishExactlyOnce("t", "two");
        var messages = Messages(client);

        client.Answer(PacketType.PubRec, messages[0].PacketIdentifier);
        Assert.Equal(ReasonCode.PacketIdentifierNotFound, client.ExpectAnswer(PacketType.PubRel, messages[0].PacketIdentifier));
        client.Answer(PacketType.PubRec, messages[0].PacketIdentifier, ReasonCode.UnspecifiedError);
        client.Answer(PacketType.PubComp, messages[0].PacketIdentifier);
        client.Answer(PacketType.PubAck, messages[1].PacketIdentifier);
        client.Answer(PacketType.PubComp, messages[1].PacketIdentifier);

        client.ExpectNothing();
        Assert.Equal(5, _broker.Counters.UnknownAcknowledgements);
        client.Acknowledge(messages[0]);
        client.Complete(messages[1]);
        Assert.Equal(5, _broker.Counters.UnknownAcknowledgements);
    }

    [Fact]
    [Trait("Label", "MQTT-3.1.2-25")]
    public void A_message_too_large_for_the_client_counts_as_delivered_with_QoS_2_too()
    {
        var client = _broker.Subscriber(
            "client", "t", QualityOfService.ExactlyOnce, connect =>
                connect with { SessionExpiryInterval = 100, MaximumPacketSize = 100, ReceiveMaximum = 1 });
        var publisher = _broker.Connect("publisher");

        publisher.PublishExactlyOnce("t", new string('x', 200));
        publisher.PublishExactlyOnce("t", "small");

        client.Complete(client.NextMessage("small"));
        client.Lose();
        Connect().ExpectNothing();
        Assert.Equal(1, _broker.Counters.TooLargeForReceiver);
    }

    [Fact]
    [Trait("Label", "MQTT-4.6.0-5")]
    [Trait("Label", "MQTT-4.3.3-10")]
    public void Losing_the_connection_again_and_again_delivers_each_message_exactly_once_and_in_order()
    {
        var publisher = _broker.Connect("publisher");
        var random = new Random(6);
        Subscriber().Lose();
        var sent = 0;
        var delivered = new List<int>();
        var held = new HashSet<PacketIdentifier>();
        for (var round = 0; round < 300; round++)
        {
            for (var i = random.Next(4); i > 0; i--)
            {
                publisher.PublishExactlyOnce("t", $"{sent++}");
            }

            var client = Connect(receiveMaximum: (ushort)random.Next(1, 6));
            for (var turn = round == 299 ? 10_000 : random.Next(6); turn >= 0; turn--)
            {
                foreach (var packet in client.All())
                {
                    Receive(client, packet, answers: round == 299 || random.Next(3) > 0);
                }
            }

            client.Lose();
        }

        Assert.Equal(Enumerable.Range(0, sent), delivered);
        Connect().ExpectNothing();
        Assert.Empty(held);

        // A receiver as the standard has it: it may lose the power to answer, but never its memory.
        void Receive(TestLink client, Packet packet, bool answers)
        {
            if (packet is PublishPacket publish)
            {
                if (held.Add(publish.PacketIdentifier))
                {
                    delivered.Add(int.Parse(TestLink.Text(publish), CultureInfo.InvariantCulture));
                }

                if (answers)
                {
                    client.Answer(PacketType.PubRec, publish.PacketIdentifier);
                }
            }
            else
            {
                var release = Assert.IsType<AcknowledgementPacket>(packet);
                Assert.Equal((PacketType.PubRel, ReasonCode.Success), (release.Type, release.ReasonCode));
                held.Remove(release.PacketIdentifier);
                if (answers)
                {
                    client.Answer(PacketType.PubComp, release.PacketIdentifier);
                }
            }
        }
    }

    [Fact]
    [Trait("Label", "MQTT-4.6.0-5")]
    [Trait("Label", "MQTT-4.6.0-6")]
    [Trait("Label", "MQTT-4.6.0-1")]
    public void Messages_of_both_QoS_keep_one_order_in_the_window_and_in_the_queue()
    {
        var client = Subscriber(receiveMaximum: 4);
        var publisher = _broker.Connect("publisher");
        for (var i = 0; i < 10; i++)
        {
            _ = i % 3 == 0 ? publisher.PublishAcknowledged("t", $"{i}") : publisher.PublishExactlyOnce("t", $"{i}");
        }

        Assert.Equal(["0", "1", "2", "3"], Messages(client).Select(TestLink.Text));
        client.Lose();
        publisher.PublishAcknowledged("t", "10");

        var back = Connect(receiveMaximum: 3);
        for (var i = 0; i <= 10; i += 3)
        {
            var messages = Messages(back);
            Assert.Equal(Enumerable.Range(i, Math.Min(3, 11 - i)).Select(number => $"{number}"), messages.Select(TestLink.Text));
            Assert.Equal(
                messages.Select(publish => int.Parse(TestLink.Text(publish), CultureInfo.InvariantCulture) < 4),
                messages.Select(publish => publish.Dup));
            back.Send(messages.Select(publish => new AcknowledgementPacket(
                publish.Message.QoS == QualityOfService.AtLeastOnce
                    ? PacketType.PubAck
                    : PacketType.PubRec,
                publish.PacketIdentifier,
                ReasonCode.UnspecifiedError)));
        }

        back.ExpectNothing();
    }

    private static List<PublishPacket> Messages(TestLink client) => [.. client.All().Cast<PublishPacket>()];

    private TestLink Subscriber(ushort? receiveMaximum = null)
    {
        var client = Connect(receiveMaximum);
        client.Subscribe("t", QualityOfService.ExactlyOnce);
        return client;
    }

    private TestLink Connect(ushort? receiveMaximum = null) =>
        _broker.Connect("client", connect => connect with { SessionExpiryInterval = 3600, ReceiveMaximum = receiveMaximum });
}
