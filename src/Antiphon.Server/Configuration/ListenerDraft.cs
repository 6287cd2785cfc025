namespace Antiphon.Server.Configuration;

/// <summary>What is written about a listener, before it is known whether it fits together. Immutable.</summary>
internal sealed record ListenerDraft
{
    public string? Name { get; init; }

    public ListenerUrl? Url { get; init; }

    public bool ProxyProtocol { get; init; }

    public CertificateDraft Certificate { get; init; } = new();

    public IReadOnlyList<CertificateDraft> FurtherCertificates { get; init; } = [];

    public ClientCertificates ClientCertificates { get; init; }

    public string? ClientCa { get; init; }

    public CertificateUser UserFrom { get; init; }

    public TlsVersion MinimumTls { get; init; } = TlsVersion.Tls12;

    /// <summary>Where it stands.</summary>
    public Node? Node { get; init; }

    /// <summary>What has come of it; <c>null</c>: it does not fit together, which was said.</summary>
    public ServerListener? Listener { get; init; }
}

/// <summary>What is written about the files of a certificate. Immutable.</summary>
internal sealed record CertificateDraft
{
    public string? Certificate { get; init; }

    public string? Key { get; init; }

    public string? PasswordFile { get; init; }

    /// <summary>Where it stands; <c>null</c>: in the listener itself.</summary>
    public Node? Node { get; init; }
}
