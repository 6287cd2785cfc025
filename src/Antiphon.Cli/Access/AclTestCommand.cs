using System.Collections.Immutable;
using System.CommandLine;
using Antiphon.Broker.Access;
using Antiphon.Cli.Brokers;
using Antiphon.Cli.CommandLine;
using Antiphon.Cli.Output;
using Antiphon.Server.Configuration;

namespace Antiphon.Cli.Access;

/// <summary><c>antiphon acl test</c>: says whether a client may do something, and which rule says so. No broker is needed.</summary>
internal static class AclTestCommand
{
    public const string Example = """
        antiphon acl test --config antiphon.json --user ann --client-id c1 --request devices/d1/relay
        antiphon acl test --config antiphon.json --user d1 --client-id d1 --respond 'devices/d1/#'
        antiphon acl test --config antiphon.json --client-id c2 --subscribe '#'
        antiphon acl test --config antiphon.json --user eve --group guests --claim site=north --publish sites/north/door
        """;

    private const string NameAndValue = "NAME=VALUE";

    public static Command Create(Terminal terminal, TimeProvider time)
    {
        var command = new Command(
            "test",
            "Says whether a client may publish, subscribe, request or respond by the rules of a configuration file, "
            + "and which rule decides. Ends with 0 if it may, with 4 if not.");
        var config = new Option<FileInfo>("--config", "-c")
        {
            Description = "The configuration file.",
            HelpName = "FILE",
            Required = true,
        };
        var set = BrokerSettings.CreateSet();
        var user = new Option<string?>("--user", "-u")
        {
            Description = "The user name; without it the client is anonymous.",
            HelpName = "NAME",
        };
        var clientId = new Option<string>("--client-id", "-i")
        {
            Description = "The Client Identifier.",
            HelpName = "ID",
            DefaultValueFactory = _ => "",
        };
        var groups = new Option<string[]>("--group")
        {
            Description = "A group that the user is in, beside those of the file; may be given several times.",
            HelpName = "NAME",
            Arity = ArgumentArity.OneOrMore,
        };
        var claims = new Option<KeyValuePair<string, string>[]>("--claim")
        {
            Description = "What else is known of the user, as by a token; may be given several times.",
            HelpName = NameAndValue,
            Arity = ArgumentArity.OneOrMore,
            CustomParser = result =>
            [
                .. result.Tokens.Select(token => token.Value.Split('=', 2)).Select(parts =>
                {
                    if (parts is not [{ Length: > 0 } name, var value])
                    {
                        result.AddError($"--claim «{parts[0]}» is not {NameAndValue}; write for instance --claim site=north.");
                        return default;
                    }

                    return KeyValuePair.Create(name, value);
                }),
            ],
        };
        (Permissions Permission, Option<string?> Option)[] questions =
        [
            (Permissions.Publish, Ask("--publish", "TOPIC", "Whether it may publish there, without a Response Topic.")),
            (Permissions.Subscribe, Ask("--subscribe", "FILTER", "Whether it may subscribe; who may respond may do that, too.")),
            (Permissions.Request, Ask("--request", "TOPIC", "Whether it may publish a request there, which has a Response Topic.")),
            (Permissions.Respond, Ask("--respond", "FILTER", "Whether it may subscribe to requests there and answer them.")),
        ];
        Option[] options = [config, set, user, clientId, groups, claims, .. questions.Select(question => question.Option)];
        Array.ForEach(options, command.Options.Add);
        command.SetAction(line =>
        {
            var asked = questions.Where(question => line.GetValue(question.Option) is not null).ToArray();
            if (asked is not [var (permission, option)])
            {
                throw new UsageException("Ask one thing: --publish, --subscribe, --request or --respond.");
            }

            var file = new ConfigurationFile(
                line.GetRequiredValue(config).ToString(), BrokerSettings.ReadEnvironment(), line.GetValue(set) ?? [], time);
            var rules = BrokerSettings.OptionsOf(file.Read()).Broker.AccessRules;
            var client = new ClientIdentity(
                line.GetRequiredValue(clientId), UserOf(line.GetValue(user), line.GetValue(groups), line.GetValue(claims)));
            var answer = AclAnswer.Of(rules, client, permission, line.GetValue(option)!);
            terminal.Data(answer.Sentence);
            return (int)(answer.IsAllowed ? ExitCode.Success : ExitCode.Denied);
        });
        return command;
    }

    private static Option<string?> Ask(string name, string helpName, string description) =>
        new(name) { Description = description, HelpName = helpName };

    private static ClientUser? UserOf(string? name, string[]? groups, KeyValuePair<string, string>[]? claims)
    {
        if (name is null)
        {
            return groups is { Length: > 0 } || claims is { Length: > 0 }
                ? throw new UsageException("--group and --claim say more of a user: give --user too.")
                : null;
        }

        return new ClientUser(name)
        {
            Groups = [.. groups ?? []],
            Claims = (claims ?? []).Aggregate(
                ImmutableDictionary<string, string>.Empty, (known, claim) => known.SetItem(claim.Key, claim.Value)),
        };
    }
}
