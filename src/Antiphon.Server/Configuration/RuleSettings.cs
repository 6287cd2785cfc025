using Antiphon.Broker.Access;

namespace Antiphon.Server.Configuration;

/// <summary>The settings of each of the <c>rules</c>, and what has to fit together in them.</summary>
internal static class RuleSettings
{
    private const string GroupPrefix = "group:";

    private static readonly ListKind<Permissions> PermissionList = new(
        new WordKind<Permissions>(
            ("publish", Permissions.Publish),
            ("subscribe", Permissions.Subscribe),
            ("request", Permissions.Request),
            ("respond", Permissions.Respond)),
        mayBeEmpty: false);

    public static Shape<RuleDraft> Shape { get; } = new(
        new RuleDraft(),
        Complete,
        required: ["topics", "to"],
        new Setting<RuleDraft, IReadOnlyList<Permissions>?>(
            "allow",
            "What the clients may do: publish, subscribe, request (publish with a Response Topic), respond (subscribe and answer).",
            PermissionList!,
            draft => draft.Allow,
            (draft, value) => draft with { Allow = value }),
        new Setting<RuleDraft, IReadOnlyList<Permissions>?>(
            "deny",
            "What the clients may not do, in place of «allow».",
            PermissionList!,
            draft => draft.Deny,
            (draft, value) => draft with { Deny = value }),
        new Setting<RuleDraft, IReadOnlyList<string>?>(
            "topics",
            "Topic Filters; ${clientid}, ${user} and ${claim:NAME} stand for what the client is.",
            new ListKind<string>(new TopicKind(), mayBeEmpty: false)!,
            draft => draft.Topics,
            (draft, value) => draft with { Topics = value! }),
        new Setting<RuleDraft, IReadOnlyList<string>?>(
            "to",
            "The clients: *, anonymous, user:NAME, group:NAME or client:ID.",
            new ListKind<string>(new ClientsKind(), mayBeEmpty: false)!,
            draft => draft.To,
            (draft, value) => draft with { To = value! }));

    /// <summary>Says which groups rules name that there are not.</summary>
    /// <param name="rules">The rules.</param>
    /// <param name="groups">The names of the groups that there are.</param>
    /// <param name="context">Is told.</param>
    public static void CheckGroups(IEnumerable<RuleDraft> rules, IReadOnlyCollection<string> groups, ReadingContext context)
    {
        foreach (var to in rules.SelectMany(rule => rule.Node?.Find("to")?.Items ?? []))
        {
            if (to.Text.StartsWith(GroupPrefix, StringComparison.Ordinal)
                && to.Text[GroupPrefix.Length..] is { Length: > 0 } name
                && !groups.Contains(name))
            {
                var nearest = Spelling.Nearest(name, groups);
                context.Error(
                    to.Place,
                    $"There is no group «{name}»"
                        + (nearest is not null ? $"; do you mean «{nearest}»?"
                            : groups.Count > 0 ? $"; there are {string.Join(", ", groups)}."
                            : "; say in «groups» which users are in it."));
            }
        }
    }

    private static RuleDraft Complete(RuleDraft draft, Node node, ReadingContext context)
    {
        var (allow, deny) = (node.FindMember("allow"), node.FindMember("deny"));
        if (allow is not null && deny is not null)
        {
            var second = node.Members.IndexOf(allow) > node.Members.IndexOf(deny) ? allow : deny;
            context.Error(
                second.NamePlace, "A rule has either «allow» or «deny»; write two rules, the one that counts first before the other.");
        }
        else if (allow is null && deny is null)
        {
            context.Error(node.Place, $"«{node.PathOf("allow")}» or «{node.PathOf("deny")}» is missing.");
        }

        var permissions = (draft.Allow ?? draft.Deny ?? []).Aggregate(Permissions.None, (all, one) => all | one);
        var rule = new AccessRule
        {
            Allows = draft.Allow is not null,
            Permissions = permissions,
            Topics = draft.Topics,
            To = draft.To,
            Place = node.Place.ToString(),
        };
        return draft with { Node = node, Rule = AccessRules.Check(rule).Count == 0 ? rule : null };
    }
}
