using Antiphon.Protocol.Properties;
using Antiphon.Protocol.Wire;

namespace Antiphon.Protocol.Packets;

/// <summary>DISCONNECT (MQTT 5 §3.14). In MQTT 3.1.1 only a client sends it, and it says nothing.</summary>
public sealed record DisconnectPacket : Packet
{
    /// <inheritdoc/>
    public override PacketType Type => PacketType.Disconnect;

    /// <summary>Why.</summary>
    public ReasonCode ReasonCode { get; init; }

    /// <summary>Seconds; a client may change what it said in CONNECT, but not from 0 (§3.14.2.2.2). <c>null</c>: unchanged.</summary>
    public uint? SessionExpiryInterval { get; init; }

    /// <summary>More about it, for people.</summary>
    public string? ReasonString { get; init; }

    /// <summary>Another server to use, with 0x9C and 0x9D.</summary>
    public string? ServerReference { get; init; }

    /// <summary>User Properties in their order.</summary>
    public IReadOnlyList<UserProperty> UserProperties { get; init; } = [];

    /// <summary>Whether DISCONNECT from a client may have that Reason Code (§3.14.2.1).</summary>
    /// <param name="code">Any Reason Code.</param>
    public static bool ClientMaySay(ReasonCode code) => code
        is ReasonCode.Success or ReasonCode.DisconnectWithWillMessage or ReasonCode.UnspecifiedError or ReasonCode.MalformedPacket
        or ReasonCode.ProtocolError or ReasonCode.ImplementationSpecificError or ReasonCode.TopicNameInvalid
        or ReasonCode.ReceiveMaximumExceeded or ReasonCode.TopicAliasInvalid or ReasonCode.PacketTooLarge
        or ReasonCode.MessageRateTooHigh or ReasonCode.QuotaExceeded or ReasonCode.AdministrativeAction or ReasonCode.PayloadFormatInvalid;

    /// <summary>Whether DISCONNECT from a server may have that Reason Code (§3.14.2.1).</summary>
    /// <param name="code">Any Reason Code.</param>
    public static bool ServerMaySay(ReasonCode code) =>
        code != ReasonCode.DisconnectWithWillMessage && ReasonCodes.IsAllowed(PacketType.Disconnect, code);

    internal static DisconnectPacket Decode(ref WireReader reader, ProtocolVersion version)
    {
        if (version != ProtocolVersion.V5 || reader.Remaining == 0)
        {
            return new DisconnectPacket();
        }

        var packet = new DisconnectPacket { ReasonCode = (ReasonCode)reader.ReadByte() };
        if (!ReasonCodes.IsAllowed(PacketType.Disconnect, packet.ReasonCode))
        {
            reader.Fail(Fault.Malformed($"DISCONNECT has no Reason Code 0x{(byte)packet.ReasonCode:X2} (MQTT 5 §3.14.2.1)."));
        }

        if (reader.Remaining == 0)
        {
            return packet;
        }

        List<UserProperty>? userProperties = null;
        var properties = new PropertyReader(reader.ReadPropertySection(), PacketSet.Disconnect);
        while (properties.TryRead(out var property))
        {
            switch (property.Identifier)
            {
                case PropertyIdentifier.SessionExpiryInterval:
                    packet = packet with { SessionExpiryInterval = property.Number };
                    break;
                case PropertyIdentifier.ReasonString:
                    packet = packet with { ReasonString = property.Text };
                    break;
                case PropertyIdentifier.ServerReference:
                    packet = packet with { ServerReference = property.Text };
                    break;
                default:
                    (userProperties ??= []).Add(property.Pair);
                    break;
            }
        }

        reader.Fail(properties.Fault);

        return packet with { UserProperties = userProperties ?? packet.UserProperties };
    }

    private protected override void WriteBody(ref WireWriter writer, ProtocolVersion version)
    {
        if (version != ProtocolVersion.V5)
        {
            return;
        }

        var properties = new PropertyWriter(stackalloc byte[256], PacketSet.Disconnect);
        properties.Add(PropertyIdentifier.SessionExpiryInterval, SessionExpiryInterval);
        properties.Add(PropertyIdentifier.ReasonString, ReasonString);
        properties.Add(PropertyIdentifier.ServerReference, ServerReference);
        properties.Add(UserProperties);
        if (properties.Length > 0 || ReasonCode != ReasonCode.Success)
        {
            writer.WriteByte((byte)ReasonCode);
            if (properties.Length > 0)
            {
                writer.WritePropertySection(properties.Written);
            }
        }

        properties.Dispose();
    }
}
