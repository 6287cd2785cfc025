using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Antiphon.Cli.Output;

namespace Antiphon.Cli.Administration;

/// <summary><c>antiphon topics</c>: what is subscribed to, and what is retained.</summary>
internal static class TopicsCommand
{
    public const string Example = """
        antiphon topics
        antiphon topics --retained
        antiphon topics --system --json
        """;

    public static Command Create(Terminal terminal)
    {
        var command = new Command(
            "topics",
            "Prints the Topic Filters that clients subscribe to, with how many subscriptions each has and how many of them count as "
            + "responders; or the topics of the retained messages.");
        var retained = new Option<bool>("--retained") { Description = "Prints the retained messages instead, without their payloads." };
        var system = new Option<bool>("--system")
        {
            Description = "Also what begins with $SYS or $reply, which are the broker's figures and the response topics of requesters.",
        };
        var json = AdminCommands.Json("Prints a line of JSON for each.");
        command.Options.Add(retained);
        command.Options.Add(system);
        command.Options.Add(json);
        command.SetAction(new AdminConnection(command), (line, endpoint, interrupted) => line.GetValue(retained)
            ? PrintRetainedAsync(terminal, endpoint, line.GetValue(system), line.GetValue(json), interrupted)
            : PrintFiltersAsync(terminal, endpoint, line.GetValue(system), line.GetValue(json), interrupted));
        return command;
    }

    private static bool IsOfTheBroker(string topic) =>
        topic is "$SYS" || topic.StartsWith("$SYS/", StringComparison.Ordinal) || topic.StartsWith("$reply/", StringComparison.Ordinal);

    private static Task PrintRetainedAsync(
        Terminal terminal, AdminEndpoint endpoint, bool withSystem, bool asJson, CancellationToken interrupted) => AdminCommands.PrintAsync(
        terminal,
        endpoint.ListAsync("/v1/retained", interrupted)
            .Where(row => withSystem || !IsOfTheBroker(Table.Text(row.Row, "topic"))),
        asJson,
        new Table("TOPIC", "QOS", "BYTES", "CLIENT", "EXPIRES IN"),
        row =>
        [
            Table.Text(row, "topic"),
            Table.Text(row, "qos"),
            Table.Text(row, "payloadBytes"),
            Table.Text(row, "clientId"),
            Table.Duration(row, "expiresInSeconds"),
        ]);

    private static async Task PrintFiltersAsync(
        Terminal terminal, AdminEndpoint endpoint, bool withSystem, bool asJson, CancellationToken interrupted)
    {
        var filters = new SortedDictionary<string, TopicLine>(StringComparer.Ordinal);
        await foreach (var (_, row) in endpoint.ListAsync("/v1/subscriptions", interrupted))
        {
            var filter = Table.Text(row, "topicFilter");
            if (withSystem || !IsOfTheBroker(filter))
            {
                filters[filter] = Add(filters.GetValueOrDefault(filter) ?? new TopicLine(filter, 0, 0, 0), row);
            }
        }

        var table = new Table("TOPIC FILTER", "SUBSCRIPTIONS", "CONNECTED", "RESPONDERS");
        foreach (var line in filters.Values)
        {
            if (asJson)
            {
                terminal.Json(line, AdminLines.Instance.TopicLine);
            }
            else
            {
                table.Add(line.TopicFilter, Number(line.Subscriptions), Number(line.Connected), Number(line.Responders));
            }
        }

        table.Print(terminal);
    }

    private static TopicLine Add(TopicLine line, JsonElement row) => line with
    {
        Subscriptions = line.Subscriptions + 1,
        Connected = line.Connected + (Is(row, "connected") ? 1 : 0),
        Responders = line.Responders + (Is(row, "responder") ? 1 : 0),
    };

    private static bool Is(JsonElement row, string member) =>
        row.TryGetProperty(member, out var value) && value.ValueKind == JsonValueKind.True;

    private static string Number(int value) => value.ToString(CultureInfo.InvariantCulture);
}
