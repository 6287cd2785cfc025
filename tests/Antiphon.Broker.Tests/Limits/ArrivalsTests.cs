using System.Net;
using Antiphon.Broker.Authentication;
using Antiphon.Protocol;
using Antiphon.Protocol.Packets;

namespace Antiphon.Broker.Tests.Limits;

/// <summary>How many connections there may be of one address, how often they may come, and how many may wait with their CONNECT.</summary>
public sealed class ArrivalsTests
{
    private const int NoBound = 0;

    [Fact]
    public void Beyond_the_connections_of_an_address_CONNECT_is_refused_with_0x97_until_one_goes()
    {
        var broker = new HandTurnedBroker(new BrokerOptions { MaximumConnectionsPerAddress = 2 });
        var first = Connect(broker, "192.0.2.1", "a");
        Connect(broker, "192.0.2.1", "b");

        var refused = Refused(broker, "192.0.2.1", "c", ReasonCode.QuotaExceeded);
        Assert.Contains("2 connections from this address", refused.ReasonString, StringComparison.Ordinal);
        Connect(broker, "192.0.2.2", "another address");
        Assert.Equal(1, broker.Counters.RefusedByAddress);

        first.Lose();
        Connect(broker, "192.0.2.1", "c");
    }

    [Fact]
    public void A_client_of_MQTT_3_1_1_is_told_in_its_own_words()
    {
        var broker = new HandTurnedBroker(new BrokerOptions { MaximumConnectionsPerAddress = 1 });
        Connect(broker, "192.0.2.1", "a");

        var old = Open(broker, "192.0.2.1");
        old.Version = ProtocolVersion.V311;
        old.Send(new ConnectPacket { ClientId = "b", ProtocolVersion = ProtocolVersion.V311, CleanStart = true });

        Assert.Equal<byte>([0x20, 2, 0, 3], old.Received.ToArray());
    }

    [Fact]
    public void An_address_with_twice_as_many_connections_is_closed_at_once()
    {
        var broker = new HandTurnedBroker(new BrokerOptions { MaximumConnectionsPerAddress = 2, MaximumPendingConnections = 100 });
        var links = Enumerable.Range(0, 4).Select(_ => Open(broker, "192.0.2.1")).ToList();

        Assert.Null(broker.TryOpen(new IPEndPoint(IPAddress.Parse("192.0.2.1"), 5)));

        Assert.Equal(3, broker.Counters.RefusedByAddress);
        Assert.Equal(4, broker.Counters.Connections);
        links[0].Lose();
        Open(broker, "192.0.2.1");
    }

    [Theory]
    [InlineData("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", true)]
    [InlineData("2001:db8:1:2::1", "2001:db8:1:3::1", false)]
    [InlineData("192.0.2.1", "::ffff:192.0.2.1", true)]
    [InlineData("192.0.2.1", "192.0.2.2", false)]
    [InlineData("0.0.0.1", "::2", false)]
    public void An_address_of_IPv6_is_its_first_64_bits(string first, string second, bool isOne)
    {
        var broker = new HandTurnedBroker(new BrokerOptions { MaximumConnectionsPerAddress = 1 });
        Connect(broker, first, "a");

        if (isOne)
        {
            Refused(broker, second, "b", ReasonCode.QuotaExceeded);
        }
        else
        {
            Connect(broker, second, "b");
        }
    }

    [Theory]
    [InlineData("127.0.0.1")]
    [InlineData("127.3.2.1")]
    [InlineData("::1")]
    [InlineData("::ffff:127.0.0.1")]
    [InlineData(null)]
    public void Who_comes_from_this_machine_or_from_within_the_process_has_no_bound(string? address)
    {
        var broker = new HandTurnedBroker(new BrokerOptions { MaximumConnectionsPerAddress = 1, MaximumConnectsPerSecondPerAddress = 1 });

        for (var i = 0; i < 30; i++)
        {
            Connect(broker, address, $"{i}");
        }

        Assert.Equal(0, broker.Engine.RememberedAddresses);
    }

    [Fact]
    public void Behind_a_proxy_it_is_the_clients_address_that_counts()
    {
        var broker = new HandTurnedBroker(new BrokerOptions { MaximumConnectionsPerAddress = 1 });
        Proxied(broker, 1).ExpectConnected();
        Proxied(broker, 2).ExpectConnected();

        var refused = Proxied(broker, 1);
        Assert.Equal(ReasonCode.QuotaExceeded, refused.Link.Next<ConnAckPacket>().ReasonCode);

        // It is closed, but the peer has not closed yet: with it the address has twice as many as it may.
        Assert.True(Proxied(broker, 1).Link.Aborted);
        Assert.Equal(2, broker.Counters.RefusedByAddress);
    }

