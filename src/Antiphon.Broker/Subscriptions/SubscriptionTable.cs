using System.Text;
using Antiphon.Broker.ResponseTopics;
using Antiphon.Broker.Sessions;
using Antiphon.Protocol;
using Antiphon.Protocol.Packets;
using Antiphon.Protocol.Topics;

namespace Antiphon.Broker.Subscriptions;

/// <summary>Adds, changes and removes subscriptions, each where it belongs: in the tree, or with the owner of a response topic.</summary>
internal sealed class SubscriptionTable(BrokerOptions options, SubscriptionTree tree, MatchCache cache, EngineCounters counters)
{
    /// <summary>More levels than anybody needs: each takes memory of its own, and matching descends one by one.</summary>
    private const int MaximumLevels = 128;

    /// <summary>Adds a subscription, or replaces the options of the one that has the same Topic Filter [MQTT-3.8.4-3].</summary>
    /// <returns>The Reason Code for SUBACK.</returns>
    public ReasonCode Subscribe(Session session, string topicFilter, TopicFilter filter, SubscriptionOptions asked, uint[] identifiers)
    {
        var pattern = Encoding.UTF8.GetBytes(filter.Pattern);
        var ownResponse = OwnResponseTopics.Includes(pattern);
        if (ownResponse && (filter.IsShared || !OwnResponseTopics.Owns(session, pattern)))
        {
            return ReasonCode.NotAuthorized;
        }

        // Maximum QoS is 1 here: more is granted as 1 (§3.9.3).
        var granted = asked with { MaximumQoS = asked.MaximumQoS == QualityOfService.AtMostOnce ? QualityOfService.AtMostOnce : QualityOfService.AtLeastOnce };
        if (session.Subscriptions.TryGet(topicFilter, out var subscription))
        {
            subscription.Options = granted;
            subscription.Identifiers = identifiers;
        }
        else if (session.Subscriptions.Count >= options.MaximumSubscriptions || pattern.AsSpan().Count((byte)'/') >= MaximumLevels)
        {
            return ReasonCode.QuotaExceeded;
        }
        else
        {
            subscription = new Subscription(session, topicFilter)
            {
                Options = granted,
                Identifiers = identifiers,
                Pattern = ownResponse ? pattern : null,
                MayRespond = !filter.BeginsWithWildcard,
            };
            session.Subscriptions.Add(subscription);
            counters.Subscriptions++;
            if (ownResponse)
            {
                (session.ResponseSubscriptions ??= []).Join(subscription);
            }
            else
            {
                tree.Add(subscription, filter);
            }
        }

        if (!ownResponse)
        {
            cache.Outdate(filter);
        }

        return (ReasonCode)granted.MaximumQoS;
    }

    /// <summary>A sentence for SUBACK about what it refuses; <c>null</c>: nothing is refused.</summary>
    public static string? Explain(ReadOnlySpan<ReasonCode> codes)
    {
        foreach (var code in codes)
        {
            switch (code)
            {
                case ReasonCode.NotAuthorized:
                    return "A response topic can be subscribed to by its own Session only, and not in a share group: ask for yours with Request Response Information (MQTT 5 §3.1.2.11.6).";
                case ReasonCode.QuotaExceeded:
                    return "The Session has as many subscriptions as it may, or the Topic Filter too many levels.";
                default:
                    break;
            }
        }

        return null;
    }

    /// <summary>Removes the subscription with exactly that Topic Filter [MQTT-3.10.4-1].</summary>
    /// <returns>The Reason Code for UNSUBACK.</returns>
    public ReasonCode Unsubscribe(Session session, string topicFilter)
    {
        if (!session.Subscriptions.TryGet(topicFilter, out var subscription))
        {
            return ReasonCode.NoSubscriptionExisted;
        }

        session.Subscriptions.Remove(subscription);
        Remove(subscription);
        return ReasonCode.Success;
    }

    /// <summary>The Session ends, and its subscriptions with it.</summary>
    public void RemoveAll(Session session)
    {
        foreach (var subscription in session.Subscriptions.All)
        {
            Remove(subscription);
        }
    }

    private void Remove(Subscription subscription)
    {
        counters.Subscriptions--;
        if (subscription.Pattern is not null)
        {
            subscription.Session.ResponseSubscriptions!.Leave(subscription);
            return;
        }

        var filter = TopicFilter.Parse(subscription.TopicFilter);
        tree.Remove(subscription, filter);
        cache.Outdate(filter);
    }
}
