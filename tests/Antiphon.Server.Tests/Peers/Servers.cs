using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using Antiphon.Broker;
using Antiphon.Client;
using Antiphon.Protocol;

namespace Antiphon.Server.Tests.Peers;

/// <summary>Servers on free ports of this machine, and ways to talk to them.</summary>
internal static class Servers
{
    public static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    public static CancellationToken Ending => TestContext.Current.CancellationToken;

    public static Task<ServerHost> StartAsync(
        ServerListener listener, Func<BrokerOptions, BrokerOptions>? with = null, string? passwordFile = null) =>
        ServerHost.StartAsync(Options(listener, with) with { PasswordFile = passwordFile }, Ending);

    public static ServerOptions Options(ServerListener listener, Func<BrokerOptions, BrokerOptions>? with = null) => new()
    {
        Listeners = [listener],
        Broker = with is null ? new BrokerOptions() : with(new BrokerOptions()),
    };

    public static ServerListener Listener(ListenerProtocol protocol, ListenerTls? tls = null) =>
        new() { Name = "it", Protocol = protocol, Port = 0, Tls = tls };

    public static ListenerTls Tls(CertificateFiles certificate) => new() { Certificate = certificate };

    public static int PortOf(ServerHost server) => server.EndPoints[0].Address.Port;

    public static TlsOptions Trusting(CertificateFolder folder) => new() { CertificateAuthorities = folder.Authority.Alone };

    public static Task<MqttClient> ConnectAsync(
        ServerHost server, TlsOptions? tls = null, WebSocketOptions? webSocket = null, string clientId = "client") =>
        MqttClient.ConnectAsync(
            new MqttClientOptions { Host = "127.0.0.1", Port = PortOf(server), Tls = tls, WebSocket = webSocket, ClientId = clientId },
            Ending);

    /// <summary>A message that a client sends to itself arrives as it was.</summary>
    public static async Task RoundTripAsync(MqttClient client, int bytes = 100)
    {
        var payload = new byte[bytes];
        new Random(bytes).NextBytes(payload);
        var arrived = new TaskCompletionSource<byte[]>(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var subscription = await client.SubscribeAsync(
            "round/trip",
            (message, _) =>
            {
                arrived.TrySetResult(message.Payload.ToArray());
                return ValueTask.CompletedTask;
            },
            cancellationToken: Ending);
        await client.PublishAsync(
            new ApplicationMessage { Topic = "round/trip", Payload = payload, QoS = QualityOfService.AtLeastOnce }, Ending);
        Assert.Equal(payload, await arrived.Task.WaitAsync(Patience, Ending));
    }

    /// <summary>Where the one connection comes from.</summary>
    public static async Task<ConnectionOrigin> OriginAsync(ServerHost server) =>
        Assert.Single((await server.Broker.TakeSnapshotAsync(cancellationToken: Ending)).Connections).Origin;

    /// <summary>A TLS connection without MQTT in it.</summary>
    public static async Task<SslStream> HandshakeAsync(ServerHost server, SslClientAuthenticationOptions options, byte[]? before = null)
    {
        var client = new TcpClient();
        await client.ConnectAsync(IPAddress.Loopback, PortOf(server), Ending);
        if (before is not null)
        {
            await client.GetStream().WriteAsync(before, Ending);
        }

        var stream = new SslStream(client.GetStream());
        try
        {
            await stream.AuthenticateAsClientAsync(options, Ending).WaitAsync(Patience, Ending);
            return stream;
        }
        catch
        {
            await stream.DisposeAsync();
            throw;
        }
    }

    /// <summary>Reads until the server ends the stream.</summary>
    public static async Task<byte[]> ReadToEndAsync(Stream stream)
    {
        using var bytes = new MemoryStream();
        await stream.CopyToAsync(bytes, Ending).WaitAsync(Patience, Ending);
        return bytes.ToArray();
    }
}
