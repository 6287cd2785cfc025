namespace Antiphon.Bench.Relay;

/// <summary>
/// The relay's frame: eight bytes of header, little-endian, then anything. Four bytes say how long the whole frame is.
/// Two name the first connection that gets it, one says how many connections in a row get it, one is flags.
/// A connection's first frame says which number it is, and is answered by an acknowledgement.
/// </summary>
internal static class RelayFrame
{
    public const int HeaderSize = 8;

    /// <summary>An acknowledgement: no frame for anybody. The relay swallows it.</summary>
    public const int Nobody = 0;

    /// <summary>
    /// As with QoS 1, the relay acknowledges the frame to its sender, and whoever gets the frame acknowledges it to the relay.
    /// </summary>
    public const byte WantsAcknowledgement = 1;

    /// <summary>The largest frame, in bytes.</summary>
    public const int MaximumSize = 64 * 1024;

    public static unsafe void WriteHeader(byte* frame, int length, int target, int count, byte flags)
    {
        *(int*)frame = length;
        *(ushort*)(frame + 4) = (ushort)target;
        frame[6] = (byte)count;
        frame[7] = flags;
    }

    public static unsafe int Length(byte* frame) => *(int*)frame;

    public static unsafe int Target(byte* frame) => *(ushort*)(frame + 4);

    public static unsafe int Count(byte* frame) => frame[6];

    public static unsafe byte Flags(byte* frame) => frame[7];
}
