using System.CommandLine;
using System.CommandLine.Parsing;
using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Antiphon.Cli.CommandLine;
using Antiphon.Cli.Output;
using Antiphon.Client;

namespace Antiphon.Cli.Connecting;

/// <summary>TLS on the command line. Certificates and keys come as files in PEM.</summary>
internal sealed class TlsSettings
{
    private readonly Option<bool> _tls = new("--tls") { Description = "Encrypts the connection. The other options of TLS imply it." };

    private readonly Option<FileInfo?> _authorities = new("--cafile")
    {
        Description = "The certificates (PEM) of the authorities to trust, instead of this machine's.",
        HelpName = "FILE",
    };

    private readonly Option<FileInfo?> _certificate = new("--cert")
    {
        Description = "This client's certificate (PEM), its issuers' behind it.",
        HelpName = "FILE",
    };

    private readonly Option<FileInfo?> _key = new("--key")
    {
        Description = "The private key (PEM) of --cert; without it, it is in the same file.",
        HelpName = "FILE",
    };

    private readonly Option<bool> _insecure = new("--insecure")
    {
        Description = "Trusts any server: whoever sits in between can read and change everything. For tests only.",
    };

    private readonly Option<string[]> _protocols = new("--alpn")
    {
        Description = "An application protocol to offer (ALPN), such as mqtt; may be given more than once.",
        HelpName = "NAME",
    };

    private readonly Terminal _terminal;

    public TlsSettings(Command command, Terminal terminal)
    {
        _terminal = terminal;
        command.Options.Add(_tls);
        command.Options.Add(_authorities);
        command.Options.Add(_certificate);
        command.Options.Add(_key);
        command.Options.Add(_insecure);
        command.Options.Add(_protocols);
        command.Validators.Add(result =>
        {
            if (result.GetResult(_key) is not null && result.GetResult(_certificate) is null)
            {
                result.AddError("--key belongs to a certificate: give --cert too.");
            }

            if (IsGiven(result, _insecure) && result.GetResult(_authorities) is not null)
            {
                result.AddError("--insecure trusts any server, --cafile only some: give one of them.");
            }
        });
    }

    /// <summary>What the command line says.</summary>
    /// <param name="line">The command line and what is saved.</param>
    /// <param name="from">What the URL has said already.</param>
    /// <returns><c>null</c>: no TLS.</returns>
    public TlsOptions? Read(SettingSource line, TlsOptions? from)
    {
        var authorities = line.GetValue(_authorities);
        var certificate = line.GetValue(_certificate);
        var insecure = line.GetValue(_insecure);
        var protocols = line.GetValue(_protocols) ?? [];
        if (from is null && !line.GetValue(_tls) && authorities is null && certificate is null && !insecure && protocols.Length == 0)
        {
            return null;
        }

        if (insecure)
        {
            _terminal.Complain(
                "WARNING: --insecure accepts any certificate. Whoever sits between here and the broker can read and change everything, "
                + "passwords too.");
        }

        return (from ?? new TlsOptions()) with
        {
            CertificateAuthorities = authorities is null ? null : ReadAuthorities(authorities),
            ClientCertificateContext = certificate is null ? null : ReadCertificate(certificate, line.GetValue(_key)),
            ApplicationProtocols = [.. protocols.Select(name => new SslApplicationProtocol(name))],

            // CA5359: that is what --insecure asks for, and it is said aloud.
#pragma warning disable CA5359
            RemoteCertificateValidationCallback = insecure ? static (_, _, _, _) => true : null,
#pragma warning restore CA5359
        };
    }

    private static bool IsGiven(CommandResult result, Option option) => result.GetResult(option) is { Implicit: false };

    private static X509Certificate2Collection ReadAuthorities(FileInfo file) => Read("--cafile", file, () =>
    {
        var all = new X509Certificate2Collection();
        all.ImportFromPemFile(file.FullName);
        return all.Count > 0 ? all : throw new UsageException($"--cafile «{file}» holds no certificate in PEM.");
    });

    private static SslStreamCertificateContext ReadCertificate(FileInfo certificate, FileInfo? key) =>
        Read("--cert and --key", certificate, () =>
    {
        var own = X509Certificate2.CreateFromPemFile(certificate.FullName, key?.FullName);
        var issuers = new X509Certificate2Collection();
        issuers.ImportFromPemFile(certificate.FullName);
        issuers.RemoveAt(0);
        return SslStreamCertificateContext.Create(own, issuers, offline: true);
    });

    private static T Read<T>(string option, FileInfo file, Func<T> read)
    {
        try
        {
            return read();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or CryptographicException or ArgumentException)
        {
            var why = e is ArgumentException argument ? Values.WithoutParameter(argument) : e.Message;
            throw new UsageException($"{option}: «{file}» cannot be used: {why}");
        }
    }
}
