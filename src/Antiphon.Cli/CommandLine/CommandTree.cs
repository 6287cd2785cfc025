using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Parsing;
using System.Text;
using Antiphon.Cli.Access;
using Antiphon.Cli.Administration;
using Antiphon.Cli.Brokers;
using Antiphon.Cli.Completing;
using Antiphon.Cli.Contexts;
using Antiphon.Cli.Demo;
using Antiphon.Cli.Importing;
using Antiphon.Cli.Loads;
using Antiphon.Cli.Output;
using Antiphon.Cli.Passwords;
using Antiphon.Cli.Probing;
using Antiphon.Cli.Publishing;
using Antiphon.Cli.Replies;
using Antiphon.Cli.Requests;
using Antiphon.Cli.Subscribing;

namespace Antiphon.Cli.CommandLine;

/// <summary>
/// The commands of the program, and what every one of them has: an example in its help, one sentence for an error, an exit code.
/// </summary>
internal static class CommandTree
{
    private const string Description = """
        MQTT 5 request/response: a broker, a requester, a responder, and tools to look at them.

        Exit codes: 0 ok, 1 other, 2 wrong usage, 3 no connection, 4 denied, 5 no responder, 6 timeout,
        7 remote error, 8 fewer replies than asked, 130 interrupted, 141 output no longer read.
        Data goes to the standard output, everything else to the standard error.
        """;

    private const string Example = """
        antiphon demo
        antiphon broker --port 1883
        antiphon reply device_1/relay_1 --echo
        antiphon request device_1/relay_1 1
        """;

    public static async Task<ExitCode> RunAsync(string[] args, Terminal terminal, TimeProvider time, CancellationToken interrupted)
    {
        var quiet = new Option<bool>("--quiet")
        {
            Description = "Says nothing on the standard error but what went wrong.",
            Recursive = true,
        };
        var root = Create(terminal, time);
        root.Options.Add(quiet);

        // «@text» is a payload like any other, not the name of a file with more arguments.
        var parsed = root.Parse(args, new ParserConfiguration { ResponseFileTokenReplacer = null });
        var misplacedHelp = MisplacedHelp(parsed);
        string[] mistakes = misplacedHelp is not null ? [misplacedHelp]
            : parsed.Action is HelpWithExample ? []
            : [.. MisspeltOptions(parsed), .. parsed.Errors.Select(error => error.Message).Distinct()];
        if (mistakes.Length > 0)
        {
            foreach (var sentence in mistakes)
            {
                terminal.Complain(sentence);
            }

            terminal.Complain($"See: {NameOf(parsed.CommandResult.Command)} --help");
            return ExitCode.Usage;
        }

        terminal.IsQuiet = parsed.GetValue(quiet);

        // Without a place for its data the command ends as by Ctrl-C, whatever it is about.
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(interrupted, terminal.OutputLost);
        try
        {
            // What the parser prints by itself, such as help, goes where all data goes. Signals are handled by Interruption alone.
            using var output = new StringWriter { NewLine = "\n" };
            var invocation = new InvocationConfiguration
            {
                EnableDefaultExceptionHandler = false,
                ProcessTerminationTimeout = null,
                Output = output,
            };
            var exitCode = (ExitCode)await parsed.InvokeAsync(invocation, ended.Token);
            terminal.Raw(Encoding.UTF8.GetBytes(output.ToString()));
            return terminal.Failure is { } lost ? End(terminal, lost, interrupted) : exitCode;
        }
        catch (Exception e)
        {
            // The last catch of the program: whatever it was, the person gets a sentence and the script gets a code.
            return End(terminal, terminal.Failure ?? e, interrupted);
        }
    }

    private static ExitCode End(Terminal terminal, Exception why, CancellationToken interrupted)
    {
        var failure = Failure.From(why, interrupted);
        if (failure.ExitCode != ExitCode.ReaderGone)
        {
            terminal.Complain(failure.Sentence);
        }

        return failure.ExitCode;
    }

    private static RootCommand Create(Terminal terminal, TimeProvider time)
    {
        var root = new RootCommand(Description);
        var examples = new Dictionary<Command, string> { [root] = Example };
        Add(BrokerCommand.Create(terminal, time, examples.Add), BrokerCommand.Example);
        Add(PasswdCommand.Create(terminal, time), PasswdCommand.Example);
        Add(AclCommand.Create(terminal, time, examples.Add), AclCommand.Example);
        Add(ImportCommand.Create(terminal, time, examples.Add), ImportCommand.Example);
        Add(RequestCommand.Create(terminal, time), RequestCommand.Example);
        Add(ReplyCommand.Create(terminal, time), ReplyCommand.Example);
        Add(PubCommand.Create(terminal, time), PubCommand.Example);
        Add(SubCommand.Create(terminal, time), SubCommand.Example);
        Add(ProbeCommand.Create(terminal, time), ProbeCommand.Example);
        Add(StatusCommand.Create(terminal), StatusCommand.Example);
        Add(ClientsCommand.Create(terminal, examples.Add), ClientsCommand.Example);
        Add(SessionsCommand.Create(terminal, examples.Add), SessionsCommand.Example);
        Add(TopicsCommand.Create(terminal), TopicsCommand.Example);
        Add(BenchCommand.Create(terminal, time, examples.Add), BenchCommand.Example);
        Add(ContextCommand.Create(terminal, time, examples.Add), ContextCommand.Example);
        Add(CompletionCommand.Create(terminal), CompletionCommand.Example);
        Add(DemoCommand.Create(terminal, time), DemoCommand.Example);

        var help = root.Options.OfType<HelpOption>().Single();
        help.Action = new HelpWithExample((HelpAction)help.Action!, examples);
        return root;

        void Add(Command command, string example)
        {
            root.Subcommands.Add(command);
            examples.Add(command, example);
        }
    }

    // Elsewhere -h takes the broker's name: «pub topic text -h broker» is not a wish for help.
    private static string? MisplacedHelp(ParseResult parsed)
    {
        var behind = parsed.Tokens.SkipWhile(token => token is not { Type: TokenType.Option, Value: "-h" }).Skip(1).FirstOrDefault();
        return behind is null
            ? null
            : $"-h is for help, and nothing stands behind it. If «{behind.Value}» is the broker, it goes behind --host.";
    }

    // The parser takes an option that it does not know for an argument where one fits: a mistyped option must not go out as the payload.
    private static IEnumerable<string> MisspeltOptions(ParseResult parsed)
    {
        var beforeDashes = parsed.Tokens.TakeWhile(token => token.Type != TokenType.DoubleDash).ToHashSet();
        return parsed.CommandResult.Children.OfType<ArgumentResult>()
            .SelectMany(argument => argument.Tokens)
            .Where(token => token.Value is ['-', not (>= '0' and <= '9'), ..] && beforeDashes.Contains(token))
            .Select(token => $"There is no option {token.Value}. If it is meant as it stands, put -- before it.");
    }

    private static string NameOf(Command command) =>
        command.Parents.OfType<Command>().SingleOrDefault() is { } parent ? $"{NameOf(parent)} {command.Name}" : "antiphon";
}
