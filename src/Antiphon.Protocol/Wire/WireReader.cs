using System.Buffers.Binary;
using System.Text;
using System.Text.Unicode;

namespace Antiphon.Protocol.Wire;

/// <summary>
/// Reads the data types of MQTT 5 §1.5 from a packet's bytes, one method per type.
/// The first failure sticks: it is kept in <see cref="Fault"/>, nothing is left to read, and every later read gives a default.
/// So a decoder reads straight on and looks at <see cref="Fault"/> once, at its end.
/// </summary>
/// <param name="input">The bytes to read; lengths are checked against what remains before anything is taken.</param>
public ref struct WireReader(ReadOnlySpan<byte> input)
{
    private ReadOnlySpan<byte> _rest = input;

    /// <summary>What went wrong first, if anything did.</summary>
    public Fault Fault { readonly get; private set; }

    /// <summary>Bytes not read yet; 0 after a failure.</summary>
    public readonly int Remaining => _rest.Length;

    /// <summary>Records a failure, unless there is one already, and leaves nothing to read.</summary>
    /// <param name="fault">What is wrong; a fault that does not exist changes nothing.</param>
    public void Fail(Fault fault)
    {
        if (!fault.Exists)
        {
            return;
        }

        if (!Fault.Exists)
        {
            Fault = fault;
        }

        _rest = default;
    }

    /// <summary>A byte.</summary>
    public byte ReadByte()
    {
        var taken = Take(1);
        return taken.IsEmpty ? default : taken[0];
    }

    /// <summary>A Two Byte Integer (§1.5.2).</summary>
    public ushort ReadUInt16()
    {
        var taken = Take(2);
        return taken.IsEmpty ? default : BinaryPrimitives.ReadUInt16BigEndian(taken);
    }

    /// <summary>A Four Byte Integer (§1.5.3).</summary>
    public uint ReadUInt32()
    {
        var taken = Take(4);
        return taken.IsEmpty ? default : BinaryPrimitives.ReadUInt32BigEndian(taken);
    }

    /// <summary>A Variable Byte Integer (§1.5.5), only in its shortest form [MQTT-1.5.5-1].</summary>
    public uint ReadVariableByteInteger()
    {
        switch (VariableByteInteger.TryRead(_rest, out var value, out var length))
        {
            case VariableByteIntegerStatus.Complete:
                _rest = _rest[length..];
                return value;
            case VariableByteIntegerStatus.Incomplete:
                Fail(Fault.Malformed("The packet ends within a Variable Byte Integer (MQTT 5 §1.5.5)."));
                return default;
            default:
                Fail(Fault.Malformed("A Variable Byte Integer has more than 4 bytes or is not in its shortest form [MQTT-1.5.5-1]."));
                return default;
        }
    }

    /// <summary>Binary Data (§1.5.6): a view into the input.</summary>
    public ReadOnlySpan<byte> ReadBinary()
    {
        var length = ReadUInt16();
        return Take(length);
    }

    /// <summary>
    /// A UTF-8 Encoded String (§1.5.4): a view into the input, checked for well-formed UTF-8 and U+0000 [MQTT-1.5.4-1, MQTT-1.5.4-2].
    /// </summary>
    public ReadOnlySpan<byte> ReadUtf8()
    {
        var bytes = ReadBinary();
        if (bytes.Contains((byte)0))
        {
            Fail(Fault.Malformed("A string holds U+0000 [MQTT-1.5.4-2]."));
            return default;
        }

        if (!Utf8.IsValid(bytes))
        {
            Fail(Fault.Malformed("A string is not well-formed UTF-8 [MQTT-1.5.4-1]."));
            return default;
        }

        return bytes;
    }

    /// <summary>A UTF-8 Encoded String (§1.5.4) as text.</summary>
    public string ReadString() => Encoding.UTF8.GetString(ReadUtf8());

    /// <summary>A Packet Identifier (§2.2.1); 0 is a failure [MQTT-2.2.1-3].</summary>
    public PacketIdentifier ReadPacketIdentifier()
    {
        var value = ReadUInt16();
        if (value == 0)
        {
            Fail(Fault.Protocol("The Packet Identifier is 0; it has to be 1 to 65,535 [MQTT-2.2.1-3]."));
        }

        return new PacketIdentifier(value);
    }

    /// <summary>A property section (§2.2.2): its length, then that many bytes, which are returned unread.</summary>
    public ReadOnlySpan<byte> ReadPropertySection()
    {
        var length = (int)ReadVariableByteInteger();
        return Take(length);
    }

    /// <summary>Everything that is left, without taking it.</summary>
    internal readonly ReadOnlySpan<byte> PeekRest() => _rest;

    /// <summary>Everything that is left.</summary>
    public ReadOnlySpan<byte> ReadRest() => Take(_rest.Length);

    private ReadOnlySpan<byte> Take(int count)
    {
        if (count > _rest.Length)
        {
            Fail(Fault.Malformed("A length points beyond the end of the packet (MQTT 5 §4.13.1)."));
            return default;
        }

        var taken = _rest[..count];
        _rest = _rest[count..];
        return taken;
    }
}
