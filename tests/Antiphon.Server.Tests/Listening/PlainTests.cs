using Antiphon.Client;
using Antiphon.Protocol;
using Antiphon.Server.Tests.Peers;

namespace Antiphon.Server.Tests.Listening;

public sealed class PlainTests : IDisposable
{
    private readonly CertificateFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Plain_MQTT_needs_no_Kestrel_and_everything_else_does()
    {
        await using var plain = await Servers.StartAsync(Servers.Listener(ListenerProtocol.Mqtt));
        await using var webSocket = await Servers.StartAsync(Servers.Listener(ListenerProtocol.Ws));

        Assert.False(plain.HasKestrel);
        Assert.True(webSocket.HasKestrel);
        await using var client = await Servers.ConnectAsync(plain);
        await Servers.RoundTripAsync(client);
    }

    [Fact]
    public async Task Clients_of_all_listeners_meet_in_one_broker()
    {
        await using var server = await ServerHost.StartAsync(
            new ServerOptions
            {
                Listeners =
                [
                    Servers.Listener(ListenerProtocol.Ws) with { Name = "ws", Path = "/deep/path" },
                    Servers.Listener(ListenerProtocol.Mqtt) with { Name = "mqtt" },
                    Servers.Listener(ListenerProtocol.Mqtts, Servers.Tls(_folder.Issue("localhost"))) with { Name = "mqtts" },
                ],
            },
            Servers.Ending);
        Assert.Equal(["ws", "mqtt", "mqtts"], server.EndPoints.Select(endPoint => endPoint.Listener.Name));
        Assert.Equal(["ws", "mqtt", "mqtts"], server.EndPoints.Select(endPoint => endPoint.Url.Split(':')[0]));
        Assert.EndsWith("/deep/path", server.EndPoints[0].Url, StringComparison.Ordinal);

        MqttClientOptions At(int listener) => new() { Host = "127.0.0.1", Port = server.EndPoints[listener].Address.Port };
        await using var first = await MqttClient.ConnectAsync(
            At(0) with { WebSocket = new WebSocketOptions { Path = "/deep/path" } }, Servers.Ending);
        await using var second = await MqttClient.ConnectAsync(At(1), Servers.Ending);
        await using var third = await MqttClient.ConnectAsync(At(2) with { Tls = Servers.Trusting(_folder) }, Servers.Ending);
        var arrived = new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously);
        await first.SubscribeAsync(
            "t",
            (message, _) =>
            {
                arrived.TrySetResult(message.Text);
                return ValueTask.CompletedTask;
            },
            cancellationToken: Servers.Ending);

        var sent = await third.PublishAsync(
            new ApplicationMessage { Topic = "t", Payload = "hello"u8.ToArray(), QoS = QualityOfService.AtLeastOnce }, Servers.Ending);

        Assert.Equal(ReasonCode.Success, sent.ReasonCode);
        Assert.Equal("hello", await arrived.Task.WaitAsync(Servers.Patience, Servers.Ending));
    }
}
