using System.Collections.Immutable;
using Antiphon.Broker.Access;

namespace Antiphon.Broker.Tests.Access;

public sealed class AccessRulesTests
{
    private static readonly ClientIdentity Ann = new("relay1", new ClientUser("ann"));
    private static readonly ClientIdentity Nobody = new("relay1", null);

    [Theory]
    [InlineData(Permissions.Publish, "devices/relay1/state", true)]
    [InlineData(Permissions.Publish, "devices/relay2/state", false)]
    [InlineData(Permissions.Request, "devices/relay1/state", false)]
    [InlineData(Permissions.Subscribe, "devices/relay1/state", false)]
    public void A_rule_is_about_its_permissions_and_topics(Permissions permission, string topic, bool allowed) =>
        Assert.Equal(allowed, Allows(Ann, permission, topic, Allow(Permissions.Publish, "devices/${clientid}/#")));

    [Theory]
    [InlineData("*", true, true)]
    [InlineData("anonymous", false, true)]
    [InlineData("user:ann", true, false)]
    [InlineData("user:bob", false, false)]
    [InlineData("group:operators", true, false)]
    [InlineData("group:found", true, false)]
    [InlineData("group:others", false, false)]
    [InlineData("client:relay1", true, true)]
    [InlineData("client:relay2", false, false)]
    public void A_rule_is_about_its_clients(string to, bool ann, bool nobody)
    {
        var rules = new AccessRules(
            [Allow(Permissions.Publish, "#") with { To = [to] }],
            new Dictionary<string, IReadOnlyList<string>> { ["operators"] = ["ann"], ["others"] = ["bob"] });
        var found = Ann with { User = Ann.User! with { Groups = ["found"] } };

        Assert.Equal(ann, rules.Allows(found, Permissions.Publish, "t", out _));
        Assert.Equal(nobody, rules.Allows(Nobody, Permissions.Publish, "t", out _));
    }

    [Fact]
    public void The_first_rule_that_is_about_a_PUBLISH_decides_and_is_named()
    {
        AccessRule[] rules =
        [
            Deny(Permissions.Publish, "a/secret/#"), Allow(Permissions.Publish, "a/#"), Deny(Permissions.Publish, "a/late"),
        ];

        Assert.Equal((false, rules[0]), Judge(rules, Permissions.Publish, "a/secret/x"));
        Assert.Equal((true, rules[1]), Judge(rules, Permissions.Publish, "a/late"));
        Assert.Equal((false, null), Judge(rules, Permissions.Publish, "b"));
    }

    [Theory]
    [InlineData("a/b", true)]
    [InlineData("a/+/b", false)]
    [InlineData("a/+", false)]
    [InlineData("a/#", false)]
    [InlineData("a/secret/x", false)]
    [InlineData("a/+/x", false)]
    [InlineData("#", false)]
    [InlineData("$share/g/a/b", true)]
    [InlineData("$share/g/a/#", false)]
    [InlineData("b", false)]
    public void A_filter_is_allowed_whole_or_not_at_all(string filter, bool allowed) =>
        Assert.Equal(
            allowed,
            Allows(Ann, Permissions.Subscribe, filter, Deny(Permissions.Subscribe, "a/secret/#"), Allow(Permissions.Subscribe, "a/#")));

    [Fact]
    public void A_rule_that_denies_stops_only_what_no_earlier_rule_allows() =>
        Assert.True(Allows(Ann, Permissions.Subscribe, "a/secret", Allow(Permissions.Subscribe, "a/#"), Deny(Permissions.Subscribe, "#")));

