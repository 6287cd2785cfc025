using Antiphon.Protocol;
using Antiphon.Protocol.Packets;

namespace Antiphon.Broker.Tests.Connections;

/// <summary>Packets that begin and do not end.</summary>
public sealed class UnfinishedPacketsTests
{
    private static readonly byte[] Large = TestLink.Bytes(new PublishPacket(TestLink.Message("t", new string('x', 60_000))));

    [Fact]
    public void With_Keep_Alive_0_half_a_packet_ends_its_connection_after_PacketTimeout_also_while_bytes_come()
    {
        var broker = new HandTurnedBroker(new BrokerOptions { PacketTimeout = TimeSpan.FromSeconds(20) });
        var still = broker.Connect("still");
        var dripping = broker.Connect("dripping");
        still.Send(Large.AsSpan(0, 10));
        for (var i = 0; i < 19; i++)
        {
            dripping.Send(Large.AsSpan(i, 1));
            broker.TurnSeconds(1);
        }

        still.ExpectNothing();
        broker.TurnSeconds(1.1);
        still.ExpectDisconnect(ReasonCode.KeepAliveTimeout);
        dripping.ExpectDisconnect(ReasonCode.KeepAliveTimeout);
        Assert.Equal(2, broker.Counters.Refusals);
    }

    [Fact]
    public void Each_packet_has_the_time_for_itself()
    {
        var broker = new HandTurnedBroker(new BrokerOptions { PacketTimeout = TimeSpan.FromSeconds(20) });
        var listener = broker.Subscriber("listener", "t");
        var client = broker.Connect("slow");
        client.Send(Large.AsSpan(0, 1));
        for (var i = 0; i < 5; i++)
        {
            broker.TurnSeconds(15);
            client.Send([.. Large.AsSpan(1), Large[0]]);
            listener.Next<PublishPacket>();
        }

        broker.TurnSeconds(19);
        client.ExpectNothing();
        broker.TurnSeconds(1.1);
        client.ExpectDisconnect(ReasonCode.KeepAliveTimeout);
    }

    [Fact]
    [Trait("Label", "MQTT-3.1.2-22")]
    public void Keep_Alive_counts_whole_packets_not_bytes()
    {
        var broker = new HandTurnedBroker();
        var client = broker.Connect("dripping", connect => connect with { KeepAlive = 10 });
        for (var i = 0; i < 14; i++)
        {
            client.Send(Large.AsSpan(i, 1));
            broker.TurnSeconds(1);
        }

        client.ExpectNothing();
        broker.TurnSeconds(1.1);
        client.ExpectDisconnect(ReasonCode.KeepAliveTimeout);
    }

    [Fact]
    public void Half_a_CONNECT_is_ended_without_a_word()
    {
        var broker = new HandTurnedBroker(new BrokerOptions { PacketTimeout = TimeSpan.FromSeconds(3) });
        var client = broker.Open();
        client.Send([0x10, 0x7F, 0x00]);

        broker.TurnSeconds(3.1);

        client.ExpectClosed();
        Assert.True(client.Received.IsEmpty);
    }

    [Fact]
    public void Beyond_a_quarter_of_all_memory_the_oldest_half_packet_goes_and_publishers_are_not_held_up()
    {
        // Each takes 64 KiB, so four are a quarter of it.
        var broker = new HandTurnedBroker(new BrokerOptions { MaximumBufferBytes = 1024 * 1024 });
        var listener = broker.Subscriber("listener", "t");
        var clients = Enumerable.Range(0, 30).Select(number => broker.Connect($"{number}")).ToList();
        foreach (var client in clients)
        {
            client.Send(Large.AsSpan(0, 59_000));
            broker.TurnSeconds(1);
        }

        Assert.All(clients.SkipLast(4), client => client.ExpectDisconnect(ReasonCode.QuotaExceeded));
        Assert.Equal(ReasonCode.NoMatchingSubscribers, broker.Connect("publisher").PublishAcknowledged("other", "held up by nobody"));
        foreach (var client in clients.TakeLast(4))
        {
            client.Send(Large.AsSpan(59_000));
            client.ExpectNothing();
            listener.Next<PublishPacket>();
        }
    }

    [Fact]
    public void A_packet_alone_may_take_what_the_Maximum_Packet_Size_allows()
    {
        var broker = new HandTurnedBroker(new BrokerOptions { MaximumBufferBytes = 1024 * 1024 });
        var listener = broker.Subscriber("listener", "t");
        var client = broker.Connect("large");
        var packet = TestLink.Bytes(new PublishPacket(TestLink.Message("t", new string('x', 600_000))));

        client.Send(packet.AsSpan(0, 599_000));
        client.Send(packet.AsSpan(599_000));

        client.ExpectNothing();
        listener.Next<PublishPacket>();
    }

    [Fact]
    public void What_has_ended_is_counted_no_more()
    {
        var broker = new HandTurnedBroker(new BrokerOptions { MaximumBufferBytes = 1024 * 1024 });
        for (var i = 0; i < 20; i++)
        {
            var lost = broker.Connect("lost");
            lost.Send(Large.AsSpan(0, 59_000));
            lost.Lose();
            var wrong = broker.Connect("wrong");
            wrong.Send(Large.AsSpan(0, 59_000));
            wrong.Send([.. Large.AsSpan(59_000), 0x00]);
            wrong.ExpectDisconnect(ReasonCode.MalformedPacket);
        }

        var client = broker.Connect("client");
        client.Send(Large.AsSpan(0, 59_000));
        broker.Connect("another").Send(Large.AsSpan(0, 59_000));

        client.ExpectNothing();
    }
}
