using System.Buffers.Text;
using Antiphon.Broker.Sessions;
using Antiphon.Broker.Subscriptions;
using Antiphon.Broker.Timing;
using Antiphon.Protocol.Packets;

namespace Antiphon.Broker.Exchanges;

/// <summary>
/// The open exchanges, and with them the permission to answer: who received a request may publish to its Response Topic, with its
/// Correlation Data, until its deadline. Bounded in bytes: where there is no room, the oldest of the requester goes that takes the most.
/// Those that somebody has answered and that are open for others are left an eighth of the room, and no more where it is needed.
/// A steady flow of exchanges allocates nothing.
/// </summary>
/// <param name="options">Their bounds.</param>
/// <param name="comparer">Hashes their keys.</param>
/// <param name="wheel">Their deadlines.</param>
/// <param name="watch">Is told what becomes of them; <c>null</c>: nobody is.</param>
/// <param name="counters">Counts them.</param>
internal sealed class ExchangeTable(
    OptionsInForce options, Utf8Comparer comparer, TimingWheel wheel, ExchangeWatch? watch, EngineCounters counters)
{
    /// <summary>Response Topic and Correlation Data that are longer together are not tracked.</summary>
    private const int MaximumKeyLength = 255;

    private const int KeptForReuse = 16_384;

    /// <summary>How many exchanges of Sessions that have ended are closed in one turn, and recipients of others forgotten.</summary>
    internal const int StepsPerTurn = 4096;

    /// <summary>An exchange that ends forgets so many of its recipients at once, the others in the turns that follow.</summary>
    internal const int RecipientsAtOnce = 256;

    private readonly ExchangeIndex _open = new();
    private readonly Stack<Exchange> _free = new();
    private readonly RequesterShares _unanswered = new();
    private readonly RequesterShares _answered = new();
    private readonly Queue<Session> _ended = new();
    private readonly Queue<Exchange> _closed = new();
    private long _freeBytes;

    /// <summary>What the open exchanges take in memory, in bytes.</summary>
    public long OpenBytes => _unanswered.Bytes + _answered.Bytes;

    /// <summary>Whether <see cref="Continue"/> has something to do.</summary>
    public bool IsReady => _ended.Count > 0 || _closed.Count > 0;

    /// <summary>A User Property of a request: how many Response Messages each responder may send, 1 or more; 1 when absent.</summary>
    private static ReadOnlySpan<byte> RepliesProperty => "antiphon-replies"u8;

    /// <summary>Makes room for one more exchange.</summary>
    /// <returns><c>false</c>: there is none.</returns>
    public bool TryMakeRoom(Instant now)
    {
        // Where the bound was lowered, many have to go, and not all in one turn.
        for (var steps = StepsPerTurn; OpenBytes >= options.Current.MaximumExchangeBytes; steps--)
        {
            var shares = _answered.Bytes > options.Current.MaximumExchangeBytes / 8 ? _answered : _unanswered;
            if (steps == 0 || shares.OldestOfTheGreediest is not { } oldest)
            {
                return false;
            }

            counters.EvictedExchanges += oldest.IsAnswered ? 0 : 1;
            Close(oldest, ExchangeEnd.Evicted, now);
        }

        return true;
    }

    /// <summary>Whether Response Topic and Correlation Data together are too long to be tracked.</summary>
    public static bool IsTooLong(in PublishView request) => IsTooLong(request.ResponseTopic, request.CorrelationData);

    /// <summary>
    /// Opens the exchange of a request, once for all its recipients; each is then <see cref="Exchange.Admit(Session, bool)">admitted</see>,
    /// and <see cref="Settle"/> ends the opening. With the key of an open one it belongs to that: with DUP as a retry, else as one request
    /// more. The later deadline holds.
    /// </summary>
    public Exchange Open(in PublishView request, Session requester, Instant now)
    {
        var hash = Hash(request.ResponseTopic, request.CorrelationData);
        var exchange = _open.Find(request.ResponseTopic, request.CorrelationData, hash);
        var isRetry = exchange is not null && request.Dup;
        if (exchange is null)
        {
            exchange = Take();
            exchange.Open(request.ResponseTopic, request.CorrelationData, hash, requester);
            _open.Add(exchange);
            counters.OpenExchanges++;
        }

        exchange.Begin(Replies(request), isRetry);
        Sort(exchange);
        var limit = request.MessageExpiryInterval is { } seconds ? TimeSpan.FromSeconds(seconds) : options.Current.ExchangeTimeout;
        var due = now + (limit < options.Current.LongestExchange ? limit : options.Current.LongestExchange);
        if (!exchange.Deadline.IsSet || exchange.Deadline.Due < due)
        {
            wheel.Set(exchange.Deadline, due);
        }

        return exchange;
    }

    /// <summary>
    /// The request has been delivered: what its exchange takes is counted, and it ends where nobody may answer.
    /// </summary>
    /// <returns>Whether it is still open.</returns>
    public bool Settle(Exchange exchange, Instant now)
    {
        exchange.EndOpening();
        return !TryCloseSettled(exchange, now);
    }

    /// <summary>What waited for a recipient is not sent to it.</summary>
    public void Lose(Recipient recipient, Instant now)
    {
        var exchange = recipient.Exchange;
        exchange.LoseOne(recipient);
        TryCloseSettled(exchange, now);
    }

    /// <summary>A Session wants to answer on somebody's own response topic.</summary>
    /// <returns>Whether it holds the permission; one Response Message of it is used up.</returns>
    public bool TryUse(in PublishView response, Session responder, Instant now)
    {
        if (IsTooLong(response.Topic, response.CorrelationData))
        {
            return false;
        }

        var hash = Hash(response.Topic, response.CorrelationData);
        if (_open.Find(response.Topic, response.CorrelationData, hash) is not { } exchange
            || exchange.Find(responder) is not { } recipient
            || !exchange.TryAnswer(recipient))
        {
            return false;
        }

        watch?.Answered(exchange, recipient, response, now);
        if (exchange.IsSettled && !exchange.IsOpening)
        {
            Close(exchange, ExchangeEnd.Answered, now);
        }
        else
        {
            Sort(exchange);
        }

        return true;
    }

    /// <summary>Nobody may answer any more, or the deadline was reached.</summary>
    /// <param name="exchange">The exchange.</param>
    /// <param name="why">Why; <see cref="ExchangeEnd.Answered"/>: nobody is left who may answer.</param>
    /// <param name="now">The current instant.</param>
    public void Close(Exchange exchange, ExchangeEnd why, Instant now)
    {
        watch?.Closing(exchange, why, now);
        wheel.Cancel(exchange.Deadline);
        _open.Remove(exchange);
        exchange.Share!.Remove(exchange);
        counters.OpenExchanges--;
        exchange.Close();
        var steps = RecipientsAtOnce;
        if (exchange.TryEndRecipients(ref steps))
        {
            Reuse(exchange);
        }
        else
        {
            _closed.Enqueue(exchange);
        }
    }

    /// <summary>
    /// A Session ends: nobody is left to get the answers to its requests, and those of others will get none from it.
    /// There may be many, so this is done in the turns that follow; nobody can answer meanwhile what has no owner any more.
    /// </summary>
    public void EndSession(Session session)
    {
        if (OldestOf(session) is not null || session.FirstRecipient is not null)
        {
            _ended.Enqueue(session);
        }
    }

    /// <summary>Goes on for one turn with what Sessions that have ended leave behind.</summary>
    public void Continue(Instant now)
    {
        var steps = StepsPerTurn;
        while (_closed.TryPeek(out var closed) && closed.TryEndRecipients(ref steps))
        {
            _closed.Dequeue();
            Reuse(closed);
        }

        while (steps > 0 && _ended.TryPeek(out var session))
        {
            if (OldestOf(session) is { } exchange)
            {
                steps -= Math.Min(exchange.RecipientCount, RecipientsAtOnce);
                Close(exchange, ExchangeEnd.RequesterGone, now);
            }
            else if (session.FirstRecipient is { IsOpen: false } forgotten)
            {
                steps--;
                forgotten.End();
            }
            else if (session.FirstRecipient is { Exchange: var answerable } recipient)
            {
                var recipients = Math.Min(answerable.RecipientCount, RecipientsAtOnce);
                answerable.Lose(recipient);
                steps -= TryCloseSettled(answerable, now) ? recipients : 1;
            }
            else
            {
                steps--;
                _ended.Dequeue();
            }
        }
    }

    /// <summary>Recipients have come or left: what it takes is counted, and it ends where nobody may answer.</summary>
    private bool TryCloseSettled(Exchange exchange, Instant now)
    {
        if (exchange.IsOpening)
        {
            return false;
        }

        if (exchange.IsSettled)
        {
            Close(exchange, ExchangeEnd.Answered, now);
            return true;
        }

        exchange.Share!.Resize(exchange, exchange.Size);
        return false;
    }

    private void Reuse(Exchange exchange)
    {
        if (_free.Count < KeptForReuse && OpenBytes + _freeBytes + exchange.Size <= options.Current.MaximumExchangeBytes)
        {
            _freeBytes += exchange.Size;
            _free.Push(exchange);
        }
    }

    private static Exchange? OldestOf(Session requester) =>
        requester.UnansweredExchanges?.Oldest ?? requester.AnsweredExchanges?.Oldest;

    /// <summary>One that is not in use.</summary>
    private Exchange Take()
    {
        if (!_free.TryPop(out var exchange))
        {
            return new Exchange();
        }

        _freeBytes -= exchange.Size;
        return exchange;
    }

    /// <summary>Puts it among those of its requester where it belongs, answered or not.</summary>
    private void Sort(Exchange exchange)
    {
        var requester = exchange.Requester!;
        var share = exchange.IsAnswered
            ? requester.AnsweredExchanges ??= new RequesterShare(_answered)
            : requester.UnansweredExchanges ??= new RequesterShare(_unanswered);
        if (exchange.Share == share)
        {
            return;
        }

        var counted = exchange.Counted;
        exchange.Share?.Remove(exchange);
        share.Add(exchange);
        share.Resize(exchange, counted);
    }

    private static bool IsTooLong(ReadOnlySpan<byte> topic, ReadOnlySpan<byte> correlation) =>
        topic.Length + correlation.Length > MaximumKeyLength;

    private int Hash(ReadOnlySpan<byte> topic, ReadOnlySpan<byte> correlation) =>
        31 * comparer.GetHashCode(topic) + comparer.GetHashCode(correlation);

    private int Replies(in PublishView request)
    {
        // Searching the bytes costs less than reading the properties once more, and hardly any request has this one.
        if (request.Properties.IndexOf(RepliesProperty) < 0)
        {
            return 1;
        }

        return request.TryGetUserProperty(RepliesProperty, out var value)
            && Utf8Parser.TryParse(value, out int asked, out var length)
            && length == value.Length
            ? Math.Clamp(asked, 1, options.Current.MaximumReplies)
            : 1;
    }
}
