using System.CommandLine;
using Antiphon.Cli.Output;

namespace Antiphon.Cli.Administration;

/// <summary><c>antiphon sessions</c>: the Sessions of clients connected and away, and ending one.</summary>
internal static class SessionsCommand
{
    public const string Example = """
        antiphon sessions list
        antiphon sessions show device_1
        antiphon sessions drop device_1
        """;

    public const string ListExample = """
        antiphon sessions list
        antiphon sessions list --json
        """;

    public const string ShowExample = "antiphon sessions show device_1";

    public const string DropExample = "antiphon sessions drop device_1";

    public static Command Create(Terminal terminal, Action<Command, string> addExample)
    {
        var command = new Command(
            "sessions", "Lists the Sessions that a broker keeps, of clients connected and away, shows one, or ends it.");
        Add(CreateList(terminal), ListExample);
        Add(CreateShow(terminal), ShowExample);
        Add(CreateDrop(terminal), DropExample);
        return command;

        void Add(Command subcommand, string example)
        {
            command.Subcommands.Add(subcommand);
            addExample(subcommand, example);
        }
    }

    private static Command CreateList(Terminal terminal)
    {
        var command = new Command("list", "Prints the Sessions, a line each.");
        var json = AdminCommands.Json("Prints a line of JSON for each Session.");
        command.Options.Add(json);
        command.SetAction(new AdminConnection(command), (line, endpoint, interrupted) => AdminCommands.PrintAsync(
            terminal,
            endpoint.ListAsync("/v1/sessions", interrupted),
            line.GetValue(json),
            new Table("CLIENT", "USER", "CONNECTED", "SUBSCRIPTIONS", "QUEUED", "QUEUED BYTES", "ENDS IN"),
            row =>
            [
                Table.Text(row, "clientId"),
                Table.Text(row, "user"),
                Table.Text(row, "connected"),
                Table.Text(row, "subscriptions"),
                Table.Text(row, "queuedMessages"),
                Table.Text(row, "queuedBytes"),
                Table.Duration(row, "endsInSeconds"),
            ]));
        return command;
    }

    private static Command CreateShow(Terminal terminal)
    {
        var command = new Command("show", "Prints what the broker knows of one Session and its client.");
        var id = new Argument<string>("CLIENT") { Description = "The Client Identifier." };
        var json = AdminCommands.Json("Prints a line of JSON.");
        command.Arguments.Add(id);
        command.Options.Add(json);
        command.SetAction(new AdminConnection(command), (line, endpoint, interrupted) =>
            AdminCommands.ShowAsync(terminal, endpoint, line.GetRequiredValue(id), line.GetValue(json), interrupted));
        return command;
    }

    private static Command CreateDrop(Terminal terminal)
    {
        var command = new Command(
            "drop", "Ends Sessions, with their subscriptions and all that waits in them; a client that is connected is told 0x98.");
        var ids = AdminCommands.ClientIds();
        command.Arguments.Add(ids);
        command.SetAction(new AdminConnection(command), (line, endpoint, interrupted) =>
            AdminCommands.EndAllAsync(terminal, endpoint, "/v1/session", "Ended the Session of", line.GetRequiredValue(ids), interrupted));
        return command;
    }
}
