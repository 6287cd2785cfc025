namespace Antiphon.Conformance.Wire;

/// <summary>The variable byte integer of MQTT 5 §1.5.5.</summary>
internal static class VariableInteger
{
    public static void Write(List<byte> output, int value)
    {
        while (value > 0x7F)
        {
            output.Add((byte)(value | 0x80));
            value >>= 7;
        }

        output.Add((byte)value);
    }

    /// <summary>Takes one off the front. False if it is not there whole, longer than 4 bytes, or not in the fewest bytes.</summary>
    public static bool TryRead(ref ReadOnlySpan<byte> rest, out int value)
    {
        value = 0;
        for (var i = 0; i < Math.Min(4, rest.Length); i++)
        {
            value |= (rest[i] & 0x7F) << (7 * i);
            if ((rest[i] & 0x80) == 0)
            {
                var fewest = i == 0 || rest[i] != 0;
                rest = rest[(i + 1)..];
                return fewest;
            }
        }

        return false;
    }
}
