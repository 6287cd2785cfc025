using System.Text;
using Antiphon.Broker.Connections;
using Antiphon.Protocol;
using Antiphon.Protocol.Packets;

namespace Antiphon.Broker.Tests.Connections;

public sealed class CloserTests
{
    private static readonly byte[] Malformed = [0x00];

    [Fact]
    [Trait("Label", "MQTT-4.13.1-1")]
    [Trait("Label", "MQTT-3.14.4-1")]
    public void What_was_written_before_the_refusal_still_arrives_and_nothing_after_it()
    {
        var broker = new HandTurnedBroker();
        var client = broker.Subscriber("both", "t");

        client.Send([.. TestLink.Bytes(PingReqPacket.Instance), .. Malformed, .. TestLink.Bytes(PingReqPacket.Instance)]);
        broker.Connect("publisher").Publish("t", "too late");

        client.Next<PingRespPacket>();
        client.ExpectDisconnect(ReasonCode.MalformedPacket);
        client.Send(PingReqPacket.Instance);
        client.ExpectNothing();
    }

    [Fact]
    public void A_peer_that_does_not_close_is_cut_off_after_the_timeout()
    {
        var broker = new HandTurnedBroker(new BrokerOptions { CloseTimeout = TimeSpan.FromSeconds(2) });
        var client = broker.Connect("lingering");
        client.Send(Malformed);

        broker.TurnSeconds(1.9);
        Assert.False(client.Aborted);
        broker.TurnSeconds(0.2);

        Assert.True(client.Aborted);
        Assert.Equal(0, broker.Counters.Connections);
    }

    [Fact]
    public void A_peer_that_neither_reads_nor_closes_is_cut_off_after_the_timeout()
    {
        var broker = new HandTurnedBroker(new BrokerOptions { CloseTimeout = TimeSpan.FromSeconds(2) });
        var client = broker.Connect("stuck");
        client.Reads = false;
        client.Send(Malformed);

        broker.TurnSeconds(2.1);

        Assert.True(client.Aborted);
        Assert.False(client.SendingEnded);
    }

    [Fact]
    public void What_a_closing_peer_still_sends_is_thrown_away_but_not_without_bound()
    {
        var broker = new HandTurnedBroker();
        var client = broker.Connect("talkative");
        client.Send(Malformed);
        var chunk = new byte[64 * 1024];

        for (var i = 0; i < 15; i++)
        {
            client.Send(chunk);
        }

        Assert.False(client.Aborted);
        client.Send(chunk);
        client.Send(chunk);
        Assert.True(client.Aborted);
        Assert.Equal(0, broker.Counters.Connections);
    }

    [Fact]
    public void A_peer_that_closes_in_return_is_gone()
    {
        var broker = new HandTurnedBroker();
        var client = broker.Connect("polite");
        client.Send(new DisconnectPacket());
        client.ExpectClosed();

        client.Lose();

        Assert.Equal(ConnectionPhase.Closed, client.Connection.Phase);
        Assert.Equal(0, broker.Counters.Connections);
        Assert.Equal(0, broker.Counters.Sessions);
        broker.TurnSeconds(60);
        Assert.False(client.Aborted);
    }

    [Fact]
    public void A_connection_lost_in_mid_packet_is_simply_gone()
    {
        var broker = new HandTurnedBroker();
        var client = broker.Connect("cut");
        client.Send([0x30, 0x7F, 0x00, 0x01]);

        client.Lose();

        Assert.Equal(0, broker.Counters.Connections);
        Assert.Equal(0, broker.Counters.Sessions);
    }

