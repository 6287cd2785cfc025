namespace Antiphon.Broker.Exchanges;

/// <summary>The open exchanges of one requester that are of one kind, in the order in which they became so, and what they take.</summary>
internal sealed class RequesterShare
{
    private readonly RequesterShares _all;
    private readonly LinkedListNode<RequesterShare> _place;
    private Exchange? _newest;
    private long _bytes;

    public RequesterShare(RequesterShares all)
    {
        _all = all;
        _place = new LinkedListNode<RequesterShare>(this);
    }

    public Exchange? Oldest { get; private set; }

    /// <summary>An exchange is of this kind from now on. What it takes is told by <see cref="Resize"/>.</summary>
    public void Add(Exchange exchange)
    {
        exchange.Share = this;
        exchange.Previous = _newest;
        _newest?.Next = exchange;
        _newest = exchange;
        Oldest ??= exchange;
    }

    /// <summary>An exchange has ended, or is of another kind.</summary>
    public void Remove(Exchange exchange)
    {
        Resize(exchange, 0);
        if (exchange.Previous is { } previous)
        {
            previous.Next = exchange.Next;
        }
        else
        {
            Oldest = exchange.Next;
        }

        if (exchange.Next is { } next)
        {
            next.Previous = exchange.Previous;
        }
        else
        {
            _newest = exchange.Previous;
        }

        exchange.Previous = exchange.Next = null;
        exchange.Share = null;
    }

    /// <summary>An exchange of this share takes so many bytes.</summary>
    public void Resize(Exchange exchange, int bytes)
    {
        var before = _bytes;
        _bytes += bytes - exchange.Counted;
        exchange.Counted = bytes;
        _all.Rank(_place, before, _bytes);
    }
}
