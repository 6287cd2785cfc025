using System.Collections.Immutable;

namespace Antiphon.Broker.Access;

/// <summary>The user behind a client, as authentication has found out. Immutable.</summary>
/// <param name="Name">The user name.</param>
public sealed record ClientUser(string Name)
{
    /// <summary>
    /// Groups that authentication has found, beside those that <see cref="AccessRules"/> know;
    /// none unless said otherwise.
    /// </summary>
    public ImmutableHashSet<string> Groups { get; init; } = [];

    /// <summary>What else is known, by name, such as the claims of a token; nothing unless said otherwise.</summary>
    public ImmutableDictionary<string, string> Claims { get; init; } = ImmutableDictionary<string, string>.Empty;

    /// <summary>
    /// How long the proof holds, from when it was given, more than zero; then the connection ends with 0x87 Not authorized.
    /// <c>null</c>: for ever.
    /// </summary>
    public TimeSpan? ValidFor { get; init; }
}
