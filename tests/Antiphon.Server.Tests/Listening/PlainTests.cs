using Antiphon.Broker;
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

    [Fact]
    public async Task The_users_of_a_file_are_asked_for_and_a_reload_reads_them_anew()
    {
        var users = _folder.Write("users", Users("ann", "old"));
        var options = Servers.Options(Servers.Listener(ListenerProtocol.Mqtt)) with { PasswordFile = users };
        await using var server = await ServerHost.StartAsync(options, Servers.Ending);
        await using var ann = await ConnectAsync(server, "ann", "old");

        _folder.Write("users", Users("bob", "new"));
        var report = server.Reload(options);

        Assert.Equal([$"The users in «{users}» were read anew."], report.Applied);
        await using var bob = await ConnectAsync(server, "bob", "new");
        await Assert.ThrowsAnyAsync<ConnectionException>(() => ConnectAsync(server, "ann", "old"));
        await Servers.RoundTripAsync(ann);

        _folder.Write("users", "no credential");
        Assert.Contains("users", Assert.Throws<BrokerStartException>(() => server.Reload(options)).Message, StringComparison.Ordinal);
        await using var again = await ConnectAsync(server, "bob", "new");
    }

    [Fact]
    public async Task A_reload_says_what_needs_a_restart()
    {
        var options = Servers.Options(Servers.Listener(ListenerProtocol.Mqtt));
        await using var server = await ServerHost.StartAsync(options, Servers.Ending);

        var report = server.Reload(options with
        {
            Listeners = [options.Listeners[0] with { Path = "/other" }],
            Broker = options.Broker with
            {
                AllowAnonymous = true,
                MaximumConnections = 5,
                MaximumReplies = 6,
                StampCaller = true,
                BridgeGroups = ["b"],
            },
            PasswordFile = _folder.Write("users", Users("ann", "secret")),
            Jwt = new JwtOptions { Keys = _folder.Issue("issuer").Certificate },
            Log = options.Log with { Format = LogFormat.Json },
        });

        Assert.Empty(report.Applied);
        Assert.Equal(
            [
                "Whether there is a password file differs.", "Whether tokens are accepted differs.", "The listeners differ.",
                "«allowAnonymous» differs.", "«stampCaller» differs.", "«bridges» differs.",
                "«limits.connections», «limits.replies» differ.", "«log.format» differs.",
            ],
            report.NeedsRestart);
        Assert.Empty(server.Reload(options).NeedsRestart);
    }

    private static string Users(string name, string password) => Antiphon.Broker.Authentication.CredentialList.Empty
        .With(name, Antiphon.Protocol.Authentication.ScramCredential.Derive(
            System.Text.Encoding.UTF8.GetBytes(password), new byte[16], Antiphon.Protocol.Authentication.ScramCredential.MinimumIterations))
        .ToString();

    private static Task<MqttClient> ConnectAsync(ServerHost server, string user, string password) => MqttClient.ConnectAsync(
        new MqttClientOptions
        {
            Host = "127.0.0.1",
            Port = Servers.PortOf(server),
            UserName = user,
            Password = System.Text.Encoding.UTF8.GetBytes(password),
        },
        Servers.Ending);
}
