namespace Antiphon.Protocol.Packets;

/// <summary>The MQTT Control Packet types (MQTT 5 §2.1.2).</summary>
public enum PacketType : byte
{
    /// <summary>Type 0, which is forbidden.</summary>
    Forbidden = 0,

    /// <summary>A client asks to connect.</summary>
    Connect = 1,

    /// <summary>The server answers CONNECT.</summary>
    ConnAck = 2,

    /// <summary>An Application Message.</summary>
    Publish = 3,

    /// <summary>Acknowledges a QoS 1 PUBLISH.</summary>
    PubAck = 4,

    /// <summary>QoS 2, first answer.</summary>
    PubRec = 5,

    /// <summary>QoS 2, second step of the sender.</summary>
    PubRel = 6,

    /// <summary>QoS 2, last answer.</summary>
    PubComp = 7,

    /// <summary>A client asks for subscriptions.</summary>
    Subscribe = 8,

    /// <summary>The server answers SUBSCRIBE.</summary>
    SubAck = 9,

    /// <summary>A client gives up subscriptions.</summary>
    Unsubscribe = 10,

    /// <summary>The server answers UNSUBSCRIBE.</summary>
    UnsubAck = 11,

    /// <summary>A client asks for a sign of life.</summary>
    PingReq = 12,

    /// <summary>The server answers PINGREQ.</summary>
    PingResp = 13,

    /// <summary>The sender is about to close the connection.</summary>
    Disconnect = 14,

    /// <summary>A step of enhanced authentication; not in MQTT 3.1.1.</summary>
    Auth = 15,
}

internal static class PacketTypes
{
    /// <summary>
    /// The flags that a packet type prescribes (MQTT 5 §2.1.3): 2 for PUBREL, SUBSCRIBE and UNSUBSCRIBE, free in PUBLISH, else 0.
    /// </summary>
    public static bool AllowsFlags(PacketType type, byte flags) => type switch
    {
        PacketType.Forbidden => false,
        PacketType.Publish => true,
        _ => flags == FixedFlags(type),
    };

    public static byte FixedFlags(PacketType type) =>
        type is PacketType.PubRel or PacketType.Subscribe or PacketType.Unsubscribe ? (byte)2 : (byte)0;
}

/// <summary>
/// A set of packet types, for the tables that say what may stand in which packet.
/// The Will Properties of CONNECT count as a packet type of their own.
/// </summary>
[Flags]
internal enum PacketSet
{
    None = 0,
    WillProperties = 1 << PacketType.Forbidden,
    Connect = 1 << PacketType.Connect,
    ConnAck = 1 << PacketType.ConnAck,
    Publish = 1 << PacketType.Publish,
    PubAckAndPubRec = 1 << PacketType.PubAck | 1 << PacketType.PubRec,
    PubRelAndPubComp = 1 << PacketType.PubRel | 1 << PacketType.PubComp,
    Acknowledgements = PubAckAndPubRec | PubRelAndPubComp,
    Subscribe = 1 << PacketType.Subscribe,
    SubAck = 1 << PacketType.SubAck,
    Unsubscribe = 1 << PacketType.Unsubscribe,
    UnsubAck = 1 << PacketType.UnsubAck,
    Disconnect = 1 << PacketType.Disconnect,
    Auth = 1 << PacketType.Auth,
}
