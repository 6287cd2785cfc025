using Antiphon.Broker.Messages;
using Antiphon.Broker.ResponseTopics;
using Antiphon.Broker.Sessions;
using Antiphon.Broker.Subscriptions;
using Antiphon.Broker.Timing;
using Antiphon.Protocol;
using Antiphon.Protocol.Packets;
using Antiphon.Protocol.Topics;

namespace Antiphon.Broker.Publishing;

/// <summary>Finds who gets a message: by the owner of a response topic, else by the subscriptions.</summary>
internal sealed class Router(MatchCache matches, OwnResponseTopics responseTopics, Sender sender, MessagePool messages, EngineCounters counters)
{
    /// <summary>Delivers a message to everyone whom it concerns.</summary>
    /// <param name="publish">The message, with its Topic Name.</param>
    /// <param name="publisher">Whose it is, for No Local; <c>null</c>: the broker's.</param>
    /// <param name="now">The current instant.</param>
    /// <returns>Whether a subscription matched; otherwise PUBACK says 0x10.</returns>
    public bool Route(in PublishView publish, Session? publisher, Instant now)
    {
        Message? copy = null;
        var matched = OwnResponseTopics.Includes(publish.Topic)
            ? RouteResponse(publish, ref copy, publisher, now)
            : RouteToSubscriptions(publish, ref copy, publisher, now);
        if (copy is not null)
        {
            messages.Release(copy);
        }

        if (!matched)
        {
            counters.MessagesWithoutSubscriber++;
        }

        return matched;
    }

    private bool RouteToSubscriptions(in PublishView publish, ref Message? copy, Session? publisher, Instant now)
    {
        var match = matches.Match(publish.Topic);
        if (match.IsNobody)
        {
            return false;
        }

        if (publish.MessageExpiryInterval == 0)
        {
            counters.Expired++;
            return true;
        }

        foreach (ref readonly var matched in match.Sessions.AsSpan())
        {
            if (matched.TryWithoutNoLocal(publisher, out var recipient))
            {
                var retain = publish.Retain && recipient.RetainAsPublished;
                sender.Deliver(publish, ref copy, recipient.Session, Lower(publish.QoS, recipient.QoS), retain, recipient.Identifiers, now);
            }
        }

        foreach (var group in match.Groups)
        {
            Deliver(publish, ref copy, group.Choose(), now);
        }

        return true;
    }

    private bool RouteResponse(in PublishView publish, ref Message? copy, Session? publisher, Instant now)
    {
        if (!responseTopics.TryFindOwner(publish.Topic, out var owner) || owner.ResponseSubscriptions is not { } subscriptions)
        {
            return false;
        }

        Subscription? first = null;
        List<Subscription>? several = null;
        foreach (var subscription in subscriptions)
        {
            if (TopicFilter.Matches(subscription.Pattern, publish.Topic))
            {
                if (first is null)
                {
                    first = subscription;
                }
                else
                {
                    (several ??= [first]).Add(subscription);
                }
            }
        }

        if (first is null)
        {
            return false;
        }

        if (publish.MessageExpiryInterval == 0)
        {
            counters.Expired++;
        }
        else if (several is not null)
        {
            if (new MatchedSession(owner, [.. several]).TryWithoutNoLocal(publisher, out var recipient))
            {
                sender.Deliver(publish, ref copy, owner, Lower(publish.QoS, recipient.QoS), retain: false, recipient.Identifiers, now);
            }
        }
        else if (!first.Options.NoLocal || publisher != owner)
        {
            Deliver(publish, ref copy, first, now);
        }

        return true;
    }

    private void Deliver(in PublishView publish, ref Message? copy, Subscription subscription, Instant now) =>
        sender.Deliver(
            publish,
            ref copy,
            subscription.Session,
            Lower(publish.QoS, subscription.QoS),
            publish.Retain && subscription.Options.RetainAsPublished,
            subscription.Identifiers,
            now);

    private static QualityOfService Lower(QualityOfService left, QualityOfService right) => left < right ? left : right;
}
