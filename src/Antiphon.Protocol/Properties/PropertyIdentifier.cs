namespace Antiphon.Protocol.Properties;

/// <summary>The properties of MQTT 5 §2.2.2.2.</summary>
public enum PropertyIdentifier : byte
{
    /// <summary>Byte: 0 the payload is bytes, 1 it is UTF-8 text.</summary>
    PayloadFormatIndicator = 0x01,

    /// <summary>Four Byte Integer, seconds.</summary>
    MessageExpiryInterval = 0x02,

    /// <summary>UTF-8 string.</summary>
    ContentType = 0x03,

    /// <summary>UTF-8 string, a Topic Name.</summary>
    ResponseTopic = 0x08,

    /// <summary>Binary Data.</summary>
    CorrelationData = 0x09,

    /// <summary>Variable Byte Integer, 1 to 268,435,455.</summary>
    SubscriptionIdentifier = 0x0B,

    /// <summary>Four Byte Integer, seconds; 0xFFFFFFFF means that the Session does not expire.</summary>
    SessionExpiryInterval = 0x11,

    /// <summary>UTF-8 string.</summary>
    AssignedClientIdentifier = 0x12,

    /// <summary>Two Byte Integer, seconds.</summary>
    ServerKeepAlive = 0x13,

    /// <summary>UTF-8 string.</summary>
    AuthenticationMethod = 0x15,

    /// <summary>Binary Data.</summary>
    AuthenticationData = 0x16,

    /// <summary>Byte, 0 or 1.</summary>
    RequestProblemInformation = 0x17,

    /// <summary>Four Byte Integer, seconds.</summary>
    WillDelayInterval = 0x18,

    /// <summary>Byte, 0 or 1.</summary>
    RequestResponseInformation = 0x19,

    /// <summary>UTF-8 string.</summary>
    ResponseInformation = 0x1A,

    /// <summary>UTF-8 string.</summary>
    ServerReference = 0x1C,

    /// <summary>UTF-8 string.</summary>
    ReasonString = 0x1F,

    /// <summary>Two Byte Integer, 1 to 65,535.</summary>
    ReceiveMaximum = 0x21,

    /// <summary>Two Byte Integer.</summary>
    TopicAliasMaximum = 0x22,

    /// <summary>Two Byte Integer, 1 to the receiver's Topic Alias Maximum.</summary>
    TopicAlias = 0x23,

    /// <summary>Byte, 0 or 1.</summary>
    MaximumQoS = 0x24,

    /// <summary>Byte, 0 or 1.</summary>
    RetainAvailable = 0x25,

    /// <summary>String pair; may stand more than once, and its order is kept.</summary>
    UserProperty = 0x26,

    /// <summary>Four Byte Integer, bytes, 1 or more.</summary>
    MaximumPacketSize = 0x27,

    /// <summary>Byte, 0 or 1.</summary>
    WildcardSubscriptionAvailable = 0x28,

    /// <summary>Byte, 0 or 1.</summary>
    SubscriptionIdentifierAvailable = 0x29,

    /// <summary>Byte, 0 or 1.</summary>
    SharedSubscriptionAvailable = 0x2A,
}
