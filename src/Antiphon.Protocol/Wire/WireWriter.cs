using System.Buffers;
using System.Buffers.Binary;
using System.Text;

namespace Antiphon.Protocol.Wire;

/// <summary>
/// Writes the data types of MQTT 5 §1.5, one method per type, into the span it is given; when that is full, it goes on in a rented array.
/// Dispose it to give that array back.
/// </summary>
/// <param name="initial">Where to write first, for instance a span on the stack.</param>
public ref struct WireWriter(Span<byte> initial)
{
    private Span<byte> _buffer = initial;
    private byte[]? _rented;

    /// <summary>How many bytes have been written.</summary>
    public int Length { readonly get; private set; }

    /// <summary>What has been written; valid until the next write or <see cref="Dispose"/>.</summary>
    public readonly ReadOnlySpan<byte> Written => _buffer[..Length];

    /// <summary>A byte.</summary>
    /// <param name="value">The value.</param>
    public void WriteByte(byte value) => Reserve(1)[0] = value;

    /// <summary>A Two Byte Integer (§1.5.2).</summary>
    /// <param name="value">The value.</param>
    public void WriteUInt16(ushort value) => BinaryPrimitives.WriteUInt16BigEndian(Reserve(2), value);

    /// <summary>A Four Byte Integer (§1.5.3).</summary>
    /// <param name="value">The value.</param>
    public void WriteUInt32(uint value) => BinaryPrimitives.WriteUInt32BigEndian(Reserve(4), value);

    /// <summary>A Packet Identifier (§2.2.1).</summary>
    /// <param name="identifier">1 to 65,535.</param>
    /// <exception cref="ArgumentException">There is none, where one has to stand [MQTT-2.2.1-3, MQTT-2.2.1-4].</exception>
    public void WritePacketIdentifier(PacketIdentifier identifier)
    {
        if (identifier == PacketIdentifier.None)
        {
            throw new ArgumentException(
                "The packet needs a Packet Identifier of 1 to 65,535 [MQTT-2.2.1-3, MQTT-2.2.1-4].", nameof(identifier));
        }

        WriteUInt16(identifier.Value);
    }

    /// <summary>A Variable Byte Integer (§1.5.5) in its shortest form.</summary>
    /// <param name="value">0 to 268,435,455.</param>
    public void WriteVariableByteInteger(uint value) => VariableByteInteger.Write(Reserve(VariableByteInteger.SizeOf(value)), value);

    /// <summary>Bytes as they are, without a length.</summary>
    /// <param name="bytes">The bytes.</param>
    public void WriteRaw(scoped ReadOnlySpan<byte> bytes) => bytes.CopyTo(Reserve(bytes.Length));

    /// <summary>Binary Data (§1.5.6), or a string that is UTF-8 already.</summary>
    /// <param name="bytes">At most 65,535 bytes.</param>
    /// <exception cref="ArgumentOutOfRangeException">More than 65,535 bytes.</exception>
    public void WriteBinary(scoped ReadOnlySpan<byte> bytes)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(bytes.Length, ushort.MaxValue);
        WriteUInt16((ushort)bytes.Length);
        WriteRaw(bytes);
    }

    /// <summary>A UTF-8 Encoded String (§1.5.4).</summary>
    /// <param name="text">At most 65,535 bytes in UTF-8; no lone surrogate, no U+0000.</param>
    /// <exception cref="ArgumentException">The text cannot stand in an MQTT string [MQTT-1.5.4-1, MQTT-1.5.4-2].</exception>
    public void WriteString(string text)
    {
        var bytes = Utf8Text.GetByteCount(text);
        WriteUInt16((ushort)bytes);
        Encoding.UTF8.GetBytes(text, Reserve(bytes));
    }

    /// <summary>Text in UTF-8 without a length, checked by the caller.</summary>
    internal void WriteUtf8(string text, int bytes) => Encoding.UTF8.GetBytes(text, Reserve(bytes));

    /// <summary>A property section (§2.2.2) behind its length, which is there also when it is zero [MQTT-2.2.2-1].</summary>
    /// <param name="section">The properties.</param>
    public void WritePropertySection(scoped ReadOnlySpan<byte> section)
    {
        WriteVariableByteInteger((uint)section.Length);
        WriteRaw(section);
    }

    /// <summary>Gives the rented array back, if there is one.</summary>
    public void Dispose()
    {
        if (_rented is not null)
        {
            ArrayPool<byte>.Shared.Return(_rented);
            _rented = null;
        }
    }

    private Span<byte> Reserve(int count)
    {
        if (count > _buffer.Length - Length)
        {
            Grow(count);
        }

        var reserved = _buffer.Slice(Length, count);
        Length += count;
        return reserved;
    }

    private void Grow(int count)
    {
        var larger = ArrayPool<byte>.Shared.Rent(Math.Max(checked(Length + count), 2 * _buffer.Length));
        Written.CopyTo(larger);
        Dispose();
        _rented = larger;
        _buffer = larger;
    }
}
