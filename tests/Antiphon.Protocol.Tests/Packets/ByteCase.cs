using System.Buffers;
using Antiphon.Protocol.Packets;
using Antiphon.Protocol.Tests.Wire;
using Antiphon.Protocol.Wire;

namespace Antiphon.Protocol.Tests.Packets;

/// <summary>A packet's bytes written out by hand beside the packet that they are.</summary>
/// <param name="Text">The bytes as <see cref="Hex"/> reads them.</param>
/// <param name="Packet">The packet.</param>
/// <param name="Version">The version that the connection speaks.</param>
internal sealed record ByteCase(string Text, Packet Packet, ProtocolVersion Version = ProtocolVersion.V5)
{
    /// <summary>Other bytes for the same packet, which are read but never written, for instance because a shorter form exists.</summary>
    public bool IsReadOnly { get; init; }

    public byte[] Bytes => Hex.Bytes(Text);

    public void Holds()
    {
        Assert.Equal(PacketText.Of(Packet), PacketText.Of(Accept(Bytes, Version)));
        if (!IsReadOnly)
        {
            Assert.Equal(Hex.Text(Bytes), Hex.Text(Write(Packet, Version)));
        }
    }

    /// <summary>Decodes bytes that have to be exactly one good packet.</summary>
    public static Packet Accept(byte[] bytes, ProtocolVersion version)
    {
        var frame = Frame(bytes);
        Assert.True(PacketDecoder.TryDecode(frame, version, out var packet, out var fault), fault.Message);
        Assert.False(fault.Exists);
        Assert.Equal(frame.Type, packet.Type);
        return packet;
    }

    /// <summary>Decodes bytes that have to be refused, by the frame or by the packet in it.</summary>
    public static Fault Refuse(string text, ProtocolVersion version)
    {
        var status = FrameReader.TryRead(Hex.Bytes(text), uint.MaxValue, out var frame, out var fault);
        if (status == FrameStatus.Malformed)
        {
            return fault;
        }

        Assert.Equal(FrameStatus.Complete, status);
        Assert.Equal(Hex.Bytes(text).Length, frame.Length);
        Assert.False(PacketDecoder.TryDecode(frame, version, out var packet, out fault), packet?.ToString());
        Assert.Null(packet);
        Assert.False(string.IsNullOrWhiteSpace(fault.Message));
        return fault;
    }

    public static Frame Frame(byte[] bytes)
    {
        Assert.Equal(FrameStatus.Complete, FrameReader.TryRead(bytes, uint.MaxValue, out var frame, out var fault));
        Assert.False(fault.Exists);
        Assert.Equal(bytes.Length, frame.Length);
        return frame;
    }

    public static byte[] Write(Packet packet, ProtocolVersion version)
    {
        var output = new ArrayBufferWriter<byte>();
        packet.WriteTo(output, version);
        return output.WrittenSpan.ToArray();
    }
}
