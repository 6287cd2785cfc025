namespace Antiphon.Cli.Tests.Access;

public sealed class AclTestCommandTests : IDisposable
{
    private const string Json = """
        {
          "groups": { "operators": [ "ann" ] },
          "rules": [
            { "deny": [ "subscribe", "publish" ], "topics": [ "secret/#" ], "to": [ "*" ] },
            { "allow": [ "request" ], "topics": [ "devices/+/relay" ], "to": [ "group:operators" ] },
            { "allow": [ "respond" ], "topics": [ "devices/${clientid}/#" ], "to": [ "*" ] },
            { "allow": [ "publish", "subscribe" ], "topics": [ "sites/${claim:site}/#" ], "to": [ "group:guests" ] },
            { "allow": [ "subscribe" ], "topics": [ "news" ], "to": [ "anonymous" ] }
          ]
        }
        """;

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("antiphon-acl-");

    private string Config => Path.Combine(_folder.FullName, "antiphon.json");

    public void Dispose() => _folder.Delete(recursive: true);

    [Theory]
    [InlineData("--user ann --request devices/d1/relay", 0, "allow: FILE:5:5: allow request on devices/+/relay to group:operators")]
    [InlineData("--user ann --publish devices/d1/relay", 4, "deny: no rule allows it")]
    [InlineData("--user bob --request devices/d1/relay", 4, "deny: no rule allows it")]
    [InlineData(
        "--user bob --group operators --request devices/d1/relay",
        0,
        "allow: FILE:5:5: allow request on devices/+/relay to group:operators")]
    [InlineData("--client-id d1 --respond devices/d1/relay", 0, "allow: FILE:6:5: allow respond on devices/${clientid}/# to *")]
    [InlineData("--client-id d1 --subscribe devices/d1/#", 0, "allow: FILE:6:5: allow respond on devices/${clientid}/# to *")]
    [InlineData("--client-id d1 --respond $share/g/devices/d1/x", 0, "allow: FILE:6:5: allow respond on devices/${clientid}/# to *")]
    [InlineData("--client-id d2 --respond devices/d1/relay", 4, "deny: no rule allows it")]
    [InlineData(
        "--user eve --group guests --claim site=north --claim x=y --publish sites/north/door",
        0,
        "allow: FILE:7:5: allow publish, subscribe on sites/${claim:site}/# to group:guests")]
    [InlineData("--user eve --group guests --claim site=a/b --publish sites/a/b", 4, "deny: no rule allows it")]
    [InlineData("--subscribe news", 0, "allow: FILE:8:5: allow subscribe on news to anonymous")]
    [InlineData("--user ann --subscribe news", 4, "deny: no rule allows it")]
    [InlineData("--user ann --subscribe #", 4, "deny: FILE:4:5: deny publish, subscribe on secret/# to *")]
    [InlineData("--set rules=[] --publish x", 0, "allow: there is no rule, and everybody may do everything")]
    public async Task It_says_whether_a_client_may_and_which_rule_says_so(string question, int exitCode, string answer)
    {
        await File.WriteAllTextAsync(
            Config,
            Json.Replace("\"ann\" ]", "\"ann\" ], \"guests\": []", StringComparison.Ordinal),
            TestContext.Current.CancellationToken);

        var end = await Running.Cli.RunAsync(["acl", "test", "--config", Config, .. question.Split(' ')]);

        Assert.Equal(
            (exitCode, answer.Replace("FILE", Config, StringComparison.Ordinal) + "\n", ""), (end.ExitCode, end.Output, end.Errors));
    }

    [Theory]
    [InlineData("--publish a/#", "The Topic Name «a/#» holds a wildcard")]
    [InlineData("--subscribe a#", "The Topic Filter «a#» is not valid")]
    [InlineData("--publish $reply/x/y", "No rule is asked about «$reply/x/y»")]
    [InlineData("--group guests --publish a", "--group and --claim say more of a user: give --user too.")]
    public async Task What_cannot_be_asked_is_wrong_usage(string question, string sentence)
    {
        await File.WriteAllTextAsync(Config, """{ "rules": [] }""", TestContext.Current.CancellationToken);

        var end = await Running.Cli.RunAsync(["acl", "test", "--config", Config, .. question.Split(' '), "--set", "groups={}",
            "--set", """rules=[{ "allow": [ "publish" ], "topics": [ "#" ], "to": [ "*" ] }]"""]);

        Assert.Equal((2, ""), (end.ExitCode, end.Output));
        Assert.Contains(sentence, end.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_file_with_mistakes_answers_nothing()
    {
        await File.WriteAllTextAsync(Config, Json, TestContext.Current.CancellationToken);

        var end = await Running.Cli.RunAsync("acl", "test", "--config", Config, "--publish", "a");

        Assert.Equal(
            (2, "", $"{Config}:7:91: error: There is no group «guests»; there are operators.\n"), (end.ExitCode, end.Output, end.Errors));
    }
}
