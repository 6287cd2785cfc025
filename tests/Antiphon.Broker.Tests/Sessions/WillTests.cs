using Antiphon.Protocol;
using Antiphon.Protocol.Packets;
using Antiphon.Protocol.Properties;

namespace Antiphon.Broker.Tests.Sessions;

[Trait("Label", "MQTT-3.1.2-8")]
public sealed class WillTests
{
    private static readonly UserProperty[] Pairs = [new("b", "2"), new("a", "1"), new("b", "3"), new("", "")];

    [Fact]
    [Trait("Label", "MQTT-3.1.2-7")]
    [Trait("Label", "MQTT-3.1.2-14")]
    [Trait("Label", "MQTT-3.1.3-10")]
    public void The_Will_of_a_lost_client_is_published_with_all_that_belongs_to_it()
    {
        var broker = new HandTurnedBroker();
        var listener = broker.Subscriber("listener", "will");
        var client = broker.Connect("mortal", connect => connect with
        {
            Will = new Will(new ApplicationMessage
            {
                Topic = "will",
                QoS = QualityOfService.AtLeastOnce,
                Payload = "gone"u8.ToArray(),
                ContentType = "text/plain",
                CorrelationData = new byte[] { 0, 9 },
                MessageExpiryInterval = 5,
                PayloadIsUtf8 = true,
                ResponseTopic = "answers",
                UserProperties = Pairs,
            }),
        });

        client.Lose();

        var will = listener.NextMessage("gone").Message;
        Assert.Equal(QualityOfService.AtLeastOnce, will.QoS);
        Assert.False(will.Retain);
        Assert.Equal("text/plain", will.ContentType);
        Assert.Equal([0, 9], will.CorrelationData!.Value.ToArray());
        Assert.Equal(5u, will.MessageExpiryInterval);
        Assert.True(will.PayloadIsUtf8);
        Assert.Equal("answers", will.ResponseTopic);
        Assert.Equal(Pairs, will.UserProperties);
        listener.ExpectNothing();
    }

    [Fact]
    [Trait("Label", "MQTT-3.14.4-3")]
    [Trait("Label", "MQTT-3.1.2-10")]
    public void A_normal_DISCONNECT_withdraws_the_Will()
    {
        var (broker, listener, client) = Mortal(sessionExpiry: 10);

        client.Send(new DisconnectPacket());
        client.Lose();
        broker.TurnSeconds(100);

        listener.ExpectNothing();
    }

    [Theory]
    [InlineData(ReasonCode.DisconnectWithWillMessage)]
    [InlineData(ReasonCode.UnspecifiedError)]
    public void Every_other_DISCONNECT_leaves_the_Will_to_be_published_once(ReasonCode code)
    {
        var (broker, listener, client) = Mortal();

        client.Send(new DisconnectPacket { ReasonCode = code });
        client.Lose();
        broker.TurnSeconds(100);

        listener.NextMessage("gone");
        listener.ExpectNothing();
    }

    [Fact]
    public void A_refusal_leaves_the_Will_to_be_published()
    {
        var (_, listener, client) = Mortal();

        client.Send([0x00]);

        listener.NextMessage("gone");
    }

    [Fact]
    public void A_client_that_can_take_no_CONNACK_has_not_connected_and_leaves_no_Will()
    {
        var broker = new HandTurnedBroker();
        var listener = broker.Subscriber("listener", "will");
        var client = broker.Open();

        client.Send(new ConnectPacket { ClientId = "tiny", MaximumPacketSize = 4, Will = new Will(TestLink.Message("will", "gone")) });

        client.ExpectClosed();
        listener.ExpectNothing();
    }

    [Fact]
    public void A_goodbye_that_asks_for_an_expiry_where_no_Session_may_outlive_its_connection_withdraws_the_Will_all_the_same()
    {
        var broker = new HandTurnedBroker(new BrokerOptions { MaximumSessionExpiry = TimeSpan.Zero });
        var listener = broker.Subscriber("listener", "will");
        var client = broker.Connect(
            "client", connect => connect with { SessionExpiryInterval = 100, Will = new Will(TestLink.Message("will", "gone")) });

        client.Send(new DisconnectPacket { SessionExpiryInterval = 50 });

        client.ExpectClosed();
        listener.ExpectNothing();
        Assert.Equal(1, broker.Counters.Sessions);
    }

    [Fact]
    public void A_delayed_Will_waits_for_its_delay()
    {
        var (broker, listener, client) = Mortal(delay: 5, sessionExpiry: 10);
        client.Lose();

        broker.TurnSeconds(4.9);
        listener.ExpectNothing();
        broker.TurnSeconds(0.2);
        listener.NextMessage("gone");
        broker.TurnSeconds(10);

        listener.ExpectNothing();
        Assert.Equal(1, broker.Counters.Sessions);
    }

    [Fact]
    public void A_delayed_Will_is_published_at_the_latest_when_the_Session_ends()
    {
        var (broker, listener, client) = Mortal(delay: 100, sessionExpiry: 10);
        client.Lose();

        broker.TurnSeconds(9.9);
        listener.ExpectNothing();
        broker.TurnSeconds(0.2);

        listener.NextMessage("gone");
        Assert.Equal(1, broker.Counters.Sessions);
    }

    [Fact]
    public void A_delayed_Will_of_a_Session_that_ends_with_its_connection_is_published_at_once()
    {
        var (_, listener, client) = Mortal(delay: 100);

        client.Lose();

        listener.NextMessage("gone");
    }

    [Fact]
    [Trait("Label", "MQTT-3.1.3-9")]
    public void A_client_that_is_back_before_the_delay_is_over_stops_its_Will()
    {
        var (broker, listener, client) = Mortal(delay: 5, sessionExpiry: 10);
        client.Lose();
        broker.TurnSeconds(4);

        var back = broker.Connect("mortal", connect => connect with { SessionExpiryInterval = 10 });
        broker.TurnSeconds(100);
        back.Lose();
        broker.TurnSeconds(100);

        listener.ExpectNothing();
    }

    [Fact]
    public void A_Will_that_nobody_awaits_or_that_is_expired_from_the_start_harms_nobody()
    {
        var broker = new HandTurnedBroker();
        broker.Connect("lonely", connect => connect with { Will = new Will(TestLink.Message("nobody")) }).Lose();
        var listener = broker.Subscriber("listener", "will");
        broker.Connect(
            "stale", connect => connect with { Will = new Will(TestLink.Message("will") with { MessageExpiryInterval = 0 }) }).Lose();

        listener.ExpectNothing();
        Assert.Equal(1, broker.Counters.Sessions);
    }

    [Fact]
    public void A_Will_on_ones_own_topic_waits_in_ones_own_Session()
    {
        var broker = new HandTurnedBroker();
        broker.Subscriber("self", "will", with: connect => connect with
        {
            SessionExpiryInterval = 10,
            Will = new Will(TestLink.Message("will", "to myself", QualityOfService.AtLeastOnce)),
        }).Lose();

        broker.Connect("self").NextMessage("to myself");
    }

    private static (HandTurnedBroker Broker, TestLink Listener, TestLink Client) Mortal(uint? delay = null, uint? sessionExpiry = null)
    {
        var broker = new HandTurnedBroker();
        var listener = broker.Subscriber("listener", "will");
        var client = broker.Connect("mortal", connect => connect with
        {
            SessionExpiryInterval = sessionExpiry,
            Will = new Will(TestLink.Message("will", "gone")) { DelayInterval = delay },
        });
        return (broker, listener, client);
    }
}
