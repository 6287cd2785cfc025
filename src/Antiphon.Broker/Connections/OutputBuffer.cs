using System.Buffers;

namespace Antiphon.Broker.Connections;

/// <summary>
/// What is still to be written to one Network Connection, in order. The array is rented with the first write and given back when all has been sent,
/// so an idle connection holds none.
/// </summary>
/// <param name="pool">Where the array comes from.</param>
internal sealed class OutputBuffer(BufferPool pool) : IBufferWriter<byte>
{
    private const int FirstRent = 1024;

    private byte[]? _buffer;
    private int _start;
    private int _end;
    private int _handedOut;

    /// <summary>Bytes that wait to be sent.</summary>
    public int Length => _end - _start;

    /// <summary>The bytes that wait, contiguous.</summary>
    public ReadOnlySpan<byte> Pending => _buffer.AsSpan(_start, Length);

    public void Advance(int count) => _end += count;

    public Span<byte> GetSpan(int sizeHint = 0)
    {
        if (_buffer is null || _buffer.Length - _end < sizeHint)
        {
            MakeRoom(sizeHint);
        }

        return _buffer.AsSpan(_end);
    }

    public Memory<byte> GetMemory(int sizeHint = 0)
    {
        GetSpan(sizeHint);
        return _buffer.AsMemory(_end);
    }

    /// <summary>The first so many bytes have been sent.</summary>
    public void Consume(int count)
    {
        _start += count;
        if (_start == _end)
        {
            Clear();
        }
    }

    /// <summary>Bytes that wait to be sent, those handed out included; what the bound of a slow reader is about.</summary>
    public int Backlog => Length + _handedOut;

    /// <summary>Hands everything out to whoever sends it; the array comes back through <see cref="TakeBack"/>.</summary>
    public ArraySegment<byte> HandOut()
    {
        var handedOut = new ArraySegment<byte>(_buffer!, _start, Length);
        _handedOut += handedOut.Count;
        _buffer = null;
        _start = _end = 0;
        return handedOut;
    }

    /// <summary>What was handed out has been sent, or never will be.</summary>
    public void TakeBack(ArraySegment<byte> handedOut)
    {
        _handedOut -= handedOut.Count;
        pool.Return(handedOut.Array!);
    }

    /// <summary>Drops everything and gives the array back.</summary>
    public void Clear()
    {
        if (_buffer is not null)
        {
            pool.Return(_buffer);
            _buffer = null;
        }

        _start = _end = 0;
    }

    private void MakeRoom(int sizeHint)
    {
        var larger = pool.Rent(Math.Max(FirstRent, checked(Length + sizeHint)));
        var length = Length;
        if (_buffer is not null)
        {
            // Doubling keeps the copying linear however the bytes come in.
            if (larger.Length <= _buffer.Length && length > _buffer.Length / 2)
            {
                pool.Return(larger);
                larger = pool.Rent(checked(2 * _buffer.Length));
            }

            Pending.CopyTo(larger);
            pool.Return(_buffer);
        }

        _buffer = larger;
        _start = 0;
        _end = length;
    }
}
