namespace Antiphon.Broker.Access;

/// <summary>One rule: who may do what on which topics, or may not. Immutable; <see cref="AccessRules"/> checks it.</summary>
public sealed record AccessRule
{
    /// <summary>Whether the rule allows; otherwise it denies.</summary>
    public required bool Allows { get; init; }

    /// <summary>What it is about; one permission or more.</summary>
    public required Permissions Permissions { get; init; }

    /// <summary>
    /// The topics, one or more, as Topic Filters that are not shared (MQTT 5 §4.7). <c>${clientid}</c>, <c>${user}</c> and
    /// <c>${claim:NAME}</c> stand for what the client is. A client that has no such value, or one with <c>+</c>, <c>#</c> or <c>/</c> in
    /// it, is not meant by that topic; nor is one whose value begins with <c>$</c>, where the topic begins with the variable.
    /// </summary>
    public required IReadOnlyList<string> Topics { get; init; }

    /// <summary>
    /// The clients, one or more: <c>*</c> (everybody), <c>anonymous</c> (who has no user name), <c>user:NAME</c>, <c>group:NAME</c> or
    /// <c>client:ID</c>.
    /// </summary>
    public required IReadOnlyList<string> To { get; init; }

    /// <summary>Where it is written, such as <c>broker.json:12</c>, for messages; <c>null</c>: nowhere.</summary>
    public string? Place { get; init; }

    /// <inheritdoc/>
    public override string ToString()
    {
        var permissions = Enum.GetValues<Permissions>().Where(one => one != 0 && Permissions.HasFlag(one)).Select(Name);
        return $"{(Allows ? "allow" : "deny")} {string.Join(", ", permissions)} on {string.Join(", ", Topics)} to {string.Join(", ", To)}";
    }

    private static string Name(Permissions one) => one switch
    {
        Permissions.Publish => "publish",
        Permissions.Subscribe => "subscribe",
        Permissions.Request => "request",
        Permissions.Respond => "respond",
        _ => throw new ArgumentOutOfRangeException(nameof(one), one, "It is not one permission."),
    };
}
