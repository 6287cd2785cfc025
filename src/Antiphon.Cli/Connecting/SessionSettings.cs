using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using Antiphon.Cli.CommandLine;
using Antiphon.Client;
using Antiphon.Protocol;

namespace Antiphon.Cli.Connecting;

/// <summary>
/// A Session that the broker keeps while the command does not run (MQTT 5 §3.1.2.4, §3.1.2.11.2):
/// what is published meanwhile arrives when it comes back.
/// </summary>
internal sealed class SessionSettings
{
    private const string Forever = "infinite";

    private readonly Option<bool> _noCleanStart = new("--no-clean-start")
    {
        Description =
            "Goes on with the Session that the broker has of --client-id, and gets what has been published meanwhile with QoS 1 and 2.",
    };

    private readonly Option<TimeSpan?> _expiry = new("--session-expiry", "-x")
    {
        Description =
            "How long the broker is to keep the Session, with its subscriptions, when the command has ended: "
            + $"whole seconds, or «{Forever}», the default with --no-clean-start.",
        HelpName = "SECONDS",
        CustomParser = ReadExpiry,
    };

    public SessionSettings(Command command)
    {
        command.Options.Add(_noCleanStart);
        command.Options.Add(_expiry);
    }

    /// <summary>Whether the Session is to outlive the command, with its subscriptions.</summary>
    public bool Keeps(ParseResult line) => line.GetValue(_noCleanStart) || line.GetValue(_expiry) is { } expiry && expiry != TimeSpan.Zero;

    /// <summary>Adds what the command line says of the Session.</summary>
    /// <exception cref="UsageException">Nobody could come back to it.</exception>
    public MqttClientOptions Read(ParseResult line, MqttClientOptions options)
    {
        var expiry = line.GetValue(_expiry);
        if (expiry is not null && options.ProtocolVersion == ProtocolVersion.V311)
        {
            throw new UsageException(
                "MQTT 3.1.1 has no --session-expiry: with --no-clean-start the broker keeps the Session for as long as it likes.");
        }

        if (Keeps(line) && string.IsNullOrEmpty(options.ClientId))
        {
            throw new UsageException("A Session that outlives the command is found again by its Client Identifier: give --client-id.");
        }

        var resumes = line.GetValue(_noCleanStart);
        return options with
        {
            CleanStart = !resumes,
            SessionExpiry = expiry ?? (resumes ? Timeout.InfiniteTimeSpan : options.SessionExpiry),
        };
    }

    private static TimeSpan? ReadExpiry(ArgumentResult result)
    {
        var text = result.Tokens[0].Value;
        if (text == Forever)
        {
            return Timeout.InfiniteTimeSpan;
        }

        if (uint.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var seconds) && seconds < uint.MaxValue)
        {
            return TimeSpan.FromSeconds(seconds);
        }

        result.AddError($"--session-expiry «{text}» is not a number of seconds from 0 to 4294967294, or «{Forever}».");
        return null;
    }
}
