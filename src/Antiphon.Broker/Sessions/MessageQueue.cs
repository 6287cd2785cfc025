using Antiphon.Broker.Messages;
using Antiphon.Broker.Timing;

namespace Antiphon.Broker.Sessions;

/// <summary>What waits for one Session, in order. Its holder keeps it within bounds.</summary>
/// <param name="memory">Where its places come from.</param>
internal sealed class MessageQueue(QueueMemory memory)
{
    /// <summary>A search goes through the whole queue; messages that expire one by one must not lead to one each.</summary>
    private static readonly TimeSpan BetweenSearches = TimeSpan.FromMilliseconds(32);

    private QueueChunk? _first;
    private QueueChunk? _last;

    // The place of the oldest in the first chunk, and behind the youngest in the last.
    private int _start;
    private int _end;

    public int Count { get; private set; }

    /// <summary>How many of them are on behalf of a share group.</summary>
    public int OfGroups { get; private set; }

    /// <summary>Bytes of its messages, whether others share them or not.</summary>
    public long Bytes { get; private set; }

    /// <summary>When <see cref="RemoveExpired"/> may find something; <see cref="Instant.Never"/>: nothing here expires.</summary>
    public Instant NextSearch { get; private set; } = Instant.Never;

    /// <summary>The queue becomes a holder of the message.</summary>
    public void Enqueue(in OutgoingMessage outgoing)
    {
        outgoing.Message.Retain();
        Append(outgoing);
        Bytes += outgoing.Message.Size;
        NextSearch = Instant.Earlier(NextSearch, outgoing.Message.Expires);
    }

    /// <summary>Takes the oldest out; the caller becomes its holder.</summary>
    public OutgoingMessage Dequeue()
    {
        var oldest = TakeFirst();
        Bytes -= oldest.Message.Size;
        if (Count == 0)
        {
            NextSearch = Instant.Never;
        }

        return oldest;
    }

    /// <summary>Throws out what has expired, wherever it stands.</summary>
    /// <returns>How many messages that were.</returns>
    public int RemoveExpired(Instant now, MessagePool pool)
    {
        if (NextSearch > now)
        {
            return 0;
        }

        var expired = 0;
        var next = Instant.Never;
        for (var left = Count; left > 0; left--)
        {
            var outgoing = TakeFirst();
            if (outgoing.Message.Expires <= now)
            {
                expired++;
                Bytes -= outgoing.Message.Size;
                pool.Release(outgoing.Message);
            }
            else
            {
                next = Instant.Earlier(next, outgoing.Message.Expires);
                Append(outgoing);
            }
        }

        NextSearch = next < now + BetweenSearches ? now + BetweenSearches : next;
        return expired;
    }

    private void Append(in OutgoingMessage outgoing)
    {
        if (_last is null)
        {
            _first = _last = memory.Rent();
            _start = _end = 0;
        }
        else if (_end == QueueChunk.Length)
        {
            _last = _last.Next = memory.Rent();
            _end = 0;
        }

        _last.Places[_end++] = outgoing;
        Count++;
        OfGroups += outgoing.Group is null ? 0 : 1;
    }

    private OutgoingMessage TakeFirst()
    {
        var chunk = _first!;
        ref var place = ref chunk.Places[_start++];
        var outgoing = place;
        place = default;
        Count--;
        OfGroups -= outgoing.Group is null ? 0 : 1;
        if (Count == 0)
        {
            _first = _last = null;
            memory.Return(chunk);
        }
        else if (_start == QueueChunk.Length)
        {
            _first = chunk.Next;
            _start = 0;
            memory.Return(chunk);
        }

        return outgoing;
    }
}
