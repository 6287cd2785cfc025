using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using Antiphon.Client.Tests.Peers;
using Antiphon.Protocol;
using Antiphon.Protocol.Packets;

namespace Antiphon.Client.Tests.Interop;

/// <summary>TLS and WebSocket against a broker that others wrote.</summary>
public sealed class MosquittoTransportTests : IDisposable
{
    private readonly Authority _authority = new();
    private readonly string _folder = Directory.CreateTempSubdirectory("antiphon-tls-").FullName;

    // mosquitto 2.0.11 does not start with listeners of WebSocket alone, and binds these by the interface's name only.
    private string WebSocketSettings => $"protocol websockets\nlistener 0 {Path.Combine(_folder, "socket")}";

    public void Dispose()
    {
        _authority.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task A_message_goes_round_over_TLS()
    {
        await using var broker = await Mosquitto.StartAsync(listener: await TlsSettingsAsync());

        await GoRoundAsync(broker.Options with { Tls = new TlsOptions { CertificateAuthorities = _authority.Alone } });
    }

    [Fact]
    public async Task A_client_certificate_is_demanded_and_shown()
    {
        await using var broker = await Mosquitto.StartAsync(listener: $"{await TlsSettingsAsync()}\nrequire_certificate true");
        var tls = new TlsOptions { CertificateAuthorities = _authority.Alone };

        var failure = await Assert.ThrowsAsync<ConnectionException>(
            () => MqttClient.ConnectAsync(broker.Options with { Tls = tls }, Limit.Token));

        Assert.Contains("Tls.ClientCertificateContext", failure.Message, StringComparison.Ordinal);
        await GoRoundAsync(broker.Options with
        {
            Tls = tls with
            {
                ClientCertificateContext = SslStreamCertificateContext.Create(_authority.Issue("device_1"), null, offline: true),
            },
        });
    }

    [Fact]
    public async Task A_message_goes_round_over_WebSocket()
    {
        await using var broker = await Mosquitto.StartAsync(address: "lo", listener: WebSocketSettings);

        await GoRoundAsync(broker.Options with { WebSocket = new WebSocketOptions() });
    }

    [Fact]
    public async Task A_message_goes_round_over_WebSocket_and_TLS()
    {
        await using var broker = await Mosquitto.StartAsync(address: "lo", listener: $"{await TlsSettingsAsync()}\n{WebSocketSettings}");

        await GoRoundAsync(
            broker.Options with { WebSocket = new WebSocketOptions(), Tls = new TlsOptions { CertificateAuthorities = _authority.Alone } });
    }

    /// <summary>A message longer than what mosquitto reads at once, and a Will that DISCONNECT has to prevent.</summary>
    private static async Task GoRoundAsync(MqttClientOptions options)
    {
        await using var watcher = await MqttClient.ConnectAsync(options, Limit.Token);
        var payload = new byte[20_000];
        payload[^1] = 1;
        var received = new TaskCompletionSource<byte[]>(TaskCreationOptions.RunContinuationsAsynchronously);
        var second = new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously);
        await watcher.SubscribeAsync(
            "a/#",
            (message, _) =>
            {
                if (!received.TrySetResult(message.Payload.ToArray()))
                {
                    second.TrySetResult(message.Topic);
                }

                return ValueTask.CompletedTask;
            },
            null,
            Limit.Token);
        var will = new Will(new ApplicationMessage { Topic = "a/will" });
        await using (var client = await MqttClient.ConnectAsync(options with { Will = will }, Limit.Token))
        {
            await client.PublishAsync(
                new ApplicationMessage { Topic = "a/b", Payload = payload, QoS = QualityOfService.AtLeastOnce }, Limit.Token);
        }

        Assert.Equal(payload, await received.Task.InTime());

        // The Will of a client that was lost would have come before this.
        await watcher.PublishAsync(new ApplicationMessage { Topic = "a/last", QoS = QualityOfService.AtLeastOnce }, Limit.Token);
        Assert.Equal("a/last", await second.Task.InTime());
    }

    private async Task<string> TlsSettingsAsync()
    {
        var certificate = _authority.Issue();
        var authorityFile = Path.Combine(_folder, "ca.pem");
        var certificateFile = Path.Combine(_folder, "server.pem");
        var keyFile = Path.Combine(_folder, "server.key");
        using var key = certificate.GetECDsaPrivateKey()!;
        await File.WriteAllTextAsync(authorityFile, _authority.Certificate.ExportCertificatePem(), Limit.Token);
        await File.WriteAllTextAsync(certificateFile, certificate.ExportCertificatePem(), Limit.Token);
        await File.WriteAllTextAsync(keyFile, key.ExportPkcs8PrivateKeyPem(), Limit.Token);
        return $"cafile {authorityFile}\ncertfile {certificateFile}\nkeyfile {keyFile}";
    }
}
