using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Antiphon.Broker;
using Antiphon.Client;
using Antiphon.Client.Tests.Peers;
using Antiphon.Protocol;
using Antiphon.Server.Tests.Peers;
using Antiphon.Server.Tls;

namespace Antiphon.Server.Tests.Listening;

public sealed class TlsTests : IDisposable
{
    private readonly CertificateFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void What_a_certificate_says_that_is_not_accepted_begins_no_line_of_the_log()
    {
        var tls = Servers.Tls(_folder.Issue("localhost")) with { ClientCertificates = ClientCertificates.Ask, ClientCa = _folder.Ca };
        var refusals = new List<string>();
        var options = ListenerCertificates.Read(tls, TimeProvider.System.GetUtcNow(), [])!.OptionsFor(null, new("mqtt"), refusals.Add);
        var subject = new X500DistinguishedNameBuilder();
        subject.AddCommonName("a\nCritical: b");
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var now = TimeProvider.System.GetUtcNow();
        var request = new CertificateRequest(subject.Build(), key, HashAlgorithmName.SHA256);
        using var certificate = request.CreateSelfSigned(now, now.AddDays(1));

        Assert.False(
            options.RemoteCertificateValidationCallback!(this, certificate, null, SslPolicyErrors.RemoteCertificateChainErrors));

        Assert.DoesNotContain('\n', Assert.Single(refusals));
    }

    [Theory]
    [InlineData(100)]
    [InlineData(1_000_000)]
    public async Task Messages_go_over_TLS_and_the_origin_says_so(int bytes)
    {
        await using var server = await StartAsync();
        await using var client = await Servers.ConnectAsync(server, Servers.Trusting(_folder));

        await Servers.RoundTripAsync(client, bytes);

        var origin = await Servers.OriginAsync(server);
        Assert.Equal("it", origin.Listener);
        Assert.Equal(SslProtocols.Tls13, origin.TlsVersion);
        Assert.Equal(IPAddress.Loopback, Assert.IsType<IPEndPoint>(origin.RemoteEndPoint).Address);
        Assert.Null(origin.ClientCertificate);
        Assert.Null(origin.ProxyEndPoint);
        Assert.Equal($"mqtts://127.0.0.1:{Servers.PortOf(server)}", server.EndPoints[0].Url);
    }

    [Fact]
    public async Task TLS_12_is_spoken_unless_1_3_is_demanded()
    {
        await using (var server = await StartAsync())
        await using (var client = await Servers.ConnectAsync(
            server, Servers.Trusting(_folder) with { EnabledSslProtocols = SslProtocols.Tls12 }))
        {
            await Servers.RoundTripAsync(client);
            Assert.Equal(SslProtocols.Tls12, (await Servers.OriginAsync(server)).TlsVersion);
        }

        await using var strict = await StartAsync(tls => tls with { MinimumVersion = TlsVersion.Tls13 });
        await Assert.ThrowsAnyAsync<ConnectionException>(() =>
            Servers.ConnectAsync(strict, Servers.Trusting(_folder) with { EnabledSslProtocols = SslProtocols.Tls12 }));
    }

    [Fact]
    public async Task Who_offers_mqtt_by_ALPN_gets_it_and_who_offers_only_others_is_turned_away()
    {
        await using var server = await StartAsync();

        await using (var stream = await Servers.HandshakeAsync(server, Trusting(options => options.ApplicationProtocols = [new("mqtt")])))
        {
            Assert.Equal(new SslApplicationProtocol("mqtt"), stream.NegotiatedApplicationProtocol);
        }

        await Assert.ThrowsAnyAsync<Exception>(() => Servers.HandshakeAsync(
            server, Trusting(options => options.ApplicationProtocols = [SslApplicationProtocol.Http11])));
    }

    [Theory]
    [InlineData("one.test", "one.test")]
    [InlineData("TWO.test", "two.test")]
    [InlineData("any.three.test", "*.three.test")]
    [InlineData("two.labels.three.test", "one.test")]
    [InlineData("unknown.test", "one.test")]
    [InlineData("", "one.test")]
    public async Task The_client_gets_the_certificate_for_the_host_that_it_names(string host, string expected)
    {
        await using var server = await StartAsync(tls => tls with
        {
            Certificate = _folder.Issue("one.test"),
            FurtherCertificates = [_folder.Issue("two.test"), _folder.Issue("*.three.test", file: "three")],
        });

        await using var stream = await Servers.HandshakeAsync(server, Trusting(options =>
        {
            options.TargetHost = host;

            // Which host a certificate is for is what the test looks at.
            options.RemoteCertificateValidationCallback =
                (_, _, _, errors) => (errors & ~SslPolicyErrors.RemoteCertificateNameMismatch) == SslPolicyErrors.None;
        }));

        Assert.Equal($"CN={expected}", stream.RemoteCertificate!.Subject);
    }

