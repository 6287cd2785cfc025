using System.Buffers;

namespace Antiphon.Client.Output;

/// <summary>Packets on their way out, one behind the other in one pooled array. Not thread-safe.</summary>
internal sealed class OutputBuffer : IBufferWriter<byte>
{
    private const int FirstSize = 4096;
    private const int LargestKept = 256 * 1024;

    private byte[] _bytes = [];

    public int Length { get; private set; }

    /// <summary>How many QoS 0 messages are among them: what is lost if the bytes are.</summary>
    public int AtMostOnceMessages { get; set; }

    public ReadOnlyMemory<byte> Written => _bytes.AsMemory(0, Length);

    public Span<byte> GetSpan(int sizeHint = 0)
    {
        Reserve(sizeHint);
        return _bytes.AsSpan(Length);
    }

    public Memory<byte> GetMemory(int sizeHint = 0)
    {
        Reserve(sizeHint);
        return _bytes.AsMemory(Length);
    }

    public void Advance(int count) => Length += count;

    /// <summary>Forgets what is in it; an array that one burst has made large goes back to the pool.</summary>
    public void Clear()
    {
        Length = 0;
        AtMostOnceMessages = 0;
        if (_bytes.Length > LargestKept)
        {
            ArrayPool<byte>.Shared.Return(_bytes);
            _bytes = [];
        }
    }

    private void Reserve(int sizeHint)
    {
        var needed = checked(Length + Math.Max(sizeHint, 1));
        if (needed <= _bytes.Length)
        {
            return;
        }

        var doubled = (int)Math.Min(2L * _bytes.Length, Array.MaxLength);
        var larger = ArrayPool<byte>.Shared.Rent(Math.Max(Math.Max(needed, doubled), FirstSize));
        _bytes.AsSpan(0, Length).CopyTo(larger);
        if (_bytes.Length > 0)
        {
            ArrayPool<byte>.Shared.Return(_bytes);
        }

        _bytes = larger;
    }
}
