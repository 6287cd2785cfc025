using System.Net.Security;
using Antiphon.Client.Tests.Peers;
using Antiphon.Protocol;

namespace Antiphon.Client.Tests.Transports;

public sealed class WebSocketTests : IDisposable
{
    private readonly ScriptedServer _server = new();

    private MqttClientOptions Options => _server.Options with { WebSocket = new WebSocketOptions() };

    public void Dispose() => _server.Dispose();

    [Fact]
    [Trait("Label", "MQTT-6.0.0-1")]
    [Trait("Label", "MQTT-6.0.0-3")]
    public async Task Packets_travel_in_binary_frames_of_the_subprotocol_mqtt_and_a_Close_frame_follows_DISCONNECT()
    {
        await using var client = MqttClient.Start(Options);
        using var connection = await _server.AcceptAsync();
        var webSocket = await ScriptedWebSocket.AcceptAsync(connection.Stream);
        await webSocket.AcceptAsync();
        await client.WaitUntilConnectedAsync(Limit.Token);
        await client.PublishAsync(new ApplicationMessage { Topic = "a" }, Limit.Token);
        var (opcode, publish) = await webSocket.ReadAsync();
        var disconnecting = client.DisconnectAsync(cancellationToken: Limit.Token);
        var farewell = await webSocket.ReadAsync();
        var close = await webSocket.ReadAsync();
        await webSocket.SendAsync("03E8", ScriptedWebSocket.Close);
        await disconnecting;

        Assert.StartsWith("GET /mqtt HTTP/1.1\r\n", webSocket.Request, StringComparison.Ordinal);
        Assert.Contains("\r\nSec-WebSocket-Protocol: mqtt\r\n", webSocket.Request, StringComparison.Ordinal);
        Assert.Equal((ScriptedWebSocket.Binary, "30040001" + "6100"), (opcode, Convert.ToHexString(publish)));
        Assert.Equal((ScriptedWebSocket.Binary, "E000"), (farewell.Opcode, Convert.ToHexString(farewell.Payload)));
        Assert.Equal((ScriptedWebSocket.Close, "03E8"), (close.Opcode, Convert.ToHexString(close.Payload)));
        await connection.ExpectEndAsync();
    }

    [Fact]
    [Trait("Label", "MQTT-6.0.0-2")]
    public async Task Frame_borders_mean_nothing()
    {
        await using var client = MqttClient.Start(Options);
        using var connection = await _server.AcceptAsync();
        var webSocket = await ScriptedWebSocket.AcceptAsync(connection.Stream);
        await webSocket.ReadAsync();

        // CONNACK comes in two frames with an empty one between. Then come a message and the beginning of the next,
        // whose rest is a message of three frames.
        await webSocket.SendAsync("20 03");
        await webSocket.SendAsync("");
        await webSocket.SendAsync("00 00 00");
        var received = new List<string>();
        var all = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var subscribing = client.SubscribeAsync(
            "a",
            (message, _) =>
            {
                received.Add(System.Text.Encoding.UTF8.GetString(message.Payload.Span));
                if (received.Count == 3)
                {
                    all.SetResult();
                }

                return ValueTask.CompletedTask;
            },
            null,
            Limit.Token);
        await webSocket.ReadAsync();
        await webSocket.SendAsync("90 04 0001 00 01 30 07 0001 'a' 02 0B01 '1' 30 07 00");
        await webSocket.SendAsync("01 'a' 02", final: false);
        await webSocket.SendAsync("0B01", ScriptedWebSocket.Continuation, final: false);
        await webSocket.SendAsync("'2' 30 07 0001 'a' 02 0B01 '3'", ScriptedWebSocket.Continuation);

        await subscribing;
        await all.Task.InTime();
        Assert.Equal(["1", "2", "3"], received);
    }

    [Theory]
    [InlineData("'text'", "[MQTT-6.0.0-1]")]
    [InlineData("D0 00", "WebSocket")] // A PINGRESP, which is no UTF-8.
    [Trait("Label", "MQTT-6.0.0-1")]
    public async Task A_text_frame_ends_the_connection(string frame, string because)
    {
        await using var client = MqttClient.Start(Options);
        var states = new StateLog(client);
        using var connection = await _server.AcceptAsync();
        var webSocket = await ScriptedWebSocket.AcceptAsync(connection.Stream);
        await webSocket.AcceptAsync();
        await client.WaitUntilConnectedAsync(Limit.Token);
        await webSocket.SendAsync(frame, ScriptedWebSocket.Text);

        var failure = (await states.NextAsync(ConnectionState.Reconnecting)).Exception!;
        Assert.Contains(because, failure.ToString(), StringComparison.Ordinal);
        using var next = await _server.AcceptAsync();
    }

