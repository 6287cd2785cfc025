using System.Text;
using System.Threading.Channels;
using Antiphon.Protocol;
using Antiphon.Protocol.Packets;

namespace Antiphon.Interop.Libraries;

/// <summary>
/// One MQTT client of a library, with the Session state that the library keeps for it. It does nothing of its own accord.
/// </summary>
internal interface IPeerClient : IAsyncDisposable
{
    /// <summary>What happened to it, in order.</summary>
    ChannelReader<PeerEvent> Events { get; }

    /// <summary>Connects; a second time with the same settings, after the connection has ended.</summary>
    Task<Connack> ConnectAsync(int port, Connecting how);

    /// <summary>Subscribes; the answer is the code in SUBACK.</summary>
    Task<int> SubscribeAsync(string topicFilter, SubscriptionOptions options, uint? identifier);

    Task UnsubscribeAsync(string topicFilter);

    /// <summary>Publishes; ends when the library says that it is done, QoS 1 and 2 with the last acknowledgement.</summary>
    Task PublishAsync(ApplicationMessage message, ushort? topicAlias);

    Task DisconnectAsync(ReasonCode reason);
}

/// <summary>What CONNECT says.</summary>
internal sealed record Connecting
{
    public required ProtocolVersion Version { get; init; }

    public required string ClientId { get; init; }

    /// <summary>Clean Start, or Clean Session of MQTT 3.1.1.</summary>
    public bool Clean { get; init; } = true;

    public uint? SessionExpiry { get; init; }

    public ushort? ReceiveMaximum { get; init; }

    public uint? MaximumPacketSize { get; init; }

    public ushort? TopicAliasMaximum { get; init; }

    /// <summary>Whether the library is to give Topic Aliases by itself.</summary>
    public bool AssignsTopicAliases { get; init; }

    public bool RequestsResponseInformation { get; init; }

    public Will? Will { get; init; }

    /// <summary>What the Network Connection is: mqtt, mqtts or wss (at /mqtt). Paho C and our client know mqtt alone here.</summary>
    public string Scheme { get; init; } = "mqtt";

    /// <summary>The file, as PEM, of the authority that has to vouch for the broker, where there is TLS.</summary>
    public string? CaFile { get; init; }

    /// <summary>The files, as PEM, with the client's own certificate and its key.</summary>
    public (string Certificate, string Key)? Own { get; init; }

    public string? UserName { get; init; }

    public string? Password { get; init; }

    /// <summary>Asks for a Session that outlives the connection.</summary>
    public Connecting Lasting() => this with { Clean = false, SessionExpiry = Version == ProtocolVersion.V5 ? 300 : null };
}

/// <summary>What CONNACK said.</summary>
internal sealed record Connack(int Reason, bool SessionPresent, string? ResponseInformation);

/// <summary>What happens to a client.</summary>
internal abstract record PeerEvent;

/// <summary>The connection ended, and the client had not asked for it.</summary>
/// <param name="Reason">What the server's DISCONNECT said; <c>null</c>: nothing came, or the library does not tell.</param>
internal sealed record Closed(int? Reason) : PeerEvent;

/// <summary>A message as a library gave it to its application.</summary>
/// <param name="Message">With the QoS and RETAIN flag of this delivery.</param>
internal sealed record Seen(ApplicationMessage Message) : PeerEvent
{
    public bool Dup { get; init; }

    public ushort? TopicAlias { get; init; }

    public IReadOnlyList<uint> SubscriptionIdentifiers { get; init; } = [];

    public string Text => Encoding.UTF8.GetString(Message.Payload.Span);
}
