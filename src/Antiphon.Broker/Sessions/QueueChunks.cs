namespace Antiphon.Broker.Sessions;

/// <summary>A stretch of a <see cref="MessageQueue"/>, in order; empty at first.</summary>
internal struct QueueChunks
{
    private QueueChunk? _first;
    private QueueChunk? _last;

    public int Count { get; private set; }

    public void Append(in OutgoingMessage outgoing, QueueMemory memory)
    {
        if (_last is null)
        {
            _first = _last = memory.Rent();
        }
        else if (_last.End == QueueChunk.Length)
        {
            _last = _last.Next = memory.Rent();
        }

        _last.Places[_last.End++] = outgoing;
        Count++;
    }

    public OutgoingMessage TakeFirst(QueueMemory memory)
    {
        var chunk = _first!;
        ref var place = ref chunk.Places[chunk.Start++];
        var outgoing = place;
        place = default;
        Count--;
        if (chunk.Start == chunk.End)
        {
            _first = chunk.Next;
            _last = _first is null ? null : _last;
            memory.Return(chunk);
        }

        return outgoing;
    }

    /// <summary>Puts all of another stretch, which is empty then, before these.</summary>
    public void Prepend(ref QueueChunks others)
    {
        if (others._last is { } last)
        {
            last.Next = _first;
            _first = others._first;
            _last ??= last;
            Count += others.Count;
            others = default;
        }
    }
}
