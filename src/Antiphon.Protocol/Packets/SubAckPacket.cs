using Antiphon.Protocol.Properties;
using Antiphon.Protocol.Wire;

namespace Antiphon.Protocol.Packets;

/// <summary>SUBACK (MQTT 5 §3.9).</summary>
public sealed record SubAckPacket : Packet
{
    /// <inheritdoc/>
    public override PacketType Type => PacketType.SubAck;

    /// <summary>The Packet Identifier of the SUBSCRIBE [MQTT-2.2.1-6].</summary>
    public required PacketIdentifier PacketIdentifier { get; init; }

    /// <summary>One per Topic Filter, in their order [MQTT-3.8.4-6].</summary>
    public required IReadOnlyList<ReasonCode> ReasonCodes { get; init; }

    /// <summary>More about it, for people.</summary>
    public string? ReasonString { get; init; }

    /// <summary>User Properties in their order.</summary>
    public IReadOnlyList<UserProperty> UserProperties { get; init; } = [];

    internal static SubAckPacket Decode(ref WireReader reader, ProtocolVersion version)
    {
        var identifier = reader.ReadPacketIdentifier();
        var reason = version == ProtocolVersion.V5 ? ReasonProperties.Read(ref reader, PacketSet.SubAck) : ReasonProperties.None;
        return new SubAckPacket
        {
            PacketIdentifier = identifier,
            ReasonCodes = ReadCodes(PacketType.SubAck, ref reader, version),
            ReasonString = reason.ReasonString,
            UserProperties = reason.UserProperties,
        };
    }

    /// <summary>The payload of SUBACK and UNSUBACK: Reason Codes to the end.</summary>
    internal static ReasonCode[] ReadCodes(PacketType type, ref WireReader reader, ProtocolVersion version)
    {
        var codes = new ReasonCode[reader.Remaining];
        for (var i = 0; i < codes.Length; i++)
        {
            codes[i] = (ReasonCode)reader.ReadByte();
            if (!Packets.ReasonCodes.IsAllowed(type, codes[i]) || (version != ProtocolVersion.V5 && codes[i] > ReasonCode.UnspecifiedError))
            {
                reader.Fail(Fault.Malformed($"{type} has no Reason Code 0x{(byte)codes[i]:X2} (MQTT 5 §2.4)."));
                break;
            }
        }

        if (codes.Length == 0)
        {
            reader.Fail(Fault.Malformed($"{type} has no Reason Code (MQTT 5 §3.9.3, §3.11.3)."));
        }

        return codes;
    }

    private protected override void WriteBody(ref WireWriter writer, ProtocolVersion version)
    {
        if (ReasonCodes.Count == 0)
        {
            throw new InvalidOperationException("SUBACK needs a Reason Code for each Topic Filter [MQTT-3.8.4-6].");
        }

        writer.WritePacketIdentifier(PacketIdentifier);
        if (version == ProtocolVersion.V5)
        {
            new ReasonProperties(ReasonString, UserProperties).WriteTo(ref writer, PacketSet.SubAck);
        }

        foreach (var code in ReasonCodes)
        {
            // MQTT 3.1.1 knows one failure, 0x80 (§3.9.3).
            writer.WriteByte(
                version == ProtocolVersion.V5 || code < ReasonCode.UnspecifiedError ? (byte)code : (byte)ReasonCode.UnspecifiedError);
        }
    }
}
