using System.CommandLine;
using Antiphon.Cli.CommandLine;
using Antiphon.Cli.Connecting;
using Antiphon.Cli.Output;
using Antiphon.Protocol;

namespace Antiphon.Cli.Publishing;

/// <summary><c>antiphon pub</c>: publishes a message and asks for nothing back.</summary>
internal static class PubCommand
{
    public const string Example = """
        antiphon pub device_1/status online
        echo 21.5 | antiphon pub sensor_1/temperature --stdin --qos 0
        antiphon pub device_1/status '{"on":true}' --content-type application/json -H trace=42
        antiphon pub device_1/status online --qos 2 --retain --url mqtts://broker.example
        tail -f readings.log | antiphon pub sensor_1/log --stdin-lines --expiry 1m
        antiphon pub device_1/relay_1 1 --response-topic answers/me --correlation-data 2a
        """;

    public static Command Create(Terminal terminal, TimeProvider time)
    {
        var command = new Command(
            "pub",
            "Publishes a message. With QoS 1 and 2 the broker's acknowledgement is waited for; it says nothing about who received it.");
        var topic = Values.TopicName("The Topic Name.");
        command.Arguments.Add(topic);
        var lines = new Option<bool>("--stdin-lines", "-l")
        {
            Description = "Publishes each line of the standard input as a message of its own; empty lines are left out.",
        };
        var payload = new PayloadOptions(command, lines);
        var properties = new MessagePropertyOptions(command);
        var qos = Values.AnyQoS("How often it may arrive: 0 at most once, 1 at least once, 2 exactly once.");
        var retain = new Option<bool>("--retain", "-r")
        {
            Description = "Lets the broker keep it for those who subscribe later; with an empty payload, lets it forget what it keeps.",
        };
        var responseTopic = Values.TopicPrefix("--response-topic", "Where an answer is to go, which makes the message a request.");
        responseTopic.HelpName = "TOPIC";
        var correlationData = Values.Bytes("--correlation-data", "What an answer is to repeat, as hexadecimal digits.");
        var expiry = Values.Duration(
            "--expiry", "How long the broker may keep the message for those who are away, in whole seconds. [default: without limit]");
        command.Options.Add(qos);
        command.Options.Add(retain);
        command.Options.Add(responseTopic);
        command.Options.Add(correlationData);
        command.Options.Add(expiry);
        var connection = new ConnectionOptions(command, terminal);
        command.SetAction(async (line, interrupted) =>
        {
            var options = await connection.ReadAsync(line, interrupted);
            if (options.ProtocolVersion == ProtocolVersion.V311)
            {
                properties.ThrowIfGiven(line, responseTopic, correlationData, expiry);
            }

            var body = await payload.ReadAsync(line, interrupted);
            await using var client = await connection.ConnectAsync(options, interrupted);
            var message = new ApplicationMessage
            {
                Topic = line.GetRequiredValue(topic),
                Payload = body.Bytes,
                // MQTT 3.1.1 has no place for it.
                PayloadIsUtf8 = body.IsText && client.ProtocolVersion == ProtocolVersion.V5 ? true : null,
                ContentType = properties.ContentType(line),
                UserProperties = properties.UserProperties(line),
                QoS = line.GetValue(qos) ?? QualityOfService.AtLeastOnce,
                Retain = line.GetValue(retain),
                ResponseTopic = line.GetValue(responseTopic),
                CorrelationData = line.GetValue(correlationData),
                MessageExpiryInterval = line.GetValue(expiry) is { } seconds ? (uint)Math.Ceiling(seconds.TotalSeconds) : null,
            };
            if (line.GetValue(lines))
            {
                await using var input = Console.OpenStandardInput();
                await new LinePublishing(client, message, terminal, time).RunAsync(input, interrupted);
                return (int)ExitCode.Success;
            }

            var result = await client.PublishAsync(message, interrupted);
            if (result.NoMatchingSubscribers)
            {
                terminal.Note($"Published, but nobody is subscribed to {message.Topic} (0x10 No matching subscribers).");
            }

            return (int)ExitCode.Success;
        });
        return command;
    }
}