    [Fact]
    public void Stopping_says_0x8B_to_those_connected_and_closes_the_others()
    {
        var broker = new HandTurnedBroker();
        var connected = broker.Connect("connected");
        var waiting = broker.Open();

        broker.Engine.DismissAll(broker.Now);
        broker.Settle();
        broker.Engine.DismissAll(broker.Now);
        broker.Settle();

        connected.ExpectDisconnect(ReasonCode.ServerShuttingDown);
        Assert.True(waiting.Aborted);
        Assert.True(waiting.Received.IsEmpty);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_refusal_that_quotes_65535_bytes_still_arrives(bool subscribe)
    {
        var client = new HandTurnedBroker().Connect("long-winded");
        var text = new string('x', 65_534) + "#";

        if (subscribe)
        {
            client.Send([0x82, 0x85, 0x80, 0x04, 0x00, 0x01, 0x00, 0xFF, 0xFF, .. Encoding.UTF8.GetBytes(text), 0x00]);
            client.ExpectDisconnect(ReasonCode.TopicFilterInvalid);
        }
        else
        {
            client.Send([0x30, 0x82, 0x80, 0x04, 0xFF, 0xFF, .. Encoding.UTF8.GetBytes(text), 0x00]);
            client.ExpectDisconnect(ReasonCode.TopicNameInvalid);
        }
    }

    [Fact]
    public void A_refused_CONNECT_that_quotes_65535_bytes_is_still_answered()
    {
        var client = new HandTurnedBroker().Open();

        client.Send(new ConnectPacket { AuthenticationMethod = new string('x', 65_535) });

        Assert.Equal(ReasonCode.BadAuthenticationMethod, client.Next<ConnAckPacket>().ReasonCode);
        client.ExpectClosed();
    }

    [Fact]
    [Trait("Label", "MQTT-3.14.2-3")]
    [Trait("Label", "MQTT-3.1.2-24")]
    public void The_Reason_String_is_left_off_where_it_does_not_fit_into_the_clients_Maximum_Packet_Size()
    {
        var client = new HandTurnedBroker().Connect("narrow", connect => connect with { MaximumPacketSize = 30 });

        client.Send(Malformed);

        Assert.Null(client.ExpectDisconnect(ReasonCode.MalformedPacket).ReasonString);
    }

    [Fact]
    [Trait("Label", "MQTT-3.2.2-19")]
    public void The_Reason_String_of_a_refusing_CONNACK_is_left_off_where_it_does_not_fit()
    {
        var client = new HandTurnedBroker().Open();

        client.Send(new ConnectPacket { MaximumPacketSize = 30, AuthenticationMethod = "something long enough to be too long" });

        var answer = client.Next<ConnAckPacket>();
        Assert.Equal(ReasonCode.BadAuthenticationMethod, answer.ReasonCode);
        Assert.Null(answer.ReasonString);
    }

    [Fact]
    [Trait("Label", "MQTT-3.1.2-24")]
    public void A_client_that_cannot_even_take_the_CONNACK_is_closed_without_a_word()
    {
        var broker = new HandTurnedBroker();
        var client = broker.Open();

        client.Send(new ConnectPacket { ClientId = "tiny", MaximumPacketSize = 4, SessionExpiryInterval = 100 });

        client.ExpectClosed();
        Assert.True(client.Received.IsEmpty);
        client.Lose();
        Assert.Equal(0, broker.Counters.Connections);
    }

    [Fact]
    [Trait("Label", "MQTT-3.1.2-24")]
    public void A_SUBACK_that_the_client_cannot_take_ends_the_connection_with_0x95()
    {
        var client = new HandTurnedBroker().Connect("narrow", connect => connect with { MaximumPacketSize = 40 });

        client.Send(new SubscribePacket
        {
            PacketIdentifier = new(1),
            Subscriptions = [.. Enumerable.Range(0, 50).Select(i => new RequestedSubscription($"t/{i}", default))],
        });

        client.ExpectDisconnect(ReasonCode.PacketTooLarge);
    }

    [Fact]
    public void Answers_that_nobody_reads_are_bounded()
    {
        var broker = new HandTurnedBroker(new BrokerOptions { MaximumOutputBytes = 4096, MaximumPacketSize = 4096 });
        var client = broker.Connect("deaf");
        client.Reads = false;
        var pings = TestLink.Bytes(Enumerable.Repeat<Packet>(PingReqPacket.Instance, 8192));
        var most = 0;

        for (var i = 0; i < 1000 && !client.Aborted; i++)
        {
            client.Send(pings);
            most = Math.Max(most, client.Connection.Output.Length);
        }

        Assert.True(client.Aborted);
        Assert.InRange(most, 0, 100_000);
        Assert.Equal(0, broker.Counters.Connections);
    }

    [Fact]
    public void A_slow_reader_that_pings_is_not_taken_for_a_deaf_one()
    {
        var broker = new HandTurnedBroker(new BrokerOptions { MaximumOutputBytes = 4096 });
        var client = broker.Subscriber("slow", "t", QualityOfService.AtMostOnce);
        var publisher = broker.Connect("publisher");
        client.Reads = false;
        for (var i = 0; i < 100; i++)
        {
            publisher.Publish("t", new string('x', 1000));
            client.Send(PingReqPacket.Instance);
        }

        Assert.False(client.Aborted);
        client.ReadAgain();
        Assert.Equal(100, client.All().OfType<PingRespPacket>().Count());
    }
}
