using System.Text;
using Antiphon.Protocol.Topics;

namespace Antiphon.Broker.Access;

/// <summary>
/// Who may do what. Rules stand in an order. Whatever no rule allows is refused. Immutable, and safe from any thread.
/// </summary>
/// <remarks>
/// A PUBLISH is allowed or denied by the first rule that covers the permission, the topic and the client. A SUBSCRIBE is allowed if a rule
/// allows everything that its Topic Filter matches, and no rule before that one denies any of it.
/// Own response topics (<c>$reply/…</c>) need no rule, and <c>$SYS</c> is read by rules and written by nobody.
/// </remarks>
public sealed class AccessRules
{
    private readonly List<CompiledRule> _toAll = [];
    private readonly List<CompiledRule> _toAnonymous = [];
    private readonly Dictionary<string, List<CompiledRule>> _toUsers = new(StringComparer.Ordinal);
    private readonly Dictionary<string, List<CompiledRule>> _toGroups = new(StringComparer.Ordinal);
    private readonly Dictionary<string, List<CompiledRule>> _toClients = new(StringComparer.Ordinal);
    private readonly Dictionary<string, List<string>> _groupsOfUsers = new(StringComparer.Ordinal);

    /// <summary>Puts rules in force.</summary>
    /// <param name="rules">The rules, in their order.</param>
    /// <param name="groups">The user names of each group; <c>null</c>: there are no groups but those that authentication finds.</param>
    /// <exception cref="ArgumentException">Rules are wrong; the message names every mistake, with the place of its rule.</exception>
    public AccessRules(IReadOnlyList<AccessRule> rules, IReadOnlyDictionary<string, IReadOnlyList<string>>? groups = null)
    {
        ArgumentNullException.ThrowIfNull(rules);
        List<string> mistakes = [];
        Rules = [.. rules];
        for (var i = 0; i < rules.Count; i++)
        {
            Add(rules[i], i, mistakes);
        }

        if (mistakes.Count > 0)
        {
            throw new ArgumentException(string.Join(' ', mistakes), nameof(rules));
        }

        foreach (var (group, users) in groups ?? new Dictionary<string, IReadOnlyList<string>>())
        {
            foreach (var user in users)
            {
                ListOf(_groupsOfUsers, user).Add(group);
            }
        }
    }

    /// <summary>The rules, in their order.</summary>
    public IReadOnlyList<AccessRule> Rules { get; }

    /// <summary>What a rule has wrong.</summary>
    /// <returns>Sentences; none: it is right.</returns>
    public static IReadOnlyList<string> Check(AccessRule rule)
    {
        ArgumentNullException.ThrowIfNull(rule);
        List<string> mistakes = [];
        _ = Compile(rule, 0, mistakes);
        return mistakes;
    }

    /// <summary>Whether a client may do something, and which rule says so.</summary>
    /// <param name="client">The client.</param>
    /// <param name="permission">One permission.</param>
    /// <param name="topic">
    /// A Topic Name for <see cref="Permissions.Publish"/> and <see cref="Permissions.Request"/>, else a Topic Filter.
    /// </param>
    /// <param name="rule">The rule; <c>null</c>: none is about it, so it is refused.</param>
    /// <exception cref="ArgumentException">The topic is not valid, or not one permission is asked about.</exception>
    public bool Allows(ClientIdentity client, Permissions permission, string topic, out AccessRule? rule)
    {
        ArgumentNullException.ThrowIfNull(client);
        switch (permission)
        {
            case Permissions.Publish or Permissions.Request:
                TopicName.ThrowIfInvalid(topic, nameof(topic));
                break;
            case Permissions.Subscribe or Permissions.Respond:
                topic = TopicFilter.Parse(topic).Pattern;
                break;
            default:
                throw new ArgumentException($"{permission} is not one permission.", nameof(permission));
        }

        return new ClientAccess(this, client).Decide(permission, Encoding.UTF8.GetBytes(topic), out rule);
    }

    /// <summary>The rules that are about a client, in their order.</summary>
    internal IEnumerable<CompiledRule> For(ClientIdentity client)
    {
        IEnumerable<CompiledRule> all = [.. _toAll, .. _toClients.GetValueOrDefault(client.ClientId) ?? []];
        if (client.User is not { } user)
        {
            all = all.Concat(_toAnonymous);
        }
        else
        {
            all = all.Concat(_toUsers.GetValueOrDefault(user.Name) ?? []);
            foreach (var group in user.Groups.Union(GroupsOf(user.Name)))
            {
                all = all.Concat(_toGroups.GetValueOrDefault(group) ?? []);
            }
        }

        return all.Distinct().OrderBy(rule => rule.Order);
    }

    /// <summary>Whether a text names clients as <see cref="AccessRule.To"/> does.</summary>
    internal static bool IsClients(string text) =>
        text is "*" or "anonymous" || Split(text) is ("user" or "group" or "client", { Length: > 0 });

    /// <summary>The groups that have a user.</summary>
    internal IReadOnlyList<string> GroupsOf(string userName) =>
        _groupsOfUsers.GetValueOrDefault(userName) is { } groups ? groups : [];

    private static CompiledRule Compile(AccessRule rule, int order, List<string> mistakes)
    {
        var place = rule.Place is { } where ? $"{where}: " : $"Rule {order + 1}: ";
        List<TopicPattern> patterns = [];
        if (rule.Permissions == Permissions.None)
        {
            mistakes.Add(place + "it names no permission; there are publish, subscribe, request and respond.");
        }

        if (rule.Topics.Count == 0)
        {
            mistakes.Add(place + "it names no topic; # is all of them.");
        }

        if (rule.To.Count == 0)
        {
            mistakes.Add(place + "it names no client; * is everybody.");
        }

        foreach (var topic in rule.Topics)
        {
            if (TopicPattern.TryParse(topic, out var pattern, out var mistake))
            {
                patterns.Add(pattern);
            }
            else
            {
                mistakes.Add(place + mistake);
            }
        }

        foreach (var to in rule.To)
        {
            if (!IsClients(to))
            {
                mistakes.Add(place + $"it is about «{to}»; there are *, anonymous, user:NAME, group:NAME and client:ID.");
            }
        }

        return new CompiledRule(rule, order, [.. patterns]);
    }

    private static (string Kind, string Name) Split(string to)
    {
        var colon = to.IndexOf(':', StringComparison.Ordinal);
        return colon < 0 ? (to, "") : (to[..colon], to[(colon + 1)..]);
    }

    private static List<T> ListOf<T>(Dictionary<string, List<T>> lists, string name)
    {
        if (!lists.TryGetValue(name, out var list))
        {
            lists.Add(name, list = []);
        }

        return list;
    }

    private void Add(AccessRule rule, int order, List<string> mistakes)
    {
        var compiled = Compile(rule, order, mistakes);
        foreach (var to in rule.To)
        {
            var (kind, name) = Split(to);
            var list = kind switch
            {
                "anonymous" => _toAnonymous,
                "user" => ListOf(_toUsers, name),
                "group" => ListOf(_toGroups, name),
                "client" => ListOf(_toClients, name),
                _ => _toAll,
            };
            list.Add(compiled);
        }
    }
}
