namespace Antiphon.Conformance.Wire;

/// <summary>A property list as it stands in a packet, parted into its properties by the table of MQTT 5 §2.2.2.2.</summary>
internal static class PropertyBlock
{
    /// <summary>The properties, each with its identifier in front; <c>null</c> if the bytes are no property list.</summary>
    public static List<byte[]>? Split(ReadOnlySpan<byte> block)
    {
        var properties = new List<byte[]>();
        while (block.Length > 0)
        {
            var length = 1 + ValueLength(block[0], block[1..]);
            if (length < 1 || length > block.Length)
            {
                return null;
            }

            properties.Add(block[..length].ToArray());
            block = block[length..];
        }

        return properties;
    }

    /// <summary>The bytes of a value, -2 for an identifier that does not exist. It may be longer than the bytes that are there.</summary>
    private static int ValueLength(byte identifier, ReadOnlySpan<byte> value) => identifier switch
    {
        0x01 or 0x17 or 0x19 or 0x24 or 0x25 or 0x28 or 0x29 or 0x2A => 1,
        0x13 or 0x21 or 0x22 or 0x23 => 2,
        0x02 or 0x11 or 0x18 or 0x27 => 4,
        0x0B => VariableLength(value),
        0x03 or 0x08 or 0x09 or 0x12 or 0x15 or 0x16 or 0x1A or 0x1C or 0x1F => PrefixedLength(value),
        0x26 => PairLength(value),
        _ => -2,
    };

    private static int VariableLength(ReadOnlySpan<byte> value)
    {
        var end = value.IndexOfAnyInRange((byte)0, (byte)0x7F);
        return end is >= 0 and < 4 ? end + 1 : -2;
    }

    private static int PrefixedLength(ReadOnlySpan<byte> value) => value.Length < 2 ? 2 : 2 + (value[0] << 8 | value[1]);

    private static int PairLength(ReadOnlySpan<byte> value)
    {
        var name = PrefixedLength(value);
        return name > value.Length ? name : name + PrefixedLength(value[name..]);
    }
}
