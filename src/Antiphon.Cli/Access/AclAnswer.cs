using Antiphon.Broker.Access;
using Antiphon.Cli.CommandLine;

namespace Antiphon.Cli.Access;

/// <summary>Whether a client may do something, and why.</summary>
/// <param name="IsAllowed">Whether it may.</param>
/// <param name="Sentence">The same, with the rule and its place.</param>
internal readonly record struct AclAnswer(bool IsAllowed, string Sentence)
{
    private const string OwnResponseTopics = "$reply/";

    /// <summary>Asks the rules.</summary>
    /// <exception cref="UsageException">No rule is asked about that topic.</exception>
    /// <exception cref="ArgumentException">The topic is not valid.</exception>
    public static AclAnswer Of(AccessRules? rules, ClientIdentity client, Permissions permission, string topic)
    {
        if (topic.StartsWith(OwnResponseTopics, StringComparison.Ordinal))
        {
            throw new UsageException(
                $"No rule is asked about «{topic}»: below {OwnResponseTopics} stand response topics, "
                    + "each for its owner and for who answers a request.");
        }

        if (rules is not { Rules.Count: > 0 })
        {
            return new(true, "allow: there is no rule, and everybody may do everything");
        }

        var isAllowed = rules.Allows(client, permission, topic, out var rule);

        // Who may respond may subscribe, too.
        if (!isAllowed
            && permission == Permissions.Subscribe
            && rules.Allows(client, Permissions.Respond, topic, out var other))
        {
            (isAllowed, rule) = (true, other);
        }

        return new(
            isAllowed,
            rule is null ? "deny: no rule allows it" : $"{(isAllowed ? "allow" : "deny")}: {rule.Place ?? "a rule"}: {rule}");
    }
}
