using System.CommandLine;
using System.Net.Http.Headers;
using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Antiphon.Cli.CommandLine;

namespace Antiphon.Cli.Administration;

/// <summary>The options of every command that asks the admin endpoint of a broker: where it is, and the token.</summary>
internal sealed class AdminConnection
{
    private const string UrlVariable = "ANTIPHON_ADMIN_URL";
    private const string FileVariable = "ANTIPHON_ADMIN_TOKEN_FILE";
    private const string TokenVariable = "ANTIPHON_ADMIN_TOKEN";
    private const string DefaultUrl = "http://127.0.0.1:8081";

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly Option<string?> _url = new("--url")
    {
        Description =
            $"The admin endpoint, as «admin.url» of the broker's configuration says it. [default: {UrlVariable}, or {DefaultUrl}]",
        HelpName = "URL",
    };

    private readonly Option<FileInfo?> _tokenFile = new("--token-file")
    {
        Description =
            "The file with the token, which «admin.tokenFile» of the broker's configuration names. "
            + $"[default: {FileVariable}; or the token itself in {TokenVariable}]",
        HelpName = "FILE",
    };

    private readonly Option<FileInfo?> _authorities = new("--cafile")
    {
        Description = "For https: the certificates (PEM) of the authorities to trust, instead of this machine's.",
        HelpName = "FILE",
    };

    public AdminConnection(Command command)
    {
        command.Options.Add(_url);
        command.Options.Add(_tokenFile);
        command.Options.Add(_authorities);
    }

    /// <summary>What the command line and the environment say; nothing is connected to yet.</summary>
    /// <exception cref="UsageException">It is not enough, or not safe.</exception>
    public AdminEndpoint Read(ParseResult line)
    {
        var text = line.GetValue(_url) ?? Variable(UrlVariable) ?? DefaultUrl;
        if (!Uri.TryCreate(text, UriKind.Absolute, out var url) || url.Scheme is not ("http" or "https") || url.PathAndQuery != "/")
        {
            throw new UsageException($"«{text}» is not the address of an admin endpoint; write for instance {DefaultUrl}.");
        }

        if (url.Scheme == "http" && !url.IsLoopback)
        {
            throw new UsageException(
                $"«{text}» is another machine and not encrypted: the token would cross the network in the clear. Use https://, "
                + "or ssh -L 8081:127.0.0.1:8081 and http://127.0.0.1:8081.");
        }

        return new AdminEndpoint(url, CreateClient(url, ReadToken(line), line.GetValue(_authorities)));
    }

    private static string? Variable(string name) => Environment.GetEnvironmentVariable(name) is { Length: > 0 } value ? value : null;

    private static HttpClient CreateClient(Uri url, string token, FileInfo? authorities)
    {
        // The token is for the endpoint alone: it goes to no proxy, and nowhere that an answer may point to.
        var handler = new SocketsHttpHandler
        {
            UseProxy = false,
            AllowAutoRedirect = false,
            ConnectTimeout = Patience,
            SslOptions = new SslClientAuthenticationOptions { CertificateChainPolicy = PolicyOf(authorities) },
        };
        return new HttpClient(handler)
        {
            BaseAddress = url,
            Timeout = Patience,
            DefaultRequestHeaders = { Authorization = new AuthenticationHeaderValue("Bearer", token) },
        };
    }

    private static X509ChainPolicy? PolicyOf(FileInfo? authorities)
    {
        if (authorities is null)
        {
            return null;
        }

        var policy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
        try
        {
            policy.CustomTrustStore.ImportFromPemFile(authorities.FullName);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or CryptographicException)
        {
            throw new UsageException($"--cafile {authorities.FullName} cannot be read: {e.Message}");
        }

        return policy;
    }

    private string ReadToken(ParseResult line)
    {
        var file = line.GetValue(_tokenFile)?.FullName ?? Variable(FileVariable);
        if (file is null)
        {
            return Variable(TokenVariable) ?? throw new UsageException(
                $"The token is missing: give --token-file, or set {FileVariable}. It is the file that "
                + "«admin.tokenFile» names in the broker's configuration.");
        }

        try
        {
            using var reader = File.OpenText(file);
            return reader.ReadLine()?.Trim() is { Length: > 0 } token && token.All(c => c is > ' ' and < '\x7F')
                ? token
                : throw new UsageException($"The first line of «{file}» is no token.");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new UsageException(
                $"The token file «{file}» cannot be read: {e.Message} It is readable for the user whom the broker runs as.");
        }
    }
}
