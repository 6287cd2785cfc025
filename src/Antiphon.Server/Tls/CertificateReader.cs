using System.Globalization;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Antiphon.Server.Tls;

/// <summary>Reads certificates and private keys from files, and says what is wrong with them.</summary>
internal sealed class CertificateReader(CertificateFiles files, DateTimeOffset now, List<CertificateFlaw> flaws)
{
    /// <summary>An expiry this near is worth a word.</summary>
    private static readonly TimeSpan Soon = TimeSpan.FromDays(7);

    private static ReadOnlySpan<byte> PemBegin => "-----BEGIN "u8;

    /// <summary>
    /// The certificate with its private key, and what it stands on; <c>null</c>: it cannot be served, and the flaws say why.
    /// </summary>
    public (X509Certificate2 Certificate, X509Certificate2Collection Chain)? Read()
    {
        var before = flaws.Count;
        var bytes = ReadFile(files.Certificate, CertificatePart.Certificate);
        var key = files.Key is null ? null : ReadFile(files.Key, CertificatePart.Key);
        var password = files.PasswordFile is null ? null : ReadFile(files.PasswordFile, CertificatePart.PasswordFile);
        if (flaws.Count > before)
        {
            return null;
        }

        var secret = password is null ? null : System.Text.Encoding.UTF8.GetString(password).Split('\n')[0].TrimEnd('\r');
        var read = bytes!.AsSpan().IndexOf(PemBegin) >= 0 ? ReadPem(bytes!, key, secret) : ReadPfx(bytes!, secret);
        if (read is { } found)
        {
            CheckTime(found.Certificate);
        }

        return read;
    }

    /// <summary>The authorities in a PEM file; <c>null</c>: there is none, and the flaws say why.</summary>
    public static X509Certificate2Collection? ReadAuthorities(string path, List<CertificateFlaw> flaws)
    {
        var authorities = new X509Certificate2Collection();
        try
        {
            authorities.ImportFromPem(File.ReadAllText(path));
            if (authorities.Count > 0)
            {
                return authorities;
            }

            flaws.Add(new(null, CertificatePart.ClientCa, $"The file «{path}» has no certificate in it (-----BEGIN CERTIFICATE-----)."));
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            flaws.Add(new(null, CertificatePart.ClientCa, $"The file «{path}» cannot be read: {failure.Message}"));
        }
        catch (CryptographicException failure)
        {
            flaws.Add(new(null, CertificatePart.ClientCa, $"The file «{path}» has a certificate that is none: {failure.Message}"));
        }

        return null;
    }

    private byte[]? ReadFile(string path, CertificatePart part)
    {
        try
        {
            return File.ReadAllBytes(path);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            Add(part, $"The file «{path}» cannot be read: {failure.Message}");
            return null;
        }
    }

    private (X509Certificate2 Certificate, X509Certificate2Collection Chain)? ReadPem(
        byte[] certificateBytes, byte[]? keyBytes, string? password)
    {
        var chain = new X509Certificate2Collection();
        try
        {
            chain.ImportFromPem(System.Text.Encoding.UTF8.GetString(certificateBytes));
        }
        catch (CryptographicException failure)
        {
            Add(CertificatePart.Certificate, $"The file «{files.Certificate}» has a certificate that is none: {failure.Message}");
            return null;
        }

        if (chain.Count == 0)
        {
            Add(CertificatePart.Certificate, $"The file «{files.Certificate}» has no certificate in it (-----BEGIN CERTIFICATE-----).");
            return null;
        }

        var bare = chain[0];
        chain.RemoveAt(0);
        var (keyPart, keyFile) = files.Key is null
            ? (CertificatePart.Certificate, files.Certificate) : (CertificatePart.Key, files.Key);
        try
        {
            var certificate = WithKey(bare, System.Text.Encoding.UTF8.GetString(keyBytes ?? certificateBytes), password);
            return (certificate, chain);
        }
        catch (ArgumentException)
        {
            // The keys themselves are of one kind, and do not belong together.
            Add(keyPart, $"The private key in «{keyFile}» is not that of the certificate in «{files.Certificate}».");
        }
        catch (CryptographicException failure)
        {
            Add(keyPart, WhyNoKey(bare, keyFile, keyBytes ?? certificateBytes, password, failure));
        }

        return null;
    }

    private static X509Certificate2 WithKey(X509Certificate2 bare, string keyPem, string? password)
    {
        var certificate = password is null
            ? X509Certificate2.CreateFromPem(bare.ExportCertificatePem(), keyPem)
            : X509Certificate2.CreateFromEncryptedPem(bare.ExportCertificatePem(), keyPem, password);
        if (!OperatingSystem.IsWindows())
        {
            return certificate;
        }

        // Windows takes no key for TLS that is in memory only.
        using (certificate)
        {
            return X509CertificateLoader.LoadPkcs12(certificate.Export(X509ContentType.Pfx), password: null);
        }
    }

    private static string WhyNoKey(X509Certificate2 certificate, string file, byte[] pem, string? password, CryptographicException failure)
    {
        var text = System.Text.Encoding.UTF8.GetString(pem);
        if (!text.Contains("PRIVATE KEY-----", StringComparison.Ordinal))
        {
            return $"The file «{file}» has no private key in it (-----BEGIN PRIVATE KEY-----).";
        }

        if (text.Contains("-----BEGIN ENCRYPTED PRIVATE KEY-----", StringComparison.Ordinal))
        {
            return password is null
                ? $"The private key in «{file}» is encrypted, and no password file is named."
                : $"The private key in «{file}» cannot be decrypted with the password.";
        }

        return $"The private key in «{file}» cannot be used with a certificate for {certificate.PublicKey.Oid.FriendlyName}: "
            + failure.Message;
    }

    private (X509Certificate2 Certificate, X509Certificate2Collection Chain)? ReadPfx(byte[] bytes, string? password)
    {
        if (files.Key is not null)
        {
            Add(CertificatePart.Key, $"The file «{files.Certificate}» is no PEM file, so it brings its private key along: name no key.");
            return null;
        }

        try
        {
            var all = X509CertificateLoader.LoadPkcs12Collection(bytes, password);
            if (all.FirstOrDefault(certificate => certificate.HasPrivateKey) is { } own)
            {
                all.Remove(own);
                return (own, all);
            }

            Add(CertificatePart.Certificate, $"The file «{files.Certificate}» has no certificate with a private key in it.");
        }
        catch (CryptographicException failure)
        {
            Add(
                CertificatePart.Certificate,
                $"The file «{files.Certificate}» is neither PEM nor a PFX file that opens "
                    + $"{(password is null ? "without a password" : "with the password")}: {failure.Message}");
        }

        return null;
    }

    private void CheckTime(X509Certificate2 certificate)
    {
        var end = certificate.NotAfter.ToUniversalTime();
        var begin = certificate.NotBefore.ToUniversalTime();
        if (end < now.UtcDateTime)
        {
            Warn($"expired on {Written(end)}: clients will refuse it");
        }
        else if (begin > now.UtcDateTime)
        {
            Warn($"is valid from {Written(begin)} on: clients will refuse it until then");
        }
        else if (end - now.UtcDateTime < Soon)
        {
            Warn($"expires on {Written(end)}");
        }
    }

    private void Warn(string what) =>
        flaws.Add(new(files, CertificatePart.Certificate, $"The certificate in «{files.Certificate}» {what}.", IsWarning: true));

    private static string Written(DateTime time) => time.ToString("u", CultureInfo.InvariantCulture);

    private void Add(CertificatePart part, string sentence) => flaws.Add(new(files, part, sentence));
}
