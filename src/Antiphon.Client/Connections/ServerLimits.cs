using Antiphon.Protocol;
using Antiphon.Protocol.Packets;
using Antiphon.Protocol.Properties;

namespace Antiphon.Client;

/// <summary>
/// What the server said in its last CONNACK, with the standard's defaults for what it left out (MQTT 5 §3.2.2.3),
/// and for all of it in MQTT 3.1.1. Immutable.
/// </summary>
public sealed record ServerLimits
{
    internal ServerLimits(ConnAckPacket packet, ConnectPacket asked)
    {
        // In MQTT 3.1.1 a Session without Clean Session has no end that anybody could name.
        var isV5 = asked.ProtocolVersion == ProtocolVersion.V5;
        var expiry = isV5 ? asked.SessionExpiryInterval ?? 0 : asked.CleanStart ? 0 : uint.MaxValue;
        SessionPresent = packet.SessionPresent;
        SessionExpiry = ToExpiry(packet.SessionExpiryInterval ?? expiry);
        KeepAlive = TimeSpan.FromSeconds(packet.ServerKeepAlive ?? asked.KeepAlive);
        ReceiveMaximum = packet.ReceiveMaximum ?? ushort.MaxValue;
        MaximumQoS = packet.MaximumQoS ?? QualityOfService.ExactlyOnce;
        MaximumPacketSize = packet.MaximumPacketSize;
        TopicAliasMaximum = packet.TopicAliasMaximum ?? 0;
        RetainAvailable = packet.RetainAvailable ?? true;
        WildcardSubscriptionAvailable = packet.WildcardSubscriptionAvailable ?? true;
        SubscriptionIdentifierAvailable = packet.SubscriptionIdentifierAvailable ?? isV5;
        SharedSubscriptionAvailable = packet.SharedSubscriptionAvailable ?? isV5;
        ResponseInformation = packet.ResponseInformation;
        ReasonString = packet.ReasonString;
        ClientId = packet.AssignedClientIdentifier ?? asked.ClientId;
        UserProperties = packet.UserProperties;
        IsAntiphon = packet.UserProperties.Contains(new UserProperty(BrokerPropertyName.Broker, "1"));
    }

    /// <summary>Whether the server still had the Session.</summary>
    public bool SessionPresent { get; }

    /// <summary>How long the server keeps the Session after a connection ends; <see cref="Timeout.InfiniteTimeSpan"/>: for ever.</summary>
    public TimeSpan SessionExpiry { get; }

    /// <summary>The Keep Alive in force; zero: none.</summary>
    public TimeSpan KeepAlive { get; }

    /// <summary>How many QoS 1 and 2 messages may be on their way to the server unacknowledged, 1 to 65,535.</summary>
    public ushort ReceiveMaximum { get; }

    /// <summary>The highest QoS that the server accepts.</summary>
    public QualityOfService MaximumQoS { get; }

    /// <summary>The longest packet that the server accepts, in bytes; <c>null</c>: no limit beyond the protocol's.</summary>
    public uint? MaximumPacketSize { get; }

    /// <summary>The highest Topic Alias that the server accepts; 0: none.</summary>
    public ushort TopicAliasMaximum { get; }

    /// <summary>Whether the server keeps retained messages.</summary>
    public bool RetainAvailable { get; }

    /// <summary>Whether a Topic Filter may hold wildcards.</summary>
    public bool WildcardSubscriptionAvailable { get; }

    /// <summary>Whether the server knows Subscription Identifiers.</summary>
    public bool SubscriptionIdentifierAvailable { get; }

    /// <summary>Whether the server knows shared subscriptions.</summary>
    public bool SharedSubscriptionAvailable { get; }

    /// <summary>The base of this client's own Response Topics; <c>null</c>: the server gives none (§3.2.2.3.15).</summary>
    public string? ResponseInformation { get; }

    /// <summary>What the server had to say about the connection, for people.</summary>
    public string? ReasonString { get; }

    /// <summary>User Properties of the CONNACK in their order.</summary>
    public IReadOnlyList<UserProperty> UserProperties { get; }

    /// <summary>
    /// Whether the server is an Antiphon broker: its CONNACK has the User Property <c>antiphon: 1</c>. It takes no User Properties from
    /// clients that only a broker writes, such as <c>antiphon-caller</c>, so that they may be believed.
    /// </summary>
    public bool IsAntiphon { get; }

    /// <summary>The Client Identifier that the connection goes by.</summary>
    internal string ClientId { get; }

    private static TimeSpan ToExpiry(uint seconds) => seconds == uint.MaxValue ? Timeout.InfiniteTimeSpan : TimeSpan.FromSeconds(seconds);
}
