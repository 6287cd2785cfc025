using Antiphon.Protocol.Wire;

namespace Antiphon.Protocol.Packets;

/// <summary>PINGREQ (MQTT 5 §3.12).</summary>
public sealed record PingReqPacket : Packet
{
    /// <summary>The only one there is.</summary>
    public static PingReqPacket Instance { get; } = new();

    /// <inheritdoc/>
    public override PacketType Type => PacketType.PingReq;

    private protected override void WriteBody(ref WireWriter writer, ProtocolVersion version)
    {
    }
}

/// <summary>PINGRESP (MQTT 5 §3.13).</summary>
public sealed record PingRespPacket : Packet
{
    /// <summary>The only one there is.</summary>
    public static PingRespPacket Instance { get; } = new();

    /// <inheritdoc/>
    public override PacketType Type => PacketType.PingResp;

    private protected override void WriteBody(ref WireWriter writer, ProtocolVersion version)
    {
    }
}
