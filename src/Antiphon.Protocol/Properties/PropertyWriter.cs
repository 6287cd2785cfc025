using Antiphon.Protocol.Packets;
using Antiphon.Protocol.Wire;

namespace Antiphon.Protocol.Properties;

/// <summary>
/// Builds a property section (MQTT 5 §2.2.2), held to the same table as reading. What is <c>null</c> is left out.
/// Dispose it to give its memory back.
/// </summary>
internal ref struct PropertyWriter(Span<byte> initial, PacketSet carrier)
{
    private readonly PacketSet _carrier = carrier;
    private WireWriter _writer = new(initial);

    /// <summary>The section's length in bytes, without the length field.</summary>
    public readonly int Length => _writer.Length;

    /// <summary>The section, without the length field.</summary>
    public readonly ReadOnlySpan<byte> Written => _writer.Written;

    public void Add(PropertyIdentifier identifier, uint? number)
    {
        if (number is not { } value)
        {
            return;
        }

        var rule = Begin(identifier);
        if (value < rule.Minimum || value > rule.Maximum)
        {
            throw new ArgumentOutOfRangeException(
                nameof(number), value, $"Property {identifier} has to be {rule.Minimum} to {rule.Maximum} (MQTT 5 §2.2.2.2).");
        }

        switch (rule.Type)
        {
            case PropertyType.Byte:
                _writer.WriteByte(checked((byte)value));
                break;
            case PropertyType.TwoByteInteger:
                _writer.WriteUInt16(checked((ushort)value));
                break;
            case PropertyType.FourByteInteger:
                _writer.WriteUInt32(value);
                break;
            default:
                _writer.WriteVariableByteInteger(value);
                break;
        }
    }

    public void Add(PropertyIdentifier identifier, bool? flag) => Add(identifier, flag is { } value ? value ? 1u : 0u : null);

    public void Add(PropertyIdentifier identifier, string? text)
    {
        if (text is not null)
        {
            Begin(identifier);
            _writer.WriteString(text);
        }
    }

    public void Add(PropertyIdentifier identifier, ReadOnlyMemory<byte>? bytes)
    {
        if (bytes is { } value)
        {
            Begin(identifier);
            _writer.WriteBinary(value.Span);
        }
    }

    public void Add(IReadOnlyList<UserProperty> userProperties)
    {
        for (var i = 0; i < userProperties.Count; i++)
        {
            Begin(PropertyIdentifier.UserProperty);
            _writer.WriteString(userProperties[i].Name);
            _writer.WriteString(userProperties[i].Value);
        }
    }

    public void Dispose() => _writer.Dispose();

    private PropertyRule Begin(PropertyIdentifier identifier)
    {
        var rule = PropertyTable.Rule((uint)identifier);
        if ((rule.Carriers & _carrier) == 0)
        {
            throw new InvalidOperationException($"Property {identifier} does not belong into {_carrier} (MQTT 5 §2.2.2.2).");
        }

        _writer.WriteByte((byte)identifier);
        return rule;
    }
}
