using System.Net;
using System.Net.Sockets;
using Antiphon.Protocol.Packets;

namespace Antiphon.Broker.Tests.Transport;

/// <summary>Which addresses are served, and what is said of those that cannot be; on both transports.</summary>
public sealed class ListeningTests
{
    public static TheoryData<BrokerTransport> Transports => BrokerHostTests.Transports;

    [Theory]
    [MemberData(nameof(Transports))]
    public async Task All_addresses_of_IPv6_are_those_of_IPv4_too(BrokerTransport transport)
    {
        Assert.SkipUnless(Socket.OSSupportsIPv6, "This machine has no IPv6.");
        await using var broker = Start(transport, new Listener { Name = "all", Bind = IPAddress.IPv6Any, Port = 0 });

        foreach (var address in new[] { IPAddress.Loopback, IPAddress.IPv6Loopback })
        {
            using var client = await ConnectAsync(address, broker.Port, "one");
            var port = ((IPEndPoint)client.Client.LocalEndPoint!).Port;
            var snapshot = await broker.TakeSnapshotAsync(cancellationToken: TestContext.Current.CancellationToken);
            Assert.Contains(snapshot.Connections, connection => new IPEndPoint(address, port).Equals(connection.Origin.RemoteEndPoint));
        }
    }

    [Theory]
    [MemberData(nameof(Transports))]
    public async Task All_addresses_of_IPv4_are_none_of_IPv6(BrokerTransport transport)
    {
        Assert.SkipUnless(Socket.OSSupportsIPv6, "This machine has no IPv6.");
        await using var broker = Start(transport, new Listener { Name = "all", Bind = IPAddress.Any, Port = 0 });
        using var client = await ConnectAsync(IPAddress.Loopback, broker.Port, "one");

        using var other = new TcpClient(AddressFamily.InterNetworkV6);
        await Assert.ThrowsAsync<SocketException>(
            async () => await other.ConnectAsync(IPAddress.IPv6Loopback, broker.Port, TestContext.Current.CancellationToken));
    }

    [Theory]
    [MemberData(nameof(Transports))]
    public async Task All_addresses_of_either_family_may_have_a_listener_of_their_own_on_one_port(BrokerTransport transport)
    {
        Assert.SkipUnless(Socket.OSSupportsIPv6, "This machine has no IPv6.");
        for (var attempt = 1; ; attempt++)
        {
            // Somebody else may take the port that was found before the broker does.
            var port = FindFreePort();
            try
            {
                await using var broker = Start(
                    transport,
                    new Listener { Name = "six", Bind = IPAddress.IPv6Any, Port = port },
                    new Listener { Name = "four", Bind = IPAddress.Any, Port = port });
                using var four = await ConnectAsync(IPAddress.Loopback, port, "four");
                using var six = await ConnectAsync(IPAddress.IPv6Loopback, port, "six");
                var snapshot = await broker.TakeSnapshotAsync(cancellationToken: TestContext.Current.CancellationToken);
                Assert.Equal(2, snapshot.Connections.Count);
                Assert.All(snapshot.Connections, connection => Assert.Equal(connection.ClientId, connection.Origin.Listener));
                return;
            }
            catch (BrokerStartException) when (attempt < 5)
            {
            }
        }
    }

    [Theory]
    [MemberData(nameof(Transports))]
    public async Task A_port_in_use_is_named_and_nothing_stays_open(BrokerTransport transport)
    {
        await using var first = Start(transport, new Listener { Name = "first", Port = 0 });
        var free = FindFreePort();

        var refused = Assert.Throws<BrokerStartException>(() => Start(
            transport, new Listener { Name = "free", Port = free }, new Listener { Name = "taken", Port = first.Port }));

        Assert.Contains($"cannot listen on 127.0.0.1:{first.Port}: ", refused.Message, StringComparison.Ordinal);
        Assert.EndsWith("Choose another port, or 0 for a free one.", refused.Message, StringComparison.Ordinal);
        using var client = new TcpClient();
        await Assert.ThrowsAsync<SocketException>(
            async () => await client.ConnectAsync(IPAddress.Loopback, free, TestContext.Current.CancellationToken));
    }

    [Theory]
    [MemberData(nameof(Transports))]
    public void An_address_of_another_machine_is_named(BrokerTransport transport)
    {
        // An address for documentation, which no machine has (RFC 5737).
        var refused = Assert.Throws<BrokerStartException>(() => BrokerHost.Start(new BrokerOptions
        {
            Transport = transport,
            Bind = IPAddress.Parse("192.0.2.1"),
            Port = 0,
            AllowAnonymous = true,
        }));

        Assert.Contains("cannot listen on 192.0.2.1:0: ", refused.Message, StringComparison.Ordinal);
        Assert.EndsWith("Choose an address of this machine.", refused.Message, StringComparison.Ordinal);
    }

    private static BrokerHost Start(BrokerTransport transport, params Listener[] listeners) =>
        BrokerHost.Start(new BrokerOptions { Transport = transport, Listeners = listeners, AllowAnonymous = true });

    private static async Task<TcpClient> ConnectAsync(IPAddress address, int port, string clientId)
    {
        var client = new TcpClient(address.AddressFamily);
        await client.ConnectAsync(address, port, TestContext.Current.CancellationToken);
        await client.GetStream().WriteAsync(
            TestLink.Bytes(new ConnectPacket { ClientId = clientId }), TestContext.Current.CancellationToken);
        var first = new byte[1];
        await client.GetStream().ReadExactlyAsync(first, TestContext.Current.CancellationToken);
        Assert.Equal(0x20, first[0]);
        return client;
    }

    private static int FindFreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
