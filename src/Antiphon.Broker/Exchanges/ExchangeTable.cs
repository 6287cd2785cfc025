using System.Buffers.Text;
using Antiphon.Broker.Sessions;
using Antiphon.Broker.Subscriptions;
using Antiphon.Broker.Timing;
using Antiphon.Protocol.Packets;

namespace Antiphon.Broker.Exchanges;

/// <summary>
/// The open exchanges, and with them the permission to answer: who received a request as a responder may publish to its Response Topic,
/// with its Correlation Data, until its deadline. Bounded in bytes: where there is no room, the oldest goes that somebody has answered,
/// else the oldest of a requester that takes the most. A steady flow of exchanges allocates nothing.
/// </summary>
internal sealed class ExchangeTable(BrokerOptions options, Utf8Comparer comparer, TimingWheel wheel, EngineCounters counters)
{
    /// <summary>Response Topic and Correlation Data that are longer together are not tracked.</summary>
    private const int MaximumKeyLength = 255;

    private const int KeptForReuse = 16_384;

    /// <summary>How many exchanges of Sessions that have ended are closed in one turn.</summary>
    internal const int StepsPerTurn = 4096;

    private readonly ExchangeIndex _open = new();
    private readonly Stack<Exchange> _free = new();
    private readonly RequesterShares _shares = new();

    /// <summary>Those that were answered and are open for others, the one that was answered first at the beginning.</summary>
    private readonly LinkedList<Exchange> _answered = new();

    private readonly Queue<Session> _ended = new();
    private long _bytes;

    /// <summary>Whether <see cref="Continue"/> has something to do.</summary>
    public bool IsReady => _ended.Count > 0;

    /// <summary>A User Property of a request: how many Response Messages each responder may send, 1 or more; 1 when absent.</summary>
    private static ReadOnlySpan<byte> RepliesProperty => "antiphon-replies"u8;

    /// <summary>Makes room for one more exchange.</summary>
    /// <returns><c>false</c>: there is none.</returns>
    public bool TryMakeRoom()
    {
        while (_bytes >= options.MaximumExchangeBytes)
        {
            if (_answered.First is { } answered)
            {
                Close(answered.Value);
            }
            else if (_shares.Greediest?.LastExchange is { } oldest)
            {
                counters.EvictedExchanges++;
                Close(oldest);
            }
            else
            {
                return false;
            }
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
        if (exchange is null)
        {
            exchange = _free.TryPop(out var free) ? free : new Exchange();
            exchange.Open(request.ResponseTopic, request.CorrelationData, hash, requester);
            _open.Add(exchange);
            Link(exchange, requester);
            counters.OpenExchanges++;
        }

        else
        {
            exchange.IsRetry = request.Dup;
        }

        exchange.IsOpening = true;
        exchange.Replies = Replies(request);
        var limit = request.MessageExpiryInterval is { } seconds ? TimeSpan.FromSeconds(seconds) : options.ExchangeTimeout;
        var due = now + (limit < options.LongestExchange ? limit : options.LongestExchange);
        if (!exchange.Deadline.IsSet || exchange.Deadline.Due < due)
        {
            wheel.Set(exchange.Deadline, due);
        }

        return exchange;
    }

    /// <summary>
    /// The request has been delivered, or recipients have left: what it takes is counted, and it ends where nobody may answer.
    /// </summary>
    /// <returns>Whether it is still open.</returns>
    public bool Settle(Exchange exchange)
    {
        exchange.IsOpening = false;
        if (exchange.IsSettled)
        {
            Close(exchange);
            return false;
        }

        Count(exchange, exchange.Size);
        return true;
    }

    /// <summary>
    /// What waited for a recipient is not sent to it. While a retry is on its way to it, this is about the older copy of the same
    /// request, and means nothing.
    /// </summary>
    public void Lose(Recipient recipient)
    {
        var exchange = recipient.Exchange;
        if (!exchange.IsOpening)
        {
            exchange.LoseOne(recipient);
            Settle(exchange);
        }
        else if (!exchange.IsRetry)
        {
            exchange.LoseOne(recipient);
        }
    }

    /// <summary>A Session wants to answer on somebody's own response topic.</summary>
    /// <returns>Whether it holds the permission; one Response Message of it is used up.</returns>
    public bool TryUse(in PublishView response, Session responder)
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

        if (exchange.IsSettled)
        {
            Close(exchange);
        }
        else if (exchange.IsAnswered && exchange.AmongAnswered.List is null)
        {
            _answered.AddLast(exchange.AmongAnswered);
        }

        return true;
    }

    /// <summary>Nobody may answer any more, or the deadline was reached.</summary>
    public void Close(Exchange exchange)
    {
        wheel.Cancel(exchange.Deadline);
        exchange.AmongAnswered.List?.Remove(exchange.AmongAnswered);
        _open.Remove(exchange);
        Count(exchange, 0);
        Unlink(exchange, exchange.Requester!);
        counters.OpenExchanges--;
        exchange.Close();
        if (_free.Count < KeptForReuse)
        {
            _free.Push(exchange);
        }
    }

    /// <summary>
    /// A Session ends: nobody is left to get the answers to its requests, and those of others will get none from it.
    /// There may be many, so this is done in the turns that follow; nobody can answer meanwhile what has no owner any more.
    /// </summary>
    public void EndSession(Session session)
    {
        if (session.FirstExchange is not null || session.FirstRecipient is not null)
        {
            _ended.Enqueue(session);
        }
    }

    /// <summary>Goes on for one turn with what Sessions that have ended leave behind.</summary>
    public void Continue()
    {
        for (var steps = StepsPerTurn; steps > 0 && _ended.TryPeek(out var session); steps--)
        {
            if (session.FirstExchange is { } exchange)
            {
                Close(exchange);
            }
            else if (session.FirstRecipient is { } recipient)
            {
                recipient.Exchange.Lose(recipient);
                Settle(recipient.Exchange);
            }
            else
            {
                _ended.Dequeue();
            }
        }
    }

    private static void Link(Exchange exchange, Session requester)
    {
        exchange.Next = requester.FirstExchange;
        exchange.Next?.Previous = exchange;
        requester.FirstExchange = exchange;
        requester.LastExchange ??= exchange;
    }

    private static void Unlink(Exchange exchange, Session requester)
    {
        if (exchange.Previous is { } previous)
        {
            previous.Next = exchange.Next;
        }
        else
        {
            requester.FirstExchange = exchange.Next;
        }

        if (exchange.Next is { } next)
        {
            next.Previous = exchange.Previous;
        }
        else
        {
            requester.LastExchange = exchange.Previous;
        }

        exchange.Previous = exchange.Next = null;
    }

    private static bool IsTooLong(ReadOnlySpan<byte> topic, ReadOnlySpan<byte> correlation) =>
        topic.Length + correlation.Length > MaximumKeyLength;

    private int Hash(ReadOnlySpan<byte> topic, ReadOnlySpan<byte> correlation) =>
        31 * comparer.GetHashCode(topic) + comparer.GetHashCode(correlation);

    private void Count(Exchange exchange, int bytes)
    {
        var more = bytes - exchange.Counted;
        exchange.Counted = bytes;
        _shares.Add(exchange.Requester!, more);
        _bytes += more;
    }

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
            ? Math.Clamp(asked, 1, options.MaximumReplies)
            : 1;
    }
}
