using Antiphon.Protocol.Properties;
using Antiphon.Protocol.Wire;

namespace Antiphon.Protocol.Packets;

/// <summary>UNSUBSCRIBE (MQTT 5 §3.10).</summary>
public sealed record UnsubscribePacket : Packet
{
    /// <inheritdoc/>
    public override PacketType Type => PacketType.Unsubscribe;

    /// <summary>The Packet Identifier.</summary>
    public required PacketIdentifier PacketIdentifier { get; init; }

    /// <summary>One or more [MQTT-3.10.3-2].</summary>
    public required IReadOnlyList<string> TopicFilters { get; init; }

    /// <summary>User Properties in their order.</summary>
    public IReadOnlyList<UserProperty> UserProperties { get; init; } = [];

    internal static UnsubscribePacket Decode(ref WireReader reader, ProtocolVersion version)
    {
        var identifier = reader.ReadPacketIdentifier();
        var properties = version == ProtocolVersion.V5 ? ReasonProperties.Read(ref reader, PacketSet.Unsubscribe) : ReasonProperties.None;
        var filters = new List<string>(1);
        while (reader.Remaining > 0)
        {
            filters.Add(reader.ReadString());
        }

        if (filters.Count == 0)
        {
            reader.Fail(Fault.Protocol("UNSUBSCRIBE has no Topic Filter [MQTT-3.10.3-2]."));
        }

        return new UnsubscribePacket { PacketIdentifier = identifier, TopicFilters = filters, UserProperties = properties.UserProperties };
    }

    private protected override void WriteBody(ref WireWriter writer, ProtocolVersion version)
    {
        if (TopicFilters.Count == 0)
        {
            throw new InvalidOperationException("UNSUBSCRIBE needs a Topic Filter [MQTT-3.10.3-2].");
        }

        writer.WritePacketIdentifier(PacketIdentifier);
        if (version == ProtocolVersion.V5)
        {
            new ReasonProperties(null, UserProperties).WriteTo(ref writer, PacketSet.Unsubscribe);
        }

        foreach (var filter in TopicFilters)
        {
            writer.WriteString(filter);
        }
    }
}
