using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Antiphon.Client.Tests.Peers;
using Antiphon.Client.Tests.Time;
using Antiphon.Protocol;

namespace Antiphon.Client.Tests.Transports;

public sealed class TlsTests : IDisposable
{
    private readonly Authority _authority = new();
    private readonly ScriptedServer _server = new();

    private TlsOptions Trusting => new() { CertificateAuthorities = _authority.Alone };

    public void Dispose()
    {
        _server.Dispose();
        _authority.Dispose();
    }

    [Fact]
    [Trait("Label", "MQTT-4.2-1")]
    public async Task Packets_travel_over_TLS_and_DISCONNECT_arrives_before_the_end()
    {
        await using var client = MqttClient.Start(_server.Options with { Tls = Trusting });
        using var connection = await AcceptAsync();
        await client.WaitUntilConnectedAsync(Limit.Token);
        await client.PublishAsync(new ApplicationMessage { Topic = "a" }, Limit.Token);
        var disconnecting = client.DisconnectAsync(cancellationToken: Limit.Token);

        await connection.ExpectAsync("30 04 0001 'a' 00");
        await connection.ExpectAsync("E0 00");
        await connection.ExpectEndAsync();
        connection.Dispose();
        await disconnecting;
    }

    [Fact]
    public async Task A_certificate_for_another_host_is_refused_with_the_names_it_has()
    {
        var certificate = _authority.Issue("broker.example", isFor127: false);

        var failure = await RefusedAsync(Trusting, certificate);

        Assert.Contains(
            "not for «127.0.0.1» but for «broker.example»; connect by that name, or set Tls.TargetHost",
            failure.Message,
            StringComparison.Ordinal);
        await AcceptedAsync(Trusting with { TargetHost = "broker.example" }, certificate);
    }

