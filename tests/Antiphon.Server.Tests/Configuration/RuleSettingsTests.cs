using Antiphon.Broker.Access;
using Antiphon.Server.Configuration;

namespace Antiphon.Server.Tests.Configuration;

/// <summary>The settings <c>groups</c> and <c>rules</c>.</summary>
public sealed class RuleSettingsTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("antiphon-rules-");

    /// <summary>A file each, and every line that is said about it.</summary>
    public static TheoryData<string, string[]> Mistakes => new()
    {
        {
            """
            { "rules": [
              { "allow": [ "pub" ], "topics": [ "a" ], "to": [ "*" ] },
              { "allow": "publish", "topics": "a", "to": "*" },
              { "allow": [], "topics": [], "to": [] },
              { "allow": [ "publish" ], "deny": [ "publish" ], "topics": [ "a" ], "to": [ "*" ] },
              { "deny": [ "publish" ], "allow": [ "publish" ], "topics": [ "a" ], "to": [ "*" ] },
              { "topics": [ "a" ], "to": [ "*" ] },
              { "allow": [ "publish" ] },
              { "alow": [ "publish" ], "topics": [ "a" ], "to": [ "*" ] },
              7
            ] }
            """,
            [
                "2:16: error: «rules[0].allow[0]» is the text «pub»; "
                    + "it has to be \"publish\" or \"subscribe\" or \"request\" or \"respond\".",
                "3:14: error: «rules[1].allow» is the text «publish»; it has to be a list, which stands in [ ].",
                "3:35: error: «rules[1].topics» is the text «a»; it has to be a list, which stands in [ ].",
                "3:46: error: «rules[1].to» is the text «*»; it has to be a list, which stands in [ ].",
                "4:14: error: «rules[2].allow» is empty; one item or more has to stand in it.",
                "4:28: error: «rules[2].topics» is empty; one item or more has to stand in it.",
                "4:38: error: «rules[2].to» is empty; one item or more has to stand in it.",
                "5:29: error: A rule has either «allow» or «deny»; write two rules, the one that counts first before the other.",
                "6:28: error: A rule has either «allow» or «deny»; write two rules, the one that counts first before the other.",
                "7:3: error: «rules[5].allow» or «rules[5].deny» is missing.",
                "8:3: error: «rules[6].topics» is missing.",
                "8:3: error: «rules[6].to» is missing.",
                "9:3: error: «rules[7].allow» or «rules[7].deny» is missing.",
                "9:5: error: There is no setting «rules[7].alow»; do you mean «allow»?",
                "10:3: error: «rules[8]» is 7; it has to be an object, which stands in { }.",
            ]
        },
        {
            """
            { "rules": [
              { "allow": [ "publish" ], "to": [ "*" ],
                "topics": [ "a/#/b", "a+", "${user", "${name}/a", "${claim:}", "$share/g/a", "", 5, "a/${clientid}/#" ] },
              { "deny": [ "publish" ], "topics": [ "a" ],
                "to": [ "", "everybody", "users:ann", "user:", "user:ann", 5, "*", "client:c", "anonymous" ] }
            ] }
            """,
            [
                "3:17: error: «rules[0].topics[0]»: The topic «a/#/b» is not valid: *",
                "3:26: error: «rules[0].topics[1]»: The topic «a+» is not valid: *",
                "3:32: error: «rules[0].topics[2]»: The topic «${user» has the variable «${user»; "
                    + "there are ${clientid}, ${user} and ${claim:NAME}.",
                "3:42: error: «rules[0].topics[3]»: The topic «${name}/a» has the variable «${name}»; *",
                "3:55: error: «rules[0].topics[4]»: The topic «${claim:}» has the variable «${claim:}»; *",
                "3:68: error: «rules[0].topics[5]»: The topic «$share/g/a» begins with $share; *",
                "3:82: error: «rules[0].topics[6]» is the text «»; it has to be a text with something in it.",
                "3:86: error: «rules[0].topics[7]» is 5; it has to be a text with something in it.",
                "5:13: error: «rules[1].to[0]» is the text «»; "
                    + "it has to be \"*\" or \"anonymous\" or \"user:NAME\" or \"group:NAME\" or \"client:ID\".",
                "5:17: error: «rules[1].to[1]» is the text «everybody»; it has to be *",
                "5:30: error: «rules[1].to[2]» is the text «users:ann»; it has to be *",
                "5:43: error: «rules[1].to[3]» is the text «user:»; it has to be *",
                "5:64: error: «rules[1].to[5]» is 5; it has to be *",
            ]
        },
        {
            """
            { "groups": { "operators": [ "ann" ], "guests": [] },
              "rules": [ { "allow": [ "publish" ], "topics": [ "a" ], "to": [ "group:operatos", "group:guests", "group:x" ] } ] }
            """,
            [
                "2:67: error: There is no group «operatos»; do you mean «operators»?",
                "2:101: error: There is no group «x»; there are operators, guests.",
            ]
        },
        {
            """{ "bridges": [ "ab", "a" ], "groups": { "a": [] } }""",
            ["1:16: error: There is no group «ab»; do you mean «a»?"]
        },
        {
            """{ "rules": [ { "allow": [ "publish" ], "topics": [ "a" ], "to": [ "group:x" ] } ] }""",
            ["1:67: error: There is no group «x»; say in «groups» which users are in it."]
        },
        {
            """
            { "groups": [ "operators" ],
              "rules": [ { "allow": [ "publish" ], "topics": [ "a" ], "to": [ "group:x" ] } ] }
            """,
            ["1:13: error: «groups» is a list; it has to be an object, which stands in { }."]
        },
        {
            """{ "groups": { "a": "ann", "b": [ "" ], "": [] } }""",
            [
                "1:20: error: «groups.a» is the text «ann»; it has to be a list, which stands in [ ].",
                "1:34: error: «groups.b[0]» is the text «»; it has to be a text with something in it.",
                "1:40: error: A name in «groups» is empty.",
            ]
        },
    };

    public void Dispose() => _folder.Delete(recursive: true);

    [Theory]
    [MemberData(nameof(Mistakes))]
    public void Every_mistake_is_told_at_once_with_its_place(string json, string[] expected)
    {
        var reading = Read(json);

        Assert.Null(reading.Options);
        var told = reading.Mistakes.Select(mistake => $"{mistake.Place.Line}:{mistake.Place.Column}: error: {mistake.Message}").ToArray();
        Assert.Equal(expected.Length, told.Length);
        Assert.All(expected.Zip(told), pair =>
        {
            if (pair.First.EndsWith('*'))
            {
                Assert.StartsWith(pair.First[..^1], pair.Second, StringComparison.Ordinal);
            }
            else
            {
                Assert.Equal(pair.First, pair.Second);
            }
        });
    }

    [Fact]
    public void Rules_stand_in_their_order_and_each_knows_where_it_is_written()
    {
        var reading = Read(
            """
            { "groups": { "operators": [ "ann", "bob" ] },
              "rules": [
                { "allow": [ "request" ], "topics": [ "devices/+/relay" ], "to": [ "group:operators" ] },
                { "allow": [ "respond", "publish" ], "topics": [ "devices/${clientid}/#" ], "to": [ "*" ] },
                { "deny": [ "subscribe" ], "topics": [ "#" ], "to": [ "anonymous", "user:eve", "client:c" ] } ] }
            """);

        Assert.Empty(reading.Mistakes);
        var rules = reading.Options!.Broker.AccessRules!;
        Assert.Equal(
            [
                $"{Path("antiphon.json")}:3:5: allow request on devices/+/relay to group:operators",
                $"{Path("antiphon.json")}:4:5: allow publish, respond on devices/${{clientid}}/# to *",
                $"{Path("antiphon.json")}:5:5: deny subscribe on # to anonymous, user:eve, client:c",
            ],
            rules.Rules.Select(rule => $"{rule.Place}: {rule}"));
        Assert.True(rules.Allows(new ClientIdentity("c", new ClientUser("bob")), Permissions.Request, "devices/d1/relay", out _));
        Assert.False(rules.Allows(new ClientIdentity("c", new ClientUser("eve")), Permissions.Request, "devices/d1/relay", out _));
    }

    [Fact]
    public void Without_rules_everybody_may_do_everything()
    {
        Assert.Equal(["ann"], Read("""{ "groups": { "g": [ "ann" ] } }""").Options!.Broker.AccessRules!.Groups["g"]);
        Assert.Null(Read("{ }").Options!.Broker.AccessRules);
        Assert.Empty(Read("""{ "rules": [] }""").Options!.Broker.AccessRules!.Rules);
    }

    private string Path(string file) => System.IO.Path.Combine(_folder.FullName, file);

    private ConfigurationReading Read(string json)
    {
        File.WriteAllText(Path("antiphon.json"), json);
        return new ConfigurationFile(Path("antiphon.json"), new Dictionary<string, string>(), []).Read();
    }
}
