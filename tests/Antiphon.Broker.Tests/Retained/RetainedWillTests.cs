using Antiphon.Protocol;
using Antiphon.Protocol.Packets;
using static Antiphon.Broker.Tests.Retained.RetainedMessageTests;

namespace Antiphon.Broker.Tests.Retained;

[Trait("Label", "MQTT-3.1.2-8")]
public sealed class RetainedWillTests
{
    private readonly HandTurnedBroker _broker = new();

    [Theory]
    [InlineData(QualityOfService.AtMostOnce)]
    [InlineData(QualityOfService.AtLeastOnce)]
    [Trait("Label", "MQTT-3.1.2-15")]
    public void A_Will_with_RETAIN_is_kept_for_later_subscribers(QualityOfService qos)
    {
        var listener = _broker.Subscriber("listener", "will");
        Mortal(new Will(ToRetain("will", "gone", qos))).Lose();

        Assert.False(listener.NextMessage("gone").Message.Retain);
        var later = _broker.Subscriber("later", "will").NextMessage("gone").Message;
        Assert.True(later.Retain);
        Assert.Equal(qos, later.QoS);
    }

    [Fact]
    [Trait("Label", "MQTT-3.1.2-14")]
    public void A_Will_without_RETAIN_is_not()
    {
        _broker.Connect("publisher").Publish(ToRetain("will", "alive"));

        Mortal(new Will(TestLink.Message("will", "gone"))).Lose();

        _broker.Subscriber("later", "will").NextMessage("alive");
    }

    [Fact]
    [Trait("Label", "MQTT-3.1.2-15")]
    public void An_empty_Will_with_RETAIN_removes_what_is_retained()
    {
        _broker.Connect("publisher").Publish(ToRetain("will", "alive"));

        Mortal(new Will(ToRetain("will", ""))).Lose();

        Assert.Equal(0, _broker.Counters.RetainedMessages);
    }

    [Fact]
    [Trait("Label", "MQTT-3.1.3-9")]
    public void The_expiry_of_a_delayed_Will_counts_from_its_publication()
    {
        Mortal(new Will(ToRetain("will", "gone") with { MessageExpiryInterval = 20 }) { DelayInterval = 50 }, sessionExpiry: 100).Lose();

        _broker.TurnSeconds(49.9);
        Assert.Equal(0, _broker.Counters.RetainedMessages);
        _broker.TurnSeconds(0.2);
        Assert.Equal(20u, _broker.Subscriber("early", "will").NextMessage("gone").Message.MessageExpiryInterval);
        _broker.TurnSeconds(15);
        Assert.Equal(5u, _broker.Subscriber("late", "will").NextMessage("gone").Message.MessageExpiryInterval);
        _broker.TurnSeconds(5.2);

        Assert.Equal(0, _broker.Counters.RetainedMessages);
    }

    [Fact]
    [Trait("Label", "MQTT-3.1.2-10")]
    public void A_Will_published_after_its_delay_is_not_published_again_when_the_Session_ends()
    {
        var listener = _broker.Subscriber("listener", "will");
        Mortal(new Will(ToRetain("will", "gone")) { DelayInterval = 5 }, sessionExpiry: 10).Lose();
        _broker.TurnSeconds(5.1);
        listener.NextMessage("gone");

        _broker.TurnSeconds(10);

        listener.ExpectNothing();
        Assert.Equal(1, _broker.Counters.Sessions);
    }

    [Fact]
    public void DISCONNECT_0x04_publishes_a_delayed_Will_after_its_delay()
    {
        var listener = _broker.Subscriber("listener", "will");
        var client = Mortal(new Will(ToRetain("will", "gone")) { DelayInterval = 5 }, sessionExpiry: 10);

        client.Send(new DisconnectPacket { ReasonCode = ReasonCode.DisconnectWithWillMessage });

        listener.ExpectNothing();
        _broker.TurnSeconds(5.1);
        listener.NextMessage("gone");
    }

    [Fact]
    public void DISCONNECT_0x04_that_ends_the_Session_publishes_the_Will_at_once()
    {
        var listener = _broker.Subscriber("listener", "will");
        var client = Mortal(new Will(ToRetain("will", "gone")) { DelayInterval = 5 }, sessionExpiry: 10);

        client.Send(new DisconnectPacket { ReasonCode = ReasonCode.DisconnectWithWillMessage, SessionExpiryInterval = 0 });

        listener.NextMessage("gone");
    }

    [Fact]
    public void A_Will_with_a_Response_Topic_opens_no_exchange()
    {
        var requester = _broker.Connect("requester", connect => connect with { RequestResponseInformation = true });
        var topic = requester.ConnAck.ResponseInformation + "/0";
        requester.Subscribe(topic);
        var responder = _broker.Subscriber("responder", "will");

        Mortal(new Will(ToRetain("will", "gone") with { ResponseTopic = topic, CorrelationData = new byte[] { 1 } })).Lose();

        Assert.Equal(topic, responder.NextMessage("gone").Message.ResponseTopic);
        Assert.Equal(0, _broker.Counters.OpenExchanges);
        Assert.Equal(
            ReasonCode.NotAuthorized,
            responder.PublishAcknowledged(TestLink.Message(topic, "!") with { CorrelationData = new byte[] { 1 } }));
        requester.ExpectNothing();
    }

    [Theory]
    [InlineData("$SYS")]
    [InlineData("$SYS/broker/version")]
    [InlineData("$reply")]
    [InlineData("$reply/0123456789012345678901/0")]
    public void A_Will_that_could_not_be_published_is_refused_with_the_CONNECT(string topic)
    {
        var link = _broker.Open();

        link.Send(new ConnectPacket { ClientId = "mortal", Will = new Will(TestLink.Message(topic, "gone")) });

        var refusal = link.Next<ConnAckPacket>();
        Assert.Equal(ReasonCode.NotAuthorized, refusal.ReasonCode);
        Assert.Contains(topic, refusal.ReasonString, StringComparison.Ordinal);
        link.ExpectClosed();
        Assert.Equal(0, _broker.Counters.Sessions);
    }

    [Fact]
    [Trait("Label", "MQTT-3.2.2-13")]
    public void A_Will_to_be_retained_is_refused_with_0x9A_where_nothing_is_retained()
    {
        var link = new HandTurnedBroker(new BrokerOptions { RetainAvailable = false }).Open();

        link.Send(new ConnectPacket { ClientId = "mortal", Will = new Will(ToRetain("will", "gone")) });

        Assert.Equal(ReasonCode.RetainNotSupported, link.Next<ConnAckPacket>().ReasonCode);
        link.ExpectClosed();
    }

    private TestLink Mortal(Will will, uint? sessionExpiry = null) =>
        _broker.Connect("mortal", connect => connect with { SessionExpiryInterval = sessionExpiry, Will = will });
}
