using Antiphon.Broker.Messages;
using Antiphon.Broker.Timing;

namespace Antiphon.Broker.Sessions;

/// <summary>What waits for one Session, in order. Its holder keeps it within bounds.</summary>
internal sealed class MessageQueue
{
    /// <summary>A search goes through the whole queue; messages that expire one by one must not lead to one each.</summary>
    private static readonly TimeSpan BetweenSearches = TimeSpan.FromMilliseconds(32);

    private readonly Queue<OutgoingMessage> _messages = new();

    public int Count => _messages.Count;

    /// <summary>What it takes in memory, in bytes.</summary>
    public long Bytes { get; private set; }

    /// <summary>When <see cref="RemoveExpired"/> may find something; <see cref="Instant.Never"/>: nothing here expires.</summary>
    public Instant NextSearch { get; private set; } = Instant.Never;

    /// <summary>The queue becomes a holder of the message.</summary>
    public void Enqueue(in OutgoingMessage outgoing)
    {
        outgoing.Message.Retain();
        _messages.Enqueue(outgoing);
        Bytes += outgoing.Message.Size;
        NextSearch = Instant.Earlier(NextSearch, outgoing.Message.Expires);
    }

    /// <summary>Takes the oldest out; the caller becomes its holder.</summary>
    public OutgoingMessage Dequeue()
    {
        var oldest = _messages.Dequeue();
        Bytes -= oldest.Message.Size;
        if (_messages.Count == 0)
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
        for (var left = _messages.Count; left > 0; left--)
        {
            var outgoing = _messages.Dequeue();
            if (outgoing.Message.Expires <= now)
            {
                expired++;
                Bytes -= outgoing.Message.Size;
                pool.Release(outgoing.Message);
            }
            else
            {
                next = Instant.Earlier(next, outgoing.Message.Expires);
                _messages.Enqueue(outgoing);
            }
        }

        NextSearch = next < now + BetweenSearches ? now + BetweenSearches : next;
        return expired;
    }
}
