using Antiphon.Broker.Access;
using Antiphon.Server.Configuration;

namespace Antiphon.Server.Reloading;

/// <summary>Says what differs between the options that a server runs with and others.</summary>
internal static class OptionsDifference
{
    /// <summary>Limits that whatever speaks TLS, WebSocket or HTTP is set up with.</summary>
    private static readonly string[] OfTermination = ["connectTimeout", "closeTimeout"];

    /// <summary>What a reload has changed, and what it could not.</summary>
    /// <param name="running">The options until now.</param>
    /// <param name="wanted">The others.</param>
    /// <param name="gone">How many users are no more.</param>
    /// <param name="warnings">What deserves a look.</param>
    public static ReloadReport Between(ServerOptions running, ServerOptions wanted, int gone, IReadOnlyList<string> warnings)
    {
        var limits = LimitSettings.Shape.Settings
            .Where(setting => !setting.IsSame(running.Broker, wanted.Broker)).Select(setting => setting.Name).ToArray();
        return new ReloadReport
        {
            Applied = [.. Applied(running, wanted, gone, limits)],
            NeedsRestart = [.. NeedsRestart(running, wanted, limits)],
            Warnings = warnings,
        };
    }

    /// <summary>Whether the rules differ, or where they are written, or the groups.</summary>
    public static bool IsOfRules(AccessRules? running, AccessRules? wanted) => !Written(running).SequenceEqual(Written(wanted));

    private static IEnumerable<string> Applied(ServerOptions running, ServerOptions wanted, int gone, string[] limits)
    {
        var encrypted = running.Listeners.Where(listener => listener.IsEncrypted).Select(listener => listener.Name).ToHashSet();
        var renewed = wanted.Listeners.Count(listener => listener.Tls is not null && encrypted.Contains(listener.Name));
        if (renewed > 0)
        {
            yield return $"The certificates of {renewed} {(renewed == 1 ? "listener" : "listeners")} were read anew.";
        }

        if (wanted.PasswordFile is not null)
        {
            yield return $"The users in «{wanted.PasswordFile}» were read anew"
                + (gone == 0 ? "." : $"; {gone} {(gone == 1 ? "is" : "are")} no more.");
        }
        else if (running.PasswordFile is not null)
        {
            yield return "There is no password file any more.";
        }

        if (wanted.Jwt is not null)
        {
            yield return $"The keys of tokens in «{wanted.Jwt.Keys}» were read anew.";
        }
        else if (running.Jwt is not null)
        {
            yield return "Tokens are accepted no more.";
        }

        if (running.FailedLogIns != wanted.FailedLogIns)
        {
            yield return "«users.failedLogIns» differs.";
        }

        if (running.Audit is { } before
            && wanted.Audit is { } after
            && (before.Payloads != after.Payloads || !before.Topics.SequenceEqual(after.Topics)))
        {
            yield return "«audit.topics» or «audit.payloads» differs.";
        }

        if (running.Admin is not null && wanted.Admin is not null)
        {
            yield return "The token of the admin endpoint was read anew.";
        }

        if (running.Broker.AllowAnonymous != wanted.Broker.AllowAnonymous)
        {
            yield return $"Clients without a user name {(wanted.Broker.AllowAnonymous ? "may" : "may not")} connect from now on.";
        }

        if (IsOfRules(running.Broker.AccessRules, wanted.Broker.AccessRules))
        {
            yield return wanted.Broker.AccessRules is { Rules.Count: > 0 and var count }
                    ? $"{count} {(count == 1 ? "access rule holds" : "access rules hold")}."
                : running.Broker.AccessRules is { Rules.Count: > 0 }
                    ? "There is no access rule any more, and everybody may do everything."
                : "The groups differ.";
        }

        if (!running.Broker.BridgeGroups.SequenceEqual(wanted.Broker.BridgeGroups))
        {
            yield return "«bridges» differs.";
        }

        if (limits.Length > 0)
        {
            yield return
                $"{Named(limits)} {(limits.Length == 1 ? "differs" : "differ")}; what CONNACK says holds for who connects from now on.";
        }
    }

    private static IEnumerable<string> NeedsRestart(ServerOptions running, ServerOptions wanted, string[] limits)
    {
        if (!running.Listeners.Select(Fixed).SequenceEqual(wanted.Listeners.Select(Fixed)))
        {
            yield return "The listeners differ.";
        }

        if (limits.Intersect(OfTermination).ToArray() is { Length: > 0 } ofTermination)
        {
            if (running.Listeners.Any(listener => listener.IsTerminated))
            {
                yield return $"{Named(ofTermination)}, for TLS and WebSocket.";
            }

            if (running.Admin is not null)
            {
                yield return $"{Named(ofTermination)}, for the admin endpoint.";
            }
        }

        if (running.Broker.StampCaller != wanted.Broker.StampCaller)
        {
            yield return "«stampCaller» differs.";
        }

        if (WithoutFiles(running.Admin) != WithoutFiles(wanted.Admin))
        {
            yield return "«admin» differs.";
        }

        if (WithoutScope(running.Audit) != WithoutScope(wanted.Audit))
        {
            yield return "«audit» differs in more than its topics and payloads.";
        }

        if (running.Log.Format != wanted.Log.Format)
        {
            yield return "«log.format» differs.";
        }
    }

    private static string Named(IEnumerable<string> limits) => string.Join(", ", limits.Select(name => $"«limits.{name}»"));

    private static AdminOptions? WithoutFiles(AdminOptions? admin) => admin is null
        ? null
        : admin with { TokenFile = "", Certificate = admin.Certificate is null ? null : new CertificateFiles { Certificate = "" } };

    private static AuditOptions? WithoutScope(AuditOptions? audit) => audit is null ? null : audit with { Topics = [], Payloads = false };

    /// <summary>What of a listener cannot change while it listens, wherever it is written.</summary>
    private static ServerListener Fixed(ServerListener listener) => listener with { Tls = null, Place = null };

    private static IEnumerable<string> Written(AccessRules? rules) => rules is null
        ? []
        :
        [
            .. rules.Rules.Select(rule => $"{rule.Place}: {rule}"),
            .. rules.Groups.OrderBy(group => group.Key, StringComparer.Ordinal)
                .Select(group => $"{group.Key}: {string.Join(", ", group.Value.Order(StringComparer.Ordinal))}"),
        ];
}
