using Antiphon.Broker;
using Antiphon.Broker.Authentication;
using Antiphon.Server.Administration;
using Antiphon.Server.Tls;
using Antiphon.Server.Tokens;
using Antiphon.Server.Users;

namespace Antiphon.Server;

/// <summary>What the files say that options name, as they were read at one moment. Immutable.</summary>
internal sealed record ServerFiles
{
    /// <summary>The users; <c>null</c>: no file of them is named.</summary>
    public CredentialList? Users { get; private init; }

    /// <summary>The keys that tokens may be signed with; <c>null</c>: no tokens are accepted.</summary>
    public TokenKeys? Keys { get; private init; }

    /// <summary>The certificates of each listener that has some, by its name.</summary>
    public required IReadOnlyDictionary<string, ListenerCertificates> Certificates { get; init; }

    /// <summary>The token of the admin endpoint; <c>null</c>: there is no such endpoint.</summary>
    public AdminToken? Token { get; private init; }

    /// <summary>The certificate of the admin endpoint; <c>null</c>: it has none.</summary>
    public ListenerCertificates? AdminCertificates { get; private init; }

    /// <summary>What deserves a look.</summary>
    public required IReadOnlyList<string> Warnings { get; init; }

    /// <summary>Reads them all.</summary>
    /// <exception cref="ArgumentException">The options are wrong; the message names every mistake.</exception>
    /// <exception cref="BrokerStartException">Files cannot be used; the message names every one.</exception>
    public static ServerFiles Read(ServerOptions options)
    {
        if (options.Mistakes() is { Count: > 0 } mistakes)
        {
            throw new ArgumentException(string.Join(" ", mistakes));
        }

        var now = options.Broker.TimeProvider.GetUtcNow();
        var flaws = new List<CertificateFlaw>();
        var certificates = new Dictionary<string, ListenerCertificates>(StringComparer.Ordinal);
        foreach (var listener in options.Listeners)
        {
            if (listener.Tls is { } tls && ListenerCertificates.Read(tls, now, flaws) is { } read)
            {
                certificates.Add(listener.Name, read);
            }
        }

        var adminCertificates = options.Admin?.Tls is { } adminTls ? ListenerCertificates.Read(adminTls, now, flaws) : null;
        var (token, wrongToken) = options.Admin is { } admin ? AdminToken.ReadOrCreate(admin.TokenFile) : default;
        var (users, wrongUsers) = options.PasswordFile is null ? default : UserFile.Read(options.PasswordFile);
        var keyWarnings = new List<string>();
        string? wrongKeys = null;
        var keys = options.Jwt is { } jwt ? TokenKeys.Read(jwt.Keys, keyWarnings, out wrongKeys) : null;
        string[] errors =
        [
            .. flaws.Where(flaw => !flaw.IsWarning).Select(flaw => flaw.Sentence).Distinct(),
            .. new[] { wrongUsers, wrongKeys, wrongToken }.OfType<string>(),
        ];
        if (options.Jwt is { Warning: { } tokensOfOthers })
        {
            keyWarnings.Add(tokensOfOthers);
        }

        string[] warnings = [.. flaws.Select(flaw => flaw.Sentence).Distinct(), .. keyWarnings];
        if (options.Admin is { TokenFile: var tokenFile } && AdminToken.Warning(tokenFile) is { } readable)
        {
            warnings = [.. warnings, readable];
        }

        return errors.Length == 0
            ? new ServerFiles
            {
                Users = users,
                Keys = keys,
                Certificates = certificates,
                Token = token,
                AdminCertificates = adminCertificates,
                Warnings = warnings,
            }
            : throw new BrokerStartException(string.Join(" ", errors));
    }
}
