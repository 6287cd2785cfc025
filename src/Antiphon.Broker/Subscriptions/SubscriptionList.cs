using System.Diagnostics.CodeAnalysis;

namespace Antiphon.Broker.Subscriptions;

/// <summary>
/// The subscriptions of one Session, by Topic Filter. Few of them, the usual case, take a small array; many get an index.
/// </summary>
internal sealed class SubscriptionList
{
    private const int IndexedFrom = 16;

    // In no order: who is last takes the place of one that leaves.
    private Subscription[] _all = [];
    private Dictionary<string, Subscription>? _index;

    public int Count { get; private set; }

    public ReadOnlySpan<Subscription> All => _all.AsSpan(0, Count);

    /// <summary>Some of them: those from a place on, and no more than a number.</summary>
    public ReadOnlySpan<Subscription> Page(int from, int atMost)
    {
        var start = Math.Min(from, Count);
        return All.Slice(start, Math.Min(atMost, Count - start));
    }

    public bool TryGet(string topicFilter, [NotNullWhen(true)] out Subscription? subscription)
    {
        if (_index is not null)
        {
            return _index.TryGetValue(topicFilter, out subscription);
        }

        subscription = null;
        foreach (var held in All)
        {
            if (held.TopicFilter == topicFilter)
            {
                subscription = held;
                break;
            }
        }

        return subscription is not null;
    }

    public void Add(Subscription subscription)
    {
        if (Count == _all.Length)
        {
            // One more at first, since most Sessions have one or two.
            Array.Resize(ref _all, Count < IndexedFrom ? Count + 1 : 2 * Count);
        }

        subscription.PlaceInSession = Count;
        _all[Count++] = subscription;
        if (_index is not null)
        {
            _index.Add(subscription.TopicFilter, subscription);
        }
        else if (Count > IndexedFrom)
        {
            _index = new Dictionary<string, Subscription>(2 * Count, StringComparer.Ordinal);
            foreach (var held in All)
            {
                _index.Add(held.TopicFilter, held);
            }
        }
    }

    public void Remove(Subscription subscription)
    {
        var last = _all[--Count];
        last.PlaceInSession = subscription.PlaceInSession;
        _all[subscription.PlaceInSession] = last;
        _all[Count] = null!;
        _index?.Remove(subscription.TopicFilter);
    }

    /// <summary>Takes any one out, until there is none left.</summary>
    public bool TryTake([NotNullWhen(true)] out Subscription? subscription)
    {
        subscription = Count == 0 ? null : _all[Count - 1];
        if (subscription is not null)
        {
            Remove(subscription);
        }

        return subscription is not null;
    }
}
