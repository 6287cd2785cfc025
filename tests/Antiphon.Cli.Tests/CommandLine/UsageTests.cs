namespace Antiphon.Cli.Tests.CommandLine;

public sealed class UsageTests
{
    [Theory]
    [InlineData("", "Required command was not provided.")]
    [InlineData("reqest t", "Unrecognized command or argument 'reqest'.")]
    [InlineData("request", "Required argument 'TOPIC' missing for command: 'request'.")]
    [InlineData("request a/#", "The Topic Name «a/#» holds a wildcard")]
    [InlineData("request t --qos 2", "--qos «2» is not possible; use 0 (at most once) or 1 (at least once).")]
    [InlineData(
        "request t --timeout soon",
        "--timeout «soon» is not a duration; write for instance 500ms, 2.5s or 1m, above zero and at most 24 hours.")]
    [InlineData("request t --timeout 0s", "--timeout «0s» is not a duration")]
    [InlineData("request t --count 0", "--count «0» is not a whole number from 1 to 2147483647.")]
    [InlineData("request t --port 70000", "--port «70000» is not a port; ports are whole numbers from 1 to 65535.")]
    [InlineData("request t body --stdin", "The payload comes from one place only: give BODY, --file or --stdin.")]
    [InlineData("request t --file no/such/file", "The file «no/such/file» cannot be read")]
    [InlineData("request t --password-file no/such/file", "The password file «no/such/file» cannot be read")]
    [InlineData("request t --password secret", "There is no option --password. If it is meant as it stands, put -- before it.")]
    [InlineData("request t --tiemout", "There is no option --tiemout. If it is meant as it stands, put -- before it.")]
    [InlineData("request t --rate 10", "--rate says how fast, --count how many: give both.")]
    [InlineData(
        "request t --count 2 --rate fast",
        "--rate «fast» is not a number a second; write for instance 100 or 0.5, above zero and at most 1000000.")]
    [InlineData("request t --raw --json", "The output is either --raw or --json.")]
    [InlineData(
        "request t -H trace",
        "--user-property «trace» is not NAME=VALUE; write for instance -H trace=42. The broker's name goes behind --host.")]
    [InlineData("request t --response-topic a/+", "The Topic Name «a/+» holds a wildcard")]
    [InlineData("request t -h broker", "-h is for help, and nothing stands behind it. If «broker» is the broker, it goes behind --host.")]
    [InlineData("sub t -h broker -p 1884", "If «broker» is the broker, it goes behind --host.")]
    [InlineData("pub x y -h broker", "If «broker» is the broker, it goes behind --host.")]
    [InlineData("pub x y -h --retain", "-h is for help, and nothing stands behind it.")]
    [InlineData("request t -V 311", "Requests and responses need MQTT 5, and 3.1.1 was asked for: leave --protocol-version 311 out.")]
    [InlineData("reply t --echo -V 311", "Requests and responses need MQTT 5")]
    [InlineData("bench request -V 311", "Requests and responses need MQTT 5")]
    [InlineData("probe -V 311", "What is probed needs MQTT 5")]
    [InlineData("pub t -V 311 --content-type text/plain", "MQTT 3.1.1 has no --content-type: leave it out, or speak MQTT 5.")]
    [InlineData("pub t -V 311 -H a=b", "MQTT 3.1.1 has no --user-property")]
    [InlineData("pub t -V 311 --response-topic a", "MQTT 3.1.1 has no --response-topic")]
    [InlineData("pub t -V 311 --correlation-data 00", "MQTT 3.1.1 has no --correlation-data")]
    [InlineData("pub t -V 311 --expiry 5", "MQTT 3.1.1 has no --expiry")]
    [InlineData("sub t -V 311 --retain-handling 2", "MQTT 3.1.1 has no --retain-handling")]
    [InlineData("sub t -V 311 --retain-as-published", "MQTT 3.1.1 has no --retain-as-published")]
    [InlineData("sub t -V 311 --will-topic w --will-delay 5", "MQTT 3.1.1 has no --will-delay")]
    [InlineData(
        "pub t --correlation-data 0", "--correlation-data «0» is not hexadecimal; write two digits for each byte, for instance 00ff.")]
    [InlineData("pub t x --stdin-lines", "The payload comes from one place only: give BODY, --file, --stdin or --stdin-lines.")]
    [InlineData("pub t --expiry never", "--expiry «never» is not a duration")]
    [InlineData("pub t --host mqtt://a", "--host «mqtt://a» is a URL; it goes behind --url.")]
    [InlineData("pub t --host a:1883", "--host «a:1883» is neither a name nor an address; a port goes behind --port.")]
    [InlineData("sub t --wait soon", "--wait «soon» is not a duration")]
    [InlineData("sub t --format octal", "--format «octal» is not possible; use text or hex or base64 or json.")]
    [InlineData("sub t --format hex --json", "The output is either --json, which has a form for every payload, or --format.")]
    [InlineData("sub t --retain-handling 3", "--retain-handling «3» is not possible; use 0 or 1 or 2.")]
    [InlineData("sub t --context a --host b", "--context names the broker; leave --url and --host out.")]
    [InlineData("context", "Required command was not provided.")]
    [InlineData("context add a/b", "NAME «a/b» is not possible; use letters, digits and . _ -")]
    [InlineData("context add a --url mqtt://ann:secret@b", "--url holds a password")]
    [InlineData("context show no-such-context", "There is no context «no-such-context»")]
    [InlineData("reply t", "Say how to answer, in one way: --echo, --body TEXT or --command CMD.")]
    [InlineData("reply t --echo --body x", "Say how to answer, in one way: --echo, --body TEXT or --command CMD.")]
    [InlineData("reply a/#/b --echo", "The Topic Filter «a/#/b» is not valid")]
    [InlineData("reply t --echo --share a/b", "--share «a/b» is not a Share Name")]
    [InlineData("sub", "Required argument 'FILTER' missing for command: 'sub'.")]
    [InlineData("pub a+b", "The Topic Name «a+b» holds a wildcard")]
    [InlineData("pub a --qos 3", "--qos «3» is not possible; use 0 (at most once), 1 (at least once) or 2 (exactly once).")]
    [InlineData("pub a --url broker.example", "--url is not a URL; write for instance mqtts://broker.example")]
    [InlineData(
        "pub a --url http://broker.example",
        "--url: The URI does not name a server: it has to begin with mqtt://, mqtts://, ws:// or wss:// and a host.")]
    [InlineData("pub a --url mqtt://ann:secret@broker.example", "--url holds a password, which every user of this machine could read")]
    [InlineData("pub a --url mqtt://broker.example --port 1", "--url names the broker; leave --host and --port out.")]
    [InlineData("pub a --key no/such/file", "--key belongs to a certificate: give --cert too.")]
    [InlineData("pub a --insecure --cafile no/such/file", "--insecure trusts any server, --cafile only some: give one of them.")]
    [InlineData("pub a --cafile no/such/file", "--cafile: «no/such/file» cannot be used")]
    [InlineData("pub a --cert no/such/file", "--cert and --key: «no/such/file» cannot be used")]
    [InlineData("pub a --protocol-version 4", "--protocol-version «4» is not spoken here; use 5 or 311 (for 3.1.1).")]
    [InlineData("pub a --auth-method PLAIN", "--auth-method «PLAIN» is not known; there is SCRAM-SHA-256.")]
    [InlineData("pub a --auth-method SCRAM-SHA-256", "--auth-method proves a user's password: give --username.")]
    [InlineData("sub a --auth-method SCRAM-SHA-256 -u ann -V 311", "MQTT 3.1.1 has no --auth-method: leave it out, or speak MQTT 5.")]
    [InlineData("sub a --will-retain", "--will-retain belongs to a Will: give --will-topic too.")]
    [InlineData("sub a --will-topic a/+", "The Topic Name «a/+» holds a wildcard")]
    [InlineData("sub a --retained-only --retain-as-published", "--retained-only knows what was kept by the RETAIN flag")]
    [InlineData("broker --bind here", "--bind «here» is not an IP address; write for instance 127.0.0.1, ::1, 0.0.0.0 or [::1]:1884.")]
    [InlineData("broker --bind 1", "--bind «1» is not an IP address")]
    [InlineData("broker --bind [::1]:99999", "--bind «[::1]:99999» is not an IP address")]
    [InlineData("broker --bind ::1 --bind 127.0.0.1:", "--bind «127.0.0.1:» is not an IP address")]
    [InlineData("broker --bind ::1 --port 1884 --bind [::1]:1884", "--bind [::1]:1884 is given twice.")]
    [InlineData("broker --bind 127.0.0.1 --bind [::]:0", "--bind :: is open to other machines.")]
    [InlineData("broker --log-level loud", "--log-level «loud» is not possible; use error or warn or info or debug.")]
    [InlineData(
        "broker --bind 0.0.0.0",
        "--bind 0.0.0.0 is open to other machines. Give --password-file to let in users with a password, "
        + "or --allow-anonymous to let in everybody.")]
    [InlineData("broker --password-file no/such/file", "no/such/file» cannot be read")]
    [InlineData("broker --config no/such/file", "no/such/file: error: The file cannot be read")]
    [InlineData("broker --set nonsense", "--set «nonsense» is not NAME=VALUE; write for instance --set limits.connections=1000.")]
    [InlineData("broker --set limits.qos=3", "--set limits.qos=3: error: «limits.qos» is «3»; it has to be a whole number from 0 to 2.")]
    [InlineData("broker --key no/such/file", "--key belongs to a certificate: give --cert too.")]
    [InlineData("broker --cert no/such/file", "--cert no/such/file: error: The file «")]
    [InlineData("broker check", "Required argument 'FILE' missing for command: 'check'.")]
    [InlineData("acl test --publish a", "Option '--config' is required.")]
    [InlineData("acl test --config no/such/file", "Ask one thing: --publish, --subscribe, --request or --respond.")]
    [InlineData("acl test --config f --publish a --request a", "Ask one thing: --publish, --subscribe, --request or --respond.")]
    [InlineData("acl test --config no/such/file --publish a", "no/such/file: error: The file cannot be read")]
    [InlineData("acl test --config f --publish a --claim x", "--claim «x» is not NAME=VALUE; write for instance --claim site=north.")]
    [InlineData("passwd users", "Say which USER, or --list to see them all.")]
    [InlineData("passwd users ann --list", "--list prints all users: leave USER and the other options out.")]
    [InlineData("passwd no/such/users --list", "The password file «no/such/users» cannot be read")]
    [InlineData("import mosquitto --out x", "Required argument 'FILE' missing for command: 'mosquitto'.")]
    [InlineData("import mosquitto no/such/file", "Option '--out' is required.")]
    [InlineData("import mosquitto no/such/file --out x.json", "no/such/file: error: «no/such/file» cannot be read: ")]
    [InlineData(
        "passwd users a:b", "The user name «a:b» is not possible: it has one character or more, no colon, no line end and no U+0000.")]
    [InlineData(
        "passwd users ann",
        "There is no terminal to ask for the password at: set ANTIPHON_PASSWORD, or give --password-from-stdin.")]
    [InlineData("passwd users ann --password-from-stdin", "The password is empty; nothing was changed.")]
    [InlineData("passwd no/such/users ann --delete", "There is no user «ann» in «no/such/users».")]
    [InlineData("passwd users ann --password secret", "Unrecognized command or argument '--password'.")]
    public async Task Wrong_usage_is_a_clear_sentence_and_exit_code_2(string commandLine, string sentence)
    {
        var end = await Running.Cli.RunAsync(commandLine.Split(' ', StringSplitOptions.RemoveEmptyEntries));

        Assert.Equal(2, end.ExitCode);
        Assert.Contains(sentence, end.Errors, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", end.Errors, StringComparison.Ordinal);
        Assert.DoesNotContain("(Parameter", end.Errors, StringComparison.Ordinal);
        Assert.DoesNotContain("..", end.Errors, StringComparison.Ordinal);
        Assert.Empty(end.Output);
    }

    [Theory]
    [InlineData("")]
    [InlineData("broker")]
    [InlineData("broker check")]
    [InlineData("broker schema")]
    [InlineData("acl")]
    [InlineData("acl test")]
    [InlineData("passwd")]
    [InlineData("import")]
    [InlineData("import mosquitto")]
    [InlineData("request")]
    [InlineData("reply")]
    [InlineData("pub")]
    [InlineData("sub")]
    [InlineData("probe")]
    [InlineData("completion")]
    [InlineData("context")]
    [InlineData("context add")]
    [InlineData("context select")]
    [InlineData("context list")]
    [InlineData("context show")]
    [InlineData("context remove")]
    [InlineData("bench")]
    [InlineData("bench request")]
    [InlineData("bench pub")]
    [InlineData("bench sub")]
    [InlineData("bench conn")]
    [InlineData("demo")]
    public async Task Every_help_ends_with_an_example(string command)
    {
        var end = await Running.Cli.RunAsync([.. command.Split(' ', StringSplitOptions.RemoveEmptyEntries), "--help"]);

        Assert.Equal(0, end.ExitCode);
        Assert.Empty(end.Errors);
        Assert.Contains($"\nExample:\n  antiphon {command}", end.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("-h")]
    [InlineData("pub", "-h")]
    [InlineData("pub", "x", "y", "-h")]
    public async Task A_single_h_that_nothing_stands_behind_is_help(params string[] arguments)
    {
        var end = await Running.Cli.RunAsync(arguments);

        Assert.Equal((0, ""), (end.ExitCode, end.Errors));
        Assert.Contains("\nExample:\n", end.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Help_names_every_exit_code()
    {
        var end = await Running.Cli.RunAsync("--help");

        Assert.Contains(
            "0 ok, 1 other, 2 wrong usage, 3 no connection, 4 denied, 5 no responder, 6 timeout, 7 remote error, "
            + "8 fewer replies than asked, 130 interrupted, 141 output no longer read",
            string.Join(' ', end.Output.Split((char[])[' ', '\n'], StringSplitOptions.RemoveEmptyEntries)),
            StringComparison.Ordinal);
    }
}
