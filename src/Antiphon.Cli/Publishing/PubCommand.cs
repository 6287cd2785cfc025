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
        """;

    public static Command Create(Terminal terminal)
    {
        var command = new Command(
            "pub",
            "Publishes a message. With QoS 1 and 2 the broker's acknowledgement is waited for; it says nothing about who received it.");
        var topic = Values.TopicName("The Topic Name.");
        command.Arguments.Add(topic);
        var payload = new PayloadOptions(command);
        var properties = new MessagePropertyOptions(command);
        var qos = Values.AnyQoS("How often it may arrive: 0 at most once, 1 at least once, 2 exactly once.");
        var retain = new Option<bool>("--retain", "-r")
        {
            Description = "Lets the broker keep it for those who subscribe later; with an empty payload, lets it forget what it keeps.",
        };
        command.Options.Add(qos);
        command.Options.Add(retain);
        var connection = new ConnectionOptions(command, terminal);
        command.SetAction(async (line, interrupted) =>
        {
            var body = await payload.ReadAsync(line, interrupted);
            await using var client = await connection.ConnectAsync(line, interrupted);
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
            };
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
