using System.Buffers;
using Antiphon.Broker.Buffers;
using Antiphon.Broker.Messages;

namespace Antiphon.Broker.Connections;

/// <summary>
/// What is still to be written to one Network Connection, in order: bytes of its own, and between them large payloads that it shares with
/// other receivers. The array is rented with the first write and given back when all has been sent, so an idle connection holds none.
/// </summary>
/// <param name="pool">Where the array comes from.</param>
/// <param name="messages">Where shared messages go back to.</param>
internal sealed class OutputBuffer(BufferPool pool, MessagePool messages) : IBufferWriter<byte>
{
    private const int FirstRent = 1024;

    private byte[]? _buffer;
    private int _start;
    private int _end;

    // Bytes of its own that were ever consumed; a shared payload's place is counted from the same beginning.
    private long _consumed;
    private Queue<SharedPayload>? _shared;
    private int _sharedBytes;
    private int _firstSharedSent;
    private int _handedOut;
    private long _sent;

    /// <summary>Bytes that wait to be sent.</summary>
    public int Length => _end - _start + _sharedBytes;

    /// <summary>Bytes that wait to be sent, those handed out included; what the bound of a slow reader is about.</summary>
    public int Backlog => Length + _handedOut;

    /// <summary>Whether everything that waits stands in <see cref="Own"/>.</summary>
    public bool IsContiguous => _sharedBytes == 0;

    /// <summary>The waiting bytes of its own, contiguous.</summary>
    public ReadOnlySpan<byte> Own => _buffer.AsSpan(_start, _end - _start);

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

    /// <summary>Appends a message's payload without copying it; the buffer is a holder of the message until the payload is sent.</summary>
    public void AppendPayload(Message message)
    {
        message.Retain();
        (_shared ??= new Queue<SharedPayload>()).Enqueue(new SharedPayload(_consumed + (_end - _start), message));
        _sharedBytes += message.Payload.Count;
    }

    /// <summary>The first waiting bytes, piece by piece; for when they are not contiguous.</summary>
    /// <param name="pieces">Filled from its beginning.</param>
    /// <returns>How many pieces there are; more may wait behind them.</returns>
    public int Pieces(Span<ArraySegment<byte>> pieces)
    {
        var count = 0;
        var own = _start;
        var sent = _firstSharedSent;
        foreach (var shared in _shared!)
        {
            var until = (int)(shared.Place - _consumed) + _start;
            if (until > own && count < pieces.Length)
            {
                pieces[count++] = new ArraySegment<byte>(_buffer!, own, until - own);
                own = until;
            }

            if (count == pieces.Length)
            {
                return count;
            }

            pieces[count++] = shared.Message.Payload[sent..];
            sent = 0;
        }

        if (_end > own && count < pieces.Length)
        {
            pieces[count++] = new ArraySegment<byte>(_buffer!, own, _end - own);
        }

        return count;
    }

    /// <summary>The first so many bytes have been sent.</summary>
    public void Consume(int count)
    {
        _sent += count;
        while (_sharedBytes > 0)
        {
            var shared = _shared!.Peek();
            var own = Math.Min(count, (int)(shared.Place - _consumed));
            ConsumeOwn(own);
            count -= own;
            var left = shared.Message.Payload.Count - _firstSharedSent;
            var payload = Math.Min(count, left);
            _firstSharedSent += payload;
            _sharedBytes -= payload;
            count -= payload;
            if (payload < left)
            {
                return;
            }

            _shared.Dequeue();
            _firstSharedSent = 0;
            messages.Release(shared.Message);
        }

        ConsumeOwn(count);
        if (_start == _end)
        {
            Clear();
        }
    }

    /// <summary>Hands everything out to whoever sends it, in one array; it comes back through <see cref="TakeBack"/>.</summary>
    public ArraySegment<byte> HandOut()
    {
        ArraySegment<byte> all;
        if (IsContiguous)
        {
            all = new ArraySegment<byte>(_buffer!, _start, Length);
            _buffer = null;
        }
        else
        {
            all = Flatten();
        }

        Clear();
        _handedOut += all.Count;
        return all;
    }

    /// <summary>What was handed out has been sent, or never will be.</summary>
    public void TakeBack(ArraySegment<byte> handedOut)
    {
        _handedOut -= handedOut.Count;
        _sent += handedOut.Count;
        pool.Return(handedOut.Array!);
    }

    /// <summary>How many bytes have been sent since this was asked last.</summary>
    public long TakeSent()
    {
        var sent = _sent;
        _sent = 0;
        return sent;
    }

    /// <summary>Takes the last so many bytes back; none of them may have been handed out for sending.</summary>
    public void Retract(int count)
    {
        _end -= count;
        if (Length == 0)
        {
            Clear();
        }
    }

    /// <summary>Drops everything and gives the array back.</summary>
    public void Clear()
    {
        while (_shared is { Count: > 0 })
        {
            messages.Release(_shared.Dequeue().Message);
        }

        if (_buffer is not null)
        {
            pool.Return(_buffer);
            _buffer = null;
        }

        _start = _end = _sharedBytes = _firstSharedSent = 0;
        _consumed = 0;
    }

    private void ConsumeOwn(int count)
    {
        _start += count;
        _consumed += count;
    }

    private ArraySegment<byte> Flatten()
    {
        var all = new ArraySegment<byte>(pool.Rent(Length), 0, Length);
        var pieces = new ArraySegment<byte>[2 * _shared!.Count + 1];
        var at = 0;
        foreach (var piece in pieces.AsSpan(0, Pieces(pieces)))
        {
            piece.CopyTo(all.Array!, at);
            at += piece.Count;
        }

        return all;
    }

    private void MakeRoom(int sizeHint)
    {
        var length = _end - _start;
        var needed = Math.Max(FirstRent, checked(length + sizeHint));
        if (_buffer is not null && needed <= _buffer.Length && length > _buffer.Length / 2)
        {
            // Doubling keeps the copying linear however the bytes come in.
            needed = checked(2 * _buffer.Length);
        }

        var larger = pool.Rent(needed);
        if (_buffer is not null)
        {
            Own.CopyTo(larger);
            pool.Return(_buffer);
        }

        _buffer = larger;
        _start = 0;
        _end = length;
    }

    private readonly record struct SharedPayload(long Place, Message Message);
}
