using System.Globalization;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Antiphon.Broker;

namespace Antiphon.Cli.Tests.Connecting;

/// <summary>Takes TLS connections to a broker in the test's own process, with a certificate of its own making.</summary>
internal sealed class TlsFront : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly BrokerHost _broker = Running.Cli.StartBroker();
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("antiphon-cli-");
    private readonly X509Certificate2 _certificate;
    private readonly Task _accepting;

    public TlsFront()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=front", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddIpAddress(IPAddress.Loopback);
        request.CertificateExtensions.Add(names.Build());
        var now = TimeProvider.System.GetUtcNow();
        _certificate = request.CreateSelfSigned(now.AddDays(-1), now.AddDays(1));
        CertificateFile = Path.Combine(_folder.FullName, "front.pem");
        KeyFile = Path.Combine(_folder.FullName, "front.key");
        File.WriteAllText(CertificateFile, _certificate.ExportCertificatePem());
        File.WriteAllText(KeyFile, key.ExportPkcs8PrivateKeyPem());
        _listener.Start();
        _accepting = AcceptAsync();
    }

    public string CertificateFile { get; }

    public string KeyFile { get; }

    public string Url => string.Create(CultureInfo.InvariantCulture, $"mqtts://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}");

    /// <summary>What the last client showed and what was agreed on.</summary>
    public (string? Certificate, string Protocol) Seen { get; private set; }

    public async ValueTask DisposeAsync()
    {
        _listener.Dispose();
        await _accepting;
        await _broker.DisposeAsync();
        _certificate.Dispose();
        _folder.Delete(recursive: true);
    }

    private async Task AcceptAsync()
    {
        var connections = new List<Task>();
        try
        {
            while (true)
            {
                connections.Add(ServeAsync(await _listener.AcceptTcpClientAsync()));
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            await Task.WhenAll(connections);
        }
    }

    private async Task ServeAsync(TcpClient client)
    {
        try
        {
            await using var outside = new SslStream(client.GetStream());
            await outside.AuthenticateAsServerAsync(new SslServerAuthenticationOptions
            {
                ServerCertificate = _certificate,
                ClientCertificateRequired = true,
                RemoteCertificateValidationCallback = (_, shown, _, _) => shown is null or { Subject.Length: > 0 },
                ApplicationProtocols = [new SslApplicationProtocol("mqtt")],
            });
            Seen = (outside.RemoteCertificate?.Subject, outside.NegotiatedApplicationProtocol.ToString());
            await using var inside = _broker.ConnectInProcess();
            await Task.WhenAny(outside.CopyToAsync(inside), inside.CopyToAsync(outside));
        }
        catch (Exception e) when (e is IOException or System.Security.Authentication.AuthenticationException)
        {
            // The client gave up.
        }
    }
}
