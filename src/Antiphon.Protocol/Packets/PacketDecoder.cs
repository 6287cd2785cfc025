using System.Diagnostics.CodeAnalysis;
using Antiphon.Protocol.Wire;

namespace Antiphon.Protocol.Packets;

/// <summary>Turns a <see cref="Frame"/> into a <see cref="Packet"/>. Stateless and safe from any thread.</summary>
public static class PacketDecoder
{
    /// <summary>Decodes a whole packet and leaves nothing of it unread.</summary>
    /// <param name="frame">The packet's bytes, from <see cref="FrameReader"/>.</param>
    /// <param name="version">The version that the connection speaks; CONNECT itself says which and ignores this.</param>
    /// <param name="packet">The packet, if it is well formed.</param>
    /// <param name="fault">Otherwise what is wrong with it.</param>
    /// <returns>Whether there is a packet.</returns>
    public static bool TryDecode(in Frame frame, ProtocolVersion version, [NotNullWhen(true)] out Packet? packet, out Fault fault)
    {
        if (frame.Type == PacketType.Publish)
        {
            packet = PublishView.TryDecode(frame, version, out var view, out fault) ? PublishPacket.From(view) : null;
            return packet is not null;
        }

        var reader = new WireReader(frame.Body);
        packet = Decode(frame.Type, ref reader, version);
        if (reader.Remaining > 0)
        {
            reader.Fail(Fault.Malformed($"{reader.Remaining} bytes stand behind the end of the {frame.Type} packet (MQTT 5 §4.13.1)."));
        }

        fault = reader.Fault;
        if (fault.Exists)
        {
            packet = null;
        }

        return packet is not null;
    }

    private static Packet? Decode(PacketType type, ref WireReader reader, ProtocolVersion version)
    {
        switch (type)
        {
            case PacketType.Connect:
                return ConnectPacket.Decode(ref reader);
            case PacketType.ConnAck:
                return ConnAckPacket.Decode(ref reader, version);
            case PacketType.PubAck or PacketType.PubRec or PacketType.PubRel or PacketType.PubComp:
                return AcknowledgementPacket.Decode(type, ref reader, version);
            case PacketType.Subscribe:
                return SubscribePacket.Decode(ref reader, version);
            case PacketType.SubAck:
                return SubAckPacket.Decode(ref reader, version);
            case PacketType.Unsubscribe:
                return UnsubscribePacket.Decode(ref reader, version);
            case PacketType.UnsubAck:
                return UnsubAckPacket.Decode(ref reader, version);
            case PacketType.PingReq:
                return PingReqPacket.Instance;
            case PacketType.PingResp:
                return PingRespPacket.Instance;
            case PacketType.Disconnect:
                return DisconnectPacket.Decode(ref reader, version);
            case PacketType.Auth when version == ProtocolVersion.V5:
                return AuthPacket.Decode(ref reader);
            default:
                reader.Fail(Fault.Malformed($"Packet type {(int)type} does not exist in this protocol version (MQTT 5 §2.1.2)."));
                return null;
        }
    }
}
