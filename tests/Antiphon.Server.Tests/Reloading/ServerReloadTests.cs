using System.Net;
using System.Text.Json;
using Antiphon.Broker;
using Antiphon.Broker.Access;
using Antiphon.Broker.Authentication;
using Antiphon.Client;
using Antiphon.Protocol;
using Antiphon.Protocol.Authentication;
using Antiphon.Server.Configuration;
using Antiphon.Server.Tests.Peers;

namespace Antiphon.Server.Tests.Reloading;

/// <summary>What a running server takes over, and what clients that are connected see of it.</summary>
public sealed class ServerReloadTests : IDisposable
{
    private static readonly AccessRule All = new()
    {
        Allows = true,
        Permissions = Permissions.Publish | Permissions.Subscribe | Permissions.Request | Permissions.Respond,
        Topics = ["#"],
        To = ["*"],
    };

    private readonly CertificateFolder _folder = new();

    private static ServerOptions Usual => Servers.Options(Servers.Listener(ListenerProtocol.Mqtt));

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Clients_of_users_that_are_no_more_are_ended_and_those_of_the_others_stay()
    {
        var options = Usual with { PasswordFile = WriteUsers("ann", "bob") };
        await using var server = await ServerHost.StartAsync(options, Servers.Ending);
        await using var ann = await ConnectAsync(server, "ann");
        await using var bob = await ConnectAsync(server, "bob");
        var ended = EndOf(ann);

        WriteUsers("bob", "eve");
        var report = await server.ReloadAsync(options, Servers.Ending);

        Assert.Equal([$"The users in «{options.PasswordFile}» were read anew; 1 is no more."], report.Applied);
        Assert.Equal(ReasonCode.AdministrativeAction, (await ended.WaitAsync(Servers.Patience, Servers.Ending)).ReasonCode);
        Assert.Equal(
            ReasonCode.BadUserNameOrPassword,
            (await Assert.ThrowsAnyAsync<ConnectionException>(() => ConnectAsync(server, "ann"))).ReasonCode);
        await using var eve = await ConnectAsync(server, "eve");
        await Servers.RoundTripAsync(bob);

        _folder.Write("users", "no credential");
        Assert.Contains(
            "users",
            (await Assert.ThrowsAsync<BrokerStartException>(() => server.ReloadAsync(options, Servers.Ending))).Message,
            StringComparison.Ordinal);
        await Servers.RoundTripAsync(eve);
    }

    [Fact]
    public async Task A_password_file_may_come_and_go()
    {
        await using var server = await ServerHost.StartAsync(Usual, Servers.Ending);
        await using var anybody = await Servers.ConnectAsync(server, clientId: "anybody");

        var options = Usual with { PasswordFile = WriteUsers("ann") };
        var report = await server.ReloadAsync(options, Servers.Ending);
        Assert.Equal([$"The users in «{options.PasswordFile}» were read anew."], report.Applied);
        await Assert.ThrowsAnyAsync<ConnectionException>(() => Servers.ConnectAsync(server));
        await using (var ann = await ConnectAsync(server, "ann"))
        {
            await Servers.RoundTripAsync(ann);
        }

        Assert.Equal(["There is no password file any more."], (await server.ReloadAsync(Usual, Servers.Ending)).Applied);
        await using var another = await Servers.ConnectAsync(server, clientId: "another");
        await Servers.RoundTripAsync(anybody);
    }

    [Fact]
    public async Task Other_rules_hold_at_once_and_take_subscriptions_away_that_they_do_not_allow()
    {
        await using var server = await ServerHost.StartAsync(Usual, Servers.Ending);
        await using var client = await Servers.ConnectAsync(server);
        await client.SubscribeAsync("secret/#", (_, _) => ValueTask.CompletedTask, cancellationToken: Servers.Ending);
        var secret = All with { Allows = false, Topics = ["secret/#"], Place = "file:1" };

        var report = await server.ReloadAsync(Usual with { Broker = Rules(secret, All) }, Servers.Ending);

        Assert.Equal(["2 access rules hold."], report.Applied);
        var refused = await Assert.ThrowsAsync<RefusedException>(
            () => client.PublishAsync(
                new ApplicationMessage { Topic = "secret/x", QoS = QualityOfService.AtLeastOnce }, Servers.Ending).AsTask());
        Assert.Equal(ReasonCode.NotAuthorized, refused.ReasonCode);
        while (server.Broker.Counters.DeniedSubscriptions == 0)
        {
            // The review goes on in the turns that follow; each question is a turn.
            await server.Broker.TakeSnapshotAsync(cancellationToken: Servers.Ending);
        }

        Assert.Empty((await server.ReloadAsync(Usual with { Broker = Rules(secret, All) }, Servers.Ending)).Applied);
        Assert.Equal(
            ["There is no access rule any more, and everybody may do everything."],
            (await server.ReloadAsync(Usual, Servers.Ending)).Applied);
        await Servers.RoundTripAsync(client);
    }

