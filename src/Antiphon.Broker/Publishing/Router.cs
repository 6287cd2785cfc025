using Antiphon.Broker.Exchanges;
using Antiphon.Broker.Messages;
using Antiphon.Broker.ResponseTopics;
using Antiphon.Broker.Retained;
using Antiphon.Broker.Sessions;
using Antiphon.Broker.SystemTopics;
using Antiphon.Broker.Timing;
using Antiphon.Protocol;
using Antiphon.Protocol.Packets;

namespace Antiphon.Broker.Publishing;

/// <summary>Finds who gets a message: by the owner of a response topic, else by the subscriptions; and has it retained.</summary>
internal sealed class Router(
    FanOuts fanOuts,
    OwnResponseTopics responseTopics,
    ExchangeTable exchanges,
    RetainedStore retained,
    Sender sender,
    MessagePool messages,
    EngineCounters counters)
{
    private readonly List<FanOut> _announced = [];

    /// <summary>Whether a message of the broker's own is still on its way to many.</summary>
    public bool IsAnnouncing
    {
        get
        {
            _announced.RemoveAll(fanOut => fanOut.IsFinished);
            return _announced.Count > 0;
        }
    }

    /// <summary>Delivers a message to everyone whom it concerns.</summary>
    /// <param name="publish">The message, with its Topic Name.</param>
    /// <param name="publisher">Whose it is; <c>null</c>: a Will's.</param>
    /// <param name="now">The current instant.</param>
    public RoutingResult Route(in PublishView publish, Session? publisher, Instant now)
    {
        var isSpecial = publish.Topic.StartsWith("$"u8);
        if (isSpecial && SystemTopic.Includes(publish.Topic))
        {
            counters.RefusedSystemMessages++;
            return new RoutingResult(ReasonCode.NotAuthorized);
        }

        // A request to be answered on its publisher's own response topic opens an exchange, if anybody who gets it may answer.
        var requester = !publish.ResponseTopic.IsEmpty && publisher is not null && OwnResponseTopics.Owns(publisher, publish.ResponseTopic)
            ? publisher
            : null;
        if (requester is not null && (ExchangeTable.IsTooLong(publish) || !exchanges.TryMakeRoom(now)))
        {
            counters.UntrackedRequests++;
            return new RoutingResult(ReasonCode.QuotaExceeded);
        }

        Message? copy = null;
        var result = publish.Retain && !retained.TryStore(publish, ref copy, publisher, now)
            ? new RoutingResult(ReasonCode.QuotaExceeded)
            : isSpecial && OwnResponseTopics.Includes(publish.Topic)
                ? RouteResponse(publish, ref copy, publisher, now)
                : fanOuts.Route(publish, ref copy, publisher, requester, now);
        if (copy is not null)
        {
            messages.Release(copy);
        }

        if (result.Code == ReasonCode.NoMatchingSubscribers)
        {
            counters.MessagesWithoutSubscriber++;
        }

        return result;
    }

    /// <summary>Retains and delivers a message of the broker's own.</summary>
    public void Announce(in PublishView publish, Instant now)
    {
        var message = messages.Copy(publish, now);
        retained.StoreOwn(message);
        Message? copy = message;
        if (fanOuts.Route(publish, ref copy, publisher: null, requester: null, now).UnderWay is { } underWay)
        {
            _announced.Add(underWay);
        }

        messages.Release(message);
    }

    private RoutingResult RouteResponse(in PublishView publish, ref Message? copy, Session? publisher, Instant now)
    {
        if (!responseTopics.TryFindOwner(publish.Topic, out var owner)
            || owner.ResponseSubscriptions is not { } subscriptions
            || !subscriptions.TryMatch(publish.Topic, out var only, out var several))
        {
            return new RoutingResult(ReasonCode.NoMatchingSubscribers);
        }

        // The owner needs no permission; but an exchange that it answers itself is answered.
        if ((publisher is null || !exchanges.TryUse(publish, publisher, now)) && publisher != owner)
        {
            counters.UninvitedResponses++;

            // A repetition may be of a message that was delivered and used the permission up: it is not refused, but nobody gets it again.
            return new RoutingResult(publish.Dup ? ReasonCode.NoMatchingSubscribers : ReasonCode.NotAuthorized);
        }

        var recipients = 0;
        if (publish.MessageExpiryInterval == 0)
        {
            counters.Expired++;
        }
        else if (only is null)
        {
            foreach (ref readonly var to in several[0].WithoutNoLocal(publisher))
            {
                recipients += sender.Deliver(publish, ref copy, to, now, recipient: null) == RecipientState.Gone ? 0 : 1;
            }
        }
        else if (!only.Options.NoLocal || publisher != owner)
        {
            recipients += sender.Deliver(publish, ref copy, only, now, recipient: null) == RecipientState.Gone ? 0 : 1;
        }

        return new RoutingResult(ReasonCode.Success, recipients);
    }
}
