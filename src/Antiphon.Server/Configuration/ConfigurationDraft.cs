using Antiphon.Broker;
using Antiphon.Broker.Access;

namespace Antiphon.Server.Configuration;

/// <summary>What is written in a configuration, before all of it is known to be right. Immutable.</summary>
internal sealed record ConfigurationDraft
{
    public string? Schema { get; init; }

    /// <summary><c>null</c>: nothing is said, and the usual one holds.</summary>
    public IReadOnlyList<ListenerDraft>? Listeners { get; init; }

    public bool AllowAnonymous { get; init; }

    public string? PasswordFile { get; init; }

    public FailedLogInLimits FailedLogIns { get; init; } = new();

    public JwtOptions? Jwt { get; init; }

    /// <summary>The user names in each group; <c>null</c>: nothing is said.</summary>
    public IReadOnlyDictionary<string, IReadOnlyList<string>>? Groups { get; init; }

    /// <summary><c>null</c>: nothing is said, and everybody may do everything.</summary>
    public IReadOnlyList<RuleDraft>? Rules { get; init; }

    public bool StampCaller { get; init; }

    public IReadOnlyList<string> Bridges { get; init; } = [];

    public BrokerOptions Limits { get; init; } = new();

    public AdminDraft Admin { get; init; } = new();

    /// <summary><c>null</c>: there is none.</summary>
    public AuditOptions? Audit { get; init; }

    public LogOptions Log { get; init; } = new();

    /// <summary>The options that it stands for; a listener or a rule that does not fit together is left out.</summary>
    public ServerOptions ToOptions()
    {
        var options = new ServerOptions
        {
            Broker = Limits with
            {
                AllowAnonymous = AllowAnonymous,
                StampCaller = StampCaller,
                BridgeGroups = Bridges,
                AccessRules = Rules is null
                    ? null
                    : new AccessRules([.. Rules.Select(draft => draft.Rule).OfType<AccessRule>()], Groups),
            },
            PasswordFile = PasswordFile,
            FailedLogIns = FailedLogIns,
            Jwt = Jwt,
            Admin = Admin.Options,
            Audit = Audit,
            Log = Log,
        };
        return Listeners is null
            ? options
            : options with { Listeners = [.. Listeners.Select(draft => draft.Listener).OfType<ServerListener>()] };
    }
}
