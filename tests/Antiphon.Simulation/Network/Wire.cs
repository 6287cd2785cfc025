namespace Antiphon.Simulation.Network;

/// <summary>One direction of a connection: the bytes that are on their way, and the end that comes behind them.</summary>
internal sealed class Wire
{
    private byte[] _bytes = new byte[1024];
    private int _start;

    /// <summary>How many bytes are on their way.</summary>
    public int Count { get; private set; }

    /// <summary>Whether nothing is written any more; who reads comes to the end, or finds the connection broken.</summary>
    public bool IsEnded { get; private set; }

    /// <summary>Until then nothing gets through.</summary>
    public TimeSpan HeldUntil { get; set; }

    /// <summary>Sends bytes on their way; once it has ended they are lost.</summary>
    public void Write(ReadOnlySpan<byte> bytes)
    {
        if (IsEnded)
        {
            return;
        }

        if (_start + Count + bytes.Length > _bytes.Length)
        {
            var larger = Count + bytes.Length > _bytes.Length ? new byte[2 * (Count + bytes.Length)] : _bytes;
            _bytes.AsSpan(_start, Count).CopyTo(larger);
            _bytes = larger;
            _start = 0;
        }

        bytes.CopyTo(_bytes.AsSpan(_start + Count));
        Count += bytes.Length;
    }

    /// <summary>Takes the first so many bytes off; they are valid until the next call.</summary>
    public Span<byte> Take(int count)
    {
        var taken = _bytes.AsSpan(_start, count);
        _start += count;
        Count -= count;
        return taken;
    }

    /// <summary>The end comes behind the first so many bytes; what is beyond them is lost.</summary>
    public void EndAfter(int count)
    {
        IsEnded = true;
        Count = Math.Min(Count, count);
    }
}
