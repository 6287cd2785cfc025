using System.Diagnostics.CodeAnalysis;

namespace Antiphon.Broker.Subscriptions;

/// <summary>
/// The subscriptions of one Session, by Topic Filter. Few of them, the usual case, take a small array; many get an index.
/// </summary>
internal sealed class SubscriptionList
{
    private const int IndexedFrom = 16;

    private Subscription[] _few = [];
    private Dictionary<string, Subscription>? _many;
    private Stack<Subscription>? _taking;

    public int Count { get; private set; }

    public bool TryGet(string topicFilter, [NotNullWhen(true)] out Subscription? subscription)
    {
        if (_many is not null)
        {
            return _many.TryGetValue(topicFilter, out subscription);
        }

        subscription = Array.Find(_few, held => held.TopicFilter == topicFilter);
        return subscription is not null;
    }

    public void Add(Subscription subscription)
    {
        Count++;
        if (_many is null && _few.Length == IndexedFrom)
        {
            _many = _few.ToDictionary(held => held.TopicFilter, StringComparer.Ordinal);
            _few = [];
        }

        if (_many is not null)
        {
            _many.Add(subscription.TopicFilter, subscription);
        }
        else
        {
            _few = [.. _few, subscription];
        }
    }

    public void Remove(Subscription subscription)
    {
        Count--;
        if (_many is not null)
        {
            _many.Remove(subscription.TopicFilter);
        }
        else
        {
            _few = Array.FindAll(_few, held => held != subscription);
        }
    }

    /// <summary>Takes any one out, until there is none left; each costs the same, however many there are.</summary>
    public bool TryTake([NotNullWhen(true)] out Subscription? subscription)
    {
        // From the end: what a table has lost at its beginning is passed over each time anew.
        _taking ??= new Stack<Subscription>(All);
        if (!_taking.TryPop(out subscription))
        {
            return false;
        }

        Remove(subscription);
        return true;
    }

    public IEnumerable<Subscription> All => _many is not null ? _many.Values : _few;
}
