using System.Buffers;
using Antiphon.Protocol.Wire;

namespace Antiphon.Protocol.Packets;

/// <summary>
/// An MQTT Control Packet, immutable.
/// The closed union of the fifteen types; the four acknowledgements of PUBLISH share <see cref="AcknowledgementPacket"/>.
/// An absent property is <c>null</c>: the default of the standard is applied by whoever needs the value.
/// </summary>
public abstract record Packet
{
    private protected Packet()
    {
    }

    /// <summary>The packet's type.</summary>
    public abstract PacketType Type { get; }

    /// <summary>Appends the packet's bytes.</summary>
    /// <param name="output">Where to.</param>
    /// <param name="version">The version that the connection speaks; what MQTT 3.1.1 has no place for is left out.</param>
    /// <exception cref="ArgumentException">
    /// A value that has no form on the wire, such as text with U+0000 or over 65,535 bytes, or no Packet Identifier where one has to be.
    /// </exception>
    /// <exception cref="InvalidOperationException">
    /// The packet does not exist in that version, or lacks what every packet of its type has.
    /// </exception>
    public void WriteTo(IBufferWriter<byte> output, ProtocolVersion version)
    {
        ArgumentNullException.ThrowIfNull(output);
        var body = new WireWriter(stackalloc byte[512]);
        try
        {
            WriteBody(ref body, version);
            var header = output.GetSpan(5 + body.Length);
            header[0] = (byte)((byte)Type << 4 | Flags);
            var headerLength = 1 + VariableByteInteger.Write(header[1..], (uint)body.Length);
            body.Written.CopyTo(header[headerLength..]);
            output.Advance(headerLength + body.Length);
        }
        finally
        {
            body.Dispose();
        }
    }

    private protected virtual byte Flags => PacketTypes.FixedFlags(Type);

    private protected abstract void WriteBody(ref WireWriter writer, ProtocolVersion version);
}