    [Fact]
    public async Task Other_limits_hold_at_once_and_nobody_is_disconnected()
    {
        await using var server = await ServerHost.StartAsync(Usual, Servers.Ending);
        await using var old = await Servers.ConnectAsync(server, clientId: "old");

        var report = await server.ReloadAsync(
            Usual with { Broker = new BrokerOptions { MaximumConnections = 1, MaximumPacketSize = 500 } }, Servers.Ending);

        Assert.Equal(
            ["«limits.connections», «limits.packetSize» differ; what CONNACK says holds for who connects from now on."], report.Applied);
        Assert.Empty(report.NeedsRestart);
        Assert.Equal(
            ReasonCode.QuotaExceeded, (await Assert.ThrowsAnyAsync<ConnectionException>(() => Servers.ConnectAsync(server))).ReasonCode);
        await Servers.RoundTripAsync(old, bytes: 1000);

        await server.ReloadAsync(Usual with { Broker = new BrokerOptions { MaximumPacketSize = 500 } }, Servers.Ending);
        await using var second = await Servers.ConnectAsync(server, clientId: "second");
        Assert.Equal(500u, second.Server!.MaximumPacketSize);
    }

    [Fact]
    public async Task Every_limit_is_taken_over_and_named()
    {
        await using var server = await ServerHost.StartAsync(Usual, Servers.Ending);
        using var schema = JsonDocument.Parse(ConfigurationSchema.Text);
        var limits = schema.RootElement.GetProperty("properties").GetProperty("limits").GetProperty("properties");
        var names = limits.EnumerateObject().Select(limit => limit.Name).ToArray();
        Assert.Equal(LimitSettings.Shape.Settings.Count, names.Length);
        foreach (var limit in limits.EnumerateObject())
        {
            var other = new ConfigurationOverride($"limits.{limit.Name}", OtherThanUsual(limit.Value), "test");
            var reading = new ConfigurationFile(null, new Dictionary<string, string>(), [other]).Read();
            Assert.Empty(reading.Mistakes);
            var wanted = Usual with { Broker = reading.Options!.Broker };

            Assert.Equal(
                [$"«limits.{limit.Name}» differs; what CONNACK says holds for who connects from now on."],
                (await server.ReloadAsync(wanted, Servers.Ending)).Applied);
            var again = await server.ReloadAsync(wanted, Servers.Ending);
            Assert.Empty(again.Applied.Concat(again.NeedsRestart));
            await server.ReloadAsync(Usual, Servers.Ending);
        }
    }

    [Fact]
    public async Task Who_is_slowed_and_what_is_audited_may_change_and_that_is_said()
    {
        var options = Usual with { Audit = new AuditOptions { File = _folder.PathOf("audit") } };
        await using var server = await ServerHost.StartAsync(options, Servers.Ending);
        var other = options with
        {
            FailedLogIns = new FailedLogInLimits { Free = 1 },
            Audit = options.Audit with { Topics = ["a/#"] },
        };

        var report = await server.ReloadAsync(other, Servers.Ending);

        Assert.Equal(["«users.failedLogIns» differs.", "«audit.topics» or «audit.payloads» differs."], report.Applied);
        Assert.Empty(report.NeedsRestart);
        Assert.Empty((await server.ReloadAsync(other, Servers.Ending)).Applied);
    }

    [Fact]
    public async Task The_admin_endpoint_keeps_its_times_until_the_next_start()
    {
        var options = Usual with { Admin = new AdminOptions { Port = 0, TokenFile = _folder.PathOf("token") } };
        await using var server = await ServerHost.StartAsync(options, Servers.Ending);

        var report = await server.ReloadAsync(
            options with { Broker = new BrokerOptions { CloseTimeout = TimeSpan.FromSeconds(1) } }, Servers.Ending);

        Assert.Equal(["«limits.closeTimeout», for the admin endpoint."], report.NeedsRestart);
    }