    [Fact]
    public void An_address_that_connects_too_often_is_refused_with_0x9F_and_let_in_again_in_time()
    {
        var broker = new HandTurnedBroker(new BrokerOptions { MaximumConnectsPerSecondPerAddress = 2 });
        for (var i = 0; i < 20; i++)
        {
            Connect(broker, "192.0.2.1", "a").Lose();
        }

        var refused = Refused(broker, "192.0.2.1", "a", ReasonCode.ConnectionRateExceeded);
        Assert.Contains("2 times a second", refused.ReasonString, StringComparison.Ordinal);
        Connect(broker, "192.0.2.2", "b");
        broker.TurnSeconds(0.51);
        Connect(broker, "192.0.2.1", "a").Lose();
        Refused(broker, "192.0.2.1", "a", ReasonCode.ConnectionRateExceeded);
        Assert.Equal(2, broker.Counters.RefusedByConnectRate);
    }

    [Fact]
    public void Too_many_connections_a_second_of_all_addresses_are_refused_with_0x9F()
    {
        var broker = new HandTurnedBroker(new BrokerOptions { MaximumConnectsPerSecond = 1 });
        for (var i = 0; i < 10; i++)
        {
            Connect(broker, i % 2 == 0 ? null : $"192.0.2.{i}", $"{i}");
        }

        Refused(broker, null, "x", ReasonCode.ConnectionRateExceeded);
        Refused(broker, "192.0.2.1", "y", ReasonCode.ConnectionRateExceeded);
        broker.TurnSeconds(1.01);
        Connect(broker, "192.0.2.1", "y");
    }

    [Fact]
    public void Where_zero_is_said_there_is_no_bound()
    {
        var broker = new HandTurnedBroker(
            new BrokerOptions { MaximumConnectionsPerAddress = NoBound, MaximumConnectsPerSecondPerAddress = NoBound });

        for (var i = 0; i < 1500; i++)
        {
            Connect(broker, "192.0.2.1", $"{i}");
        }
    }

    [Fact]
    public void Addresses_are_forgotten_once_they_have_no_connection_and_their_rate_is_unused()
    {
        var broker = new HandTurnedBroker(new BrokerOptions { MaximumConnectsPerSecondPerAddress = 1 });
        for (var i = 0; i < 200; i++)
        {
            Connect(broker, $"192.0.2.{i}", $"{i}").Lose();
        }

        Assert.Equal(200, broker.Engine.RememberedAddresses);
        broker.TurnSeconds(1.01);
        for (var i = 0; i < 200; i++)
        {
            Connect(broker, null, $"{i}").Lose();
        }

        Assert.Equal(0, broker.Engine.RememberedAddresses);
    }

    [Fact]
    public void Ever_new_addresses_take_no_more_memory_than_is_set_aside_for_them()
    {
        var broker = new HandTurnedBroker(new BrokerOptions { MaximumConnectsPerSecondPerAddress = 1 });

        for (var i = 0; i < AddressCount + 100; i++)
        {
            Open(broker, $"10.{i >> 16}.{i >> 8 & 255}.{i & 255}").Lose();
        }

        Assert.Equal(AddressCount, broker.Engine.RememberedAddresses);
        Connect(broker, "10.0.0.0", "forgotten, and let in");
    }

    [Fact]
    public void Ten_thousand_connections_that_never_send_CONNECT_keep_no_client_out()
    {
        var broker = new HandTurnedBroker(new BrokerOptions { MaximumPendingConnections = 100 });
        var client = broker.Connect("there before");
        var half = new List<TestLink>();
        for (var i = 0; i < 10_000; i++)
        {
            half.Add(broker.Open());
            if (i % 1000 == 500)
            {
                broker.Connect($"client{i}");
            }
        }

        Assert.Equal(100, broker.Engine.PendingConnections);
        Assert.All(half.SkipLast(100), link => Assert.True(link.Aborted));
        Assert.All(half.TakeLast(100), link => Assert.False(link.Aborted));
        Assert.Equal(10_000 + 10 - 100 - 10, broker.Counters.DroppedPending);
        Assert.Equal(ReasonCode.NoMatchingSubscribers, client.PublishAcknowledged("still here"));
        half[^1].Send(new ConnectPacket { ClientId = "late" });
        Assert.Equal(ReasonCode.Success, half[^1].Next<ConnAckPacket>().ReasonCode);
        Assert.Equal(99, broker.Engine.PendingConnections);
    }

    [Fact]
    public void Who_comes_beyond_the_bound_of_its_address_pushes_nobody_else_out()
    {
        var broker = new HandTurnedBroker(
            new BrokerOptions
            {
                MaximumConnectionsPerAddress = 40,
                MaximumPendingConnections = 40,
                MaximumConnectsPerSecondPerAddress = 3,
            });
        var honest = Open(broker, "192.0.2.1");

        // 30 of them are welcome, since so many may come at once. The others have a quarter of the places.
        var flood = Enumerable.Range(0, 70).Select(_ => Open(broker, "192.0.2.66")).ToList();

        Assert.Equal(40, broker.Engine.PendingConnections);
        Assert.All(flood.Take(30), link => Assert.False(link.Aborted));
        Assert.All(flood.Skip(30).SkipLast(9), link => Assert.True(link.Aborted));
        honest.Send(new ConnectPacket { ClientId = "honest" });
        Assert.Equal(ReasonCode.Success, honest.Next<ConnAckPacket>().ReasonCode);
    }

