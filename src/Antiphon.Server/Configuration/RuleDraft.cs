using Antiphon.Broker.Access;

namespace Antiphon.Server.Configuration;

/// <summary>What is written in a rule, before it is known whether it fits together. Immutable.</summary>
internal sealed record RuleDraft
{
    public IReadOnlyList<Permissions>? Allow { get; init; }

    public IReadOnlyList<Permissions>? Deny { get; init; }

    public IReadOnlyList<string> Topics { get; init; } = [];

    public IReadOnlyList<string> To { get; init; } = [];

    /// <summary>Where it stands.</summary>
    public Node? Node { get; init; }

    /// <summary>What has come of it; <c>null</c>: it does not fit together, which was said.</summary>
    public AccessRule? Rule { get; init; }
}
