using Antiphon.Protocol.Properties;
using Antiphon.Protocol.Wire;

namespace Antiphon.Protocol.Packets;

/// <summary>UNSUBACK (MQTT 5 §3.11). In MQTT 3.1.1 it says nothing but that it was done.</summary>
public sealed record UnsubAckPacket : Packet
{
    /// <inheritdoc/>
    public override PacketType Type => PacketType.UnsubAck;

    /// <summary>The Packet Identifier of the UNSUBSCRIBE [MQTT-2.2.1-6].</summary>
    public required PacketIdentifier PacketIdentifier { get; init; }

    /// <summary>One per Topic Filter, in their order [MQTT-3.11.3-1]; none in MQTT 3.1.1.</summary>
    public required IReadOnlyList<ReasonCode> ReasonCodes { get; init; }

    /// <summary>More about it, for people.</summary>
    public string? ReasonString { get; init; }

    /// <summary>User Properties in their order.</summary>
    public IReadOnlyList<UserProperty> UserProperties { get; init; } = [];

    internal static UnsubAckPacket Decode(ref WireReader reader, ProtocolVersion version)
    {
        var identifier = reader.ReadPacketIdentifier();
        if (version != ProtocolVersion.V5)
        {
            return new UnsubAckPacket { PacketIdentifier = identifier, ReasonCodes = [] };
        }

        var reason = ReasonProperties.Read(ref reader, PacketSet.UnsubAck);
        return new UnsubAckPacket
        {
            PacketIdentifier = identifier,
            ReasonCodes = SubAckPacket.ReadCodes(PacketType.UnsubAck, ref reader, version),
            ReasonString = reason.ReasonString,
            UserProperties = reason.UserProperties,
        };
    }

    private protected override void WriteBody(ref WireWriter writer, ProtocolVersion version)
    {
        writer.WritePacketIdentifier(PacketIdentifier);
        if (version != ProtocolVersion.V5)
        {
            return;
        }

        if (ReasonCodes.Count == 0)
        {
            throw new InvalidOperationException("UNSUBACK needs a Reason Code for each Topic Filter [MQTT-3.11.3-2].");
        }

        new ReasonProperties(ReasonString, UserProperties).WriteTo(ref writer, PacketSet.UnsubAck);
        foreach (var code in ReasonCodes)
        {
            writer.WriteByte((byte)code);
        }
    }
}
