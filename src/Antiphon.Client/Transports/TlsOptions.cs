using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;

namespace Antiphon.Client;

/// <summary>
/// How the server is authenticated and the connection encrypted (MQTT 5 §5.4),
/// under the names of <see cref="SslClientAuthenticationOptions"/>. Immutable.
/// </summary>
public sealed record TlsOptions
{
    /// <summary>
    /// The name that the server's certificate has to have, and that the server is told (SNI); <c>null</c>:
    /// <see cref="MqttClientOptions.Host"/>.
    /// </summary>
    public string? TargetHost { get; init; }

    /// <summary>This client's certificate with its private key, for servers that ask for one (§5.4.1); <c>null</c>: none.</summary>
    public SslStreamCertificateContext? ClientCertificateContext { get; init; }

    /// <summary>
    /// The authorities that may have issued the server's certificate, and no others; a self-signed certificate is its own authority.
    /// <c>null</c>: those that this machine trusts.
    /// </summary>
    public X509Certificate2Collection? CertificateAuthorities { get; init; }

    /// <summary>The application protocols to offer (ALPN), the best first, such as <c>mqtt</c>; empty: none are offered.</summary>
    public IReadOnlyList<SslApplicationProtocol> ApplicationProtocols { get; init; } = [];

    /// <summary>The versions to allow; <see cref="SslProtocols.None"/>: what the system allows.</summary>
    public SslProtocols EnabledSslProtocols { get; init; }

    /// <summary>Whether to ask if certificates have been revoked; asking needs the issuer's server within reach.</summary>
    public X509RevocationMode CertificateRevocationCheckMode { get; init; } = X509RevocationMode.NoCheck;

    /// <summary>
    /// Decides whether the server's certificate is accepted, with the errors found so far; <c>null</c>: accepted when there are none.
    /// </summary>
    public RemoteCertificateValidationCallback? RemoteCertificateValidationCallback { get; init; }

    internal IEnumerable<string> Mistakes()
    {
        if (TargetHost is not null && string.IsNullOrWhiteSpace(TargetHost))
        {
            yield return "Tls.TargetHost is empty; leave it null for Host.";
        }

        if (CertificateAuthorities is { Count: 0 })
        {
            yield return "Tls.CertificateAuthorities is empty, so that no server could be trusted; leave it null for "
                + "those of this machine.";
        }

        if (ApplicationProtocols is null)
        {
            yield return "Tls.ApplicationProtocols is null; leave it empty instead.";
        }
    }
}
