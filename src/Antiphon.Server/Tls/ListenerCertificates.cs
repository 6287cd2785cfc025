using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Antiphon.Protocol.Wire;

namespace Antiphon.Server.Tls;

/// <summary>The certificates of a listener as they were read at one moment. Immutable: a reload makes others.</summary>
internal sealed class ListenerCertificates
{
    private readonly SslStreamCertificateContext _usual;
    private readonly Dictionary<string, SslStreamCertificateContext> _byName = new(StringComparer.OrdinalIgnoreCase);
    private readonly ListenerTls _tls;
    private readonly X509ChainPolicy? _clientPolicy;

    private ListenerCertificates(
        ListenerTls tls,
        List<(X509Certificate2 Certificate, X509Certificate2Collection Chain)> certificates,
        X509Certificate2Collection? authorities)
    {
        _tls = tls;
        var trust = authorities is null ? null : SslCertificateTrust.CreateForX509Collection(authorities, sendTrustInHandshake: true);

        // Offline: what a certificate stands on is in its file, and is not looked for in the network.
        SslStreamCertificateContext[] contexts =
        [
            .. certificates.Select(one => SslStreamCertificateContext.Create(one.Certificate, one.Chain, offline: true, trust)),
        ];
        _usual = contexts[0];
        foreach (var (context, certificate) in contexts.Zip(certificates))
        {
            foreach (var name in NamesOf(certificate.Certificate))
            {
                _byName.TryAdd(name, context);
            }
        }

        if (authorities is not null)
        {
            _clientPolicy = new X509ChainPolicy
            {
                TrustMode = X509ChainTrustMode.CustomRootTrust,
                RevocationMode = X509RevocationMode.NoCheck,
                DisableCertificateDownloads = true,
            };
            _clientPolicy.CustomTrustStore.AddRange(authorities);
        }
    }

    /// <summary>Reads the files.</summary>
    /// <param name="tls">Which.</param>
    /// <param name="now">The time, to see what has expired.</param>
    /// <param name="flaws">What is wrong is added here.</param>
    /// <returns><c>null</c>: they cannot be served.</returns>
    public static ListenerCertificates? Read(ListenerTls tls, DateTimeOffset now, List<CertificateFlaw> flaws)
    {
        var certificates = new List<(X509Certificate2, X509Certificate2Collection)>();
        var isWhole = true;
        foreach (var files in tls.AllCertificates)
        {
            if (new CertificateReader(files, now, flaws).Read() is { } read)
            {
                certificates.Add(read);
            }
            else
            {
                isWhole = false;
            }
        }

        var authorities = tls.ClientCa is null ? null : CertificateReader.ReadAuthorities(tls.ClientCa, flaws);
        return isWhole && (tls.ClientCa is null || authorities is not null)
            ? new ListenerCertificates(tls, certificates, authorities)
            : null;
    }

    /// <summary>What the handshake of one connection is to be like.</summary>
    /// <param name="serverName">The host that the client names (SNI); <c>null</c> or empty: none.</param>
    /// <param name="protocol">What is spoken over TLS (ALPN); a client that offers others only is turned away.</param>
    /// <param name="refused">Is told why a client's certificate is not accepted.</param>
    public SslServerAuthenticationOptions OptionsFor(string? serverName, SslApplicationProtocol protocol, Action<string> refused) => new()
    {
        ServerCertificateContext = Choose(serverName),
        ApplicationProtocols = [protocol],
        EnabledSslProtocols = _tls.MinimumVersion == TlsVersion.Tls13 ? SslProtocols.Tls13 : SslProtocols.Tls12 | SslProtocols.Tls13,
        AllowRenegotiation = false,
        CertificateRevocationCheckMode = X509RevocationMode.NoCheck,
        ClientCertificateRequired = _tls.ClientCertificates != ClientCertificates.None,
        CertificateChainPolicy = _clientPolicy?.Clone(),
        RemoteCertificateValidationCallback = _tls.ClientCertificates == ClientCertificates.None
            ? null
            : (_, certificate, chain, errors) => Accepts(certificate, chain, errors, refused),
    };

    /// <summary>The names that a certificate is for: those among its alternatives, else its subject's.</summary>
    private static string[] NamesOf(X509Certificate2 certificate)
    {
        string[] names =
        [
            .. certificate.Extensions.OfType<X509SubjectAlternativeNameExtension>().SelectMany(extension => extension.EnumerateDnsNames()),
        ];
        return names.Length > 0 ? names : [certificate.GetNameInfo(X509NameType.SimpleName, forIssuer: false)];
    }

    private SslStreamCertificateContext Choose(string? serverName)
    {
        if (string.IsNullOrEmpty(serverName))
        {
            return _usual;
        }

        if (_byName.TryGetValue(serverName, out var exact))
        {
            return exact;
        }

        // A star stands for the first label, the whole of it (RFC 6125 §6.4.3).
        var dot = serverName.IndexOf('.', StringComparison.Ordinal);
        return dot > 0 && _byName.TryGetValue($"*{serverName[dot..]}", out var wildcard) ? wildcard : _usual;
    }

    private bool Accepts(X509Certificate? certificate, X509Chain? chain, SslPolicyErrors errors, Action<string> refused)
    {
        if (certificate is null)
        {
            if (_tls.ClientCertificates == ClientCertificates.Ask)
            {
                return true;
            }

            refused("it showed no certificate, and one is required");
            return false;
        }

        if (errors == SslPolicyErrors.None)
        {
            return true;
        }

        var why = (chain?.ChainStatus ?? []).Select(status => status.StatusInformation.Trim().TrimEnd('.')).Distinct();
        refused($"its certificate «{Utf8Text.Excerpt(certificate.Subject)}» is not accepted: {string.Join("; ", why)}");
        return false;
    }
}
