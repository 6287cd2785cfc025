using System.CommandLine;
using Antiphon.Broker;
using Antiphon.Cli.CommandLine;
using Antiphon.Protocol;

namespace Antiphon.Cli.Brokers;

/// <summary>What an operator limits, under the names that the field has for it; all else is for programs that embed the broker.</summary>
internal sealed class LimitSettings
{
    private const string Newest = "newest";
    private const string Oldest = "oldest";

    private readonly Option<int?> _connections = Values.Count("--max-connections", "How many clients may be connected. [default: 100000]");
    private readonly Option<int?> _sessions = Values.Count(
        "--max-sessions", "How many Sessions there may be, those of clients that are away included. [default: 100000]");
    private readonly Option<int?> _sessionExpiry = Values.Count(
        "--max-session-expiry", "How many seconds a Session may outlive its connection. [default: 86400]");
    private readonly Option<int?> _packetSize = Values.Count(
        "--max-packet-size", "The longest packet, in bytes, 64 or more. [default: 1048576]");
    private readonly Option<QualityOfService?> _qos = Values.QoS(
        "--max-qos", "The highest QoS to publish with. [default: 2]", QualityOfService.ExactlyOnce);
    private readonly Option<int?> _queued = Values.Count(
        "--max-queued", "How many QoS 1 and 2 messages may wait for one client. [default: 10000]");
    private readonly Option<string?> _overflow = Values.OneOf(
        "--queue-overflow", "Which message is dropped beyond that. [default: newest]", Newest, Oldest);
    private readonly Option<bool> _noRetain = new("--no-retain") { Description = "Refuses messages that are to be retained." };
    private readonly Option<int?> _retained = Values.Count("--max-retained", "How many messages may be retained. [default: 1000000]");
    private readonly Option<string?> _version = Values.OneOf(
        "--min-protocol-version", "The oldest version of MQTT that clients may speak; 311 is 3.1.1. [default: 311]", "311", "5");

    public LimitSettings(Command command)
    {
        Option[] options =
            [_connections, _sessions, _sessionExpiry, _packetSize, _qos, _queued, _overflow, _noRetain, _retained, _version];
        foreach (var option in options)
        {
            command.Options.Add(option);
        }
    }

    /// <summary>Adds what the command line limits.</summary>
    public BrokerOptions Read(ParseResult line, BrokerOptions options) => options with
    {
        MaximumConnections = line.GetValue(_connections) ?? options.MaximumConnections,
        MaximumSessions = line.GetValue(_sessions) ?? options.MaximumSessions,
        MaximumSessionExpiry = line.GetValue(_sessionExpiry) is { } seconds ? TimeSpan.FromSeconds(seconds) : options.MaximumSessionExpiry,
        MaximumPacketSize = (uint?)line.GetValue(_packetSize) ?? options.MaximumPacketSize,
        MaximumQoS = line.GetValue(_qos) ?? options.MaximumQoS,
        MaximumQueuedMessages = line.GetValue(_queued) ?? options.MaximumQueuedMessages,
        QueueOverflow = line.GetValue(_overflow) == Oldest ? QueueOverflow.DiscardOldest : options.QueueOverflow,
        RetainAvailable = !line.GetValue(_noRetain),
        MaximumRetainedMessages = line.GetValue(_retained) ?? options.MaximumRetainedMessages,
        MinimumProtocolVersion = line.GetValue(_version) == "5" ? ProtocolVersion.V5 : options.MinimumProtocolVersion,
    };
}