    [Fact]
    public async Task A_client_certificate_that_is_required_is_checked_and_part_of_the_origin()
    {
        var client = _folder.Authority.Issue("device-7");
        await using var server = await StartAsync(tls =>
            tls with { ClientCertificates = ClientCertificates.Require, ClientCa = _folder.Ca });

        await using (var connected = await Servers.ConnectAsync(server, WithCertificate(client)))
        {
            await Servers.RoundTripAsync(connected);
            Assert.Equal(client.Thumbprint, (await Servers.OriginAsync(server)).ClientCertificate!.Thumbprint);
        }

        await AssertRefusedAsync(server, Servers.Trusting(_folder));
    }

    [Theory]
    [InlineData(ClientCertificates.Ask)]
    [InlineData(ClientCertificates.Require)]
    public async Task A_client_certificate_of_another_authority_or_one_that_has_expired_ends_the_connection(ClientCertificates mode)
    {
        using var stranger = new Authority("Authority");
        await using var server = await StartAsync(tls => tls with { ClientCertificates = mode, ClientCa = _folder.Ca });

        await AssertRefusedAsync(server, WithCertificate(stranger.Issue("device-7")));
        await AssertRefusedAsync(server, WithCertificate(_folder.Authority.Issue("device-7", firstDay: -3, lastDay: -1)));
    }

    [Fact]
    public async Task A_client_certificate_that_is_asked_for_may_be_missing()
    {
        await using var server = await StartAsync(tls => tls with { ClientCertificates = ClientCertificates.Ask, ClientCa = _folder.Ca });

        await using (var bare = await Servers.ConnectAsync(server, Servers.Trusting(_folder)))
        {
            Assert.Null((await Servers.OriginAsync(server)).ClientCertificate);
        }

        var client = _folder.Authority.Issue("device-7");
        await using var shown = await Servers.ConnectAsync(server, WithCertificate(client));
        Assert.Equal(client.Thumbprint, (await Servers.OriginAsync(server)).ClientCertificate!.Thumbprint);
    }

    [Theory]
    [InlineData("pfx")]
    [InlineData("encrypted")]
    [InlineData("chain")]
    public async Task A_certificate_may_stand_in_a_PFX_file_in_an_encrypted_PEM_file_or_before_its_chain(string kind)
    {
        var files = kind switch
        {
            "pfx" => _folder.IssuePfx("own", "secret"),
            "encrypted" => _folder.IssueEncrypted("own", "secret"),
            _ => _folder.Issue("own"),
        };
        if (kind == "chain")
        {
            File.AppendAllText(files.Certificate, "\n" + _folder.Authority.Certificate.ExportCertificatePem());
        }

        await using var server = await StartAsync(tls => tls with { Certificate = files });
        await using var client = await Servers.ConnectAsync(server, Servers.Trusting(_folder));

        await Servers.RoundTripAsync(client);
    }

    [Fact]
    public async Task A_reload_shows_new_certificates_and_touches_no_connection()
    {
        var first = _folder.Authority.Issue("localhost", lastDay: 20);
        var files = _folder.WriteFiles("server", first);
        var options = Servers.Options(Servers.Listener(ListenerProtocol.Mqtts, Servers.Tls(files)));
        await using var server = await ServerHost.StartAsync(options, Servers.Ending);
        await using var old = await Servers.ConnectAsync(server, Servers.Trusting(_folder), clientId: "old");
        Assert.Equal(first.SerialNumber, await ShownAsync(server));
        var lost = false;
        old.StateChanged += (_, change) => lost |= change.State != ConnectionState.Connected;

        var second = _folder.Authority.Issue("localhost", lastDay: 20);
        _folder.WriteFiles("server", second);
        var report = await server.ReloadAsync(options, Servers.Ending);

        Assert.Equal(["The certificates of 1 listener were read anew."], report.Applied);
        Assert.Empty(report.NeedsRestart);
        Assert.Equal(second.SerialNumber, await ShownAsync(server));
        await Servers.RoundTripAsync(old);
        Assert.False(lost);
    }

