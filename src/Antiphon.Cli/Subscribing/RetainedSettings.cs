using System.CommandLine;
using Antiphon.Cli.CommandLine;
using Antiphon.Client;
using Antiphon.Protocol.Packets;

namespace Antiphon.Cli.Subscribing;

/// <summary>Retained messages on the command line (MQTT 5 §3.8.3.1): which of them to have, and how to know them.</summary>
internal sealed class RetainedSettings
{
    private readonly Option<bool> _only = new("--retained-only")
    {
        Description = "Prints only what the broker had kept, and leaves the rest out.",
    };

    private readonly Option<string?> _handling = Values.OneOf(
        "--retain-handling", "Which kept messages to have: 0 all, 1 only for a new subscription, 2 none. [default: 0]", "0", "1", "2");

    private readonly Option<bool> _asPublished = new("--retain-as-published")
    {
        Description = "Keeps the RETAIN flag as it was published.",
    };

    public RetainedSettings(Command command)
    {
        command.Options.Add(_only);
        command.Options.Add(_handling);
        command.Options.Add(_asPublished);
        command.Validators.Add(result =>
        {
            if (result.GetValue(_only) && (result.GetValue(_asPublished) || result.GetValue(_handling) == "2"))
            {
                result.AddError(
                    "--retained-only knows what was kept by the RETAIN flag; "
                    + "--retain-as-published and --retain-handling 2 leave it nothing to know it by.");
            }
        });
    }

    /// <summary>Turns down what MQTT 3.1.1 has no place for.</summary>
    /// <exception cref="UsageException">One of them is given.</exception>
    public void ThrowIfGiven(ParseResult line)
    {
        Option[] options = [_handling, _asPublished];
        if (options.FirstOrDefault(option => line.GetResult(option) is { Implicit: false }) is { } given)
        {
            throw new UsageException($"MQTT 3.1.1 has no {given.Name}: leave it out, or speak MQTT 5.");
        }
    }

    public SubscribeOptions Read(ParseResult line) => new()
    {
        RetainHandling = line.GetValue(_handling) is [var digit] ? (RetainHandling)(digit - '0') : RetainHandling.SendOnSubscribe,
        RetainAsPublished = line.GetValue(_asPublished),
    };

    /// <summary>What is to be printed of all messages.</summary>
    public Predicate<ReceivedMessage> Filter(ParseResult line) => line.GetValue(_only) ? message => message.Message.Retain : _ => true;
}
