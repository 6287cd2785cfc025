using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using Antiphon.Server.Tests.Peers;

namespace Antiphon.Server.Tests.Listening;

public sealed class ProxyTests : IDisposable
{
    private static readonly byte[] Header = Convert.FromHexString("0D0A0D0A000D0A515549540A2111000CC00002077F000001D431075B");
    private static readonly byte[] Local = Convert.FromHexString("0D0A0D0A000D0A515549540A20000000");
    private static readonly IPEndPoint Client = IPEndPoint.Parse("192.0.2.7:54321");

    private readonly CertificateFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Before_plain_MQTT_it_says_the_client_s_address()
    {
        await using var server = await StartAsync(ListenerProtocol.Mqtt);
        using var client = new TcpClient();
        await client.ConnectAsync(IPAddress.Loopback, Servers.PortOf(server), Servers.Ending);

        await client.GetStream().WriteAsync((byte[])[.. Header, .. Packets.Connect()], Servers.Ending);
        await client.GetStream().ReadExactlyAsync(new byte[2], Servers.Ending);

        await AssertOriginAsync(server, Client);
    }

    [Fact]
    public async Task Before_TLS_it_says_the_client_s_address()
    {
        await using var server = await StartAsync(ListenerProtocol.Mqtts);

        await using var stream = await Servers.HandshakeAsync(server, Trusting(), Header);
        await stream.WriteAsync(Packets.Connect(), Servers.Ending);
        await stream.ReadExactlyAsync(new byte[2], Servers.Ending);

        await AssertOriginAsync(server, Client);
    }

    [Fact]
    public async Task Before_a_WebSocket_it_says_the_client_s_address()
    {
        await using var server = await StartAsync(ListenerProtocol.Ws);

        await using var socket = await RawWebSocket.OpenForMqttAsync(Servers.PortOf(server), Header);
        await socket.SendAsync(RawWebSocket.Frame(RawWebSocket.Binary, Packets.Connect()));
        await socket.NextAsync();

        await AssertOriginAsync(server, Client);
    }

    [Fact]
    public async Task A_connection_of_the_proxy_s_own_keeps_its_address()
    {
        await using var server = await StartAsync(ListenerProtocol.Ws);

        await using var socket = await RawWebSocket.OpenForMqttAsync(Servers.PortOf(server), Local);
        await socket.SendAsync(RawWebSocket.Frame(RawWebSocket.Binary, Packets.Connect()));
        await socket.NextAsync();

        var origin = await Servers.OriginAsync(server);
        Assert.Equal(IPAddress.Loopback, Assert.IsType<IPEndPoint>(origin.RemoteEndPoint).Address);
        Assert.Null(origin.ProxyEndPoint);
    }

    [Theory]
    [InlineData(ListenerProtocol.Mqtts)]
    [InlineData(ListenerProtocol.Ws)]
    public async Task Who_says_nothing_of_the_kind_is_closed_and_who_says_nothing_too(ListenerProtocol protocol)
    {
        await using var server = await StartAsync(protocol, TimeSpan.FromMilliseconds(300));
        byte[][] beginnings = [[0x16, 0x03, 0x01], Header[..20], []];
        foreach (var beginning in beginnings)
        {
            using var client = new TcpClient();
            await client.ConnectAsync(IPAddress.Loopback, Servers.PortOf(server), Servers.Ending);
            await client.GetStream().WriteAsync(beginning, Servers.Ending);
            try
            {
                Assert.Empty(await Servers.ReadToEndAsync(client.GetStream()));
            }
            catch (IOException)
            {
                // It was closed with what it sent unread, which resets it.
            }
        }

        Assert.Equal(0, (await server.Broker.TakeSnapshotAsync(cancellationToken: Servers.Ending)).Counters.Connections);
    }

    private Task<ServerHost> StartAsync(ListenerProtocol protocol, TimeSpan? patience = null) => Servers.StartAsync(
        Servers.Listener(protocol, protocol == ListenerProtocol.Mqtts ? Servers.Tls(_folder.Issue("localhost")) : null) with
        {
            ProxyProtocol = true,
        },
        options => options with { ConnectTimeout = patience ?? options.ConnectTimeout });

    private SslClientAuthenticationOptions Trusting()
    {
        var policy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
        policy.CustomTrustStore.AddRange(_folder.Authority.Alone);
        return new SslClientAuthenticationOptions { TargetHost = "localhost", CertificateChainPolicy = policy };
    }

    private static async Task AssertOriginAsync(ServerHost server, IPEndPoint expected)
    {
        var origin = await Servers.OriginAsync(server);
        Assert.Equal(expected, origin.RemoteEndPoint);
        Assert.True(IPAddress.IsLoopback(Assert.IsType<IPEndPoint>(origin.ProxyEndPoint).Address.MapToIPv4()));
    }
}
