using static Antiphon.Protocol.Packets.PacketSet;

namespace Antiphon.Protocol.Packets;

/// <summary>Which Reason Code may stand in which packet (MQTT 5 §2.4).</summary>
internal static class ReasonCodes
{
    public static bool IsAllowed(PacketType packet, ReasonCode code) => (Carriers(code) & (PacketSet)(1 << (int)packet)) != 0;

    private static PacketSet Carriers(ReasonCode code) => code switch
    {
        ReasonCode.Success => ConnAck | PubAckAndPubRec | PubRelAndPubComp | SubAck | UnsubAck | Disconnect | Auth,
        ReasonCode.GrantedQoS1 or ReasonCode.GrantedQoS2 => SubAck,
        ReasonCode.DisconnectWithWillMessage => Disconnect,
        ReasonCode.NoMatchingSubscribers => PubAckAndPubRec,
        ReasonCode.NoSubscriptionExisted => UnsubAck,
        ReasonCode.ContinueAuthentication or ReasonCode.ReAuthenticate => Auth,
        ReasonCode.UnspecifiedError or ReasonCode.ImplementationSpecificError or ReasonCode.NotAuthorized =>
            ConnAck | PubAckAndPubRec | SubAck | UnsubAck | Disconnect,
        ReasonCode.MalformedPacket or ReasonCode.ProtocolError => ConnAck | Disconnect,
        ReasonCode.UnsupportedProtocolVersion or ReasonCode.ClientIdentifierNotValid or ReasonCode.BadUserNameOrPassword
            or ReasonCode.ServerUnavailable or ReasonCode.Banned => ConnAck,
        ReasonCode.ServerBusy or ReasonCode.BadAuthenticationMethod => ConnAck | Disconnect,
        ReasonCode.ServerShuttingDown or ReasonCode.KeepAliveTimeout or ReasonCode.SessionTakenOver => Disconnect,
        ReasonCode.TopicFilterInvalid => SubAck | UnsubAck | Disconnect,
        ReasonCode.TopicNameInvalid or ReasonCode.PayloadFormatInvalid => ConnAck | PubAckAndPubRec | Disconnect,
        ReasonCode.PacketIdentifierInUse => PubAckAndPubRec | SubAck | UnsubAck,
        ReasonCode.PacketIdentifierNotFound => PubRelAndPubComp,
        ReasonCode.ReceiveMaximumExceeded or ReasonCode.TopicAliasInvalid or ReasonCode.MessageRateTooHigh
            or ReasonCode.AdministrativeAction or ReasonCode.MaximumConnectTime => Disconnect,
        ReasonCode.PacketTooLarge or ReasonCode.RetainNotSupported or ReasonCode.QoSNotSupported or ReasonCode.UseAnotherServer
            or ReasonCode.ServerMoved or ReasonCode.ConnectionRateExceeded => ConnAck | Disconnect,
        ReasonCode.QuotaExceeded => ConnAck | PubAckAndPubRec | SubAck | Disconnect,
        ReasonCode.SharedSubscriptionsNotSupported or ReasonCode.SubscriptionIdentifiersNotSupported
            or ReasonCode.WildcardSubscriptionsNotSupported => SubAck | Disconnect,
        _ => None,
    };
}
