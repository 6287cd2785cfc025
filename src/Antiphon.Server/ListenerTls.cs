namespace Antiphon.Server;

/// <summary>The certificates of a listener, and what it asks of clients. Immutable; the files are read anew on reload.</summary>
public sealed record ListenerTls
{
    /// <summary>The certificate for clients that name no host, or one that no other certificate is for.</summary>
    public required CertificateFiles Certificate { get; init; }

    /// <summary>
    /// Certificates for other host names, which stand in them. A client gets the first that is for the host that it names (SNI).
    /// </summary>
    public IReadOnlyList<CertificateFiles> FurtherCertificates { get; init; } = [];

    /// <summary>Whether clients show a certificate; <see cref="ClientCertificates.None"/> unless said otherwise.</summary>
    public ClientCertificates ClientCertificates { get; init; }

    /// <summary>
    /// A PEM file with the authorities that may have issued clients' certificates, and no others; needed where clients are asked for one.
    /// </summary>
    public string? ClientCa { get; init; }

    /// <summary>
    /// What in a client's certificate is its user name; <see cref="CertificateUser.None"/> unless said otherwise.
    /// Such a client needs no password. What CONNECT has of user name and password is not looked at.
    /// Only where clients are asked for a certificate.
    /// </summary>
    public CertificateUser UserFrom { get; init; }

    /// <summary>The oldest version of TLS; 1.2 unless said otherwise.</summary>
    public TlsVersion MinimumVersion { get; init; } = TlsVersion.Tls12;

    internal IEnumerable<CertificateFiles> AllCertificates => FurtherCertificates.Prepend(Certificate);

    internal IEnumerable<string> Mistakes()
    {
        if (!Enum.IsDefined(ClientCertificates))
        {
            yield return $"ClientCertificates is {ClientCertificates}, which does not exist.";
        }

        if (!Enum.IsDefined(MinimumVersion))
        {
            yield return $"MinimumVersion is {MinimumVersion}, which does not exist.";
        }

        if (!Enum.IsDefined(UserFrom))
        {
            yield return $"UserFrom is {UserFrom}, which does not exist.";
        }

        if (ClientCertificates == ClientCertificates.None && UserFrom != CertificateUser.None)
        {
            yield return "UserFrom is set, and clients are not asked for a certificate: set ClientCertificates to Ask or Require.";
        }

        if (ClientCertificates != ClientCertificates.None && ClientCa is null)
        {
            yield return "Clients are asked for a certificate, and ClientCa does not say which authorities may have issued it.";
        }

        if (ClientCertificates == ClientCertificates.None && ClientCa is not null)
        {
            yield return "ClientCa is set, and clients are not asked for a certificate: set ClientCertificates to Ask or Require.";
        }
    }
}

/// <summary>The files of a certificate. Immutable.</summary>
public sealed record CertificateFiles
{
    /// <summary>
    /// A PEM file with the certificate first and what it stands on behind it, or a PFX file (PKCS #12) with both and the private key.
    /// </summary>
    public required string Certificate { get; init; }

    /// <summary>A PEM file with the private key; <c>null</c>: it stands in <see cref="Certificate"/>.</summary>
    public string? Key { get; init; }

    /// <summary>A file whose first line is the password of the private key or of the PFX file; <c>null</c>: there is none.</summary>
    public string? PasswordFile { get; init; }
}

/// <summary>Whether a listener asks clients for a certificate.</summary>
public enum ClientCertificates
{
    /// <summary>It does not.</summary>
    None,

    /// <summary>It does. Who shows none is let in without one; one that is not accepted ends the connection.</summary>
    Ask,

    /// <summary>It does, and who shows none is not let in.</summary>
    Require,
}

/// <summary>A version of TLS.</summary>
public enum TlsVersion
{
    /// <summary>TLS 1.2.</summary>
    Tls12,

    /// <summary>TLS 1.3.</summary>
    Tls13,
}
