using System.Globalization;
using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;

namespace Antiphon.Client.Transports;

/// <summary>Puts TLS over a stream, and says what is wrong with the server's certificate and what to do about it.</summary>
internal static class TlsHandshake
{
    /// <summary>Authenticates the server.</summary>
    /// <param name="inner">The stream; disposed when this fails.</param>
    /// <param name="options">How.</param>
    /// <param name="host">The name that the certificate has to have.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="AuthenticationException">There is no agreement, or the certificate is not accepted.</exception>
    /// <exception cref="IOException">The connection was lost.</exception>
    public static async ValueTask<SslStream> RunAsync(Stream inner, TlsOptions options, string host, CancellationToken cancellationToken)
    {
        string? refusal = null;
        var stream = new SslStream(inner);
        try
        {
            await stream.AuthenticateAsClientAsync(
                new SslClientAuthenticationOptions
                {
                    TargetHost = host,
                    ClientCertificateContext = options.ClientCertificateContext,
                    ApplicationProtocols = options.ApplicationProtocols.Count == 0 ? null : [.. options.ApplicationProtocols],
                    EnabledSslProtocols = options.EnabledSslProtocols,
                    CertificateRevocationCheckMode = options.CertificateRevocationCheckMode,
                    CertificateChainPolicy = options.CertificateAuthorities is { } authorities
                        ? TrustOnly(authorities, options.CertificateRevocationCheckMode)
                        : null,
                    RemoteCertificateValidationCallback = (sender, certificate, chain, errors) =>
                    {
                        if (options.RemoteCertificateValidationCallback is { } decide)
                        {
                            refusal = "Tls.RemoteCertificateValidationCallback did not accept the server's certificate.";
                            return decide(sender, certificate, chain, errors);
                        }

                        refusal = Describe(certificate, chain, errors, host);
                        return errors == SslPolicyErrors.None;
                    },
                },
                cancellationToken).ConfigureAwait(false);
            return stream;
        }
        catch (AuthenticationException failure)
        {
            await stream.DisposeAsync().ConfigureAwait(false);

            // What the server has said of it is within; without that, what it said was no TLS.
            var cause = failure.InnerException is { } said
                ? said.Message
                : $"{failure.Message.TrimEnd('.')}. Does the server speak TLS at this port?";
            throw new AuthenticationException(refusal ?? $"TLS was not agreed on: {cause}", failure);
        }
        catch (IOException failure)
        {
            await stream.DisposeAsync().ConfigureAwait(false);
            throw new IOException(
                $"The connection was lost in the TLS handshake: {failure.Message} Does the server speak TLS at this port?", failure);
        }
        catch
        {
            await stream.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    private static X509ChainPolicy TrustOnly(X509Certificate2Collection authorities, X509RevocationMode revocation)
    {
        var policy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = revocation };
        policy.CustomTrustStore.AddRange(authorities);
        return policy;
    }

    private static string? Describe(X509Certificate? certificate, X509Chain? chain, SslPolicyErrors errors, string host)
    {
        if (errors == SslPolicyErrors.None)
        {
            return null;
        }

        if (certificate is not X509Certificate2 shown)
        {
            return "The server showed no certificate.";
        }

        var wrong = new List<string>();
        if (errors.HasFlag(SslPolicyErrors.RemoteCertificateNameMismatch))
        {
            wrong.Add($"it is not for «{host}» but for {NamesOf(shown)}; connect by that name, or set Tls.TargetHost");
        }

        foreach (var status in (chain?.ChainStatus ?? []).DistinctBy(status => status.Status))
        {
            wrong.Add(status.Status switch
            {
                X509ChainStatusFlags.NotTimeValid => string.Create(
                    CultureInfo.InvariantCulture,
                    $"it, or one that it stands on, is not valid now: it is valid from {shown.NotBefore:u} to {shown.NotAfter:u}"),
                X509ChainStatusFlags.UntrustedRoot or X509ChainStatusFlags.PartialChain =>
                    $"its issuer «{shown.Issuer}» is not trusted here; if it is yours, set Tls.CertificateAuthorities",
                _ => $"{status.Status}: {status.StatusInformation.Trim().TrimEnd('.')}",
            });
        }

        return $"The server's certificate «{shown.Subject}» is not accepted: {string.Join("; ", wrong)}.";
    }

    private static string NamesOf(X509Certificate2 certificate)
    {
        var alternatives = certificate.Extensions.OfType<X509SubjectAlternativeNameExtension>().FirstOrDefault();
        string[] names =
        [
            .. alternatives?.EnumerateDnsNames() ?? [],
            .. alternatives?.EnumerateIPAddresses().Select(address => address.ToString()) ?? [],
        ];
        return names.Length == 0
            ? $"«{certificate.GetNameInfo(X509NameType.SimpleName, forIssuer: false)}»"
            : string.Join(", ", names.Select(name => $"«{name}»"));
    }
}
