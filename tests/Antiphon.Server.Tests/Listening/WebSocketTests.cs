using System.Buffers.Binary;
using System.Net;
using System.Net.WebSockets;
using System.Security.Authentication;
using Antiphon.Broker;
using Antiphon.Protocol.Packets;
using Antiphon.Server.Tests.Peers;

namespace Antiphon.Server.Tests.Listening;

public sealed class WebSocketTests : IDisposable
{
    private readonly CertificateFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(ListenerProtocol.Ws, 100)]
    [InlineData(ListenerProtocol.Ws, 1_000_000)]
    [InlineData(ListenerProtocol.Wss, 100)]
    [InlineData(ListenerProtocol.Wss, 1_000_000)]
    public async Task Messages_go_over_WebSocket_and_the_origin_says_how(ListenerProtocol protocol, int bytes)
    {
        var isEncrypted = protocol == ListenerProtocol.Wss;
        await using var server = await Servers.StartAsync(
            Servers.Listener(protocol, isEncrypted ? Servers.Tls(_folder.Issue("localhost")) : null));
        await using var client = await Servers.ConnectAsync(
            server, isEncrypted ? Servers.Trusting(_folder) : null, new Client.WebSocketOptions());

        await Servers.RoundTripAsync(client, bytes);

        var origin = await Servers.OriginAsync(server);
        Assert.Equal(("it", isEncrypted ? SslProtocols.Tls13 : null), (origin.Listener, origin.TlsVersion));
        Assert.Equal(IPAddress.Loopback, Assert.IsType<IPEndPoint>(origin.RemoteEndPoint).Address);
        Assert.EndsWith("/mqtt", server.EndPoints[0].Url, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_client_certificate_shown_by_WebSocket_is_part_of_the_origin()
    {
        var certificate = _folder.Authority.Issue("device-7");
        await using var server = await Servers.StartAsync(Servers.Listener(
            ListenerProtocol.Wss,
            Servers.Tls(_folder.Issue("localhost")) with { ClientCertificates = ClientCertificates.Require, ClientCa = _folder.Ca }));
        await using var client = await Servers.ConnectAsync(
            server,
            Servers.Trusting(_folder) with
            {
                ClientCertificateContext = System.Net.Security.SslStreamCertificateContext.Create(certificate, null, offline: true),
            },
            new Client.WebSocketOptions());

        Assert.Equal(certificate.Thumbprint, (await Servers.OriginAsync(server)).ClientCertificate!.Thumbprint);
    }

    [Theory]
    [Trait("Label", "MQTT-6.0.0-3")]
    [InlineData("/mqtt", "", 400)]
    [InlineData("/mqtt", "Sec-WebSocket-Protocol: chat, MQTT\r\n", 400)]
    [InlineData("/other", "Sec-WebSocket-Protocol: mqtt\r\n", 404)]
    public async Task Only_the_subprotocol_mqtt_at_the_listener_s_path_is_served(string path, string headers, int status)
    {
        await using var server = await StartAsync();

        await using var socket = await RawWebSocket.OpenAsync(Servers.PortOf(server), path, headers);

        Assert.StartsWith($"HTTP/1.1 {status} ", socket.Response, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Who_connects_and_says_nothing_is_waited_for_no_longer_than_for_a_CONNECT()
    {
        await using var server = await Servers.StartAsync(
            Servers.Listener(ListenerProtocol.Ws), broker => broker with { ConnectTimeout = TimeSpan.FromSeconds(1) });
        using var silent = new System.Net.Sockets.TcpClient();
        await silent.ConnectAsync(System.Net.IPAddress.Loopback, Servers.PortOf(server), Servers.Ending);

        Assert.Empty(await Servers.ReadToEndAsync(silent.GetStream()));
    }

    [Fact]
    public async Task Who_asks_for_no_WebSocket_is_told_that_this_is_one()
    {
        await using var server = await StartAsync();
        using var http = new HttpClient();

        using var response = await http.GetAsync(new Uri($"http://127.0.0.1:{Servers.PortOf(server)}/mqtt"), Servers.Ending);

        Assert.Equal(HttpStatusCode.UpgradeRequired, response.StatusCode);
        Assert.False(response.Headers.Contains("Server"));
    }

    [Fact]
    [Trait("Label", "MQTT-6.0.0-4")]
    public async Task The_subprotocol_is_chosen_among_others_and_compression_is_not()
    {
        await using var server = await StartAsync();

        await using var socket = await RawWebSocket.OpenAsync(
            Servers.PortOf(server),
            headers: "Sec-WebSocket-Protocol: chat, mqtt\r\nSec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n");

        Assert.StartsWith("HTTP/1.1 101 ", socket.Response, StringComparison.Ordinal);
        Assert.Contains("Sec-WebSocket-Protocol: mqtt\r\n", socket.Response, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("Sec-WebSocket-Extensions", socket.Response, StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    [Trait("Label", "MQTT-6.0.0-2")]
    public async Task A_packet_may_come_in_many_frames_and_many_packets_in_one()
    {
        await using var server = await StartAsync();
        await using var socket = await RawWebSocket.OpenForMqttAsync(Servers.PortOf(server));
        var connect = Packets.Connect();

        // One message in three fragments with a ping between them, then the rest in messages of a byte each and an empty one.
        await socket.SendAsync(
            RawWebSocket.Frame(RawWebSocket.Binary, connect.AsSpan(0, 3), isLast: false),
            RawWebSocket.Frame(RawWebSocket.Ping, "?"u8),
            RawWebSocket.Frame(RawWebSocket.Continuation, connect.AsSpan(3, 4), isLast: false),
            RawWebSocket.Frame(RawWebSocket.Continuation, []),
            RawWebSocket.Frame(RawWebSocket.Binary, []));
        await socket.SendAsync([.. connect[7..].Select(one => RawWebSocket.Frame(RawWebSocket.Binary, [one]))]);
        Assert.Equal((RawWebSocket.Pong, "?"u8.ToArray()), await socket.NextAsync(), EqualFrames);
        Assert.Equal(0x20, (await socket.NextAsync()).Payload[0]);

        await socket.SendAsync(RawWebSocket.Frame(
            RawWebSocket.Binary, [.. Packets.Bytes(new PingReqPacket()), .. Packets.Bytes(new PingReqPacket())]));
        byte[] pongs = (await socket.NextAsync()).Payload;
        while (pongs.Length < 4)
        {
            pongs = [.. pongs, .. (await socket.NextAsync()).Payload];
        }

        Assert.Equal([0xD0, 0, 0xD0, 0], pongs);
    }

    [Theory]
    [Trait("Label", "MQTT-6.0.0-1")]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_text_frame_ends_the_connection(bool isFirst)
    {
        await using var server = await StartAsync();
        await using var socket = await RawWebSocket.OpenForMqttAsync(Servers.PortOf(server));
        if (!isFirst)
        {
            await socket.SendAsync(RawWebSocket.Frame(RawWebSocket.Binary, Packets.Connect()));
            await socket.NextAsync();
        }

        await socket.SendAsync(RawWebSocket.Frame(RawWebSocket.Text, isFirst ? Packets.Connect() : Packets.Bytes(new PingReqPacket())));

        var (opcode, payload) = await socket.NextAsync();
        Assert.Equal(RawWebSocket.Close, opcode);
        Assert.Equal((ushort)WebSocketCloseStatus.InvalidMessageType, BinaryPrimitives.ReadUInt16BigEndian(payload));
        Assert.Empty(await socket.ReadToEndAsync());
    }

    [Fact]
    public async Task The_peer_reads_the_broker_s_last_packet_and_then_the_Close_frame()
    {
        await using var server = await StartAsync(options => options with { CloseTimeout = TimeSpan.FromHours(1) });
        await using var socket = await RawWebSocket.OpenForMqttAsync(Servers.PortOf(server));

        await socket.SendAsync(RawWebSocket.Frame(RawWebSocket.Binary, [.. Packets.Connect(), 0x00]));
        var packets = new List<byte>();
        var frame = await socket.NextAsync();
        while (frame.Opcode == RawWebSocket.Binary)
        {
            packets.AddRange(frame.Payload);
            frame = await socket.NextAsync();
        }

        var disconnect = packets[(2 + packets[1])..];
        Assert.Equal((0xE0, 0x81), (disconnect[0], disconnect[2]));
        Assert.Equal(RawWebSocket.Close, frame.Opcode);
        await socket.SendAsync(RawWebSocket.Frame(RawWebSocket.Close, frame.Payload));
        Assert.Empty(await socket.ReadToEndAsync());
    }

    [Fact]
    public async Task The_peer_s_Close_frame_is_answered_and_the_connection_ends()
    {
        await using var server = await StartAsync(options => options with { CloseTimeout = TimeSpan.FromHours(1) });
        await using var socket = await RawWebSocket.OpenForMqttAsync(Servers.PortOf(server));
        await socket.SendAsync(RawWebSocket.Frame(RawWebSocket.Binary, Packets.Connect()));
        await socket.NextAsync();

        await socket.SendAsync(RawWebSocket.Frame(RawWebSocket.Close, [0x03, 0xE8]));

        Assert.Equal((RawWebSocket.Close, [0x03, 0xE8]), await socket.NextAsync(), EqualFrames);
        Assert.Empty(await socket.ReadToEndAsync());
    }

    [Fact]
    public async Task The_base_library_s_client_connects_and_closes_in_good_order()
    {
        await using var server = await StartAsync();
        using var socket = new ClientWebSocket();
        socket.Options.AddSubProtocol("mqtt");
        await socket.ConnectAsync(new Uri($"ws://127.0.0.1:{Servers.PortOf(server)}/mqtt"), Servers.Ending);

        await socket.SendAsync(Packets.Connect(), WebSocketMessageType.Binary, endOfMessage: true, Servers.Ending);
        var buffer = new byte[1024];
        var answer = await socket.ReceiveAsync(buffer.AsMemory(), Servers.Ending);
        Assert.Equal((WebSocketMessageType.Binary, 0x20), (answer.MessageType, buffer[0]));
        await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, null, Servers.Ending).WaitAsync(Servers.Patience, Servers.Ending);

        Assert.Equal(WebSocketState.Closed, socket.State);
    }

    private static Task<ServerHost> StartAsync(Func<BrokerOptions, BrokerOptions>? with = null) =>
        Servers.StartAsync(Servers.Listener(ListenerProtocol.Ws), with);

    private static bool EqualFrames((byte Opcode, byte[] Payload) one, (byte Opcode, byte[] Payload) other) =>
        one.Opcode == other.Opcode && one.Payload.AsSpan().SequenceEqual(other.Payload);
}
