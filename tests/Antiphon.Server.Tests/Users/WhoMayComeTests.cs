using System.Text;
using Antiphon.Broker.Access;
using Antiphon.Broker.Authentication;
using Antiphon.Client;
using Antiphon.Protocol;
using Antiphon.Protocol.Authentication;
using Antiphon.Protocol.Packets;
using Antiphon.Server.Tests.Peers;
using Antiphon.Server.Tests.Reloading;
using Antiphon.Server.Users;

namespace Antiphon.Server.Tests.Users;

/// <summary>The sources of users together, at the broker.</summary>
public sealed class WhoMayComeTests : IDisposable
{
    private static readonly ServerListener Proxied = Servers.Listener(ListenerProtocol.Mqtt) with { ProxyProtocol = true };

    private readonly CertificateFolder _folder = new();
    private readonly TokenIssuer _issuer = new();
    private readonly LeapingTime _time = new();

    public void Dispose()
    {
        _folder.Dispose();
        _issuer.Dispose();
    }

    [Fact]
    public async Task Tokens_for_other_services_are_a_warning_at_the_start_and_at_a_reload()
    {
        const string Warning = "Jwt has no audience: a token that was issued for another service lets its bearer in here too.";
        using var log = new RecordedLog();
        _folder.Write("jwks.json", _issuer.KeySet);
        var options = Servers.Options(Servers.Listener(ListenerProtocol.Mqtt), broker => broker with { LoggerFactory = log }) with
        {
            Jwt = Options().Jwt,
        };
        var open = options with { Jwt = options.Jwt! with { Audience = null } };
        await using var server = await ServerHost.StartAsync(open, Servers.Ending);

        Assert.Contains($"Warning: {Warning}", log.Take());
        Assert.Equal([Warning], (await server.ReloadAsync(open, Servers.Ending)).Warnings);
        Assert.Empty((await server.ReloadAsync(options, Servers.Ending)).Warnings);
    }

    [Fact]
    public async Task A_token_in_the_password_says_user_groups_and_claims_to_the_rules()
    {
        await using var server = await StartAsync(options => options with
        {
            Jwt = options.Jwt! with { GroupsClaim = "groups" },
            Broker = options.Broker with
            {
                AccessRules = new AccessRules(
                [
                    Rule("users/${user}", "*"), Rule("tenants/${claim:tenant}", "*"), Rule("operators", "group:operators"),
                ]),
            },
        });
        using var client = await RawClient.OpenAsync(server);

        // MQTT 3.1.1 cannot send a password without a user name; it says nothing here.
        var token = Token("""{ "tenant": "north", "groups": ["operators"] }""");
        Assert.Equal(ReasonCode.Success, (await client.ConnectAsync("unused", token)).ReasonCode);

        Assert.Equal(ReasonCode.Success, await client.SubscribeAsync("users/ann"));
        Assert.Equal(ReasonCode.NotAuthorized, await client.SubscribeAsync("users/unused"));
        Assert.Equal(ReasonCode.Success, await client.SubscribeAsync("tenants/north"));
        Assert.Equal(ReasonCode.NotAuthorized, await client.SubscribeAsync("tenants/south"));
        Assert.Equal(ReasonCode.Success, await client.SubscribeAsync("operators"));
        using var other = await RawClient.OpenAsync(server);
        await other.ConnectAsync(null, Token());
        Assert.Equal(ReasonCode.NotAuthorized, await other.SubscribeAsync("operators"));
    }

    [Fact]
    public async Task A_token_that_is_not_accepted_is_refused_with_the_reason()
    {
        await using var server = await StartAsync();

        var refused = await RawClient.LogInAsync(server, "ann", _issuer.Sign(TokenIssuer.Claims(_time.GetUtcNow().AddMinutes(-10))));

        Assert.Equal((ReasonCode.NotAuthorized, "The token is not accepted: It has expired."), (refused.ReasonCode, refused.ReasonString));
    }