    [Fact]
    public async Task A_Close_frame_of_the_server_is_the_end_of_the_connection()
    {
        await using var client = MqttClient.Start(Options);
        var states = new StateLog(client);
        using var connection = await _server.AcceptAsync();
        var webSocket = await ScriptedWebSocket.AcceptAsync(connection.Stream);
        await webSocket.AcceptAsync();
        await client.WaitUntilConnectedAsync(Limit.Token);
        await webSocket.SendAsync("03E9", ScriptedWebSocket.Close);

        await states.NextAsync(ConnectionState.Reconnecting);
        using var next = await _server.AcceptAsync();
    }

    [Theory]
    [InlineData(null)]
    [InlineData("mqttv3.1")]
    [Trait("Label", "MQTT-6.0.0-4")]
    public async Task A_server_that_does_not_choose_mqtt_is_refused(string? subprotocol)
    {
        var connecting = MqttClient.ConnectAsync(Options, Limit.Token);
        using var connection = await _server.AcceptAsync();
        await ScriptedWebSocket.AcceptAsync(connection.Stream, subprotocol);

        Assert.Contains("mqtt", (await Assert.ThrowsAsync<ConnectionException>(() => connecting)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_server_that_answers_with_an_error_of_HTTP_is_named_with_it()
    {
        var connecting = MqttClient.ConnectAsync(Options with { WebSocket = new WebSocketOptions { Path = "/elsewhere" } }, Limit.Token);
        using var connection = await _server.AcceptAsync();
        await ScriptedWebSocket.ReadRequestAsync(connection.Stream);
        await ScriptedWebSocket.AnswerAsync(connection.Stream, "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");

        var failure = await Assert.ThrowsAsync<ConnectionException>(() => connecting);

        Assert.Contains("404", failure.Message, StringComparison.Ordinal);
        Assert.Contains($"ws://127.0.0.1:{_server.Options.Port}/elsewhere", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Path_and_headers_stand_in_the_request()
    {
        var webSocket = new WebSocketOptions { Path = "/broker?token=a%20b", Headers = [new("Authorization", "Bearer t")] };
        await using var client = MqttClient.Start(Options with { WebSocket = webSocket });
        using var connection = await _server.AcceptAsync();

        var request = await ScriptedWebSocket.ReadRequestAsync(connection.Stream);

        Assert.StartsWith("GET /broker?token=a%20b HTTP/1.1\r\n", request, StringComparison.Ordinal);
        Assert.Contains("\r\nAuthorization: Bearer t\r\n", request, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_WebSocket_travels_over_TLS()
    {
        using var authority = new Authority();
        await using var client = MqttClient.Start(Options with { Tls = new TlsOptions { CertificateAuthorities = authority.Alone } });
        using var connection = await _server.AcceptAsync(new SslServerAuthenticationOptions { ServerCertificate = authority.Issue() });
        var webSocket = await ScriptedWebSocket.AcceptAsync(connection.Stream);
        await webSocket.AcceptAsync();

        await client.WaitUntilConnectedAsync(Limit.Token);
        var disconnecting = client.DisconnectAsync(cancellationToken: Limit.Token);
        Assert.Equal("E000", Convert.ToHexString((await webSocket.ReadAsync()).Payload));
        Assert.Equal(ScriptedWebSocket.Close, (await webSocket.ReadAsync()).Opcode);
        await webSocket.SendAsync("03E8", ScriptedWebSocket.Close);
        await disconnecting;
    }

    [Fact]
    public void Options_that_cannot_work_are_refused()
    {
        foreach (var (wrong, name) in new[]
        {
            (new WebSocketOptions { Path = "mqtt" }, "Path"),
            (new WebSocketOptions { Path = "/a b" }, "Path"),
            (new WebSocketOptions { Headers = null! }, "Headers"),
            (new WebSocketOptions { Headers = [new("a b", "")] }, "Headers"),
            (new WebSocketOptions { Headers = [new("a", "1\r\nb: 2")] }, "Headers"),
        })
        {
            var exception = Assert.Throws<ArgumentException>(() => MqttClient.Start(new MqttClientOptions { WebSocket = wrong }));
            Assert.Contains($"WebSocket.{name}", exception.Message, StringComparison.Ordinal);
        }
    }
}