    [Fact]
    public async Task What_needs_a_restart_is_said_and_the_rest_is_done()
    {
        var options = Servers.Options(Servers.Listener(ListenerProtocol.Ws));
        await using var server = await ServerHost.StartAsync(options, Servers.Ending);
        var other = options with
        {
            Listeners = [options.Listeners[0] with { Path = "/other" }],
            Broker = options.Broker with
            {
                AllowAnonymous = true,
                ConnectTimeout = TimeSpan.FromSeconds(5),
                StampCaller = true,
                BridgeGroups = ["b"],
                AccessRules = new AccessRules([], new Dictionary<string, IReadOnlyList<string>> { ["b"] = ["ann"] }),
            },
            Log = options.Log with { Format = LogFormat.Json },
        };

        var report = await server.ReloadAsync(other, Servers.Ending);

        Assert.Equal(
            [
                "Clients without a user name may connect from now on.",
                "The groups differ.",
                "«bridges» differs.",
                "«limits.connectTimeout» differs; what CONNACK says holds for who connects from now on.",
            ],
            report.Applied);
        Assert.Equal(
            [
                "The listeners differ.", "«limits.connectTimeout», for TLS and WebSocket.",
                "«stampCaller» differs.", "«log.format» differs.",
            ],
            report.NeedsRestart);

        // What was taken over is no difference any more; what was not, still is.
        var again = await server.ReloadAsync(other, Servers.Ending);
        Assert.Empty(again.Applied);
        Assert.Equal(["The listeners differ.", "«stampCaller» differs.", "«log.format» differs."], again.NeedsRestart);
    }

    [Fact]
    public async Task A_reload_never_opens_a_listener_to_strangers()
    {
        var options = Servers.Options(
            Servers.Listener(ListenerProtocol.Ws) with { Bind = IPAddress.Any }, broker => broker with { AllowAnonymous = true });
        await using var server = await ServerHost.StartAsync(options, Servers.Ending);

        // It would do for the listener that is wanted, and does not for the one that there is.
        var refused = await Assert.ThrowsAsync<ArgumentException>(() => server.ReloadAsync(Usual, Servers.Ending));

        Assert.Contains("«it» is bound to 0.0.0.0", refused.Message, StringComparison.Ordinal);
    }

    /// <summary>A value that a limit may have and usually does not have.</summary>
    private static string OtherThanUsual(JsonElement limit)
    {
        if (limit.TryGetProperty("enum", out var words))
        {
            return words.EnumerateArray().Select(word => word.GetString()!)
                .First(word => word != limit.GetProperty("default").GetString());
        }

        if (limit.GetProperty("type").GetString() == "boolean")
        {
            return limit.GetProperty("default").GetBoolean() ? "false" : "true";
        }

        if (!limit.TryGetProperty("default", out var usual))
        {
            return "1";
        }

        var value = usual.GetDecimal();
        return $"{(limit.TryGetProperty("maximum", out var maximum) && maximum.GetDecimal() <= value ? value - 1 : value + 1)}";
    }

    private static BrokerOptions Rules(params AccessRule[] rules) => new() { AccessRules = new AccessRules(rules) };

    private static Task<ConnectionStateChange> EndOf(MqttClient client)
    {
        var end = new TaskCompletionSource<ConnectionStateChange>(TaskCreationOptions.RunContinuationsAsynchronously);
        client.StateChanged += (_, change) =>
        {
            if (change.State != ConnectionState.Connected)
            {
                end.TrySetResult(change);
            }
        };
        return end.Task;
    }

    private static Task<MqttClient> ConnectAsync(ServerHost server, string user) => MqttClient.ConnectAsync(
        new MqttClientOptions
        {
            Host = "127.0.0.1",
            Port = Servers.PortOf(server),
            UserName = user,
            Password = "secret"u8.ToArray(),
        },
        Servers.Ending);

    private string WriteUsers(params string[] names) => _folder.Write("users", names.Aggregate(CredentialList.Empty, (users, name) =>
        users.With(name, ScramCredential.Derive("secret"u8, new byte[16], ScramCredential.MinimumIterations))).ToString());
}
