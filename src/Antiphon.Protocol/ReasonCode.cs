namespace Antiphon.Protocol;

/// <summary>The one byte that says how an operation ended (MQTT 5 §2.4). Below 0x80 it worked, from 0x80 on it failed.</summary>
public enum ReasonCode : byte
{
    /// <summary>0x00: it worked. In DISCONNECT: Normal disconnection. In SUBACK: Granted QoS 0.</summary>
    Success = 0x00,

    /// <summary>0x01: subscribed with a maximum QoS of 1.</summary>
    GrantedQoS1 = 0x01,

    /// <summary>0x02: subscribed with a maximum QoS of 2.</summary>
    GrantedQoS2 = 0x02,

    /// <summary>0x04: the client leaves and wants its Will published.</summary>
    DisconnectWithWillMessage = 0x04,

    /// <summary>0x10: the message was accepted, but no subscription matches it.</summary>
    NoMatchingSubscribers = 0x10,

    /// <summary>0x11: there was no such subscription to remove.</summary>
    NoSubscriptionExisted = 0x11,

    /// <summary>0x18: go on with the authentication.</summary>
    ContinueAuthentication = 0x18,

    /// <summary>0x19: authenticate again on the running connection.</summary>
    ReAuthenticate = 0x19,

    /// <summary>0x80: it failed and the peer does not say why.</summary>
    UnspecifiedError = 0x80,

    /// <summary>0x81: the packet cannot be parsed.</summary>
    MalformedPacket = 0x81,

    /// <summary>0x82: the packet can be parsed, but is against the rules.</summary>
    ProtocolError = 0x82,

    /// <summary>0x83: valid, but not accepted by this implementation.</summary>
    ImplementationSpecificError = 0x83,

    /// <summary>0x84: the server does not speak that protocol version.</summary>
    UnsupportedProtocolVersion = 0x84,

    /// <summary>0x85: the Client Identifier is not allowed.</summary>
    ClientIdentifierNotValid = 0x85,

    /// <summary>0x86: the user name or password is wrong.</summary>
    BadUserNameOrPassword = 0x86,

    /// <summary>0x87: not allowed to do that.</summary>
    NotAuthorized = 0x87,

    /// <summary>0x88: the server is not available.</summary>
    ServerUnavailable = 0x88,

    /// <summary>0x89: the server is busy; try later.</summary>
    ServerBusy = 0x89,

    /// <summary>0x8A: this client is banned.</summary>
    Banned = 0x8A,

    /// <summary>0x8B: the server is shutting down.</summary>
    ServerShuttingDown = 0x8B,

    /// <summary>0x8C: the authentication method is not supported or not the one in use.</summary>
    BadAuthenticationMethod = 0x8C,

    /// <summary>0x8D: nothing was heard for one and a half times the Keep Alive.</summary>
    KeepAliveTimeout = 0x8D,

    /// <summary>0x8E: another connection with the same Client Identifier took the Session.</summary>
    SessionTakenOver = 0x8E,

    /// <summary>0x8F: the Topic Filter is well formed, but not accepted.</summary>
    TopicFilterInvalid = 0x8F,

    /// <summary>0x90: the Topic Name is well formed, but not accepted.</summary>
    TopicNameInvalid = 0x90,

    /// <summary>0x91: the Packet Identifier is already in use.</summary>
    PacketIdentifierInUse = 0x91,

    /// <summary>0x92: the Packet Identifier is not known.</summary>
    PacketIdentifierNotFound = 0x92,

    /// <summary>0x93: more unacknowledged messages than the Receive Maximum allows.</summary>
    ReceiveMaximumExceeded = 0x93,

    /// <summary>0x94: a Topic Alias of 0 or above the Topic Alias Maximum.</summary>
    TopicAliasInvalid = 0x94,

    /// <summary>0x95: the packet is longer than the Maximum Packet Size.</summary>
    PacketTooLarge = 0x95,

    /// <summary>0x96: messages arrive too fast.</summary>
    MessageRateTooHigh = 0x96,

    /// <summary>0x97: a quota or limit is used up.</summary>
    QuotaExceeded = 0x97,

    /// <summary>0x98: closed by an administrator.</summary>
    AdministrativeAction = 0x98,

    /// <summary>0x99: the payload is not what the Payload Format Indicator says.</summary>
    PayloadFormatInvalid = 0x99,

    /// <summary>0x9A: the server does not retain messages.</summary>
    RetainNotSupported = 0x9A,

    /// <summary>0x9B: that QoS is above the server's Maximum QoS.</summary>
    QoSNotSupported = 0x9B,

    /// <summary>0x9C: use another server for now.</summary>
    UseAnotherServer = 0x9C,

    /// <summary>0x9D: use another server from now on.</summary>
    ServerMoved = 0x9D,

    /// <summary>0x9E: the server has no shared subscriptions.</summary>
    SharedSubscriptionsNotSupported = 0x9E,

    /// <summary>0x9F: connections arrive too fast.</summary>
    ConnectionRateExceeded = 0x9F,

    /// <summary>0xA0: the connection lasted as long as it may.</summary>
    MaximumConnectTime = 0xA0,

    /// <summary>0xA1: the server has no Subscription Identifiers.</summary>
    SubscriptionIdentifiersNotSupported = 0xA1,

    /// <summary>0xA2: the server has no wildcard subscriptions.</summary>
    WildcardSubscriptionsNotSupported = 0xA2,
}
