using System.Text;
using Antiphon.Broker.Access;
using Antiphon.Broker.Limits;
using Antiphon.Broker.ResponseTopics;
using Antiphon.Broker.Retained;
using Antiphon.Broker.Sessions;
using Antiphon.Broker.SystemTopics;
using Antiphon.Protocol;
using Antiphon.Protocol.Packets;
using Antiphon.Protocol.Topics;

namespace Antiphon.Broker.Subscriptions;

/// <summary>Adds, changes and removes subscriptions, each where it belongs: in the tree, or with the owner of a response topic.</summary>
internal sealed class SubscriptionTable(
    OptionsInForce options,
    SubscriptionTree tree,
    MatchCache cache,
    RetainedWalks walks,
    AccessControl access,
    MessageLimits limits,
    SessionMemory memory,
    EngineCounters counters)
{
    /// <summary>Taking so many levels out of the tree takes as long as all else that removing a subscription takes.</summary>
    private const int LevelsPerStep = 4;

    /// <summary>Subscriptions to <c>$SYS</c> and below.</summary>
    public int ToSystemTopics { get; private set; }

    /// <summary>Adds a subscription, or replaces the options of the one that has the same Topic Filter [MQTT-3.8.4-3].</summary>
    /// <returns>
    /// The Reason Code for SUBACK. The retained messages that Retain Handling asks for are on their way once
    /// <see cref="RetainedWalks.Start"/> was called.
    /// </returns>
    public ReasonCode Subscribe(
        Session session,
        string topicFilter,
        TopicFilter filter,
        SubscriptionOptions asked,
        uint[] identifiers,
        bool saysItResponds = false,
        SubscribeAnswers? authorized = null)
    {
        var pattern = Encoding.UTF8.GetBytes(filter.Pattern);
        var ownResponse = OwnResponseTopics.Includes(pattern);
        if (ownResponse && (filter.IsShared || !OwnResponseTopics.Owns(session, pattern)))
        {
            return ReasonCode.NotAuthorized;
        }

        if (!access.MaySubscribe(session, pattern, authorized, out var mayAnswer))
        {
            counters.DeniedSubscriptions++;
            return ReasonCode.NotAuthorized;
        }

        // Any QoS may be asked for, and no more than the Maximum QoS is granted [MQTT-3.2.2-10].
        var granted = asked.MaximumQoS > options.Current.MaximumQoS ? asked with { MaximumQoS = options.Current.MaximumQoS } : asked;
        var isNew = !session.Subscriptions.TryGet(topicFilter, out var subscription);
        if (subscription is not null)
        {
            subscription.Options = granted;
            subscription.Identifiers = identifiers;
        }
        else if (!limits.IsTopicWithin(pattern))
        {
            counters.RefusedSubscriptions++;
            return ReasonCode.TopicFilterInvalid;
        }
        else if (session.Subscriptions.Count >= options.Current.MaximumSubscriptions
            || !memory.HasRoom(session, SizeOf(topicFilter) + RetainedWalk.SizeOf(filter.Pattern.AsSpan().Count('/') + 1, pattern.Length)))
        {
            counters.RefusedSubscriptions++;
            return ReasonCode.QuotaExceeded;
        }
        else
        {
            subscription = new Subscription(session, topicFilter)
            {
                Options = granted,
                Identifiers = identifiers,
                Pattern = ownResponse ? pattern : null,
                IsToSystemTopics = SystemTopic.Includes(pattern),
            };
            session.Subscriptions.Add(subscription);
            memory.Add(session, SessionMemory.SizeOfSubscription(topicFilter), SizeOf(topicFilter));
            counters.Subscriptions++;
            ToSystemTopics += subscription.IsToSystemTopics ? 1 : 0;
            if (ownResponse)
            {
                (session.ResponseSubscriptions ??= new ResponseSubscriptions(tree.Comparer)).Add(subscription);
            }
            else
            {
                var before = tree.Bytes;
                tree.Add(subscription, filter);
                memory.AddShared(tree.Bytes - before);
            }
        }

        subscription.Authorized = authorized;
        subscription.MayAnswer = mayAnswer;
        subscription.IsResponder = saysItResponds || !filter.BeginsWithWildcard;
        if (!ownResponse)
        {
            cache.Outdate(filter);
            if (!filter.IsShared
                && (asked.RetainHandling == RetainHandling.SendOnSubscribe || (asked.RetainHandling == RetainHandling.SendIfNew && isNew)))
            {
                walks.Add(subscription, filter, pattern);
            }
        }

        return (ReasonCode)granted.MaximumQoS;
    }

    /// <summary>Whoever has a subscription may answer what it gets from now on, or may not any more.</summary>
    public void Permit(Subscription subscription, bool mayAnswer)
    {
        if (subscription.MayAnswer != mayAnswer)
        {
            subscription.MayAnswer = mayAnswer;
            cache.Outdate(TopicFilter.Parse(subscription.TopicFilter));
        }
    }

    /// <summary>A sentence for SUBACK about what it refuses; <c>null</c>: nothing is refused.</summary>
    public static string? Explain(ReadOnlySpan<ReasonCode> codes)
    {
        foreach (var code in codes)
        {
            switch (code)
            {
                case ReasonCode.NotAuthorized:
                    return "The access rules do not allow all that the Topic Filter matches; or it is another Session's response topic, or "
                        + "a shared one: ask for a response topic with Request Response Information (MQTT 5 §3.1.2.11.6).";
                case ReasonCode.QuotaExceeded:
                    return "The Session has as many subscriptions as it may, or there is no memory for more.";
                case ReasonCode.TopicFilterInvalid:
                    return "The Topic Filter is longer, or has more levels, than this broker takes.";
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

    /// <summary>The Session has ended, and its subscriptions with it.</summary>
    /// <param name="session">The Session.</param>
    /// <param name="steps">How many of them may be removed, and what was left; with none left, there may be more.</param>
    public void RemoveSome(Session session, ref int steps)
    {
        while (steps > 0 && session.Subscriptions.TryTake(out var subscription))
        {
            steps -= 1 + subscription.TopicFilter.AsSpan().Count('/') / LevelsPerStep;
            Remove(subscription);
        }
    }

    private static long SizeOf(string topicFilter) => SessionMemory.SizeOf(topicFilter, 1 + topicFilter.AsSpan().Count('/'));

    private void Remove(Subscription subscription)
    {
        counters.Subscriptions--;
        subscription.HasEnded = true;
        var topicFilter = subscription.TopicFilter;
        memory.Add(subscription.Session, -SessionMemory.SizeOfSubscription(topicFilter), -SizeOf(topicFilter));
        ToSystemTopics -= subscription.IsToSystemTopics ? 1 : 0;
        walks.Remove(subscription);
        if (subscription.Pattern is not null)
        {
            subscription.Session.ResponseSubscriptions!.Remove(subscription);
            return;
        }

        var filter = TopicFilter.Parse(subscription.TopicFilter);
        var before = tree.Bytes;
        tree.Remove(subscription, filter);
        memory.AddShared(tree.Bytes - before);
        cache.Outdate(filter);
    }
}
