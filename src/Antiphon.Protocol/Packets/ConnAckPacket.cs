using Antiphon.Protocol.Properties;
using Antiphon.Protocol.Wire;

namespace Antiphon.Protocol.Packets;

/// <summary>CONNACK (MQTT 5 §3.2; MQTT 3.1.1 §3.2).</summary>
public sealed record ConnAckPacket : Packet
{
    private const byte ServerUnavailableReturnCode = 3;

    /// <inheritdoc/>
    public override PacketType Type => PacketType.ConnAck;

    /// <summary>Whether the server goes on with a Session that it had (§3.2.2.1.1).</summary>
    public bool SessionPresent { get; init; }

    /// <summary>Success, or why not. In MQTT 3.1.1 it stands for the return code closest to it.</summary>
    public ReasonCode ReasonCode { get; init; }

    /// <summary>Seconds; the server's value instead of the client's. <c>null</c>: the client's value holds.</summary>
    public uint? SessionExpiryInterval { get; init; }

    /// <summary>How many QoS 1 and 2 messages the server takes unacknowledged; <c>null</c> means 65,535.</summary>
    public ushort? ReceiveMaximum { get; init; }

    /// <summary>The highest QoS that the server accepts; <c>null</c> means 2.</summary>
    public QualityOfService? MaximumQoS { get; init; }

    /// <summary>Whether the server retains messages; <c>null</c> means yes.</summary>
    public bool? RetainAvailable { get; init; }

    /// <summary>The longest packet that the server accepts, in bytes; <c>null</c>: no limit.</summary>
    public uint? MaximumPacketSize { get; init; }

    /// <summary>The Client Identifier that the server gave to a client without one.</summary>
    public string? AssignedClientIdentifier { get; init; }

    /// <summary>The highest Topic Alias that the server accepts; <c>null</c> means 0, none.</summary>
    public ushort? TopicAliasMaximum { get; init; }

    /// <summary>What went wrong, for people.</summary>
    public string? ReasonString { get; init; }

    /// <summary>User Properties in their order.</summary>
    public IReadOnlyList<UserProperty> UserProperties { get; init; } = [];

    /// <summary>Whether wildcards are allowed in subscriptions; <c>null</c> means yes.</summary>
    public bool? WildcardSubscriptionAvailable { get; init; }

    /// <summary>Whether Subscription Identifiers are supported; <c>null</c> means yes.</summary>
    public bool? SubscriptionIdentifierAvailable { get; init; }

    /// <summary>Whether shared subscriptions are supported; <c>null</c> means yes.</summary>
    public bool? SharedSubscriptionAvailable { get; init; }

    /// <summary>Keep Alive in seconds that the client has to use instead of its own; <c>null</c>: its own holds.</summary>
    public ushort? ServerKeepAlive { get; init; }

    /// <summary>What to build Response Topics from (§3.2.2.3.15).</summary>
    public string? ResponseInformation { get; init; }

    /// <summary>Another server to use, with 0x9C and 0x9D.</summary>
    public string? ServerReference { get; init; }

    /// <summary>The method of enhanced authentication.</summary>
    public string? AuthenticationMethod { get; init; }

    /// <summary>The method's data.</summary>
    public ReadOnlyMemory<byte>? AuthenticationData { get; init; }

    /// <summary>
    /// Whether CONNACK has a word for it: one of the Reason Codes of MQTT 5 §3.2.2.2 [MQTT-3.2.2-8],
    /// or one that a return code of MQTT 3.1.1 §3.2.2.3 stands for.
    /// Without one a server that speaks MQTT 3.1.1 closes and says nothing.
    /// </summary>
    /// <param name="reasonCode">How it went.</param>
    /// <param name="version">The version that the connection speaks.</param>
    public static bool CanSay(ReasonCode reasonCode, ProtocolVersion version) =>
        version == ProtocolVersion.V5 ? ReasonCodes.IsAllowed(PacketType.ConnAck, reasonCode) : ToReturnCode(reasonCode) is not null;

