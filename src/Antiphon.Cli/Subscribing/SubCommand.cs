using System.CommandLine;
using Antiphon.Cli.CommandLine;
using Antiphon.Cli.Connecting;
using Antiphon.Cli.Output;
using Antiphon.Client;
using Antiphon.Protocol;

namespace Antiphon.Cli.Subscribing;

/// <summary><c>antiphon sub</c>: prints what is published.</summary>
internal static class SubCommand
{
    public const string Example = """
        antiphon sub 'device_1/#' --verbose
        antiphon sub sensor_1/temperature --count 1
        antiphon sub 'device_1/#' --json --properties
        antiphon sub 'device_1/#' --client-id logger --no-clean-start --session-expiry 86400
        antiphon sub 'device_1/#' --qos 2 --retained-only --url mqtts://broker.example
        """;

    public static Command Create(Terminal terminal)
    {
        var command = new Command("sub", "Subscribes and prints the payload of each message, a line each, until Ctrl-C.");
        var filters = new Argument<string[]>("FILTER")
        {
            Description = "Topic Filters; + and # are wildcards.",
            Arity = ArgumentArity.OneOrMore,
        };
        filters.Validators.Add(Values.CheckTopicFilter);
        var count = Values.Count("--count", "Ends after so many messages.", "-C");
        var verbose = new Option<bool>("--verbose", "-v") { Description = "Prints the Topic Name and a blank before each payload." };
        var json = new Option<bool>("--json") { Description = "Prints a line of JSON for each message, with its properties." };
        var properties = new Option<bool>("--properties")
        {
            Description =
                "Prints all that a message says, behind the payload a line each; "
                + "with --json also what has its default, and the Topic Filter it came through.",
        };
        var qos = Values.AnyQoS("The highest QoS to receive with.");
        var retained = new RetainedSettings(command);
        command.Arguments.Add(filters);
        command.Options.Add(count);
        command.Options.Add(verbose);
        command.Options.Add(json);
        command.Options.Add(properties);
        command.Options.Add(qos);
        var session = new SessionSettings(command);
        var will = new WillSettings(command);
        var connection = new ConnectionOptions(command, terminal);
        command.SetAction(async (line, interrupted) =>
        {
            var inFull = line.GetValue(properties);
            var print = line.GetValue(json) ? PrintJson(terminal, inFull)
                : line.GetValue(verbose) ? PrintWithTopic(terminal)
                : PrintPayload(terminal);
            if (inFull && !line.GetValue(json))
            {
                print += PrintProperties(terminal);
            }

            return (int)await RunAsync();

            async Task<ExitCode> RunAsync()
            {
                var options = session.Read(line, await connection.ReadAsync(line, interrupted)) with { Will = will.Read(line) };
                await using var client = await connection.ConnectAsync(options, interrupted);
                await using var listening = new Listening(client, print, line.GetValue(count))
                {
                    Wants = retained.Filter(line),
                    KeepsSession = session.Keeps(line),
                };
                foreach (var filter in line.GetRequiredValue(filters).Distinct())
                {
                    await listening.SubscribeAsync(
                        filter, retained.Read(line) with { MaximumQoS = line.GetValue(qos) ?? QualityOfService.AtLeastOnce }, interrupted);
                    terminal.Note($"subscribed to {filter}");
                }

                return await listening.EndAsync(interrupted);
            }
        });
        return command;
    }

    private static Action<ReceivedMessage> PrintPayload(Terminal terminal) => message => terminal.Data(message.Payload.Span);

    private static Action<ReceivedMessage> PrintWithTopic(Terminal terminal) => message =>
        terminal.Data([.. System.Text.Encoding.UTF8.GetBytes(message.Topic), (byte)' ', .. message.Payload.Span]);

    private static Action<ReceivedMessage> PrintJson(Terminal terminal, bool inFull) => message =>
        terminal.Json(MessageLine.From(message, inFull), JsonLines.Instance.MessageLine);

    private static Action<ReceivedMessage> PrintProperties(Terminal terminal) => message =>
    {
        foreach (var property in MessageProperties.LinesOf(message))
        {
            terminal.Data($"  {property}");
        }
    };
}
