using System.Buffers.Text;
using Antiphon.Broker.Sessions;
using Antiphon.Broker.Subscriptions;
using Antiphon.Broker.Timing;
using Antiphon.Protocol.Packets;

namespace Antiphon.Broker.Exchanges;

/// <summary>
/// The open exchanges, and with them the permission to answer: who received a request as a responder may publish to its Response Topic, with its Correlation
/// Data, until its deadline. Bounded in bytes; a steady flow of exchanges allocates nothing.
/// </summary>
internal sealed class ExchangeTable(BrokerOptions options, Utf8Comparer comparer, TimingWheel wheel, EngineCounters counters)
{
    private const int KeptForReuse = 16_384;

    private readonly HashSet<Exchange> _open = new(new KeyComparer(comparer));
    private readonly Stack<Exchange> _free = new();
    private long _bytes;

    /// <summary>A User Property of a request: how many Response Messages each responder may send, 1 or more; 1 when absent.</summary>
    private static ReadOnlySpan<byte> RepliesProperty => "antiphon-replies"u8;

    /// <summary>Whether there is room for one more of that requester. Nobody may have more than a quarter of it all, so that no client takes what others need.</summary>
    public bool HasRoom(Session requester) => _bytes < options.MaximumExchangeBytes && requester.ExchangeBytes < Math.Max(1, options.MaximumExchangeBytes / 4);

    /// <summary>Whether Response Topic and Correlation Data together are too long to be tracked.</summary>
    public static bool IsTooLong(in PublishView request) => IsTooLong(request.ResponseTopic, request.CorrelationData);

    /// <summary>A responder is given a request. The same request again from the same Session is a retry of the same exchange.</summary>
    public void Permit(in PublishView request, Session requester, Session responder, Instant now)
    {
        var key = Key(stackalloc byte[Exchange.MaximumKeyLength], request.ResponseTopic, request.CorrelationData);
        if (!Lookup.TryGetValue(key, out var exchange))
        {
            exchange = _free.TryPop(out var free) ? free : new Exchange();
            exchange.Open(key, requester);
            _open.Add(exchange);
            Link(exchange, requester);
            Count(requester, exchange.Size);
            counters.OpenExchanges++;
        }

        var before = exchange.Size;
        exchange.Permit(responder, Replies(request));
        Count(requester, exchange.Size - before);
        var limit = request.MessageExpiryInterval is { } seconds ? TimeSpan.FromSeconds(seconds) : options.ExchangeTimeout;
        wheel.Set(exchange.Deadline, now + limit);
    }

    /// <summary>A request goes to another responder instead of one that is gone: the permission to answer goes with it, and its deadline stays.</summary>
    public void Move(in PublishView request, Session from, Session to)
    {
        if (IsTooLong(request))
        {
            return;
        }

        var key = Key(stackalloc byte[Exchange.MaximumKeyLength], request.ResponseTopic, request.CorrelationData);
        if (Lookup.TryGetValue(key, out var exchange) && exchange.Requester is { } requester)
        {
            var before = exchange.Size;
            exchange.Move(from, to);
            Count(requester, exchange.Size - before);
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

        var key = Key(stackalloc byte[Exchange.MaximumKeyLength], response.Topic, response.CorrelationData);
        if (!Lookup.TryGetValue(key, out var exchange) || !exchange.TryUse(responder))
        {
            return false;
        }

        if (exchange.IsAnswered())
        {
            Close(exchange);
        }

        return true;
    }

    /// <summary>Nobody may answer any more: every permission is used, or the deadline was reached.</summary>
    public void Close(Exchange exchange)
    {
        wheel.Cancel(exchange.Deadline);
        _open.Remove(exchange);
        if (exchange.Requester is { } requester)
        {
            Count(requester, -exchange.Size);
            Unlink(exchange, requester);
        }

        counters.OpenExchanges--;
        exchange.Close();
        if (_free.Count < KeptForReuse)
        {
            _free.Push(exchange);
        }
    }

    /// <summary>The requester's Session ends: nobody is left to be answered.</summary>
    public void CloseAll(Session requester)
    {
        while (requester.FirstExchange is { } exchange)
        {
            Close(exchange);
        }
    }

    private HashSet<Exchange>.AlternateLookup<ReadOnlySpan<byte>> Lookup => _open.GetAlternateLookup<ReadOnlySpan<byte>>();

    private static void Link(Exchange exchange, Session requester)
    {
        exchange.Next = requester.FirstExchange;
        if (exchange.Next is { } next)
        {
            next.Previous = exchange;
        }

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

        if (exchange.Next is { } next)
        {
            next.Previous = exchange.Previous;
        }

        exchange.Previous = exchange.Next = null;
    }

    private void Count(Session requester, int bytes)
    {
        _bytes += bytes;
        requester.ExchangeBytes += bytes;
    }

    private static bool IsTooLong(ReadOnlySpan<byte> topic, ReadOnlySpan<byte> correlation) => topic.Length + 1 + correlation.Length > Exchange.MaximumKeyLength;

    /// <summary>Topic, U+0000, which no topic holds, and Correlation Data.</summary>
    private static ReadOnlySpan<byte> Key(Span<byte> buffer, ReadOnlySpan<byte> topic, ReadOnlySpan<byte> correlation)
    {
        topic.CopyTo(buffer);
        buffer[topic.Length] = 0;
        correlation.CopyTo(buffer[(topic.Length + 1)..]);
        return buffer[..(topic.Length + 1 + correlation.Length)];
    }

    private int Replies(in PublishView request) =>
        request.TryGetUserProperty(RepliesProperty, out var value) && Utf8Parser.TryParse(value, out int asked, out var length) && length == value.Length
            ? Math.Clamp(asked, 1, options.MaximumReplies)
            : 1;

    private sealed class KeyComparer(Utf8Comparer bytes) : IEqualityComparer<Exchange>, IAlternateEqualityComparer<ReadOnlySpan<byte>, Exchange>
    {
        public bool Equals(Exchange? x, Exchange? y) => x == y || (x is not null && y is not null && x.Key.SequenceEqual(y.Key));

        public bool Equals(ReadOnlySpan<byte> alternate, Exchange other) => alternate.SequenceEqual(other.Key);

        public int GetHashCode(Exchange obj) => bytes.GetHashCode(obj.Key);

        public int GetHashCode(ReadOnlySpan<byte> alternate) => bytes.GetHashCode(alternate);

        public Exchange Create(ReadOnlySpan<byte> alternate)
        {
            var exchange = new Exchange();
            exchange.Open(alternate, requester: null);
            return exchange;
        }
    }
}
