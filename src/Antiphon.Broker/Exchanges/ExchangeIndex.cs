using System.Numerics;

namespace Antiphon.Broker.Exchanges;

/// <summary>
/// Finds open exchanges by their key. Each key is hashed once a message, in place;
/// a set of the base library would hash it for finding, for adding and for removing, and would want its two parts in one piece.
/// </summary>
internal sealed class ExchangeIndex
{
    private Exchange?[] _buckets = new Exchange?[64];
    private int _count;

    public Exchange? Find(ReadOnlySpan<byte> topic, ReadOnlySpan<byte> correlation, int hash)
    {
        var exchange = _buckets[BucketOf(hash)];
        while (exchange is not null && (exchange.Hash != hash || !exchange.IsKey(topic, correlation)))
        {
            exchange = exchange.NextInBucket;
        }

        return exchange;
    }

    public void Add(Exchange exchange)
    {
        if (_count == _buckets.Length)
        {
            Grow();
        }

        _count++;
        Put(exchange);
    }

    public void Remove(Exchange exchange)
    {
        _count--;
        ref var place = ref _buckets[BucketOf(exchange.Hash)];
        if (place == exchange)
        {
            place = exchange.NextInBucket;
        }
        else
        {
            var before = place!;
            while (before.NextInBucket != exchange)
            {
                before = before.NextInBucket!;
            }

            before.NextInBucket = exchange.NextInBucket;
        }

        exchange.NextInBucket = null;
    }

    private int BucketOf(int hash) => hash & (_buckets.Length - 1);

    private void Put(Exchange exchange)
    {
        ref var place = ref _buckets[BucketOf(exchange.Hash)];
        exchange.NextInBucket = place;
        place = exchange;
    }

    private void Grow()
    {
        var old = _buckets;
        _buckets = new Exchange?[BitOperations.RoundUpToPowerOf2((uint)old.Length + 1)];
        foreach (var first in old)
        {
            for (var exchange = first; exchange is not null;)
            {
                var next = exchange.NextInBucket;
                Put(exchange);
                exchange = next;
            }
        }
    }
}