    [Fact]
    public async Task A_reload_of_what_cannot_be_used_changes_nothing()
    {
        var files = _folder.Issue("localhost");
        var options = Servers.Options(Servers.Listener(ListenerProtocol.Mqtts, Servers.Tls(files)));
        await using var server = await ServerHost.StartAsync(options, Servers.Ending);
        var before = await ShownAsync(server);

        _folder.Write("localhost.pem", "no certificate");
        var failure = await Assert.ThrowsAsync<BrokerStartException>(() => server.ReloadAsync(options, Servers.Ending));

        Assert.Contains("localhost.pem", failure.Message, StringComparison.Ordinal);
        Assert.Equal(before, await ShownAsync(server));
    }

    [Fact]
    public async Task A_reload_may_begin_to_require_client_certificates()
    {
        var options = Servers.Options(Servers.Listener(ListenerProtocol.Mqtts, Servers.Tls(_folder.Issue("localhost"))));
        await using var server = await ServerHost.StartAsync(options, Servers.Ending);
        await using var old = await Servers.ConnectAsync(server, Servers.Trusting(_folder), clientId: "old");

        var tls = options.Listeners[0].Tls! with { ClientCertificates = ClientCertificates.Require, ClientCa = _folder.Ca };
        await server.ReloadAsync(options with { Listeners = [options.Listeners[0] with { Tls = tls }] }, Servers.Ending);

        await AssertRefusedAsync(server, Servers.Trusting(_folder));
        await Servers.RoundTripAsync(old);
    }

    [Fact]
    public async Task The_peer_reads_the_broker_s_last_packet_and_then_the_end()
    {
        // If the end did not come by itself, it would come with the close timeout, too late for the test.
        await using var server = await StartAsync(with: options => options with { CloseTimeout = TimeSpan.FromHours(1) });
        await using var stream = await Servers.HandshakeAsync(server, Trusting());

        await stream.WriteAsync((byte[])[.. Packets.Connect(), 0x00], Servers.Ending);
        var bytes = await Servers.ReadToEndAsync(stream);

        // CONNACK, then DISCONNECT with 0x81 Malformed Packet.
        Assert.Equal(0x20, bytes[0]);
        var disconnect = bytes.AsSpan(2 + bytes[1]);
        Assert.Equal((0xE0, 0x81), (disconnect[0], disconnect[2]));
    }

    [Fact]
    public async Task A_stop_tells_every_client()
    {
        await using var server = await StartAsync();
        await using var client = await Servers.ConnectAsync(server, Servers.Trusting(_folder));
        var told = new TaskCompletionSource<ReasonCode?>(TaskCreationOptions.RunContinuationsAsynchronously);
        client.StateChanged += (_, change) =>
        {
            if (change.State != ConnectionState.Connected)
            {
                told.TrySetResult(change.ReasonCode);
            }
        };

        await server.StopAsync(Servers.Ending);

        Assert.Equal(ReasonCode.ServerShuttingDown, await told.Task.WaitAsync(Servers.Patience, Servers.Ending));
    }

    [Fact]
    public async Task Who_never_begins_the_handshake_is_closed()
    {
        await using var server = await StartAsync(with: options => options with { ConnectTimeout = TimeSpan.FromMilliseconds(300) });
        using var silent = new TcpClient();
        await silent.ConnectAsync(IPAddress.Loopback, Servers.PortOf(server), Servers.Ending);

        Assert.Empty(await Servers.ReadToEndAsync(silent.GetStream()));
    }

    [Fact]
    public async Task A_peer_that_never_reads_does_not_hold_the_server_up()
    {
        await using var server = await StartAsync(with: options => options with { CloseTimeout = TimeSpan.FromMilliseconds(300) });
        await using var deaf = await Servers.HandshakeAsync(server, Trusting());
        await deaf.WriteAsync(Packets.Connect(), Servers.Ending);
        await deaf.WriteAsync(
            Packets.Bytes(new Protocol.Packets.SubscribePacket { PacketIdentifier = new(1), Subscriptions = [new("#", new(0))] }),
            Servers.Ending);
        await using var talker = await Servers.ConnectAsync(server, Servers.Trusting(_folder), clientId: "talker");
        for (var i = 0; i < 64; i++)
        {
            await talker.PublishAsync(
                new ApplicationMessage { Topic = "t", Payload = new byte[1_000_000], QoS = QualityOfService.AtLeastOnce }, Servers.Ending);
        }

        await server.StopAsync(Servers.Ending).WaitAsync(Servers.Patience, Servers.Ending);
    }

