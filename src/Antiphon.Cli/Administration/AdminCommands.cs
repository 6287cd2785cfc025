using System.CommandLine;
using System.Text.Json;
using Antiphon.Cli.CommandLine;
using Antiphon.Cli.Output;

namespace Antiphon.Cli.Administration;

/// <summary>What the commands of operators have in common.</summary>
internal static class AdminCommands
{
    public static Option<bool> Json(string description) => new("--json") { Description = description };

    public static Argument<string[]> ClientIds() => new("CLIENT")
    {
        Description = "The Client Identifier; may be several.",
        Arity = ArgumentArity.OneOrMore,
    };

    /// <summary>A command that asks the endpoint.</summary>
    public static void SetAction(
        this Command command, AdminConnection connection, Func<ParseResult, AdminEndpoint, CancellationToken, Task> run) =>
        command.SetAction(async (line, interrupted) =>
        {
            using var endpoint = connection.Read(line);
            await run(line, endpoint, interrupted);
            return (int)ExitCode.Success;
        });

    /// <summary>Prints a listing: its lines as they come, or a table.</summary>
    public static async Task PrintAsync(
        Terminal terminal,
        IAsyncEnumerable<(string Line, JsonElement Row)> rows,
        bool asJson,
        Table table,
        Func<JsonElement, string[]> columns)
    {
        await foreach (var (line, row) in rows)
        {
            if (asJson)
            {
                terminal.Data(line);
            }
            else
            {
                table.Add(columns(row));
            }
        }

        table.Print(terminal);
    }

    /// <summary>Ends something of each client, and tells of those that have nothing of the kind once the others are done.</summary>
    /// <exception cref="AdminFailedException">Something could not be ended.</exception>
    public static async Task EndAllAsync(
        Terminal terminal, AdminEndpoint endpoint, string path, string done, IEnumerable<string> clientIds, CancellationToken interrupted)
    {
        AdminFailedException? failure = null;
        foreach (var id in clientIds.Distinct(StringComparer.Ordinal))
        {
            try
            {
                await endpoint.DeleteAsync($"{path}?id={Uri.EscapeDataString(id)}", interrupted);
                terminal.Note($"{done} «{id}».");
            }
            catch (AdminFailedException e) when (e.ExitCode == ExitCode.Other)
            {
                if (failure is not null)
                {
                    terminal.Complain(failure.Message);
                }

                failure = e;
            }
        }

        if (failure is not null)
        {
            throw failure;
        }
    }

    /// <summary>Shows one client, a line for each thing that is known.</summary>
    public static async Task ShowAsync(Terminal terminal, AdminEndpoint endpoint, string id, bool asJson, CancellationToken interrupted)
    {
        var client = await endpoint.GetAsync($"/v1/client?id={Uri.EscapeDataString(id)}", interrupted);
        if (asJson)
        {
            terminal.Data(client.GetRawText());
            return;
        }

        var session = client.GetProperty("session");
        var rows = new List<(string Name, string Value)>
        {
            ("client", Table.Text(session, "clientId")),
            ("user", Table.Text(session, "user")),
            ("connected", Table.Text(session, "connected")),
        };
        if (client.TryGetProperty("connection", out var connection))
        {
            rows.AddRange(
            [
                ("address", Table.Text(connection, "address")),
                ("listener", Table.Text(connection, "listener")),
                ("protocol", $"MQTT {Table.Text(connection, "protocol")}"),
                ("TLS", Table.Text(connection, "tls")),
                ("certificate", Table.Text(connection, "certificate")),
                ("connected for", Table.Duration(connection, "connectedSeconds")),
                ("silent for", Table.Duration(connection, "silentSeconds")),
                ("keep alive", Table.Duration(connection, "keepAliveSeconds")),
                ("output bytes", Table.Text(connection, "outputBytes")),
            ]);
        }

        rows.AddRange(
        [
            ("session expiry", Table.Duration(session, "expirySeconds")),
            ("ends in", Table.Duration(session, "endsInSeconds")),
            ("queued", $"{Table.Text(session, "queuedMessages")} messages, {Table.Text(session, "queuedBytes")} bytes"),
            ("unacknowledged", $"{Table.Text(session, "unacknowledgedMessages")} messages"),
            ("will", Table.Text(session, "hasWill")),
            ("subscriptions", Table.Text(session, "subscriptions")),
        ]);
        var pairs = new Table("WHAT", "VALUE");
        rows.ForEach(row => pairs.Add(row.Name, row.Value));
        pairs.Print(terminal);
        var subscriptions = new Table("TOPIC FILTER", "QOS", "RESPONDER");
        foreach (var row in client.GetProperty("subscriptions").EnumerateArray())
        {
            subscriptions.Add(Table.Text(row, "topicFilter"), Table.Text(row, "qos"), Table.Text(row, "responder"));
        }

        subscriptions.Print(terminal);
    }
}
