using System.Buffers;
using Antiphon.Protocol;
using Antiphon.Protocol.Packets;

namespace Antiphon.Server.Tests.Peers;

/// <summary>Bytes of MQTT.</summary>
internal static class Packets
{
    public static byte[] Connect(string clientId = "a") => Bytes(new ConnectPacket { ClientId = clientId });

    public static byte[] Bytes(params Packet[] packets)
    {
        var bytes = new ArrayBufferWriter<byte>();
        foreach (var packet in packets)
        {
            packet.WriteTo(bytes, ProtocolVersion.V5);
        }

        return bytes.WrittenSpan.ToArray();
    }
}
