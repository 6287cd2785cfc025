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
        antiphon sub sensor_1/temperature --count 1 --wait 10s
        antiphon sub 'device_1/#' --verbose --format hex
        antiphon sub 'device_1/#' --json --properties
        antiphon sub 'device_1/#' --client-id logger --no-clean-start --session-expiry 86400
        antiphon sub 'device_1/#' --qos 2 --retained-only --url mqtts://broker.example
        """;

    public static Command Create(Terminal terminal, TimeProvider time)
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
        var properties = new Option<bool>("--properties")
        {
            Description =
                "Prints all that a message says, behind the payload a line each; "
                + "with --json also what has its default, and the Topic Filter it came through.",
        };
        var qos = Values.AnyQoS("The highest QoS to receive with.");
        var retained = new RetainedSettings(command);
        command.Arguments.Add(filters);
        var wait = Values.Duration(
            "--wait", "Ends after so long, counted from the connection; with --count, too few messages until then end with exit code 6.");
        wait.Aliases.Add("-W");
        command.Options.Add(count);
        command.Options.Add(wait);
        command.Options.Add(verbose);
        var format = new FormatOptions(command, "Prints a line of JSON for each message, with its properties.");
        command.Options.Add(properties);
        command.Options.Add(qos);
        var session = new SessionSettings(command);
        var will = new WillSettings(command);
        var connection = new ConnectionOptions(command, terminal);
        command.SetAction(async (line, interrupted) =>
        {
            var inFull = line.GetValue(properties);
            var print = format.Read(line) is not { } form ? PrintJson(terminal, inFull)
                : line.GetValue(verbose) ? PrintWithTopic(terminal, form)
                : PrintPayload(terminal, form);
            if (inFull && !format.IsJson(line))
            {
                print += PrintProperties(terminal);
            }

            return (int)await RunAsync();

            async Task<ExitCode> RunAsync()
            {
                var options = session.Read(line, await connection.ReadAsync(line, interrupted)) with { Will = will.Read(line) };
                if (options.ProtocolVersion == ProtocolVersion.V311)
                {
                    retained.ThrowIfGiven(line);
                    will.ThrowIfGiven(line);
                }

                terminal.WatchReader();
                await using var client = await connection.ConnectAsync(options, interrupted);
                using var timeIsUp = new CancellationTokenSource(line.GetValue(wait) ?? Timeout.InfiniteTimeSpan, time);
                await using var listening = new Listening(client, print, line.GetValue(count))
                {
                    Wants = retained.Filter(line),
                    KeepsSession = session.Keeps(line),
                    OutputLost = terminal.OutputLost,
                };
                foreach (var filter in line.GetRequiredValue(filters).Distinct())
                {
                    await listening.SubscribeAsync(
                        filter, retained.Read(line) with { MaximumQoS = line.GetValue(qos) ?? QualityOfService.AtLeastOnce }, interrupted);
                    terminal.Note($"subscribed to {filter}");
                }

                var end = await listening.EndAsync(timeIsUp.Token, interrupted);
                if (end == ExitCode.Timeout)
                {
                    terminal.Complain(
                        $"{listening.Printed} of {line.GetValue(count)} messages came within "
                        + $"{line.GetValue(wait)!.Value.TotalSeconds:0.###} s. Raise --wait, or ask for a smaller --count.");
                }

                return end;
            }
        });
        return command;
    }

    private static Action<ReceivedMessage> PrintPayload(Terminal terminal, Func<ReadOnlyMemory<byte>, byte[]> form) =>
        message => terminal.Data(form(message.Payload));

    private static Action<ReceivedMessage> PrintWithTopic(Terminal terminal, Func<ReadOnlyMemory<byte>, byte[]> form) => message =>
        terminal.Data([.. System.Text.Encoding.UTF8.GetBytes(message.Topic), (byte)' ', .. form(message.Payload)]);

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
