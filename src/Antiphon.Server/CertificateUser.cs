namespace Antiphon.Server;

/// <summary>What in a client's certificate is its user name.</summary>
public enum CertificateUser
{
    /// <summary>Nothing: the certificate lets the client in, and something else says who it is.</summary>
    None,

    /// <summary>The common name (CN) of the subject.</summary>
    CommonName,

    /// <summary>The DNS name among the alternative names.</summary>
    DnsName,

    /// <summary>The address of e-mail among the alternative names.</summary>
    Email,

    /// <summary>The URI among the alternative names, such as a SPIFFE ID.</summary>
    Uri,
}