    internal static ConnAckPacket? Decode(ref WireReader reader, ProtocolVersion version)
    {
        if (version == ProtocolVersion.V5 && reader.PeekRest() is [0, >= 1 and <= 5])
        {
            // A server that knows only MQTT 3.1.1 refuses in its own words; as MQTT 5 these bytes mean nothing else.
            version = ProtocolVersion.V311;
        }

        var flags = reader.ReadByte();
        if ((flags & 0xFE) != 0)
        {
            reader.Fail(Fault.Malformed("Reserved bits of the Connect Acknowledge Flags are set [MQTT-3.2.2-1]."));
        }

        var code = reader.ReadByte();
        var reasonCode = version == ProtocolVersion.V5 ? (ReasonCode)code : FromReturnCode(ref reader, code);
        if (version == ProtocolVersion.V5 && !ReasonCodes.IsAllowed(PacketType.ConnAck, reasonCode))
        {
            reader.Fail(Fault.Malformed($"CONNACK has no Reason Code 0x{code:X2} (MQTT 5 §3.2.2.2)."));
        }

        var packet = new ConnAckPacket { SessionPresent = flags == 1, ReasonCode = reasonCode };
        return version == ProtocolVersion.V5 ? packet.WithProperties(ref reader) : packet;
    }

    private protected override void WriteBody(ref WireWriter writer, ProtocolVersion version)
    {
        writer.WriteByte(SessionPresent ? (byte)1 : (byte)0);
        if (version != ProtocolVersion.V5)
        {
            writer.WriteByte(ToReturnCode(ReasonCode) ?? ServerUnavailableReturnCode);
            return;
        }

        writer.WriteByte((byte)ReasonCode);
        var properties = new PropertyWriter(stackalloc byte[256], PacketSet.ConnAck);
        properties.Add(PropertyIdentifier.SessionExpiryInterval, SessionExpiryInterval);
        properties.Add(PropertyIdentifier.ReceiveMaximum, ReceiveMaximum);
        properties.Add(PropertyIdentifier.MaximumQoS, MaximumQoS is { } qos ? (uint)qos : null);
        properties.Add(PropertyIdentifier.RetainAvailable, RetainAvailable);
        properties.Add(PropertyIdentifier.MaximumPacketSize, MaximumPacketSize);
        properties.Add(PropertyIdentifier.AssignedClientIdentifier, AssignedClientIdentifier);
        properties.Add(PropertyIdentifier.TopicAliasMaximum, TopicAliasMaximum);
        properties.Add(PropertyIdentifier.ReasonString, ReasonString);
        properties.Add(PropertyIdentifier.WildcardSubscriptionAvailable, WildcardSubscriptionAvailable);
        properties.Add(PropertyIdentifier.SubscriptionIdentifierAvailable, SubscriptionIdentifierAvailable);
        properties.Add(PropertyIdentifier.SharedSubscriptionAvailable, SharedSubscriptionAvailable);
        properties.Add(PropertyIdentifier.ServerKeepAlive, ServerKeepAlive);
        properties.Add(PropertyIdentifier.ResponseInformation, ResponseInformation);
        properties.Add(PropertyIdentifier.ServerReference, ServerReference);
        properties.Add(PropertyIdentifier.AuthenticationMethod, AuthenticationMethod);
        properties.Add(PropertyIdentifier.AuthenticationData, AuthenticationData);
        properties.Add(UserProperties);
        writer.WritePropertySection(properties.Written);
        properties.Dispose();
    }

