using System.Net;
using System.Net.Sockets;
using System.Text;
using Antiphon.Broker;
using Antiphon.Client;
using Antiphon.Protocol;
using Antiphon.Server.Tests.Peers;
using Antiphon.Server.Tests.Reloading;

namespace Antiphon.Server.Tests.Administration;

public sealed class AdminEndpointTests : IDisposable
{
    private readonly CertificateFolder _folder = new();
    private readonly RecordedLog _log = new();

    private string TokenFile => _folder.PathOf("admin.token");

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task The_token_is_made_for_its_owner_only_where_there_is_none()
    {
        await using var server = await StartAsync();

        var token = (await File.ReadAllTextAsync(TokenFile, Servers.Ending)).TrimEnd('\n');
        Assert.Equal(64, token.Length);
        if (!OperatingSystem.IsWindows())
        {
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(TokenFile));
        }

        using var admin = new AdminClient(server, token);
        Assert.Equal("running", (await admin.JsonAsync("/v1/status")).GetProperty("state").GetString());
        Assert.DoesNotContain(_log.Take(), line => line.Contains(token, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("short")]
    [InlineData("with some spaces in it")]
    [InlineData("")]
    public async Task A_token_that_can_be_guessed_starts_nothing(string token)
    {
        _folder.Write("admin.token", token);

        var failure = await Assert.ThrowsAsync<BrokerStartException>(() => StartAsync());

        Assert.Contains(TokenFile, failure.Message, StringComparison.Ordinal);
        Assert.Contains("16 characters or more", failure.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("0123456789abcdeg")]
    [InlineData("0123456789abcde")]
    [InlineData("0123456789abcdef0")]
    public async Task Without_the_token_nothing_is_said_but_that(string? token)
    {
        _folder.Write("admin.token", "0123456789abcdef");
        await using var server = await StartAsync();
        using var stranger = new AdminClient(server, token);
        foreach (var path in (string[])["/v1/status", "/v1/clients", "/v1/client?id=x", "/metrics", "/nothing"])
        {
            var (status, text) = await stranger.SendAsync(HttpMethod.Get, path);
            Assert.Equal(HttpStatusCode.Unauthorized, status);
            Assert.Contains("The token is wrong, or missing", text, StringComparison.Ordinal);
        }

        Assert.Equal("ok\n", await stranger.GetAsync("/healthz"));
        Assert.Equal("ok\n", await stranger.GetAsync("/readyz"));
        Assert.Single(_log.Take(), line => line.Contains("refused 127.0.0.1: the token is wrong, or missing", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("attacker.example", HttpStatusCode.MisdirectedRequest)]
    [InlineData("127.0.0.1.attacker.example:8081", HttpStatusCode.MisdirectedRequest)]
    [InlineData("192.0.2.1", HttpStatusCode.MisdirectedRequest)]
    [InlineData("localhost:9999", HttpStatusCode.OK)]
    [InlineData("[::1]:1", HttpStatusCode.OK)]
    public async Task A_foreign_name_that_leads_here_gets_nothing_even_with_the_token(string host, HttpStatusCode expected)
    {
        _folder.Write("admin.token", "0123456789abcdef");
        await using var server = await StartAsync();
        using var admin = new AdminClient(server, "0123456789abcdef");

        Assert.Equal(expected, (await admin.SendAsync(HttpMethod.Get, "/v1/status", host)).Status);
    }

    [Fact]
    public async Task Clients_sessions_and_topics_are_listed_a_line_of_JSON_each()
    {
        await using var server = await StartAsync();
        using var admin = await AdminAsync(server);
        await using var ann = await Servers.ConnectAsync(server, clientId: "ann/ü?&=");
        await using var subscription = await ann.SubscribeAsync(
            "news/#", (_, _) => ValueTask.CompletedTask, cancellationToken: Servers.Ending);
        await ann.PublishAsync(
            new ApplicationMessage { Topic = "state/ann", Payload = "on"u8.ToArray(), Retain = true, QoS = QualityOfService.AtLeastOnce },
            Servers.Ending);

        var client = Assert.Single(await admin.LinesAsync("/v1/clients"));
        Assert.Equal("ann/ü?&=", client.GetProperty("clientId").GetString());
        Assert.Equal(("5", "it"), (client.GetProperty("protocol").GetString(), client.GetProperty("listener").GetString()));
        Assert.StartsWith("127.0.0.1:", client.GetProperty("address").GetString(), StringComparison.Ordinal);

        var session = Assert.Single(await admin.LinesAsync("/v1/sessions"));
        Assert.Equal((true, 1), (session.GetProperty("connected").GetBoolean(), session.GetProperty("subscriptions").GetInt32()));
        var row = Assert.Single(await admin.LinesAsync("/v1/subscriptions"));
        Assert.Equal("news/#", row.GetProperty("topicFilter").GetString());
        var retained = Assert.Single(await admin.LinesAsync("/v1/retained"), one => one.GetProperty("topic").GetString() == "state/ann");
        Assert.Equal((2, "ann/ü?&="), (retained.GetProperty("payloadBytes").GetInt32(), retained.GetProperty("clientId").GetString()));

        var whole = await admin.JsonAsync($"/v1/client?id={Uri.EscapeDataString("ann/ü?&=")}");
        Assert.Equal("ann/ü?&=", whole.GetProperty("session").GetProperty("clientId").GetString());
        Assert.Equal("news/#", whole.GetProperty("subscriptions")[0].GetProperty("topicFilter").GetString());
        Assert.True(whole.TryGetProperty("connection", out _));
        var status = await admin.JsonAsync("/v1/status");
        Assert.Equal((1, 1), (status.GetProperty("connections").GetInt32(), status.GetProperty("sessions").GetInt32()));
        Assert.Equal(server.EndPoints[0].Url, status.GetProperty("listeners")[0].GetString());
    }

    [Fact]
    public async Task A_client_can_be_kicked_and_a_session_dropped()
    {
        await using var server = await StartAsync();
        using var admin = await AdminAsync(server);
        await using var ann = await MqttClient.ConnectAsync(
            new MqttClientOptions
            {
                Host = "127.0.0.1",
                Port = Servers.PortOf(server),
                ClientId = "ann",
                SessionExpiry = TimeSpan.FromHours(1),
            },
            Servers.Ending);
        var lost = new TaskCompletionSource<ReasonCode?>(TaskCreationOptions.RunContinuationsAsynchronously);
        ann.StateChanged += (_, change) =>
        {
            if (change.State != ConnectionState.Connected)
            {
                lost.TrySetResult(change.ReasonCode);
            }
        };

        Assert.Equal(HttpStatusCode.NoContent, (await admin.SendAsync(HttpMethod.Delete, "/v1/client?id=ann")).Status);
        Assert.Equal(ReasonCode.AdministrativeAction, await lost.Task.WaitAsync(Servers.Patience, Servers.Ending));
        await ann.DisposeAsync();
        Assert.Equal(HttpStatusCode.NoContent, (await admin.SendAsync(HttpMethod.Delete, "/v1/session?id=ann")).Status);
        Assert.Empty(await admin.LinesAsync("/v1/sessions"));
        Assert.Contains(
            _log.Take(), line => line.Contains("The Session of client «ann» was ended by an operator", StringComparison.Ordinal));

        foreach (var path in (string[])["/v1/client?id=ann", "/v1/session?id=ann"])
        {
            var (status, text) = await admin.SendAsync(HttpMethod.Delete, path);
            Assert.Equal(HttpStatusCode.NotFound, status);
            Assert.Contains("«ann»", text, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("GET", "/v1/nothing", HttpStatusCode.NotFound)]
    [InlineData("GET", "/", HttpStatusCode.NotFound)]
    [InlineData("GET", "/v1/client?id=nobody", HttpStatusCode.NotFound)]
    [InlineData("GET", "/v1/client", HttpStatusCode.BadRequest)]
    [InlineData("DELETE", "/v1/session", HttpStatusCode.BadRequest)]
    [InlineData("POST", "/v1/status", HttpStatusCode.MethodNotAllowed)]
    [InlineData("DELETE", "/v1/clients", HttpStatusCode.MethodNotAllowed)]
    [InlineData("GET", "/v1/session?id=x", HttpStatusCode.MethodNotAllowed)]
    public async Task What_is_not_there_is_told_in_a_sentence(string method, string path, HttpStatusCode expected)
    {
        await using var server = await StartAsync();
        using var admin = await AdminAsync(server);

        var (status, text) = await admin.SendAsync(new HttpMethod(method), path);

        Assert.Equal(expected, status);
        Assert.StartsWith("{\"error\":\"", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_long_listing_comes_whole_and_one_that_nobody_reads_on_holds_up_nobody()
    {
        const int Topics = 3000;
        await using var server = await StartAsync();
        using var admin = await AdminAsync(server);
        await using var client = await Servers.ConnectAsync(server);
        for (var i = 0; i < Topics; i++)
        {
            await client.PublishAsync(
                new ApplicationMessage { Topic = $"long/{i}/{new string('x', 200)}", Payload = "1"u8.ToArray(), Retain = true },
                Servers.Ending);
        }

        await Servers.RoundTripAsync(client);
        var topics = (await admin.LinesAsync("/v1/retained")).Select(line => line.GetProperty("topic").GetString()!);
        Assert.Equal(Topics, topics.Where(topic => topic.StartsWith("long/", StringComparison.Ordinal)).Distinct().Count());

        using var idle = new TcpClient();
        await idle.ConnectAsync(IPAddress.Loopback, new Uri(server.AdminUrl!).Port, Servers.Ending);
        var token = (await File.ReadAllTextAsync(TokenFile, Servers.Ending)).Trim();
        await idle.GetStream().WriteAsync(
            Encoding.ASCII.GetBytes($"GET /v1/retained HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n\r\n"),
            Servers.Ending);
        Assert.Equal((byte)'H', idle.GetStream().ReadByte());
        await Servers.RoundTripAsync(client);
        Assert.Equal("ok\n", await admin.GetAsync("/healthz"));
    }

    [Fact]
    public async Task Who_connects_and_says_nothing_keeps_its_place_no_longer_than_a_new_connection_may_take()
    {
        await using var server = await ServerHost.StartAsync(
            Options() with { Broker = new BrokerOptions { ConnectTimeout = TimeSpan.FromSeconds(1) } }, Servers.Ending);
        using var silent = new TcpClient();
        await silent.ConnectAsync(IPAddress.Loopback, new Uri(server.AdminUrl!).Port, Servers.Ending);

        Assert.Empty(await Servers.ReadToEndAsync(silent.GetStream()));
    }

    [Fact]
    public async Task What_a_client_calls_itself_begins_no_line_of_the_log()
    {
        await using var server = await StartAsync();
        using var admin = await AdminAsync(server);
        using var client = await RawClient.OpenAsync(server);
        await client.ConnectAsync(null, null, "a\nCritical: b");

        var path = $"/v1/client?id={Uri.EscapeDataString("a\nCritical: b")}";
        Assert.Equal(HttpStatusCode.NoContent, (await admin.SendAsync(HttpMethod.Delete, path)).Status);

        var lines = _log.Take();
        Assert.Contains(lines, line => line.Contains("«a\uFFFDCritical: b» was ended by an operator", StringComparison.Ordinal));
        Assert.DoesNotContain(lines, line => line.Contains('\n', StringComparison.Ordinal));
    }

    [Fact]
    public async Task Over_HTTPS_it_shows_its_certificate_and_a_reload_takes_another_token()
    {
        var certificate = _folder.Issue("localhost");
        await using var server = await StartAsync(admin => admin with { Certificate = certificate });
        Assert.StartsWith("https://127.0.0.1:", server.AdminUrl, StringComparison.Ordinal);
        using var admin = await AdminAsync(server, Trusting());
        Assert.Equal("running", (await admin.JsonAsync("/v1/status")).GetProperty("state").GetString());

        _folder.Write("admin.token", "another token with 30 characters".Replace(' ', '-'));
        var report = await server.ReloadAsync(Options(one => one with { Certificate = certificate }), Servers.Ending);

        Assert.Contains("The token of the admin endpoint was read anew.", report.Applied);
        Assert.Empty(report.NeedsRestart);
        Assert.Equal(HttpStatusCode.Unauthorized, (await admin.SendAsync(HttpMethod.Get, "/v1/status")).Status);
        using var renewed = await AdminAsync(server, Trusting());
        await renewed.GetAsync("/v1/status");
    }

    [Fact]
    public async Task Without_a_certificate_it_listens_on_this_machine_only()
    {
        var failure = await Assert.ThrowsAsync<ArgumentException>(() => StartAsync(admin => admin with { Bind = IPAddress.Any }));

        Assert.Contains("The admin endpoint is bound to 0.0.0.0", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_port_that_is_taken_leaves_nothing_running()
    {
        using var taken = new TcpListener(IPAddress.Loopback, 0);
        taken.Start();
        var port = ((IPEndPoint)taken.LocalEndpoint).Port;

        var failure = await Assert.ThrowsAsync<BrokerStartException>(() => StartAsync(admin => admin with { Port = port }));

        Assert.Contains("The admin endpoint cannot listen", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Nothing_listens_for_operators_where_nothing_is_said_of_them()
    {
        await using var server = await Servers.StartAsync(Servers.Listener(ListenerProtocol.Mqtt));

        Assert.Null(server.AdminUrl);
        Assert.False(server.HasKestrel);
    }

    private static async Task<string> TokenOf(string file) => (await File.ReadAllTextAsync(file, Servers.Ending)).Trim();

    private SocketsHttpHandler Trusting() => new()
    {
        SslOptions = new System.Net.Security.SslClientAuthenticationOptions
        {
            TargetHost = "localhost",
            CertificateChainPolicy = new System.Security.Cryptography.X509Certificates.X509ChainPolicy
            {
                TrustMode = System.Security.Cryptography.X509Certificates.X509ChainTrustMode.CustomRootTrust,
                RevocationMode = System.Security.Cryptography.X509Certificates.X509RevocationMode.NoCheck,
                CustomTrustStore = { _folder.Authority.Alone[0] },
            },
        },
    };

    private async Task<AdminClient> AdminAsync(ServerHost server, HttpMessageHandler? handler = null) =>
        new(server, await TokenOf(TokenFile), handler);

    private ServerOptions Options(Func<AdminOptions, AdminOptions>? with = null)
    {
        var admin = new AdminOptions { Port = 0, TokenFile = TokenFile };
        return Servers.Options(Servers.Listener(ListenerProtocol.Mqtt), broker => broker with { LoggerFactory = _log }) with
        {
            Admin = with is null ? admin : with(admin),
        };
    }

    private Task<ServerHost> StartAsync(Func<AdminOptions, AdminOptions>? with = null) =>
        ServerHost.StartAsync(Options(with), Servers.Ending);
}