    [Fact]
    public async Task An_expired_certificate_is_refused_with_its_dates()
    {
        var certificate = _authority.Issue(firstDay: -3, lastDay: -2);

        var failure = await RefusedAsync(Trusting, certificate);

        Assert.Contains($"to {certificate.NotAfter:u}", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_self_signed_certificate_is_refused_unless_it_is_trusted_by_itself()
    {
        var certificate = _authority.SelfSigned();

        Assert.Contains(
            "«CN=localhost» is not trusted here", (await RefusedAsync(new TlsOptions(), certificate)).Message, StringComparison.Ordinal);
        Assert.Contains(
            "«CN=localhost» is not trusted here", (await RefusedAsync(Trusting, certificate)).Message, StringComparison.Ordinal);
        await AcceptedAsync(new TlsOptions { CertificateAuthorities = [certificate] }, certificate);
    }

    [Fact]
    public async Task A_certificate_of_another_authority_is_refused()
    {
        using var another = new Authority("Another");

        var failure = await RefusedAsync(Trusting, another.Issue());

        Assert.Contains(
            "«CN=Another» is not trusted here; if it is yours, set Tls.CertificateAuthorities", failure.Message, StringComparison.Ordinal);
        Assert.IsType<AuthenticationException>(failure.InnerException);
    }

    [Fact]
    public async Task The_callers_own_check_has_the_last_word()
    {
        var certificate = _authority.SelfSigned();
        SslPolicyErrors? seen = null;
        await AcceptedAsync(
            new TlsOptions
            {
                RemoteCertificateValidationCallback = (_, shown, _, errors) =>
                {
                    seen = errors;
                    return shown!.GetCertHashString() == certificate.GetCertHashString();
                },
            },
            certificate);
        Assert.Equal(SslPolicyErrors.RemoteCertificateChainErrors, seen);

        var failure = await RefusedAsync(Trusting with { RemoteCertificateValidationCallback = (_, _, _, _) => false }, _authority.Issue());
        Assert.Contains("Tls.RemoteCertificateValidationCallback did not accept", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Revocation_is_asked_for_where_the_options_say_so()
    {
        var failure = await RefusedAsync(Trusting with { CertificateRevocationCheckMode = X509RevocationMode.Offline }, _authority.Issue());

        Assert.Contains("RevocationStatusUnknown", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_client_certificate_is_shown_to_a_server_that_asks()
    {
        var own = _authority.Issue("device_1");
        string? seen = null;
        await AcceptedAsync(
            Trusting with { ClientCertificateContext = SslStreamCertificateContext.Create(own, null, offline: true) },
            _authority.Issue(),
            tls =>
            {
                tls.ClientCertificateRequired = true;
                tls.RemoteCertificateValidationCallback = (_, certificate, _, _) => (seen = certificate?.Subject) is not null;
            });

        Assert.Equal("CN=device_1", seen);
    }

    [Fact]
    public async Task A_server_that_demands_a_client_certificate_does_not_let_others_in()
    {
        var connecting = MqttClient.ConnectAsync(_server.Options with { Tls = Trusting }, Limit.Token);
        var handshake = _server.AcceptAsync(new SslServerAuthenticationOptions
        {
            ServerCertificate = _authority.Issue(),
            ClientCertificateRequired = true,
            RemoteCertificateValidationCallback = (_, certificate, _, _) => certificate is not null,
        });
        await Assert.ThrowsAsync<AuthenticationException>(() => handshake);

        var failure = await Assert.ThrowsAsync<ConnectionException>(() => connecting);

        Assert.Contains("Tls.ClientCertificateContext", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Application_protocols_and_versions_are_offered_as_the_options_say()
    {
        (string, SslProtocols)? seen = null;
        await AcceptedAsync(
            Trusting with { ApplicationProtocols = [new SslApplicationProtocol("mqtt")], EnabledSslProtocols = SslProtocols.Tls12 },
            _authority.Issue(),
            tls => tls.ApplicationProtocols = [new SslApplicationProtocol("other"), new SslApplicationProtocol("mqtt")],
            stream => seen = (stream.NegotiatedApplicationProtocol.ToString(), stream.SslProtocol));

        Assert.Equal(("mqtt", SslProtocols.Tls12), seen);
    }

    [Fact]
    public async Task A_server_that_speaks_no_TLS_is_refused_with_a_hint()
    {
        var connecting = MqttClient.ConnectAsync(_server.Options with { Tls = Trusting }, Limit.Token);
        using var connection = await _server.AcceptAsync();
        await connection.SendAsync("20 02 00 01 00 00 00 00");

        var failure = await Assert.ThrowsAsync<ConnectionException>(() => connecting);

        Assert.Contains("TLS", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_certificate_that_was_not_accepted_is_looked_at_again()
    {
        await using var client = MqttClient.Start(_server.Options with { Tls = Trusting });
        await RefuseOnceAsync(_authority.Issue(firstDay: -3, lastDay: -2));

        using var connection = await AcceptAsync();

        await client.WaitUntilConnectedAsync(Limit.Token);
    }

    [Fact]
    public async Task A_handshake_that_is_never_answered_ends_with_ConnectTimeout()
    {
        var clock = new ManualTimeProvider();
        var connecting = MqttClient.ConnectAsync(_server.Options with { Tls = Trusting, TimeProvider = clock }, Limit.Token);
        using var connection = await _server.AcceptAsync();
        var hello = new byte[1];
        await connection.Stream.ReadExactlyAsync(hello, Limit.Token);

        clock.Advance(TimeSpan.FromSeconds(10));

        Assert.Contains("within 10 s", (await Assert.ThrowsAsync<ConnectionException>(() => connecting)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Options_that_cannot_work_are_refused()
    {
        var exception = Assert.Throws<ArgumentException>(() => MqttClient.Start(new MqttClientOptions
        {
            Tls = new TlsOptions { TargetHost = "", CertificateAuthorities = [], ApplicationProtocols = null! },
        }));

        foreach (var option in new[] { "TargetHost", "CertificateAuthorities", "ApplicationProtocols" })
        {
            Assert.Contains(option, exception.Message, StringComparison.Ordinal);
        }
    }

    private async Task<ScriptedConnection> AcceptAsync(
        X509Certificate2? certificate = null, Action<SslServerAuthenticationOptions>? change = null)
    {
        var tls = new SslServerAuthenticationOptions { ServerCertificate = certificate ?? _authority.Issue() };
        change?.Invoke(tls);
        var connection = await _server.AcceptAsync(tls);
        await connection.AcceptAsync(ScriptedServer.Accepted);
        return connection;
    }

    private async Task AcceptedAsync(
        TlsOptions options,
        X509Certificate2 certificate,
        Action<SslServerAuthenticationOptions>? change = null,
        Action<SslStream>? look = null)
    {
        await using var client = MqttClient.Start(_server.Options with { Tls = options });
        using var connection = await AcceptAsync(certificate, change);
        await client.WaitUntilConnectedAsync(Limit.Token);
        look?.Invoke((SslStream)connection.Stream);

        // In this order, so that the client does not connect again.
        var disposing = client.DisposeAsync();
        await connection.ExpectAsync("E0 00");
        connection.Dispose();
        await disposing.InTime();
    }

    private async Task<ConnectionException> RefusedAsync(TlsOptions options, X509Certificate2 certificate)
    {
        var connecting = MqttClient.ConnectAsync(_server.Options with { Tls = options }, Limit.Token);
        await RefuseOnceAsync(certificate);
        return await Assert.ThrowsAsync<ConnectionException>(() => connecting);
    }

    /// <summary>With TLS 1.3 the server may be done before the client has looked at the certificate.</summary>
    private async Task RefuseOnceAsync(X509Certificate2 certificate)
    {
        try
        {
            using var connection = await _server.AcceptAsync(new SslServerAuthenticationOptions { ServerCertificate = certificate });
            await connection.ExpectEndAsync();
        }
        catch (Exception failure) when (failure is AuthenticationException or IOException)
        {
            // The client's alert, or its end.
        }
    }
}