    [Fact]
    public async Task The_connection_ends_with_its_token_unless_another_token_comes_in_time()
    {
        await using var server = await StartAsync();
        using var brief = await RawClient.OpenAsync(server);
        await brief.ConnectAsync(null, Token(seconds: 10));
        using var renewed = await RawClient.OpenAsync(server);
        await renewed.SendAsync(
            new ConnectPacket { ClientId = "b", AuthenticationMethod = "CUSTOM-JWT", AuthenticationData = Bytes(Token(seconds: 10)) });
        Assert.Equal(ReasonCode.Success, Assert.IsType<ConnAckPacket>(await renewed.NextAsync()).ReasonCode);
        await renewed.SendAsync(Renewal(Token(seconds: 1000)));
        Assert.Equal(ReasonCode.Success, Assert.IsType<AuthPacket>(await renewed.NextAsync()).ReasonCode);

        _time.Leap(TimeSpan.FromSeconds(50));
        await RawClient.LogInAsync(server, null, Token());

        var end = Assert.IsType<DisconnectPacket>(await brief.NextAsync());
        Assert.Equal(
            (ReasonCode.NotAuthorized, "The proof of who the client is, such as a token, has expired."),
            (end.ReasonCode, end.ReasonString));
        Assert.Equal(ReasonCode.Success, await renewed.SubscribeAsync("still/here"));
    }

    [Fact]
    public async Task A_token_of_another_user_or_a_bad_one_does_not_renew()
    {
        await using var server = await StartAsync();
        foreach (var token in new[] { Token("""{ "sub": "bob" }"""), "nonsense" })
        {
            using var client = await RawClient.OpenAsync(server);
            await client.SendAsync(
                new ConnectPacket { ClientId = "b", AuthenticationMethod = "CUSTOM-JWT", AuthenticationData = Bytes(Token()) });
            await client.NextAsync();

            await client.SendAsync(Renewal(token));

            Assert.Equal(ReasonCode.NotAuthorized, Assert.IsType<DisconnectPacket>(await client.NextAsync()).ReasonCode);
        }
    }

    [Fact]
    public async Task Keys_are_read_anew_on_reload()
    {
        using var next = new TokenIssuer("key-2");
        await using var server = await StartAsync(options => options);
        var claims = TokenIssuer.Claims(_time.GetUtcNow().AddMinutes(5));
        Assert.Equal(ReasonCode.NotAuthorized, (await RawClient.LogInAsync(server, null, next.Sign(claims))).ReasonCode);

        _folder.Write("jwks.json", TokenIssuer.SetOf(_issuer.Jwk, next.Jwk));
        var report = await server.ReloadAsync(Options(), Servers.Ending);

        Assert.Equal([$"The keys of tokens in «{_folder.PathOf("jwks.json")}» were read anew."], report.Applied);
        Assert.Equal(ReasonCode.Success, (await RawClient.LogInAsync(server, null, next.Sign(claims))).ReasonCode);
        _folder.Write("jwks.json", next.KeySet);
        await server.ReloadAsync(Options(), Servers.Ending);
        Assert.Equal(ReasonCode.NotAuthorized, (await RawClient.LogInAsync(server, null, Token())).ReasonCode);

        // What cannot be read changes nothing.
        _folder.Write("jwks.json", "{");
        await Assert.ThrowsAsync<Broker.BrokerStartException>(() => server.ReloadAsync(Options(), Servers.Ending));
        Assert.Equal(ReasonCode.Success, (await RawClient.LogInAsync(server, null, next.Sign(claims))).ReasonCode);
        _folder.Write("jwks.json", next.KeySet);
        report = await server.ReloadAsync(Options() with { Jwt = null }, Servers.Ending);
        Assert.Equal(["Tokens are accepted no more."], report.Applied);
    }

