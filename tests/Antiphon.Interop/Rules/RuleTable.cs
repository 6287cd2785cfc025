using System.Text.Json.Nodes;
using Antiphon.Protocol;

namespace Antiphon.Interop.Rules;

/// <summary>Who comes, and how it is known.</summary>
public enum Visitor
{
    /// <summary>Says nothing of who it is.</summary>
    Anonymous,

    /// <summary>User name and password; in the group operators.</summary>
    Ann,

    /// <summary>User name and password; in the group barred.</summary>
    Bob,

    /// <summary>A JSON Web Token, which names the user, the group operators, and the site north.</summary>
    Tess,

    /// <summary>The certificate of its connection, which names the user device-7.</summary>
    Device,
}

/// <summary>What a Network Connection is made of.</summary>
public enum Way
{
    Tcp,
    Tls,
    WebSocket,
}

/// <summary>
/// The access rules of the tests, and what each visitor may do by them. For each permission there is one rule of each kind;
/// its topics begin with the permission's name.
/// </summary>
internal static class RuleTable
{
    /// <summary>A client whose user is this one may do everything.</summary>
    public const string Watcher = "watcher";

    private static readonly string[] Permissions = ["publish", "subscribe", "request", "respond"];

    /// <summary>The name that a visitor proves; <c>null</c>: none.</summary>
    public static string? UserOf(Visitor visitor) => visitor switch
    {
        Visitor.Anonymous => null,
        Visitor.Device => "device-7",
        _ => visitor.ToString().ToLowerInvariant(),
    };

    public static string ClientIdOf(Visitor visitor, string peer, Way way, ProtocolVersion version) => $"{visitor}-{peer}-{way}-{version}";

    /// <summary>The members <c>groups</c> and <c>rules</c> of a configuration.</summary>
    public static (JsonObject Groups, JsonArray Rules) Configuration()
    {
        var rules = new JsonArray(Rule("allow", Permissions, ["#"], $"user:{Watcher}"), Rule("allow", ["publish"], ["end/#"], "*"));
        foreach (var permission in Permissions)
        {
            string[] topics = [permission];
            rules.Add(Rule("deny", topics, Below(permission, "barred"), "group:barred"));
            rules.Add(Rule("deny", topics, Below(permission, "wide/secret/#"), "*"));
            rules.Add(Rule(
                "allow",
                topics,
                Below(permission, "all", "barred", "wide/#", "client/${clientid}", "user/${user}", "site/${claim:site}"),
                "*"));
            rules.Add(Rule("allow", topics, Below(permission, "operators"), "group:operators"));
            rules.Add(Rule("allow", topics, Below(permission, "anonymous"), "anonymous"));
            rules.Add(Rule("allow", topics, Below(permission, "bob"), "user:bob"));
            rules.Add(Rule("allow", topics, Below(permission, "named"), [.. ClientIdsOf(Visitor.Ann).Select(id => $"client:{id}")]));
        }

        // Two clients get the same requests, and one of them may answer.
        rules.Add(Rule("allow", ["subscribe"], ["both/#"], "user:ann"));
        rules.Add(Rule("allow", ["respond"], ["both/#"], "user:bob"));
        return (new JsonObject { ["operators"] = new JsonArray("ann"), ["barred"] = new JsonArray("bob") }, rules);
    }

    /// <summary>What a client tries, and whether it may.</summary>
    public static IEnumerable<Attempt> Attempts(Visitor visitor, string clientId)
    {
        var user = UserOf(visitor);
        foreach (var permission in Permissions)
        {
            (string Topic, bool IsAllowed)[] each =
            [
                ("all", true),
                ("nobody", false),
                ("barred", visitor != Visitor.Bob),
                ("wide/open", true),
                ("wide/secret/door", false),
                ($"client/{clientId}", true),
                ("client/another", false),
                ($"user/{user ?? "nobody"}", user is not null),
                ("user/another", false),
                ("site/north", visitor == Visitor.Tess),
                ("site/south", false),
                ("operators", visitor is Visitor.Ann or Visitor.Tess),
                ("anonymous", visitor == Visitor.Anonymous),
                ("bob", visitor == Visitor.Bob),
                ("named", visitor == Visitor.Ann),
            ];
            foreach (var (topic, isAllowed) in each)
            {
                yield return new Attempt(permission, $"{permission}/{topic}", isAllowed);
            }

            if (permission is "subscribe" or "respond")
            {
                // One rule has to cover the whole filter, and no earlier one may deny any of it.
                yield return new Attempt(permission, $"{permission}/#", false);
                yield return new Attempt(permission, $"{permission}/wide/#", false);
                yield return new Attempt(permission, $"{permission}/wide/+/door", false);
                yield return new Attempt(permission, $"{permission}/wide/open/+", true);
            }
            else
            {
                // Another permission on the same topic is none.
                foreach (var other in Permissions.Where(other => other != permission))
                {
                    yield return new Attempt(permission, $"{other}/all", false);
                }
            }
        }

        yield return new Attempt("subscribe", "publish/all", false);
        yield return new Attempt("subscribe", "request/all", false);
    }

    private static IEnumerable<string> ClientIdsOf(Visitor visitor) =>
        from peer in (string[])["Paho", "MqttJs", "mosquitto"]
        from way in Enum.GetValues<Way>()
        from version in (ProtocolVersion[])[ProtocolVersion.V311, ProtocolVersion.V5]
        select ClientIdOf(visitor, peer, way, version);

    private static string[] Below(string permission, params string[] topics) => [.. topics.Select(topic => $"{permission}/{topic}")];

    private static JsonObject Rule(string outcome, string[] permissions, string[] topics, params string[] to) => new()
    {
        [outcome] = Texts(permissions),
        ["topics"] = Texts(topics),
        ["to"] = Texts(to),
    };

    private static JsonArray Texts(string[] texts) => [.. texts.Select(text => JsonValue.Create(text))];
}

/// <summary>Something that a client tries.</summary>
/// <param name="Permission">What it takes: publish, subscribe, request or respond.</param>
/// <param name="Topic">The Topic Name or Topic Filter.</param>
/// <param name="IsAllowed">Whether the rules allow it.</param>
internal sealed record Attempt(string Permission, string Topic, bool IsAllowed)
{
    public bool Subscribes => Permission is "subscribe" or "respond";

    public bool Requests => Permission == "request";
}