    [Theory]
    [InlineData("a/b", "ann", "ops")]
    [InlineData("a+", "ann", "ops")]
    [InlineData("#", "ann", "ops")]
    [InlineData("relay1", "a/b", "ops")]
    [InlineData("relay1", "ann", "o/s")]
    [InlineData("relay1", "ann", null)]
    [InlineData("relay1", null, null)]
    public void Who_has_no_value_or_one_with_a_wildcard_or_a_slash_is_not_meant(string clientId, string? user, string? claim)
    {
        var client = new ClientIdentity(clientId, user is null ? null : new ClientUser(user) { Claims = Claims(claim) });
        var known = new ClientIdentity("relay1", new ClientUser("ann") { Claims = Claims("ops") });
        var topic = $"{clientId.Replace('+', 'x').Replace('#', 'x')}/{user}/{claim}/t";

        Assert.False(Allows(client, Permissions.Publish, topic, Everything()));
        Assert.True(Allows(known, Permissions.Publish, "relay1/ann/ops/t", Everything()));

        static AccessRule Everything() => Allow(Permissions.Publish, "${clientid}/${user}/${claim:team}/#");
        static ImmutableDictionary<string, string> Claims(string? team) =>
            team is null ? ImmutableDictionary<string, string>.Empty : ImmutableDictionary<string, string>.Empty.Add("team", team);
    }

    [Theory]
    [InlineData("$SYS", "${clientid}/#", "$SYS/#", false)]
    [InlineData("$SYS", "${clientid}/#", "$SYS/clients/+/connected", false)]
    [InlineData("$", "${clientid}${user}/#", "$ann/t", false)]
    [InlineData("$SYS", "devices/${clientid}/#", "devices/$SYS/#", true)]
    [InlineData("broker", "$SYS/${clientid}/#", "$SYS/broker/#", true)]
    public void Nobody_is_called_like_the_topics_of_the_broker(string clientId, string pattern, string filter, bool isAllowed)
    {
        var client = new ClientIdentity(clientId, new ClientUser("ann"));

        Assert.Equal(isAllowed, Allows(client, Permissions.Subscribe, filter, Allow(Permissions.Subscribe, pattern)));
    }

    [Fact]
    public void A_variable_may_stand_in_the_middle_of_a_level() =>
        Assert.True(Allows(Ann, Permissions.Publish, "dev-relay1-ann/t", Allow(Permissions.Publish, "dev-${clientid}-${user}/t")));

    [Fact]
    public void Wildcards_of_rules_do_not_reach_topics_of_the_broker() =>
        Assert.False(Allows(Ann, Permissions.Subscribe, "$SYS/broker/uptime", Allow(Permissions.Subscribe, "#")));

    [Fact]
    public void All_mistakes_are_reported_with_their_places()
    {
        var mistake = Assert.Throws<ArgumentException>(() => new AccessRules(
        [
            new AccessRule { Allows = true, Permissions = Permissions.None, Topics = [], To = [], Place = "broker.json:7" },
            Allow(Permissions.Publish, "a/#/b", "$share/g/t", "${password}/t", "${user") with { To = ["ann", "user:", "role:x"] },
        ]));

        foreach (var part in new[]
        {
            "broker.json:7: it names no permission", "broker.json:7: it names no topic", "broker.json:7: it names no client",
            "Rule 2: The topic «a/#/b»", "Rule 2: The topic «$share/g/t»", "«${password}»", "«${user»", "«ann»", "«user:»", "«role:x»",
        })
        {
            Assert.Contains(part, mistake.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Topics_are_remembered_without_being_taken_for_each_other()
    {
        var access = new ClientAccess(new AccessRules([Allow(Permissions.Publish, "even/+")]), Ann);
        for (var round = 0; round < 3; round++)
        {
            for (var i = 0; i < 100; i++)
            {
                var topic = System.Text.Encoding.UTF8.GetBytes($"{(i % 2 == 0 ? "even" : "odd")}/{i}");
                Assert.Equal(i % 2 == 0, access.MayPublish(topic, Permissions.Publish));
                Assert.False(access.MayPublish(topic, Permissions.Request));
            }
        }
    }

    private static bool Allows(ClientIdentity client, Permissions permission, string topic, params AccessRule[] rules) =>
        new AccessRules(rules).Allows(client, permission, topic, out _);

    private static (bool Allowed, AccessRule? Rule) Judge(AccessRule[] rules, Permissions permission, string topic) =>
        (new AccessRules(rules).Allows(Ann, permission, topic, out var rule), rule);

    private static AccessRule Allow(Permissions permissions, params string[] topics) =>
        new() { Allows = true, Permissions = permissions, Topics = topics, To = ["*"] };

    private static AccessRule Deny(Permissions permissions, params string[] topics) => Allow(permissions, topics) with { Allows = false };
}
