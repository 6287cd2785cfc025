namespace Antiphon.Protocol.Wire;

/// <summary>What reading a Variable Byte Integer came to.</summary>
public enum VariableByteIntegerStatus
{
    /// <summary>A value was read.</summary>
    Complete,

    /// <summary>The input ends before the value does.</summary>
    Incomplete,

    /// <summary>More than four bytes, or not the shortest form [MQTT-1.5.5-1].</summary>
    Malformed,
}

/// <summary>The Variable Byte Integer of MQTT 5 §1.5.5: 1 to 4 bytes, 0 to 268,435,455.</summary>
public static class VariableByteInteger
{
    /// <summary>The largest value: 268,435,455.</summary>
    public const uint Maximum = 268_435_455;

    /// <summary>How many bytes a value takes.</summary>
    /// <param name="value">0 to <see cref="Maximum"/>.</param>
    /// <returns>1 to 4 bytes.</returns>
    public static int SizeOf(uint value) => value switch
    {
        < 128 => 1,
        < 16_384 => 2,
        < 2_097_152 => 3,
        _ => 4,
    };

    /// <summary>Reads a value from the start of the input.</summary>
    /// <param name="input">The bytes.</param>
    /// <param name="value">The value, if complete.</param>
    /// <param name="length">How many bytes it took, if complete.</param>
    public static VariableByteIntegerStatus TryRead(ReadOnlySpan<byte> input, out uint value, out int length)
    {
        value = 0;
        for (length = 0; length < 4; length++)
        {
            if (length == input.Length)
            {
                return VariableByteIntegerStatus.Incomplete;
            }

            var next = input[length];
            value |= (uint)(next & 0x7F) << (7 * length);
            if ((next & 0x80) == 0)
            {
                var shortest = length == 0 || next != 0;
                length++;
                return shortest ? VariableByteIntegerStatus.Complete : VariableByteIntegerStatus.Malformed;
            }
        }

        return VariableByteIntegerStatus.Malformed;
    }

    /// <summary>Writes a value in its shortest form.</summary>
    /// <param name="output">At least <see cref="SizeOf"/> bytes.</param>
    /// <param name="value">0 to <see cref="Maximum"/>.</param>
    /// <returns>How many bytes were written.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The value is above <see cref="Maximum"/>.</exception>
    public static int Write(Span<byte> output, uint value)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(value, Maximum);
        var length = 0;
        while (value >= 128)
        {
            output[length++] = (byte)(value | 0x80);
            value >>= 7;
        }

        output[length++] = (byte)value;
        return length;
    }
}
