using System.Buffers.Text;
using Antiphon.Broker.Sessions;
using Antiphon.Broker.Subscriptions;
using Antiphon.Broker.Timing;
using Antiphon.Protocol.Packets;

namespace Antiphon.Broker.Exchanges;

/// <summary>
/// The open exchanges, and with them the permission to answer: who received a request as a responder may publish to its Response Topic,
/// with its Correlation Data, until its deadline. Bounded in bytes; a steady flow of exchanges allocates nothing.
/// </summary>
internal sealed class ExchangeTable(BrokerOptions options, Utf8Comparer comparer, TimingWheel wheel, EngineCounters counters)
{
    /// <summary>Response Topic and Correlation Data that are longer together are not tracked.</summary>
    private const int MaximumKeyLength = 255;

    private const int KeptForReuse = 16_384;

    private readonly ExchangeIndex _open = new();
    private readonly Stack<Exchange> _free = new();
    private long _bytes;

    /// <summary>A User Property of a request: how many Response Messages each responder may send, 1 or more; 1 when absent.</summary>
    private static ReadOnlySpan<byte> RepliesProperty => "antiphon-replies"u8;

    /// <summary>
    /// Whether there is room for one more of that requester. Nobody may have more than a quarter of it all,
    /// so that no client takes what others need.
    /// </summary>
    public bool HasRoom(Session requester) =>
        _bytes < options.MaximumExchangeBytes && requester.ExchangeBytes < Math.Max(1, options.MaximumExchangeBytes / 4);

    /// <summary>Whether Response Topic and Correlation Data together are too long to be tracked.</summary>
    public static bool IsTooLong(in PublishView request) => IsTooLong(request.ResponseTopic, request.CorrelationData);

    /// <summary>
    /// Opens the exchange of a request, once for all its recipients; each is then <see cref="Exchange.Admit(Session)">admitted</see>,
    /// and <see cref="Settle"/> ends the opening. The same request again is a retry of the same exchange, and gives it a new deadline.
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

        exchange.IsOpening = true;
        exchange.Replies = Replies(request);
        var limit = request.MessageExpiryInterval is { } seconds ? TimeSpan.FromSeconds(seconds) : options.ExchangeTimeout;
        wheel.Set(exchange.Deadline, now + limit);
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
    /// A recipient will not answer any more. While the request is on its way to it once more, this is about an older copy,
    /// and means nothing.
    /// </summary>
    public void Lose(Recipient recipient)
    {
        var exchange = recipient.Exchange;
        if (!exchange.IsOpening)
        {
            exchange.Lose(recipient);
            Settle(exchange);
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

        return true;
    }

    /// <summary>Nobody may answer any more, or the deadline was reached.</summary>
    public void Close(Exchange exchange)
    {
        wheel.Cancel(exchange.Deadline);
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

    /// <summary>A Session ends: nobody is left to get the answers to its requests, and those of others will get none from it.</summary>
    public void EndSession(Session session)
    {
        while (session.FirstExchange is { } exchange)
        {
            Close(exchange);
        }

        while (session.FirstRecipient is { } recipient)
        {
            Lose(recipient);
        }
    }

    private static void Link(Exchange exchange, Session requester)
    {
        exchange.Next = requester.FirstExchange;
        exchange.Next?.Previous = exchange;
        requester.FirstExchange = exchange;
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

        exchange.Next?.Previous = exchange.Previous;
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
        exchange.Requester!.ExchangeBytes += more;
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
