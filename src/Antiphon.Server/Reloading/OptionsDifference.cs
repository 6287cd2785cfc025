using Antiphon.Server.Configuration;

namespace Antiphon.Server.Reloading;

/// <summary>Says what differs between the options that a server runs with and others.</summary>
internal static class OptionsDifference
{
    public static ReloadReport Between(ServerOptions running, ServerOptions wanted, IReadOnlyList<string> warnings)
    {
        var applied = new List<string>();
        var needsRestart = new List<string>();
        var encrypted = running.Listeners.Where(listener => listener.IsEncrypted).Select(listener => listener.Name).ToHashSet();
        var renewed = wanted.Listeners.Count(listener => listener.Tls is not null && encrypted.Contains(listener.Name));
        if (renewed > 0)
        {
            applied.Add($"The certificates of {renewed} {(renewed == 1 ? "listener" : "listeners")} were read anew.");
        }

        if (running.PasswordFile is not null && wanted.PasswordFile is not null)
        {
            applied.Add($"The users in «{wanted.PasswordFile}» were read anew.");
        }
        else if (running.PasswordFile != wanted.PasswordFile)
        {
            needsRestart.Add("Whether there is a password file differs.");
        }

        if (running.Jwt is not null && wanted.Jwt is not null)
        {
            applied.Add($"The keys of tokens in «{wanted.Jwt.Keys}» were read anew.");
        }
        else if (running.Jwt != wanted.Jwt)
        {
            needsRestart.Add("Whether tokens are accepted differs.");
        }

        if (!running.IdentifiesClients && wanted.Listeners.Any(listener => listener.Tls is { UserFrom: not CertificateUser.None }))
        {
            needsRestart.Add("Whether certificates say who clients are differs.");
        }

        if (!running.Listeners.Select(Fixed).SequenceEqual(wanted.Listeners.Select(Fixed)))
        {
            needsRestart.Add("The listeners differ.");
        }

        if (running.Broker.AllowAnonymous != wanted.Broker.AllowAnonymous)
        {
            needsRestart.Add("«allowAnonymous» differs.");
        }

        if (running.Broker.StampCaller != wanted.Broker.StampCaller)
        {
            needsRestart.Add("«stampCaller» differs.");
        }

        if (!running.Broker.BridgeGroups.SequenceEqual(wanted.Broker.BridgeGroups))
        {
            needsRestart.Add("«bridges» differs.");
        }

        var limits = LimitSettings.Shape.Settings
            .Where(setting => !setting.IsSame(running.Broker, wanted.Broker)).Select(setting => $"«limits.{setting.Name}»").ToArray();
        if (limits.Length > 0)
        {
            needsRestart.Add($"{string.Join(", ", limits)} {(limits.Length == 1 ? "differs" : "differ")}.");
        }

        if (running.Admin is not null && wanted.Admin is not null)
        {
            applied.Add("The token of the admin endpoint was read anew.");
        }

        if (WithoutFiles(running.Admin) != WithoutFiles(wanted.Admin))
        {
            needsRestart.Add("«admin» differs.");
        }

        if (WithoutScope(running.Audit) != WithoutScope(wanted.Audit))
        {
            needsRestart.Add("«audit» differs in more than its topics and payloads.");
        }

        if (running.Log.Format != wanted.Log.Format)
        {
            needsRestart.Add("«log.format» differs.");
        }

        return new ReloadReport { Applied = applied, NeedsRestart = needsRestart, Warnings = warnings };
    }

    private static AdminOptions? WithoutFiles(AdminOptions? admin) => admin is null
        ? null
        : admin with { TokenFile = "", Certificate = admin.Certificate is null ? null : new CertificateFiles { Certificate = "" } };

    private static AuditOptions? WithoutScope(AuditOptions? audit) => audit is null ? null : audit with { Topics = [], Payloads = false };

    /// <summary>What of a listener cannot change while it listens, wherever it is written.</summary>
    private static ServerListener Fixed(ServerListener listener) => listener with { Tls = null, Place = null };
}
