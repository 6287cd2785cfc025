using System.CommandLine;
using Antiphon.Cli.CommandLine;
using Antiphon.Cli.Connecting;
using Antiphon.Cli.Output;

namespace Antiphon.Cli.Probing;

/// <summary><c>antiphon probe</c>: says what a broker can.</summary>
internal static class ProbeCommand
{
    public const string Example = """
        antiphon probe
        antiphon probe --host broker.example --json
        """;

    private const string Green = "\e[32m";
    private const string Yellow = "\e[33m";
    private const string Plain = "\e[0m";

    public static Command Create(Terminal terminal, TimeProvider time)
    {
        var command = new Command(
            "probe",
            "Says what a broker can and what it limits, as far as request/response is concerned. "
            + "Publishes and subscribes under antiphon/probe/.");
        var json = new Option<bool>("--json")
        {
            Description = "Prints a line of JSON; what could not be found out, and what has no limit, is left out.",
        };
        command.Options.Add(json);
        var connection = new ConnectionOptions(command, terminal) { NeedsVersion5 = "What is probed needs" };
        command.SetAction(async (line, interrupted) =>
        {
            var options = await connection.ReadAsync(line, interrupted);

            // A Session under a name that somebody chose would stay behind for ever.
            options = options with
            {
                KeepAlive = Probe.KeepAlive,
                SessionExpiry = options.ClientId is null ? Timeout.InfiniteTimeSpan : options.SessionExpiry,
            };
            await using var client = await connection.ConnectAsync(options, interrupted);
            var result = await Probe.RunAsync(client, options, time, interrupted);
            if (line.GetValue(json))
            {
                terminal.Json(result, JsonLines.Instance.ProbeResult);
            }
            else
            {
                Print(terminal, result);
            }

            return (int)ExitCode.Success;
        });
        return command;
    }

    private static void Print(Terminal terminal, ProbeResult result)
    {
        var rows = result.Rows().ToList();
        var width = rows.Max(row => row.Name.Length) + 2;
        foreach (var (name, value, isGood) in rows)
        {
            var colour = !terminal.HasColour || isGood is null ? "" : isGood.Value ? Green : Yellow;
            terminal.Data($"{name.PadRight(width)}{colour}{value}{(colour.Length > 0 ? Plain : "")}");
        }
    }
}
