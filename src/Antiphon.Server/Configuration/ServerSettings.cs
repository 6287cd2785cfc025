using System.Net;
using Antiphon.Broker;
using Microsoft.Extensions.Logging;

namespace Antiphon.Server.Configuration;

/// <summary>The settings of a configuration file: one table that reading, the JSON schema and reloading go by.</summary>
internal static class ServerSettings
{
    private static readonly Shape<LogOptions> LogShape = new(
        new LogOptions(),
        check: null,
        required: [],
        new Setting<LogOptions, LogLevel>(
            "level",
            "The least level that is written.",
            new WordKind<LogLevel>(
                ("debug", LogLevel.Debug),
                ("info", LogLevel.Information),
                ("warning", LogLevel.Warning),
                ("error", LogLevel.Error),
                ("none", LogLevel.None)),
            log => log.Level,
            (log, value) => log with { Level = value }),
        new Setting<LogOptions, LogFormat>(
            "format",
            "How lines look.",
            new WordKind<LogFormat>(("text", LogFormat.Text), ("json", LogFormat.Json), ("systemd", LogFormat.Systemd)),
            log => log.Format,
            (log, value) => log with { Format = value }));

    public static Shape<ConfigurationDraft> Shape { get; } = new(
        new ConfigurationDraft(),
        Check,
        required: [],
        new Setting<ConfigurationDraft, string?>(
            "$schema",
            "Where the schema of this file stands, for editors.",
            new TextKind()!,
            draft => draft.Schema,
            (draft, value) => draft with { Schema = value }),
        new Setting<ConfigurationDraft, IReadOnlyList<ListenerDraft>?>(
            "listeners",
            "Where the broker listens; without it mqtt://127.0.0.1:1883.",
            new ListKind<ListenerDraft>(ListenerSettings.Shape)!,
            draft => draft.Listeners,
            (draft, value) => draft with { Listeners = value }),
        new Setting<ConfigurationDraft, bool>(
            "allowAnonymous",
            "Whether clients that say nothing of who they are may connect from other machines, or where users are asked for.",
            new BooleanKind(),
            draft => draft.AllowAnonymous,
            (draft, value) => draft with { AllowAnonymous = value }),
        new Setting<ConfigurationDraft, ConfigurationDraft>(
            "users",
            "Who may connect.",
            UserSettings.Shape,
            draft => draft,
            (draft, value) => draft with { PasswordFile = value.PasswordFile, FailedLogIns = value.FailedLogIns }),
        new Setting<ConfigurationDraft, JwtOptions?>(
            "jwt",
            "Which tokens (JSON Web Tokens) in the password of CONNECT prove who a client is.",
            JwtSettings.Shape!,
            draft => draft.Jwt,
            (draft, value) => draft with { Jwt = value }),
        new Setting<ConfigurationDraft, IReadOnlyDictionary<string, IReadOnlyList<string>>?>(
            "groups",
            "The user names in each group, for rules.",
            new MapKind<IReadOnlyList<string>>(new ListKind<string>(new TextKind()))!,
            draft => draft.Groups,
            (draft, value) => draft with { Groups = value }),
        new Setting<ConfigurationDraft, IReadOnlyList<RuleDraft>?>(
            "rules",
            "Who may do what: the first rule that fits decides, and what none allows is refused. Without a rule all is allowed.",
            new ListKind<RuleDraft>(RuleSettings.Shape)!,
            draft => draft.Rules,
            (draft, value) => draft with { Rules = value }),
        new Setting<ConfigurationDraft, bool>(
            "stampCaller",
            "Whether requests get the User Property antiphon-caller: who has published them.",
            new BooleanKind(),
            draft => draft.StampCaller,
            (draft, value) => draft with { StampCaller = value }),
        new Setting<ConfigurationDraft, IReadOnlyList<string>>(
            "bridges",
            "Groups whose clients speak for others: they may write antiphon-caller, and name others in __srcId.",
            new ListKind<string>(new TextKind()),
            draft => draft.Bridges,
            (draft, value) => draft with { Bridges = value }),
        new Setting<ConfigurationDraft, BrokerOptions>(
            "limits",
            "What clients may take.",
            LimitSettings.Shape,
            draft => draft.Limits,
            (draft, value) => draft with { Limits = value }),
        new Setting<ConfigurationDraft, AdminDraft>(
            "admin",
            "The endpoint for operators: HTTP, for who has the token.",
            AdminSettings.Shape,
            draft => draft.Admin,
            (draft, value) => draft with { Admin = value }),
        new Setting<ConfigurationDraft, AuditOptions?>(
            "audit",
            "The audit log: who asked what of whom, and what came of it, a line of JSON each.",
            AuditSettings.Shape!,
            draft => draft.Audit,
            (draft, value) => draft with { Audit = value }),
        new Setting<ConfigurationDraft, LogOptions>(
            "log",
            "What is written to the log, which is the standard error.",
            LogShape,
            draft => draft.Log,
            (draft, value) => draft with { Log = value }));

