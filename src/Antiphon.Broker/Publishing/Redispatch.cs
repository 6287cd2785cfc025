using Antiphon.Broker.Exchanges;
using Antiphon.Broker.Messages;
using Antiphon.Broker.Sessions;
using Antiphon.Broker.Subscriptions;
using Antiphon.Broker.Timing;
using Antiphon.Protocol;

namespace Antiphon.Broker.Publishing;

/// <summary>
/// Gives what a member of a share group leaves behind to another member (MQTT 5 §4.8.2):
/// at the loss of its connection what it was never sent, if somebody else is there;
/// at the end of its Session also QoS 1 messages that it did not acknowledge.
/// Of requests it may have been executing only those that say they are idempotent.
/// </summary>
internal sealed class Redispatch(Router router, ExchangeTable exchanges, MessagePool messages, EngineCounters counters)
{
    /// <summary>A User Property of a request: <c>1</c> when it may be executed twice.</summary>
    private static ReadOnlySpan<byte> IdempotentProperty => "antiphon-idempotent"u8;

    /// <summary>A client is away. What waits for it need not wait where another member is connected.</summary>
    public void ConnectionEnded(Session session, Instant now)
    {
        if (!session.HasWaiting || session.Waiting.OfGroups == 0)
        {
            return;
        }

        var queue = session.Waiting;
        ShareGroup? lastGroup = null;
        var isConnected = false;
        for (var left = queue.Count; left > 0; left--)
        {
            var outgoing = queue.Dequeue();
            if (outgoing.Group is { } group && group != lastGroup)
            {
                // Looked up once for the many messages of one group.
                lastGroup = group;
                isConnected = group.HasConnected;
            }

            if (outgoing.Group is null || !isConnected || !TryPass(outgoing, session, now))
            {
                queue.Enqueue(outgoing);
            }

            messages.Release(outgoing.Message);
        }
    }

    /// <summary>A Session that no connection serves has ended, and has left its share groups: nothing stays with it.</summary>
    /// <param name="session">The Session.</param>
    /// <param name="steps">How many messages may be dealt with, and what was left of them; with none left, there may be more.</param>
    /// <param name="now">The current instant.</param>
    public void SessionEnded(Session session, ref int steps, Instant now)
    {
        while (steps > 0 && session.HasUnsent && session.Window.TryTakeOldest(out var outgoing))
        {
            steps--;
            Leave(outgoing, session, wasSent: true, now);
        }

        while (steps > 0 && session.HasWaiting)
        {
            steps--;
            Leave(session.Waiting.Dequeue(), session, wasSent: false, now);
        }
    }

    private void Leave(in OutgoingMessage outgoing, Session session, bool wasSent, Instant now)
    {
        var mayHaveBeenExecuted = wasSent && outgoing.Group is not null && outgoing.Message.IsRequest && !IsIdempotent(outgoing.Message);

        // A QoS 2 message once begun goes to no other member [MQTT-4.8.2-5].
        var isStuck = wasSent && outgoing.QoS == QualityOfService.ExactlyOnce;
        if (mayHaveBeenExecuted)
        {
            counters.UncertainRequests++;
        }
        else if (isStuck || !TryPass(outgoing, session, now))
        {
            counters.DroppedWithSession++;
        }

        messages.Release(outgoing.Message);
    }

    /// <returns><c>false</c>: there is nobody to take it.</returns>
    private bool TryPass(in OutgoingMessage outgoing, Session from, Instant now)
    {
        if (outgoing.Group is not { IsEmpty: false } group)
        {
            return false;
        }

        var copy = outgoing.Message;
        if (copy.Expires <= now)
        {
            counters.Expired++;
            return true;
        }

        copy.Read(out var publish);
        var member = group.Choose(MessageWriter.AtMost(publish, subscriptionIdentifiers: 1));
        Recipient? recipient = null;
        if (outgoing.Recipient is { } left)
        {
            if (member.MayAnswer)
            {
                recipient = left.Exchange.Move(left, member.Session, member.IsResponder);
            }
            else
            {
                exchanges.Lose(left, now);
            }
        }

        router.Deliver(publish, ref copy, member, now, recipient);
        if (recipient is not null)
        {
            exchanges.Settle(recipient.Exchange, now);
        }

        counters.Redispatched++;
        return true;
    }

    private static bool IsIdempotent(Message request)
    {
        request.Read(out var publish);
        return publish.TryGetUserProperty(IdempotentProperty, out var value) && value.SequenceEqual("1"u8);
    }
}