    /// <summary>MQTT 3.1.1 §3.2.2.3, Table 3.1.</summary>
    private static ReasonCode FromReturnCode(ref WireReader reader, byte code)
    {
        switch (code)
        {
            case 0:
                return ReasonCode.Success;
            case 1:
                return ReasonCode.UnsupportedProtocolVersion;
            case 2:
                return ReasonCode.ClientIdentifierNotValid;
            case 3:
                return ReasonCode.ServerUnavailable;
            case 4:
                return ReasonCode.BadUserNameOrPassword;
            case 5:
                return ReasonCode.NotAuthorized;
            default:
                reader.Fail(Fault.Malformed($"CONNACK has no return code {code} in MQTT 3.1.1 (§3.2.2.3)."));
                return ReasonCode.UnspecifiedError;
        }
    }

    private static byte? ToReturnCode(ReasonCode reasonCode) => reasonCode switch
    {
        ReasonCode.Success => 0,
        ReasonCode.UnsupportedProtocolVersion => 1,
        ReasonCode.ClientIdentifierNotValid => 2,
        ReasonCode.ServerUnavailable or ReasonCode.ServerBusy or ReasonCode.UseAnotherServer or ReasonCode.ServerMoved
            or ReasonCode.QuotaExceeded or ReasonCode.ConnectionRateExceeded => 3,
        ReasonCode.BadUserNameOrPassword => 4,
        ReasonCode.NotAuthorized or ReasonCode.Banned or ReasonCode.BadAuthenticationMethod => 5,
        _ => null,
    };

    private ConnAckPacket WithProperties(ref WireReader reader)
    {
        var packet = this;
        List<UserProperty>? userProperties = null;
        var properties = new PropertyReader(reader.ReadPropertySection(), PacketSet.ConnAck);
        while (properties.TryRead(out var property))
        {
            packet = property.Identifier switch
            {
                PropertyIdentifier.SessionExpiryInterval => packet with { SessionExpiryInterval = property.Number },
                PropertyIdentifier.ReceiveMaximum => packet with { ReceiveMaximum = (ushort)property.Number },
                PropertyIdentifier.MaximumQoS => packet with { MaximumQoS = (QualityOfService)property.Number },
                PropertyIdentifier.RetainAvailable => packet with { RetainAvailable = property.Number == 1 },
                PropertyIdentifier.MaximumPacketSize => packet with { MaximumPacketSize = property.Number },
                PropertyIdentifier.AssignedClientIdentifier => packet with { AssignedClientIdentifier = property.Text },
                PropertyIdentifier.TopicAliasMaximum => packet with { TopicAliasMaximum = (ushort)property.Number },
                PropertyIdentifier.ReasonString => packet with { ReasonString = property.Text },
                PropertyIdentifier.WildcardSubscriptionAvailable => packet with { WildcardSubscriptionAvailable = property.Number == 1 },
                PropertyIdentifier.SubscriptionIdentifierAvailable =>
                    packet with { SubscriptionIdentifierAvailable = property.Number == 1 },
                PropertyIdentifier.SharedSubscriptionAvailable => packet with { SharedSubscriptionAvailable = property.Number == 1 },
                PropertyIdentifier.ServerKeepAlive => packet with { ServerKeepAlive = (ushort)property.Number },
                PropertyIdentifier.ResponseInformation => packet with { ResponseInformation = property.Text },
                PropertyIdentifier.ServerReference => packet with { ServerReference = property.Text },
                PropertyIdentifier.AuthenticationMethod => packet with { AuthenticationMethod = property.Text },
                PropertyIdentifier.AuthenticationData => packet with { AuthenticationData = property.Bytes.ToArray() },
                _ => packet,
            };
            if (property.Identifier == PropertyIdentifier.UserProperty)
            {
                (userProperties ??= []).Add(property.Pair);
            }
        }

        reader.Fail(properties.Fault);
        if (packet.AuthenticationData is not null && packet.AuthenticationMethod is null)
        {
            reader.Fail(Fault.Protocol("There is Authentication Data without an Authentication Method (MQTT 5 §3.2.2.3.18)."));
        }


        return packet with { UserProperties = userProperties ?? UserProperties };
    }
}
