using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Antiphon.Client.Tests.Peers;

/// <summary>Issues certificates that live as long as the test.</summary>
internal sealed class Authority : IDisposable
{
    private static readonly DateTimeOffset Now = TimeProvider.System.GetUtcNow();

    private readonly List<X509Certificate2> _issued = [];

    public Authority(string name = "Authority")
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: true, false, 0, critical: true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, critical: false));
        Certificate = request.CreateSelfSigned(Now.AddDays(-30), Now.AddDays(30));
        _issued.Add(Certificate);
    }

    public X509Certificate2 Certificate { get; }

    /// <summary>Itself alone, for a client to trust.</summary>
    public X509Certificate2Collection Alone => [Certificate];

    /// <summary>A certificate for 127.0.0.1 and a name, with its private key.</summary>
    public X509Certificate2 Issue(string name = "localhost", bool isFor127 = true, int firstDay = -1, int lastDay = 1)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = Request(name, key, isFor127);
        using var bare = request.Create(Certificate, Now.AddDays(firstDay), Now.AddDays(lastDay), RandomNumberGenerator.GetBytes(8));
        return Keep(bare.CopyWithPrivateKey(key));
    }

    /// <summary>A certificate that nobody but itself vouches for.</summary>
    public X509Certificate2 SelfSigned()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        return Keep(Request("localhost", key, isFor127: true).CreateSelfSigned(Now.AddDays(-1), Now.AddDays(1)));
    }

    public void Dispose() => _issued.ForEach(certificate => certificate.Dispose());

    private static CertificateRequest Request(string name, ECDsa key, bool isFor127)
    {
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName(name);
        if (isFor127)
        {
            names.AddIpAddress(IPAddress.Loopback);
        }

        request.CertificateExtensions.Add(names.Build());
        return request;
    }

    private X509Certificate2 Keep(X509Certificate2 certificate)
    {
        _issued.Add(certificate);
        return certificate;
    }
}
