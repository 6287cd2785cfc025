using System.Text;
using Antiphon.Protocol.Packets;
using Antiphon.Protocol.Wire;

namespace Antiphon.Protocol.Properties;

/// <summary>One property as it stands in the input.</summary>
public readonly ref struct Property
{
    /// <summary>Which property it is.</summary>
    public required PropertyIdentifier Identifier { get; init; }

    /// <summary>The value, where it is a number.</summary>
    public uint Number { get; init; }

    /// <summary>The value, where it is a string or Binary Data; the name, where it is a string pair.</summary>
    public ReadOnlySpan<byte> Bytes { get; init; }

    /// <summary>The second string of a string pair.</summary>
    public ReadOnlySpan<byte> Second { get; init; }

    /// <summary>The value of a string property as text.</summary>
    public string Text => Encoding.UTF8.GetString(Bytes);

    /// <summary>The value of a User Property as text.</summary>
    public UserProperty Pair => new(Text, Encoding.UTF8.GetString(Second));
}

/// <summary>
/// Reads a property section (MQTT 5 §2.2.2) one property at a time and holds each to the table:
/// known, allowed here, not twice, number in range.
/// </summary>
public ref struct PropertyReader
{
    private readonly PacketSet _carrier;
    private readonly int _sectionLength;
    private WireReader _reader;
    private ulong _seen;

    internal PropertyReader(ReadOnlySpan<byte> section, PacketSet carrier)
    {
        _reader = new WireReader(section);
        _sectionLength = section.Length;
        _carrier = carrier;
    }

    /// <summary>What is wrong with the section, if reading ended early.</summary>
    public readonly Fault Fault => _reader.Fault;

    /// <summary>How far into the section reading has come, in bytes.</summary>
    internal readonly int Position => _sectionLength - _reader.Remaining;

    /// <summary>Reads the next property.</summary>
    /// <param name="property">The property, a view into the input.</param>
    /// <returns><c>false</c> at the end of the section or at a <see cref="Fault"/>.</returns>
    public bool TryRead(out Property property)
    {
        property = default;
        if (_reader.Remaining == 0)
        {
            return false;
        }

        var identifier = _reader.ReadVariableByteInteger();
        ref readonly var rule = ref PropertyTable.Rule(identifier);
        if ((rule.Carriers & _carrier) == 0)
        {
            // Also when not even the identifier could be read; that fault came first, and stays.
            _reader.Fail(NotAllowed(identifier));
            return false;
        }

        var bit = 1UL << (int)identifier;
        if ((_seen & bit) != 0 && (rule.Repeatable & _carrier) == 0)
        {
            _reader.Fail(Twice((PropertyIdentifier)identifier));
            return false;
        }

        _seen |= bit;
        property = ReadValue((PropertyIdentifier)identifier, rule);
        return !_reader.Fault.Exists;
    }

    private Property ReadValue(PropertyIdentifier identifier, in PropertyRule rule)
    {
        switch (rule.Type)
        {
            case PropertyType.Utf8String:
                var text = _reader.ReadUtf8();
                if (identifier == PropertyIdentifier.ResponseTopic && (text.IsEmpty || text.ContainsAny((byte)'+', (byte)'#')))
                {
                    _reader.Fail(Fault.Protocol("The Response Topic is empty or holds a wildcard [MQTT-3.3.2-14, MQTT-4.7.3-1]."));
                }

                return new Property { Identifier = identifier, Bytes = text };
            case PropertyType.BinaryData:
                return new Property { Identifier = identifier, Bytes = _reader.ReadBinary() };
            case PropertyType.StringPair:
                return new Property { Identifier = identifier, Bytes = _reader.ReadUtf8(), Second = _reader.ReadUtf8() };
            default:
                var number = rule.Type switch
                {
                    PropertyType.Byte => _reader.ReadByte(),
                    PropertyType.TwoByteInteger => _reader.ReadUInt16(),
                    PropertyType.FourByteInteger => _reader.ReadUInt32(),
                    _ => _reader.ReadVariableByteInteger(),
                };
                if (number < rule.Minimum || number > rule.Maximum)
                {
                    _reader.Fail(OutOfRange(identifier, number, rule));
                }

                return new Property { Identifier = identifier, Number = number };
        }
    }

    // Sentences are put together out of the way: room for that in the frame of a method is cleared at each call.
    private static Fault NotAllowed(uint identifier) =>
        Fault.Malformed($"Property 0x{identifier:X2} is unknown or not allowed in this packet (MQTT 5 §2.2.2.2).");

    private static Fault Twice(PropertyIdentifier identifier) =>
        Fault.Protocol($"Property {identifier} stands twice in the packet (MQTT 5 §2.2.2.2).");

    private static Fault OutOfRange(PropertyIdentifier identifier, uint number, in PropertyRule rule) =>
        new(rule.OutOfRange, $"Property {identifier} is {number}; it has to be {rule.Minimum} to {rule.Maximum} (MQTT 5 §2.2.2.2).");
}