    [Theory]
    [InlineData(ListenerProtocol.Mqtts)]
    [InlineData(ListenerProtocol.Wss)]
    public async Task A_client_s_certificate_is_its_user_and_needs_no_password(ListenerProtocol protocol)
    {
        var files = _folder.Issue("localhost");
        var tls = Servers.Tls(files) with
        {
            ClientCertificates = ClientCertificates.Ask,
            ClientCa = _folder.Ca,
            UserFrom = CertificateUser.CommonName,
        };
        var options = Servers.Options(Servers.Listener(protocol, tls)) with
        {
            PasswordFile = _folder.Write("users", Users("ann", "secret")),
        };
        options = options with { Broker = options.Broker with { AccessRules = new AccessRules([Rule("users/${user}", "*")]) } };
        await using var server = await ServerHost.StartAsync(options, Servers.Ending);
        var device = Servers.Trusting(_folder) with
        {
            ClientCertificateContext = System.Net.Security.SslStreamCertificateContext.Create(_folder.Authority.Issue("device-7"), null),
        };

        // Whatever it says of itself besides.
        await using (var client = await ConnectAsync(server, device, "ann", "wrong"))
        {
            await client.SubscribeAsync("users/device-7", (_, _) => ValueTask.CompletedTask, cancellationToken: Servers.Ending);
        }

        // Without a certificate the others are asked.
        await using var ann = await ConnectAsync(server, Servers.Trusting(_folder), "ann", "secret");
        await ann.SubscribeAsync("users/ann", (_, _) => ValueTask.CompletedTask, cancellationToken: Servers.Ending);
        var refused = await Assert.ThrowsAnyAsync<ConnectionException>(
            () => ConnectAsync(server, Servers.Trusting(_folder), "ann", "wrong"));
        Assert.Equal(ReasonCode.BadUserNameOrPassword, refused.ReasonCode);

        // Another part of it on reload: this one has a DNS name, and no address of e-mail.
        var byEmail = options.Listeners[0] with { Tls = tls with { UserFrom = CertificateUser.Email } };
        await server.ReloadAsync(options with { Listeners = [byEmail] }, Servers.Ending);
        refused = await Assert.ThrowsAnyAsync<ConnectionException>(() => ConnectAsync(server, device, "ann", "secret"));
        Assert.Equal(ReasonCode.NotAuthorized, refused.ReasonCode);
        Assert.Contains("has to have one address of e-mail", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Certificates_may_begin_to_say_who_clients_are_on_reload()
    {
        var tls = Servers.Tls(_folder.Issue("localhost")) with { ClientCertificates = ClientCertificates.Require, ClientCa = _folder.Ca };
        var options = Servers.Options(Servers.Listener(ListenerProtocol.Mqtts, tls));
        await using var server = await ServerHost.StartAsync(options, Servers.Ending);
        var device = Servers.Trusting(_folder) with
        {
            ClientCertificateContext = System.Net.Security.SslStreamCertificateContext.Create(_folder.Authority.Issue("device-7"), null),
        };
        await using (var client = await Servers.ConnectAsync(server, device))
        {
            Assert.Equal(ConnectionState.Connected, client.State);
        }

        var byEmail = options.Listeners[0] with { Tls = tls with { UserFrom = CertificateUser.Email } };
        var report = await server.ReloadAsync(options with { Listeners = [byEmail] }, Servers.Ending);

        Assert.Empty(report.NeedsRestart);
        var refused = await Assert.ThrowsAnyAsync<ConnectionException>(() => Servers.ConnectAsync(server, device));
        Assert.Contains("has to have one address of e-mail", refused.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("ann", "secret", ReasonCode.Success)]
    [InlineData("ann", "of the directory", ReasonCode.Success)]
    [InlineData("bob", "of the directory", ReasonCode.Success)]
    [InlineData("bob", "secret", ReasonCode.BadUserNameOrPassword)]
    [InlineData("eve", "secret", ReasonCode.Banned)]
    [InlineData(null, "secret", ReasonCode.BadUserNameOrPassword)]
    [InlineData(null, null, ReasonCode.BadUserNameOrPassword)]
    public async Task Sources_are_asked_in_their_order_until_one_knows_the_password(string? user, string? password, ReasonCode code)
    {
        await using var server = await StartAsync(options => options with
        {
            PasswordFile = _folder.Write("users", Users("ann", "secret")),
            Broker = options.Broker with
            {
                Authenticator = new AuthenticatorChain(
                [
                    new Directory("eve", null), new Directory("ann", "of the directory"), new Directory("bob", "of the directory"),
                ]),
            },
        });

        Assert.Equal(code, (await RawClient.LogInAsync(server, user, password)).ReasonCode);

        // A token is judged by itself, whatever the others would say.
        Assert.Equal(ReasonCode.Success, (await RawClient.LogInAsync(server, user, Token())).ReasonCode);
    }

    [Fact]
    public async Task Without_a_source_for_passwords_there_is_none_that_is_right()
    {
        await using var server = await StartAsync();

        Assert.Equal(ReasonCode.BadUserNameOrPassword, (await RawClient.LogInAsync(server, "ann", "secret")).ReasonCode);
        Assert.Equal(ReasonCode.NotAuthorized, (await RawClient.LogInAsync(server, null, null)).ReasonCode);
    }

    [Fact]
    public async Task Without_keys_of_tokens_a_token_is_a_password()
    {
        var token = Token();
        await using var server = await StartAsync(
            options => options with { Jwt = null, PasswordFile = _folder.Write("users", Users("ann", token)) });

        Assert.Equal(ReasonCode.Success, (await RawClient.LogInAsync(server, "ann", token)).ReasonCode);
    }

    [Theory]
    [InlineData(ProtocolVersion.V5, ReasonCode.ConnectionRateExceeded)]
    [InlineData(ProtocolVersion.V311, ReasonCode.ServerUnavailable)]
    public async Task A_run_of_guesses_is_slowed_and_honest_clients_are_not(ProtocolVersion version, ReasonCode tooEarly)
    {
        await using var server = await StartAsync(options => options with
        {
            Listeners = [Proxied],
            PasswordFile = _folder.Write("users", Users("ann", "secret") + Users("bob", "other")),
        });
        var answers = new List<ReasonCode>();
        for (var i = 0; i < 100; i++)
        {
            answers.Add(await LogInAsync("ann", $"guess {i}", "192.0.2.1"));
        }

        // Five are free, the next one comes after a second, then after two more, and so on: twenty take days.
        Assert.InRange(answers.Count(code => code == ReasonCode.BadUserNameOrPassword), 6, 20);
        Assert.Equal(100, answers.Count(code => code == ReasonCode.BadUserNameOrPassword || code == tooEarly));

        // The guesser is not told whether the next guess is right, before its time.
        Assert.Equal(tooEarly, await LogInAsync("ann", "secret", "192.0.2.1"));
        Assert.Equal(ReasonCode.Success, await LogInAsync("ann", "secret", "198.51.100.7"));
        Assert.Equal(ReasonCode.Success, await LogInAsync("bob", "other", "192.0.2.1"));
        Assert.Equal(ReasonCode.Success, await LogInAsync("x", Token(), "192.0.2.1"));

        _time.Leap(TimeSpan.FromMinutes(2));
        Assert.Equal(ReasonCode.Success, await LogInAsync("ann", "secret", "192.0.2.1"));

        async Task<ReasonCode> LogInAsync(string user, string password, string address) =>
            (await RawClient.LogInAsync(server, user, password, address, $"{user}'s", version)).ReasonCode;
    }

    [Fact]
    public async Task Guesses_by_SCRAM_are_slowed_as_well()
    {
        await using var server = await StartAsync(options => options with
        {
            Listeners = [Proxied],
            PasswordFile = _folder.Write("users", Users("ann", "secret")),
        });

        var answers = new List<ReasonCode>();
        for (var i = 0; i < 30; i++)
        {
            answers.Add(await ScramAsync(server, "ann", $"guess {i}", "192.0.2.1"));
        }

        Assert.InRange(answers.Count(code => code == ReasonCode.NotAuthorized), 6, 20);
        Assert.Equal(30, answers.Count(code => code is ReasonCode.NotAuthorized or ReasonCode.ConnectionRateExceeded));
        Assert.Equal(ReasonCode.ConnectionRateExceeded, await ScramAsync(server, "ann", "secret", "192.0.2.1"));
        Assert.Equal(ReasonCode.ConnectionRateExceeded, (await RawClient.LogInAsync(server, "ann", "secret", "192.0.2.1")).ReasonCode);
        Assert.Equal(ReasonCode.Success, await ScramAsync(server, "ann", "secret", "192.0.2.2"));
    }

    private static AccessRule Rule(string topic, string to) =>
        new() { Allows = true, Permissions = Permissions.Subscribe | Permissions.Publish, Topics = [topic], To = [to] };

    private static string Users(string name, string password) => CredentialList.Empty
        .With(name, ScramCredential.Derive(Bytes(password), new byte[16], ScramCredential.MinimumIterations)).ToString();

    private static byte[] Bytes(string text) => Encoding.UTF8.GetBytes(text);

    private static AuthPacket Renewal(string token) =>
        new() { ReasonCode = ReasonCode.ReAuthenticate, AuthenticationMethod = "CUSTOM-JWT", AuthenticationData = Bytes(token) };

    private static async Task<ReasonCode> ScramAsync(ServerHost server, string name, string password, string address)
    {
        using var client = await RawClient.OpenAsync(server, address);
        var scram = new ScramClientExchange(name, Bytes(password), "client-nonce");
        await client.SendAsync(
            new ConnectPacket { ClientId = "s", AuthenticationMethod = "SCRAM-SHA-256", AuthenticationData = scram.Begin() });
        var answer = await client.NextAsync();
        if (answer is AuthPacket challenge)
        {
            Assert.True(scram.TryAnswer(challenge.AuthenticationData!.Value.Span, out var final, out var fault), fault.Message);
            await client.SendAsync(new AuthPacket
            {
                ReasonCode = ReasonCode.ContinueAuthentication,
                AuthenticationMethod = "SCRAM-SHA-256",
                AuthenticationData = final,
            });
            answer = await client.NextAsync();
        }

        return Assert.IsType<ConnAckPacket>(answer).ReasonCode;
    }

    private static Task<MqttClient> ConnectAsync(ServerHost server, TlsOptions tls, string user, string password) =>
        MqttClient.ConnectAsync(
            new MqttClientOptions
            {
                Host = "127.0.0.1",
                Port = Servers.PortOf(server),
                Tls = tls,
                WebSocket = server.EndPoints[0].Listener.Protocol == ListenerProtocol.Wss ? new WebSocketOptions() : null,
                UserName = user,
                Password = Bytes(password),
            },
            Servers.Ending);

    private Task<ServerHost> StartAsync(Func<ServerOptions, ServerOptions>? with = null)
    {
        _folder.Write("jwks.json", _issuer.KeySet);
        return ServerHost.StartAsync(with is null ? Options() : with(Options()), Servers.Ending);
    }

    private ServerOptions Options() =>
        Servers.Options(Servers.Listener(ListenerProtocol.Mqtt), broker => broker with { TimeProvider = _time }) with
        {
            Jwt = new JwtOptions { Keys = _folder.PathOf("jwks.json"), Issuer = "https://issuer.example", Audience = "broker" },
        };

    private string Token(string more = "{}", int seconds = 600)
    {
        var claims = TokenIssuer.Claims(_time.GetUtcNow().AddSeconds(seconds));
        foreach (var (name, value) in System.Text.Json.Nodes.JsonNode.Parse(more)!.AsObject())
        {
            claims[name] = value?.DeepClone();
        }

        return _issuer.Sign(claims);
    }

    /// <summary>Knows one user; without a password for it, it bans it.</summary>
    private sealed class Directory(string user, string? password) : IAuthenticator
    {
        public ValueTask<AuthenticationResult> AuthenticateAsync(ConnectingClient client, CancellationToken cancellationToken) =>
            ValueTask.FromResult(
                client.UserName != user ? AuthenticationResult.Reject(ReasonCode.BadUserNameOrPassword)
                : password is null ? AuthenticationResult.Reject(ReasonCode.Banned)
                : client.Password is { } given && given.Span.SequenceEqual(Bytes(password)) ? AuthenticationResult.Accept(user)
                : AuthenticationResult.Reject(ReasonCode.BadUserNameOrPassword));
    }
}
