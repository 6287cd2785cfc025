using System.CommandLine;
using Antiphon.Cli.CommandLine;
using Antiphon.Cli.Connecting;
using Antiphon.Cli.Output;

namespace Antiphon.Cli.Contexts;

/// <summary><c>antiphon context</c>: saves how to connect under a name. Passwords are never saved.</summary>
internal static class ContextCommand
{
    public const string Example = """
        antiphon context add home --url mqtts://broker.example --username ann --password-file ~/.antiphon-password
        antiphon context select home
        antiphon request device_1/relay_1 1
        antiphon request device_1/relay_1 1 --context work
        antiphon context list
        """;

    public const string AddExample = """
        antiphon context add home --url mqtts://broker.example --username ann --cafile ca.pem
        antiphon context add work --host 10.0.0.7 --port 1884
        """;

    public const string SelectExample = """
        antiphon context select home
        antiphon context select
        """;

    public const string ListExample = "antiphon context list";

    public const string ShowExample = "antiphon context show home";

    public const string RemoveExample = "antiphon context remove home";

    public static Command Create(Terminal terminal, TimeProvider time, Action<Command, string> addExample)
    {
        var command = new Command(
            "context",
            "Saves how to connect under a name. Commands that name no broker by --url or --host use the context that is selected, "
            + "or that of --context; what their command line says besides goes before what is saved. "
            + $"Contexts hold no passwords; they stand in {ContextFile.Path}.");
        Add(CreateAdd(terminal, time), AddExample);
        Add(CreateSelect(terminal, time), SelectExample);
        Add(CreateList(terminal), ListExample);
        Add(CreateShow(terminal), ShowExample);
        Add(CreateRemove(terminal, time), RemoveExample);
        return command;

        void Add(Command subcommand, string example)
        {
            command.Subcommands.Add(subcommand);
            addExample(subcommand, example);
        }
    }

    private static Command CreateAdd(Terminal terminal, TimeProvider time)
    {
        var command = new Command("add", "Saves a context, in place of an earlier one of that name. Nothing is connected to.");
        var name = Name("Its name: letters, digits and . _ -");
        name.Validators.Add(result =>
        {
            if (result.Tokens is [{ Value: var text }] && !text.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '_' or '-'))
            {
                result.AddError($"NAME «{text}» is not possible; use letters, digits and . _ -");
            }
        });
        command.Arguments.Add(name);
        var connection = new ConnectionSettings(command, terminal);
        command.SetAction(async (line, interrupted) =>
        {
            var options = new SortedDictionary<string, string[]>(connection.Save(line), StringComparer.Ordinal);
            var context = line.GetRequiredValue(name);
            await ContextFile.ChangeAsync(
                file => file with { Contexts = new(file.Contexts, StringComparer.Ordinal) { [context] = options } }, time, interrupted);
            terminal.Note($"Context «{context}» is saved. Use it with --context {context}, or always: antiphon context select {context}");
            return (int)ExitCode.Success;
        });
        return command;
    }

    private static Command CreateSelect(Terminal terminal, TimeProvider time)
    {
        var command = new Command("select", "Has commands that name no broker use a context; without NAME, none.");
        var name = new Argument<string?>("NAME") { Description = "The context.", Arity = ArgumentArity.ZeroOrOne };
        Complete(name);
        command.Arguments.Add(name);
        command.SetAction(async (line, interrupted) =>
        {
            var context = line.GetValue(name);
            await ContextFile.ChangeAsync(
                file =>
                {
                    _ = context is null ? null : file.Get(context);
                    return file with { Selected = context };
                },
                time,
                interrupted);
            terminal.Note(context is null ? "No context is selected." : $"Context «{context}» is selected.");
            return (int)ExitCode.Success;
        });
        return command;
    }

    private static Command CreateList(Terminal terminal)
    {
        var command = new Command("list", "Prints the contexts, a line each; * marks the one that is selected.");
        command.SetAction(_ =>
        {
            var file = ContextFile.Load();
            foreach (var (name, options) in file.Contexts)
            {
                terminal.Data($"{(name == file.Selected ? '*' : ' ')} {name}  {Describe(options)}");
            }

            return (int)ExitCode.Success;
        });
        return command;
    }

    private static Command CreateShow(Terminal terminal)
    {
        var command = new Command("show", "Prints the options of a context, as they would stand on the command line, a line each.");
        var name = Name("The context.");
        Complete(name);
        command.Arguments.Add(name);
        command.SetAction(line =>
        {
            foreach (var option in ConnectionSettings.Arguments(ContextFile.Load().Get(line.GetRequiredValue(name))))
            {
                terminal.Data(option);
            }

            return (int)ExitCode.Success;
        });
        return command;
    }

    private static Command CreateRemove(Terminal terminal, TimeProvider time)
    {
        var command = new Command("remove", "Forgets a context.");
        var name = Name("The context.");
        Complete(name);
        command.Arguments.Add(name);
        command.SetAction(async (line, interrupted) =>
        {
            var context = line.GetRequiredValue(name);
            await ContextFile.ChangeAsync(
                file =>
                {
                    file.Get(context);
                    var contexts = new SortedDictionary<string, SortedDictionary<string, string[]>>(file.Contexts, StringComparer.Ordinal);
                    contexts.Remove(context);
                    return new ContextFile(file.Selected == context ? null : file.Selected, contexts);
                },
                time,
                interrupted);
            terminal.Note($"Context «{context}» is removed.");
            return (int)ExitCode.Success;
        });
        return command;
    }

    private static Argument<string> Name(string description) => new("NAME") { Description = description };

    private static void Complete(Argument argument) => argument.CompletionSources.Add(_ => ContextFile.Load().Contexts.Keys);

    private static string Describe(SortedDictionary<string, string[]> options) =>
        options.TryGetValue("url", out var url) ? url[0]
        : $"{(options.TryGetValue("host", out var host) ? host[0] : "localhost")}"
            + $"{(options.TryGetValue("port", out var port) ? $":{port[0]}" : "")}";
}