    [Fact]
    public async Task A_port_that_is_taken_leaves_nothing_running()
    {
        await using var first = await StartAsync();
        var port = Servers.PortOf(first);

        var failure = await Assert.ThrowsAsync<BrokerStartException>(() => ServerHost.StartAsync(
            new ServerOptions
            {
                Listeners =
                [
                    Servers.Listener(ListenerProtocol.Mqtt) with { Name = "plain" },
                    Servers.Listener(ListenerProtocol.Mqtts, Servers.Tls(_folder.Issue("localhost"))) with { Port = port },
                ],
            },
            Servers.Ending));

        Assert.Contains($"{port}", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task All_mistakes_of_options_and_then_of_files_are_told_at_once()
    {
        var wrong = await Assert.ThrowsAsync<ArgumentException>(() => ServerHost.StartAsync(
            new ServerOptions
            {
                Listeners =
                [
                    new ServerListener { Name = "a", Protocol = ListenerProtocol.Wss, Port = 70_000, Path = "mqtt" },
                    new ServerListener { Name = "a", Bind = IPAddress.Any },
                    new ServerListener { Name = "c", Tls = new ListenerTls { Certificate = _folder.Issue("c"), ClientCa = _folder.Ca } },
                    new ServerListener
                    {
                        Name = "d",
                        Protocol = ListenerProtocol.Mqtts,
                        Tls = new ListenerTls { Certificate = _folder.Issue("d"), ClientCertificates = ClientCertificates.Ask },
                    },
                ],
                Broker = new BrokerOptions { MaximumReplies = 0 },
            },
            Servers.Ending));
        string[] sentences =
        [
            "Port of listener «a» is 70000", "Path of listener «a» is «mqtt»", "«a» speaks Wss and has no certificate",
            "«a» is bound to 0.0.0.0", "2 listeners have the name «a»", "«c» speaks Mqtt, which is not encrypted",
            "ClientCa is set, and clients are not asked", "«d»: Clients are asked for a certificate", "MaximumReplies is 0",
        ];
        Assert.All(sentences, sentence => Assert.Contains(sentence, wrong.Message, StringComparison.Ordinal));

        var unusable = await Assert.ThrowsAsync<BrokerStartException>(() => ServerHost.StartAsync(
            new ServerOptions
            {
                Listeners =
                [
                    Servers.Listener(
                        ListenerProtocol.Mqtts, Servers.Tls(new CertificateFiles { Certificate = _folder.PathOf("no.pem") })),
                ],
                PasswordFile = _folder.Write("users", "no credential"),
            },
            Servers.Ending));
        Assert.Contains("no.pem", unusable.Message, StringComparison.Ordinal);
        Assert.Contains("users", unusable.Message, StringComparison.Ordinal);
    }

    private Task<ServerHost> StartAsync(
        Func<ListenerTls, ListenerTls>? tls = null, Func<BrokerOptions, BrokerOptions>? with = null)
    {
        var usual = Servers.Tls(_folder.Issue("localhost"));
        return Servers.StartAsync(Servers.Listener(ListenerProtocol.Mqtts, tls is null ? usual : tls(usual)), with);
    }

    private SslClientAuthenticationOptions Trusting(Action<SslClientAuthenticationOptions>? with = null)
    {
        var policy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
        policy.CustomTrustStore.AddRange(_folder.Authority.Alone);
        var options = new SslClientAuthenticationOptions { TargetHost = "localhost", CertificateChainPolicy = policy };
        with?.Invoke(options);
        return options;
    }

    private TlsOptions WithCertificate(X509Certificate2 certificate) => Servers.Trusting(_folder) with
    {
        ClientCertificateContext = SslStreamCertificateContext.Create(certificate, null, offline: true),
    };

    /// <summary>The serial number of the certificate that a new connection is shown.</summary>
    private async Task<string> ShownAsync(ServerHost server)
    {
        await using var stream = await Servers.HandshakeAsync(server, Trusting());
        return ((X509Certificate2)stream.RemoteCertificate!).SerialNumber;
    }

    private static async Task AssertRefusedAsync(ServerHost server, TlsOptions tls)
    {
        var refused = await Assert.ThrowsAnyAsync<ConnectionException>(() => Servers.ConnectAsync(server, tls));
        Assert.Null(refused.ReasonCode);
    }
}
