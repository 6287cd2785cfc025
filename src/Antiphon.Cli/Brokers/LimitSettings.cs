using System.CommandLine;
using Antiphon.Cli.CommandLine;
using Antiphon.Protocol;

namespace Antiphon.Cli.Brokers;

/// <summary>What an operator limits without a configuration file, under the names that the field has for it.</summary>
internal static class LimitSettings
{
    private const string Newest = "newest";
    private const string Oldest = "oldest";

    /// <summary>The options, each of which says a setting of the configuration.</summary>
    public static IReadOnlyList<SettingOption> Create() =>
    [
        new(Values.Count("--max-connections", "How many clients may be connected. [default: 100000]"), "limits.connections"),
        new(
            Values.Count("--max-sessions", "How many Sessions there may be, those of clients that are away included. [default: 100000]"),
            "limits.sessions"),
        new(
            Values.Count("--max-session-expiry", "How many seconds a Session may outlive its connection. [default: 86400]"),
            "limits.sessionExpiry"),
        new(Values.Count("--max-packet-size", "The longest packet, in bytes, 64 or more. [default: 1048576]"), "limits.packetSize"),
        new(Values.QoS("--max-qos", "The highest QoS to publish with. [default: 2]", QualityOfService.ExactlyOnce), "limits.qos"),
        new(
            Values.Count("--max-queued", "How many QoS 1 and 2 messages may wait for one client. [default: 10000]"),
            "limits.queuedMessages"),
        new(
            Values.OneOf("--queue-overflow", "Which message is dropped beyond that. [default: newest]", Newest, Oldest),
            "limits.queueOverflow"),
        new(
            new Option<bool>("--no-retain") { Description = "Refuses messages that are to be retained." },
            "limits.retain",
            isSaid => isSaid == "true" ? "false" : "true"),
        new(Values.Count("--max-retained", "How many messages may be retained. [default: 1000000]"), "limits.retainedMessages"),
        new(
            Values.OneOf(
                "--min-protocol-version", "The oldest version of MQTT that clients may speak; 311 is 3.1.1. [default: 311]", "311", "5"),
            "limits.oldestProtocol",
            version => version == "311" ? "3.1.1" : version),
    ];
}
