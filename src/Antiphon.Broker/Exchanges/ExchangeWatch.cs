using Antiphon.Broker.Publishing;
using Antiphon.Broker.ResponseTopics;
using Antiphon.Broker.Sessions;
using Antiphon.Broker.Timing;
using Antiphon.Protocol;
using Antiphon.Protocol.Packets;

namespace Antiphon.Broker.Exchanges;

/// <summary>
/// Tells an observer what becomes of requests. It is the host's code, and where it throws, the notice is lost and counted.
/// There is none of this where nobody observes.
/// </summary>
internal sealed class ExchangeWatch(IExchangeObserver observer, EngineCounters counters)
{
    private static ReadOnlySpan<byte> StatusProperty => "__stat"u8;

    /// <summary>A request was routed.</summary>
    public void Routed(in PublishView request, Session requester, in RoutingResult result, Instant now)
    {
        if (result.Exchange is { Observed: null } opened)
        {
            opened.Requested = now;
            opened.Observe(Begin(request, requester));
            return;
        }

        if (result.Exchange is not null && request.Dup)
        {
            return;
        }

        if (Begin(request, requester) is { } observed)
        {
            Tell(observed, new ExchangeOutcome { End = EndOf(request, requester, result), ReasonCode = CodeOf(result) });
        }
    }

    /// <summary>A recipient has answered.</summary>
    public void Answered(Exchange exchange, Recipient recipient, in PublishView response, Instant now)
    {
        if (exchange.Observed is not { } observed)
        {
            return;
        }

        response.TryGetUserProperty(StatusProperty, out var status);
        Tell(observed, new ExchangeOutcome
        {
            End = ExchangeEnd.Answered,
            ResponderClientId = recipient.Session!.ClientId,
            ResponderUserName = recipient.Session.UserName,
            Status = status,
            Payload = response.Payload,
            Queued = recipient.Sent == Instant.Never ? null : recipient.Sent - exchange.Requested,
            Total = now - exchange.Requested,
        });
    }

    /// <summary>An exchange closes: tells of each responder from which no Response Message has come.</summary>
    /// <param name="exchange">The exchange, with its recipients still.</param>
    /// <param name="why">Why it closes; <see cref="ExchangeEnd.Answered"/>: nobody may answer any more.</param>
    /// <param name="now">The current instant.</param>
    public void Closing(Exchange exchange, ExchangeEnd why, Instant now)
    {
        if (exchange.Observed is not { } observed)
        {
            return;
        }

        var otherwise = why == ExchangeEnd.Answered ? ExchangeEnd.Gone : why;
        var isTold = false;
        foreach (var recipient in exchange.Recipients)
        {
            if (recipient.Answers == 0 && recipient.IsResponder)
            {
                Tell(observed, new ExchangeOutcome
                {
                    End = recipient.State == RecipientState.Gone ? ExchangeEnd.Gone : otherwise,
                    ResponderClientId = recipient.Session!.ClientId,
                    ResponderUserName = recipient.Session.UserName,
                    Queued = recipient.Sent == Instant.Never ? null : recipient.Sent - exchange.Requested,
                    Total = now - exchange.Requested,
                });
                isTold = true;
            }

            isTold |= recipient.Answers > 0;
        }

        if (!isTold)
        {
            Tell(observed, new ExchangeOutcome { End = otherwise, Total = now - exchange.Requested });
        }
    }

    private static ReasonCode CodeOf(in RoutingResult result) =>
        result.Code >= ReasonCode.UnspecifiedError ? result.Code : ReasonCode.Success;

    private static ExchangeEnd EndOf(in PublishView request, Session requester, in RoutingResult result) => result switch
    {
        { Exchange: not null } => ExchangeEnd.Joined,
        { Code: ReasonCode.NoMatchingSubscribers } => ExchangeEnd.NoResponders,
        { Code: >= ReasonCode.UnspecifiedError } => ExchangeEnd.Refused,
        _ when request.MessageExpiryInterval == 0 => ExchangeEnd.Expired,
        _ when OwnResponseTopics.Owns(requester, request.ResponseTopic) => ExchangeEnd.Gone,
        _ => ExchangeEnd.Untracked,
    };

    private IObservedRequest? Begin(in PublishView request, Session requester)
    {
        try
        {
            return observer.Requested(new ObservedMessage
            {
                Topic = request.Topic,
                ResponseTopic = request.ResponseTopic,
                CorrelationData = request.CorrelationData,
                Payload = request.Payload,
                QoS = request.QoS,
                ClientId = requester.ClientId,
                UserName = requester.UserName,
                Origin = requester.Connection?.Origin,
            });
        }
        catch (Exception failure) when (failure is not OutOfMemoryException)
        {
            counters.AddDefect();
            return null;
        }
    }

    private void Tell(IObservedRequest request, in ExchangeOutcome outcome)
    {
        try
        {
            observer.Ended(request, outcome);
        }
        catch (Exception failure) when (failure is not OutOfMemoryException)
        {
            counters.AddDefect();
        }
    }
}
