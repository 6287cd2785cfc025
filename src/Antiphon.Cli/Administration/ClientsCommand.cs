using System.CommandLine;
using Antiphon.Cli.Output;

namespace Antiphon.Cli.Administration;

/// <summary><c>antiphon clients</c>: who is connected, and ending a connection.</summary>
internal static class ClientsCommand
{
    public const string Example = """
        antiphon clients list
        antiphon clients show device_1
        antiphon clients kick device_1
        """;

    public const string ListExample = """
        antiphon clients list
        antiphon clients list --json --url https://broker.example:8081 --token-file admin.token
        """;

    public const string ShowExample = "antiphon clients show device_1";

    public const string KickExample = "antiphon clients kick device_1 device_2";

    public static Command Create(Terminal terminal, Action<Command, string> addExample)
    {
        var command = new Command("clients", "Lists the clients that are connected to a broker, shows one, or ends a connection.");
        Add(CreateList(terminal), ListExample);
        Add(CreateShow(terminal), ShowExample);
        Add(CreateKick(terminal), KickExample);
        return command;

        void Add(Command subcommand, string example)
        {
            command.Subcommands.Add(subcommand);
            addExample(subcommand, example);
        }
    }

    private static Command CreateList(Terminal terminal)
    {
        var command = new Command("list", "Prints the clients that are connected, a line each.");
        var json = AdminCommands.Json("Prints a line of JSON for each client.");
        command.Options.Add(json);
        command.SetAction(new AdminConnection(command), (line, endpoint, interrupted) => AdminCommands.PrintAsync(
            terminal,
            endpoint.ListAsync("/v1/clients", interrupted),
            line.GetValue(json),
            new Table("CLIENT", "USER", "ADDRESS", "LISTENER", "MQTT", "TLS", "CONNECTED", "SILENT"),
            row =>
            [
                Table.Text(row, "clientId"),
                Table.Text(row, "user"),
                Table.Text(row, "address"),
                Table.Text(row, "listener"),
                Table.Text(row, "protocol"),
                Table.Text(row, "tls"),
                Table.Duration(row, "connectedSeconds"),
                Table.Duration(row, "silentSeconds"),
            ]));
        return command;
    }

    private static Command CreateShow(Terminal terminal)
    {
        var command = new Command("show", "Prints what the broker knows of one client, connected or away.");
        var id = new Argument<string>("CLIENT") { Description = "The Client Identifier." };
        var json = AdminCommands.Json("Prints a line of JSON.");
        command.Arguments.Add(id);
        command.Options.Add(json);
        command.SetAction(new AdminConnection(command), (line, endpoint, interrupted) =>
            AdminCommands.ShowAsync(terminal, endpoint, line.GetRequiredValue(id), line.GetValue(json), interrupted));
        return command;
    }

    private static Command CreateKick(Terminal terminal)
    {
        var command = new Command(
            "kick", "Ends the connections of clients with 0x98 Administrative action. Their Sessions stay, and they may connect again.");
        var ids = AdminCommands.ClientIds();
        command.Arguments.Add(ids);
        command.SetAction(new AdminConnection(command), (line, endpoint, interrupted) =>
            AdminCommands.EndAllAsync(
                terminal, endpoint, "/v1/client", "Ended the connection of", line.GetRequiredValue(ids), interrupted));
        return command;
    }
}