    [Fact]
    public void Whoever_ends_or_is_closed_waits_with_no_CONNECT_any_more()
    {
        var broker = new HandTurnedBroker();
        broker.Open().Lose();
        broker.Open().Send([0x00]);
        broker.Open(isProxied: true).Send("not a proxy"u8);
        var slow = broker.Open();
        broker.TurnSeconds(11);

        Assert.True(slow.Aborted);
        Assert.Equal(0, broker.Engine.PendingConnections);
    }

    [Fact]
    public void A_CONNECT_longer_than_its_own_bound_is_refused_with_0x95_before_it_is_there()
    {
        var broker = new HandTurnedBroker(new BrokerOptions { MaximumConnectBytes = 100 });
        var client = broker.Connect("a");
        client.Publish(TestLink.Message("t", new string('x', 1000)));
        var longer = broker.Open();

        // 101 bytes: the fixed header and the beginning of the rest.
        longer.Send([0x10, 99, 0x00, 0x04, 0x4D, 0x51, 0x54, 0x54, 0x05]);

        Assert.Equal(ReasonCode.PacketTooLarge, longer.Next<ConnAckPacket>().ReasonCode);
        longer.ExpectClosed();
        Assert.Equal(1, broker.Counters.OversizedPackets);
        var fits = new ConnectPacket { ClientId = new string('x', 85) };
        Assert.Equal(100, TestLink.Bytes(fits).Length);
        broker.Connect(fits.ClientId);
        client.ExpectNothing();
    }

    [Fact]
    public void What_waits_for_who_its_client_is_is_bounded_in_bytes_and_more_is_refused_with_0x89()
    {
        var broker = new HandTurnedBroker(
            new BrokerOptions { MaximumSessionBytes = 16 * 1024 * 1024, Authenticator = CredentialList.Empty.Passwords })
        { HoldsSteps = true };
        var user = new string('u', 60_000);
        var clients = Enumerable.Range(0, 10).Select(i => Ask($"{i}")).ToList();

        // A user name takes two bytes for each character.
        Assert.All(clients.Take(8), client => client.ExpectNothing());
        Assert.All(clients.Skip(8), client => Assert.Equal(ReasonCode.ServerBusy, client.Next<ConnAckPacket>().ReasonCode));
        Assert.Equal(2, broker.Counters.RefusedClients);

        clients[0].Lose();
        Ask("in the place of one that went").ExpectNothing();
        broker.Return(broker.Steps.ElementAt(1), AuthenticationResult.Accept("ann"));
        Assert.Equal(ReasonCode.Success, clients[1].Next<ConnAckPacket>().ReasonCode);
        Ask("in the place of one that is connected").ExpectNothing();
        Assert.Equal(ReasonCode.ServerBusy, Ask("one more").Next<ConnAckPacket>().ReasonCode);

        TestLink Ask(string clientId)
        {
            var link = broker.Open();
            link.Send(new ConnectPacket { ClientId = clientId, UserName = user });
            return link;
        }
    }

    private const int AddressCount = Broker.Limits.AddressTable.MaximumIdle;

    private static TestLink Open(HandTurnedBroker broker, string? address) =>
        Assert.IsType<TestLink>(broker.TryOpen(address is null ? null : new IPEndPoint(IPAddress.Parse(address), 4711)));

    private static ConnAckPacket Say(TestLink link, string clientId)
    {
        link.Send(new ConnectPacket { ClientId = clientId });
        return link.Next<ConnAckPacket>();
    }

    private static TestLink Connect(HandTurnedBroker broker, string? address, string clientId)
    {
        var link = Open(broker, address);
        Assert.Equal(ReasonCode.Success, Say(link, clientId).ReasonCode);
        return link;
    }

    private static ConnAckPacket Refused(HandTurnedBroker broker, string? address, string clientId, ReasonCode code)
    {
        var link = Open(broker, address);
        var answer = Say(link, clientId);
        Assert.Equal(code, answer.ReasonCode);
        link.ExpectClosed();
        link.Lose();
        return answer;
    }

    private static ProxiedLink Proxied(HandTurnedBroker broker, byte host)
    {
        var link = broker.Open(isProxied: true);
        link.Send(
        [
            .. "\r\n\r\n\0\r\nQUIT\n"u8, 0x21, 0x11, 0, 12, 192, 0, 2, host, 10, 0, 0, 1, 0x12, 0x67, 0x07, 0x5B,
            .. TestLink.Bytes(new ConnectPacket { ClientId = $"{host}" }),
        ]);
        return new ProxiedLink(link);
    }

    private readonly record struct ProxiedLink(TestLink Link)
    {
        public void ExpectConnected() => Assert.Equal(ReasonCode.Success, Link.Next<ConnAckPacket>().ReasonCode);
    }
}
