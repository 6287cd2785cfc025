using Antiphon.Broker.Listing;
using Antiphon.Broker.Subscriptions;
using Antiphon.Protocol.Topics;

namespace Antiphon.Broker.ResponseTopics;

/// <summary>
/// The subscriptions of one Session to its own response topics. Few of them, the usual case, are compared one by one; many stand in a tree,
/// so that a message does not have to be compared with ten thousand.
/// </summary>
/// <param name="comparer">How levels are compared.</param>
internal sealed class ResponseSubscriptions(Utf8Comparer comparer)
{
    internal const int Few = 8;

    private readonly List<Subscription> _few = new(1);
    private SubscriptionTree? _many;

    public void Add(Subscription subscription)
    {
        if (_many is null && _few.Count < Few)
        {
            _few.Join(subscription);
            return;
        }

        if (_many is null)
        {
            _many = new SubscriptionTree(comparer);
            foreach (var held in _few)
            {
                _many.Add(held, TopicFilter.Parse(held.TopicFilter));
            }

            _few.Clear();
        }

        _many.Add(subscription, TopicFilter.Parse(subscription.TopicFilter));
    }

    public void Remove(Subscription subscription)
    {
        if (_many is null)
        {
            _few.Leave(subscription);
            return;
        }

        _many.Remove(subscription, TopicFilter.Parse(subscription.TopicFilter));
        _many = _many.Count == 0 ? null : _many;
    }

    /// <summary>Finds those that match a Topic Name.</summary>
    /// <param name="topic">The Topic Name.</param>
    /// <param name="only">The one that matches, where it is known to be the only one.</param>
    /// <param name="several">Else those that match, folded into one delivery; nothing where <paramref name="only"/> says it.</param>
    /// <returns>Whether any matches.</returns>
    public bool TryMatch(ReadOnlySpan<byte> topic, out Subscription? only, out MatchedSession[] several)
    {
        only = null;
        several = [];
        if (_many is not null)
        {
            several = _many.Match(topic).Sessions;
            return several.Length > 0;
        }

        List<Subscription>? more = null;
        foreach (var subscription in _few)
        {
            if (!TopicFilter.Matches(subscription.Pattern, topic))
            {
                continue;
            }

            if (only is null)
            {
                only = subscription;
            }
            else
            {
                (more ??= [only]).Add(subscription);
            }
        }

        if (more is not null)
        {
            several = [new MatchedSession(only!.Session, [.. more])];
            only = null;
        }

        return only is not null || more is not null;
    }
}
