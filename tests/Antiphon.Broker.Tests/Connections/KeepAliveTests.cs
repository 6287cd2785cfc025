using Antiphon.Protocol;
using Antiphon.Protocol.Packets;

namespace Antiphon.Broker.Tests.Connections;

public sealed class KeepAliveTests
{
    [Fact]
    [Trait("Label", "MQTT-3.1.2-22")]
    public void Silence_for_one_and_a_half_times_the_Keep_Alive_ends_the_connection_with_0x8D()
    {
        var broker = new HandTurnedBroker();
        var client = broker.Connect("quiet", connect => connect with { KeepAlive = 10 });

        broker.TurnSeconds(14.9);
        client.ExpectNothing();
        broker.TurnSeconds(0.2);

        client.ExpectDisconnect(ReasonCode.KeepAliveTimeout);
    }

    [Fact]
    [Trait("Label", "MQTT-3.12.4-1")]
    public void Any_packet_is_a_sign_of_life_and_PINGREQ_is_answered()
    {
        var broker = new HandTurnedBroker();
        var client = broker.Connect("alive", connect => connect with { KeepAlive = 10 });

        for (var i = 0; i < 10; i++)
        {
            broker.TurnSeconds(14);
            if (i % 2 == 0)
            {
                client.Send(PingReqPacket.Instance);
                client.Next<PingRespPacket>();
            }
            else
            {
                client.Publish("anything");
            }
        }

        client.ExpectNothing();
        broker.TurnSeconds(15.1);
        client.ExpectDisconnect(ReasonCode.KeepAliveTimeout);
    }

    [Fact]
    public void Keep_Alive_0_means_that_silence_never_ends_the_connection()
    {
        var broker = new HandTurnedBroker();
        var client = broker.Connect("silent");

        broker.Turn(TimeSpan.FromDays(400));

        client.ExpectNothing();
        Assert.Equal(1, broker.Counters.Connections);
    }

    [Theory]
    [Trait("Label", "MQTT-3.2.2-22")]
    [InlineData(0, 20)]
    [InlineData(21, 20)]
    [InlineData(20, null)]
    [InlineData(5, null)]
    public void A_longer_Keep_Alive_than_the_limit_is_cut_by_Server_Keep_Alive(int asked, int? told)
    {
        var broker = new HandTurnedBroker(new BrokerOptions { MaximumKeepAlive = TimeSpan.FromSeconds(20) });
        var client = broker.Connect("limited", connect => connect with { KeepAlive = (ushort)asked });

        Assert.Equal((ushort?)told, client.ConnAck.ServerKeepAlive);
        broker.TurnSeconds(1.5 * Math.Min(told ?? asked, 20) - 0.1);
        client.ExpectNothing();
        broker.TurnSeconds(0.2);
        client.ExpectDisconnect(ReasonCode.KeepAliveTimeout);
    }

    [Fact]
    [Trait("Label", "MQTT-3.1.2-8")]
    public void A_client_that_falls_silent_leaves_its_Will()
    {
        var broker = new HandTurnedBroker();
        var listener = broker.Subscriber("listener", "will");
        broker.Connect("quiet", connect => connect with { KeepAlive = 10, Will = new Will(TestLink.Message("will", "fell silent")) });

        broker.TurnSeconds(15.1);

        listener.NextMessage("fell silent");
    }
}
