using System.CommandLine;
using System.Text;
using Antiphon.Cli.CommandLine;
using Antiphon.Protocol;
using Antiphon.Protocol.Packets;

namespace Antiphon.Cli.Connecting;

/// <summary>The Will on the command line (MQTT 5 §3.1.3.2): what the broker publishes when it loses this client.</summary>
internal sealed class WillSettings
{
    private readonly Option<string?> _topic = Values.TopicPrefix(
        "--will-topic", "Where the broker publishes a message when it loses this client.");

    private readonly Option<string?> _payload = new("--will-payload") { Description = "The payload of that message.", HelpName = "TEXT" };

    private readonly Option<QualityOfService?> _qos = Values.QoS(
        "--will-qos", "The QoS of that message. [default: 0]", QualityOfService.ExactlyOnce);

    private readonly Option<bool> _retain = new("--will-retain") { Description = "Whether the broker is to keep that message." };

    private readonly Option<TimeSpan?> _delay = Values.Duration(
        "--will-delay", "How long the broker waits for the client to come back first, in whole seconds.");

    public WillSettings(Command command)
    {
        _topic.HelpName = "TOPIC";
        Option[] others = [_payload, _qos, _retain, _delay];
        command.Options.Add(_topic);
        foreach (var option in others)
        {
            command.Options.Add(option);
        }

        command.Validators.Add(result =>
        {
            if (result.GetResult(_topic) is null
                && others.FirstOrDefault(option => result.GetResult(option) is { Implicit: false }) is { } lonely)
            {
                result.AddError($"{lonely.Name} belongs to a Will: give --will-topic too.");
            }
        });
    }

    /// <summary>Turns down what MQTT 3.1.1 has no place for.</summary>
    /// <exception cref="UsageException">It is given.</exception>
    public void ThrowIfGiven(ParseResult line)
    {
        if (line.GetResult(_delay) is not null)
        {
            throw new UsageException($"MQTT 3.1.1 has no {_delay.Name}: leave it out, or speak MQTT 5.");
        }
    }

    /// <summary>The Will; <c>null</c>: none.</summary>
    public Will? Read(ParseResult line) => line.GetValue(_topic) is not { } topic
        ? null
        : new Will(new ApplicationMessage
        {
            Topic = topic,
            Payload = Encoding.UTF8.GetBytes(line.GetValue(_payload) ?? ""),
            QoS = line.GetValue(_qos) ?? QualityOfService.AtMostOnce,
            Retain = line.GetValue(_retain),
        })
        {
            DelayInterval = line.GetValue(_delay) is { } delay ? (uint)Math.Ceiling(delay.TotalSeconds) : null,
        };
}
