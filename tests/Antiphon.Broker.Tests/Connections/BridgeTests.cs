using Antiphon.Protocol;
using Antiphon.Protocol.Packets;

namespace Antiphon.Broker.Tests.Connections;

/// <summary>Bridges of MQTT 3.1.1, as mosquitto has them: protocol level 0x84.</summary>
public sealed class BridgeTests
{
    private readonly HandTurnedBroker _broker = new();

    [Fact]
    public void A_bridge_does_not_get_back_what_it_published()
    {
        var bridge = Bridge();
        bridge.Subscribe("#");
        var other = _broker.Subscriber("other", "#");

        bridge.PublishAcknowledged("t", "from the bridge");
        other.PublishAcknowledged("t", "from here");

        bridge.NextMessage("from here");
        bridge.ExpectNothing();
        other.NextMessage("from the bridge");
    }

    [Fact]
    public void A_bridge_sees_whether_a_message_is_retained()
    {
        var bridge = Bridge();
        bridge.Subscribe("#");

        _broker.Connect("other").PublishAcknowledged(TestLink.Message("t", "kept") with { Retain = true });

        Assert.True(bridge.NextMessage("kept").Message.Retain);
    }

    [Fact]
    public void A_bridge_may_share_a_subscription()
    {
        var bridge = Bridge();

        Assert.Equal(ReasonCode.GrantedQoS1, bridge.Subscribe("$share/g/t").ReasonCodes[0]);
        bridge.PublishAcknowledged("t", "shared");

        bridge.NextMessage("shared");
    }

    [Theory]
    [InlineData(ProtocolVersion.V311)]
    [InlineData(ProtocolVersion.V5)]
    public void The_Will_of_a_bridge_about_its_own_state_is_not_published(ProtocolVersion version)
    {
        var listener = _broker.Subscriber("listener", "$SYS/broker/connection/#");
        var bridge = _broker.Connect("bridge", connect => connect with
        {
            ProtocolVersion = version,
            IsBridge = version == ProtocolVersion.V311,
            Will = new Will(TestLink.Message("$SYS/broker/connection/edge/state", "0") with { Retain = true }),
        });

        bridge.PublishAcknowledged(TestLink.Message("$SYS/broker/connection/edge/state", "1") with { Retain = true });
        bridge.Lose();

        listener.ExpectNothing();
        Assert.Equal(2, _broker.Counters.RefusedSystemMessages);
    }

    [Theory]
    [InlineData(ProtocolVersion.V311, QualityOfService.AtMostOnce)]
    [InlineData(ProtocolVersion.V311, QualityOfService.AtLeastOnce)]
    [InlineData(ProtocolVersion.V5, QualityOfService.AtMostOnce)]
    [InlineData(ProtocolVersion.V5, QualityOfService.AtLeastOnce)]
    public void What_a_bridge_says_of_its_state_does_not_end_its_connection_even_where_nothing_is_retained(
        ProtocolVersion version, QualityOfService qos)
    {
        const string State = "$SYS/broker/connection/edge/state";
        var broker = new HandTurnedBroker(new BrokerOptions { RetainAvailable = false });
        var bridge = broker.Connect("bridge", connect => connect with
        {
            ProtocolVersion = version,
            IsBridge = version == ProtocolVersion.V311,
            CleanStart = true,
            Will = new Will(TestLink.Message(State, "0", QualityOfService.AtLeastOnce) with { Retain = true }),
        });

        bridge.Send(new PublishPacket(TestLink.Message(State, "1", qos) with { Retain = true })
        {
            PacketIdentifier = qos == QualityOfService.AtMostOnce ? default : new(1),
        });

        if (qos == QualityOfService.AtLeastOnce)
        {
            var answer = bridge.ExpectAnswer(PacketType.PubAck, new(1));
            Assert.Equal(version == ProtocolVersion.V5 ? ReasonCode.NotAuthorized : ReasonCode.Success, answer);
        }

        bridge.Send(PingReqPacket.Instance);
        bridge.Next<PingRespPacket>();
        Assert.Equal(2, broker.Counters.RefusedSystemMessages);
    }

    private TestLink Bridge() => _broker.ConnectV311("bridge", with: connect => connect with { IsBridge = true });
}
