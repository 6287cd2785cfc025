using Antiphon.Broker.Messages;
using Antiphon.Broker.Timing;

namespace Antiphon.Broker.Sessions;

/// <summary>What waits for one Session, in order. Its holder keeps it within bounds.</summary>
/// <param name="memory">Where its places come from.</param>
internal sealed class MessageQueue(QueueMemory memory)
{
    /// <summary>A search goes through the whole queue; messages that expire one by one must not lead to one each.</summary>
    private static readonly TimeSpan BetweenSearches = TimeSpan.FromMilliseconds(32);

    // Those of which the search under way has found that they stay, and behind them the others.
    private QueueChunks _found;
    private QueueChunks _waiting;

    public int Count => _found.Count + _waiting.Count;

    /// <summary>How many the search has not come to yet.</summary>
    public int Unsearched { get; private set; }

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
        _waiting.Append(outgoing, memory);
        OfGroups += outgoing.Group is null ? 0 : 1;
        Bytes += outgoing.Message.Size;
        NextSearch = Instant.Earlier(NextSearch, outgoing.Message.Expires);
    }

    /// <summary>Takes the oldest out; the caller becomes its holder.</summary>
    public OutgoingMessage Dequeue()
    {
        var oldest = _found.Count > 0 ? _found.TakeFirst(memory) : TakeUnsearched();
        Forget(oldest);
        return oldest;
    }

    /// <summary>
    /// Begins to search for messages that may go elsewhere. A search may take as long as it likes: meanwhile the queue is as any other.
    /// </summary>
    public void BeginSearch()
    {
        EndSearch();
        Unsearched = Count;
    }

    /// <summary>
    /// Takes the next one out, to be looked at; it is given back by <see cref="Keep"/>, or the caller becomes its holder.
    /// </summary>
    /// <returns><c>false</c>: all that were there when the search began have been looked at.</returns>
    public bool TrySearch(out OutgoingMessage outgoing)
    {
        outgoing = Unsearched > 0 ? TakeUnsearched() : default;
        if (outgoing.Message is null)
        {
            return false;
        }

        Forget(outgoing);
        return true;
    }

    /// <summary>The one that was taken out last by <see cref="TrySearch"/> stays where it was.</summary>
    public void Keep(in OutgoingMessage outgoing)
    {
        _found.Append(outgoing, memory);
        Bytes += outgoing.Message.Size;
        OfGroups += outgoing.Group is null ? 0 : 1;
        NextSearch = Instant.Earlier(NextSearch, outgoing.Message.Expires);
    }

    /// <summary>Nothing more is searched for.</summary>
    public void EndSearch()
    {
        _waiting.Prepend(ref _found);
        Unsearched = 0;
    }

    /// <summary>Throws out what has expired, wherever it stands.</summary>
    /// <returns>How many messages that were.</returns>
    public int RemoveExpired(Instant now, MessagePool pool)
    {
        if (NextSearch > now)
        {
            return 0;
        }

        var before = Count;
        var next = Instant.Never;
        RemoveExpiredOf(ref _found, _found.Count, now, pool, ref next);
        Unsearched -= RemoveExpiredOf(ref _waiting, Unsearched, now, pool, ref next);
        RemoveExpiredOf(ref _waiting, _waiting.Count - Unsearched, now, pool, ref next);
        NextSearch = next < now + BetweenSearches ? now + BetweenSearches : next;
        return before - Count;
    }

    /// <summary>Looks at the first so many; those that stay are the last then.</summary>
    /// <returns>How many were thrown out.</returns>
    private int RemoveExpiredOf(ref QueueChunks chunks, int count, Instant now, MessagePool pool, ref Instant next)
    {
        var before = chunks.Count;
        for (var left = count; left > 0; left--)
        {
            var outgoing = chunks.TakeFirst(memory);
            if (outgoing.Message.Expires <= now)
            {
                Bytes -= outgoing.Message.Size;
                OfGroups -= outgoing.Group is null ? 0 : 1;
                pool.Release(outgoing.Message);
            }
            else
            {
                next = Instant.Earlier(next, outgoing.Message.Expires);
                chunks.Append(outgoing, memory);
            }
        }

        return before - chunks.Count;
    }

    private OutgoingMessage TakeUnsearched()
    {
        Unsearched -= Unsearched > 0 ? 1 : 0;
        return _waiting.TakeFirst(memory);
    }

    private void Forget(in OutgoingMessage outgoing)
    {
        Bytes -= outgoing.Message.Size;
        OfGroups -= outgoing.Group is null ? 0 : 1;
        if (Count == 0)
        {
            NextSearch = Instant.Never;
        }
    }
}