    /// <summary>What has to fit together between the settings.</summary>
    private static ConfigurationDraft Check(ConfigurationDraft draft, Node node, ReadingContext context)
    {
        CheckListeners(draft, context);

        // Where the groups are wrong, or tokens name some, whether there is one cannot be said.
        if (draft.Jwt?.GroupsClaim is null && (draft.Groups is not null || node.FindMember("groups") is null))
        {
            var bridges = (node.Find("bridges")?.Items ?? [])
                .Where(bridge => bridge.Kind is NodeKind.String or NodeKind.Plain).Select(bridge => (bridge.Text, bridge.Place));
            CheckGroups([.. RuleSettings.GroupsIn(draft.Rules ?? []), .. bridges], [.. draft.Groups?.Keys ?? []], context);
        }

        return draft;
    }

    /// <summary>Says which groups are named and are not there.</summary>
    private static void CheckGroups(
        IEnumerable<(string Name, Place Place)> named, IReadOnlyCollection<string> groups, ReadingContext context)
    {
        foreach (var (name, place) in named.Where(one => one.Name.Length > 0 && !groups.Contains(one.Name)))
        {
            var nearest = Spelling.Nearest(name, groups);
            context.Error(
                place,
                $"There is no group «{name}»"
                    + (nearest is not null ? $"; do you mean «{nearest}»?"
                        : groups.Count > 0 ? $"; there are {string.Join(", ", groups)}."
                        : "; say in «groups» which users are in it."));
        }
    }

    /// <summary>What has to fit together between listeners, and between them and who may come.</summary>
    private static void CheckListeners(ConfigurationDraft draft, ReadingContext context)
    {
        var options = draft.ToOptions();
        var names = new Dictionary<string, Place>(StringComparer.Ordinal);
        var addresses = new List<(IPEndPoint Address, Place Place)>();
        foreach (var listener in draft.Listeners ?? [])
        {
            if (listener is not { Listener: { } known, Node: { } where })
            {
                continue;
            }

            if (options.IsOpenToStrangers(known))
            {
                context.Error(
                    where.PlaceOf("url"),
                    $"«{listener.Url!.Text}» is open to other machines, and nobody asks who they are: name a password file "
                        + "(users.passwordFile) or the keys of tokens (jwt.keys), bind a loopback address, "
                        + "or set «allowAnonymous» to let everybody in.");
            }

            var address = new IPEndPoint(known.Bind, known.Port);
            var other = addresses.Find(taken => Overlap(taken.Address, address));
            if (known.Port != 0 && other.Address is not null)
            {
                var also = other.Address.Equals(address) ? "" : $", and so on {address}";
                context.Error(
                    where.PlaceOf("url"),
                    $"The listener at {other.Place} listens on {other.Address}{also} too; each has an address of its own.");
                continue;
            }

            addresses.Add((address, where.PlaceOf("url")));

            var place = where.PlaceOf(listener.Name is null ? "url" : "name");
            if (!names.TryAdd(known.Name, place))
            {
                context.Error(place, $"The listener at {names[known.Name]} has the name «{known.Name}» too; each has one of its own.");
            }
        }
    }

    /// <summary>Whether two addresses cannot both be listened on: <c>::</c> is all addresses, <c>0.0.0.0</c> those of IPv4.</summary>
    private static bool Overlap(IPEndPoint one, IPEndPoint other)
    {
        return one.Port == other.Port && (one.Address.Equals(other.Address) || Covers(one, other) || Covers(other, one));

        static bool Covers(IPEndPoint all, IPEndPoint one) =>
            all.Address.Equals(IPAddress.IPv6Any)
            || (all.Address.Equals(IPAddress.Any) && one.AddressFamily == System.Net.Sockets.AddressFamily.InterNetwork);
    }
}
