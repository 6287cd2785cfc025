using System.Buffers;
using Antiphon.Protocol;
using Antiphon.Protocol.Packets;

namespace Antiphon.Server.Tests.Peers;

/// <summary>Bytes of MQTT.</summary>
internal static class Packets
{
    public static byte[] Connect(string clientId = "a") => Bytes(new ConnectPacket { ClientId = clientId });

    public static byte[] Bytes(params Packet[] packets) => Bytes(ProtocolVersion.V5, packets);

    public static byte[] Bytes(ProtocolVersion version, params Packet[] packets)
    {
        var bytes = new ArrayBufferWriter<byte>();
        foreach (var packet in packets)
        {
            packet.WriteTo(bytes, version);
        }

        return bytes.WrittenSpan.ToArray();
    }
}
