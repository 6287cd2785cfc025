using Antiphon.Protocol.Packets;

namespace Antiphon.Protocol.Wire;

/// <summary>What looking for a packet at the start of the input came to.</summary>
public enum FrameStatus
{
    /// <summary>A whole packet is there.</summary>
    Complete,

    /// <summary>The input ends before the packet does.</summary>
    NeedMore,

    /// <summary>No packet may begin like this.</summary>
    Malformed,
}

/// <summary>
/// One whole MQTT Control Packet as it stands in the input: its fixed header taken apart, its body untouched (MQTT 5 §2.1).
/// </summary>
public readonly ref struct Frame
{
    /// <summary>The packet's type.</summary>
    public required PacketType Type { get; init; }

    /// <summary>The low four bits of the first byte.</summary>
    public required byte Flags { get; init; }

    /// <summary>Variable header and payload: a view into the input.</summary>
    public required ReadOnlySpan<byte> Body { get; init; }

    /// <summary>The whole packet's length in bytes, fixed header included.</summary>
    public required int Length { get; init; }
}

/// <summary>Finds the packets in a stream of bytes (MQTT 5 §2.1).</summary>
public static class FrameReader
{
    /// <summary>
    /// Looks for a whole packet at the start of the input. Type, flags [MQTT-2.1.3-1] and length are judged as soon as they are there,
    /// before the body is waited for.
    /// </summary>
    /// <param name="input">What has arrived and not been consumed.</param>
    /// <param name="maximumPacketSize">The longest packet accepted, in bytes, fixed header included.</param>
    /// <param name="frame">The packet, if complete.</param>
    /// <param name="fault">If malformed: 0x81, or 0x95 for a packet that is too long.</param>
    public static FrameStatus TryRead(ReadOnlySpan<byte> input, uint maximumPacketSize, out Frame frame, out Fault fault)
    {
        frame = default;
        fault = default;
        if (input.IsEmpty)
        {
            return FrameStatus.NeedMore;
        }

        var type = (PacketType)(input[0] >> 4);
        var flags = (byte)(input[0] & 0x0F);
        if (!PacketTypes.AllowsFlags(type, flags))
        {
            fault = Fault.Malformed(
                "The first byte has a forbidden packet type or reserved flags that are not as prescribed [MQTT-2.1.3-1].");
            return FrameStatus.Malformed;
        }

        switch (VariableByteInteger.TryRead(input[1..], out var remainingLength, out var lengthBytes))
        {
            case VariableByteIntegerStatus.Complete:
                break;
            case VariableByteIntegerStatus.Incomplete:
                return FrameStatus.NeedMore;
            default:
                fault = Fault.Malformed("The Remaining Length has more than 4 bytes or is not in its shortest form (MQTT 5 §2.1.4).");
                return FrameStatus.Malformed;
        }

        var header = 1 + lengthBytes;
        var total = header + (int)remainingLength;
        if ((uint)total > maximumPacketSize)
        {
            fault = TooLong(total, maximumPacketSize);
            return FrameStatus.Malformed;
        }

        if (input.Length < total)
        {
            return FrameStatus.NeedMore;
        }

        frame = new Frame { Type = type, Flags = flags, Body = input[header..total], Length = total };
        return FrameStatus.Complete;
    }

    private static Fault TooLong(int size, uint maximumPacketSize) =>
        new(ReasonCode.PacketTooLarge, $"The packet has {size} bytes; at most {maximumPacketSize} are accepted (MQTT 5 §3.1.2.11.4).");
}
