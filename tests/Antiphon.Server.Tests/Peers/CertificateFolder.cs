using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Antiphon.Client.Tests.Peers;

namespace Antiphon.Server.Tests.Peers;

/// <summary>An authority and a folder with the files of what it issued; both end with the test.</summary>
internal sealed class CertificateFolder : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("antiphon-server-");

    public Authority Authority { get; } = new();

    /// <summary>The authority's own certificate.</summary>
    public string Ca => Write("ca.pem", Authority.Certificate.ExportCertificatePem());

    public string PathOf(string file) => Path.Combine(_folder.FullName, file);

    public string Write(string file, string text)
    {
        File.WriteAllText(PathOf(file), text);
        return PathOf(file);
    }

    /// <summary>Issues a certificate and writes it and its key, as PEM, to NAME.pem and NAME.key.</summary>
    public CertificateFiles Issue(string name, int lastDay = 20, int firstDay = -1, string? file = null) =>
        WriteFiles(file ?? name, Authority.Issue(name, firstDay: firstDay, lastDay: lastDay));

    /// <summary>Writes a certificate and its key over the files of another.</summary>
    public CertificateFiles WriteFiles(string file, X509Certificate2 certificate) => new()
    {
        Certificate = Write($"{file}.pem", certificate.ExportCertificatePem()),
        Key = Write($"{file}.key", KeyOf(certificate).ExportPkcs8PrivateKeyPem()),
    };

    /// <summary>A PFX file with a password in a file of its own.</summary>
    public CertificateFiles IssuePfx(string name, string password)
    {
        File.WriteAllBytes(PathOf($"{name}.pfx"), Authority.Issue(name, lastDay: 20).Export(X509ContentType.Pfx, password));
        return new CertificateFiles { Certificate = PathOf($"{name}.pfx"), PasswordFile = Write($"{name}.password", $"{password}\n") };
    }

    /// <summary>A PEM file with everything in it, its key encrypted.</summary>
    public CertificateFiles IssueEncrypted(string name, string password)
    {
        var certificate = Authority.Issue(name, lastDay: 20);
        var key = KeyOf(certificate).ExportEncryptedPkcs8PrivateKeyPem(
            password, new PbeParameters(PbeEncryptionAlgorithm.Aes256Cbc, HashAlgorithmName.SHA256, 2000));
        return new CertificateFiles
        {
            Certificate = Write($"{name}.pem", $"{certificate.ExportCertificatePem()}\n{key}"),
            PasswordFile = Write($"{name}.password", password),
        };
    }

    public void Dispose()
    {
        Authority.Dispose();
        _folder.Delete(recursive: true);
    }

    private static ECDsa KeyOf(X509Certificate2 certificate) => certificate.GetECDsaPrivateKey()!;
}
