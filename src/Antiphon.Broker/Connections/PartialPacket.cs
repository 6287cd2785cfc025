using Antiphon.Broker.Buffers;
using Antiphon.Broker.Timing;

namespace Antiphon.Broker.Connections;

/// <summary>
/// The beginning of a packet whose end has not arrived. It grows with what really arrives, never with what a length field promises,
/// and holds no memory while packets come whole.
/// </summary>
/// <param name="pool">Where the array comes from.</param>
internal sealed class PartialPacket(BufferPool pool)
{
    private byte[]? _buffer;
    private int _length;

    public bool IsEmpty => _length == 0;

    /// <summary>When it began.</summary>
    public Instant Began { get; set; }

    /// <summary>What it takes in memory, in bytes.</summary>
    public int Size => _buffer?.Length ?? 0;

    /// <summary>What of <see cref="Size"/> is in the sum of all.</summary>
    public int Counted { get; set; }

    public ReadOnlySpan<byte> Bytes => _buffer.AsSpan(0, _length);

    public void Append(ReadOnlySpan<byte> bytes)
    {
        if (bytes.IsEmpty)
        {
            return;
        }

        if (_buffer is null || _buffer.Length - _length < bytes.Length)
        {
            var larger = pool.Rent(checked(_length + bytes.Length));
            Bytes.CopyTo(larger);
            if (_buffer is not null)
            {
                pool.Return(_buffer);
            }

            _buffer = larger;
        }

        bytes.CopyTo(_buffer.AsSpan(_length));
        _length += bytes.Length;
    }

    /// <summary>The first so many bytes have been read.</summary>
    public void Consume(int count)
    {
        _length -= count;
        if (_length == 0)
        {
            Clear();
        }
        else if (count > 0)
        {
            _buffer.AsSpan(count, _length).CopyTo(_buffer);
        }
    }

    public void Clear()
    {
        if (_buffer is not null)
        {
            pool.Return(_buffer);
            _buffer = null;
        }

        _length = 0;
    }
}
