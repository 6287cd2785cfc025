using System.CommandLine;
using System.Text.Json;
using Antiphon.Cli.Output;

namespace Antiphon.Cli.Administration;

/// <summary><c>antiphon status</c>: how a broker is.</summary>
internal static class StatusCommand
{
    public const string Example = """
        antiphon status
        antiphon status --json
        """;

    private static readonly (string Name, string Member)[] Rows =
    [
        ("state", "state"),
        ("version", "version"),
        ("connections", "connections"),
        ("sessions", "sessions"),
        ("subscriptions", "subscriptions"),
        ("open exchanges", "openExchanges"),
        ("retained messages", "retainedMessages"),
        ("messages received", "messagesReceived"),
        ("messages sent", "messagesSent"),
        ("messages dropped", "messagesDropped"),
        ("bytes received", "bytesReceived"),
        ("bytes sent", "bytesSent"),
        ("connections refused", "connectionsRefused"),
        ("defects", "defects"),
    ];

    public static Command Create(Terminal terminal)
    {
        var command = new Command("status", "Says how a broker is: since when it runs, where it listens, and its figures.");
        var json = AdminCommands.Json("Prints a line of JSON.");
        command.Options.Add(json);
        command.SetAction(new AdminConnection(command), async (line, endpoint, interrupted) =>
        {
            var status = await endpoint.GetAsync("/v1/status", interrupted);
            if (line.GetValue(json))
            {
                terminal.Data(status.GetRawText());
            }
            else
            {
                Print(terminal, status);
            }
        });
        return command;
    }

    private static void Print(Terminal terminal, JsonElement status)
    {
        var table = new Table("WHAT", "VALUE");
        foreach (var (name, member) in Rows)
        {
            table.Add(name, Table.Text(status, member));
        }

        table.Add("up for", Table.Duration(status, "uptimeSeconds"));
        foreach (var listener in status.GetProperty("listeners").EnumerateArray())
        {
            table.Add("listens at", listener.ToString());
        }

        table.Print(terminal);
    }
}
