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
internal sealed class Redispatch(Sender sender, ExchangeTable exchanges, MessagePool messages, EngineCounters counters)
{
    /// <summary>A User Property of a request: <c>1</c> when it may be executed twice.</summary>
    private static ReadOnlySpan<byte> IdempotentProperty => "antiphon-idempotent"u8;

    /// <summary>So many messages are looked at in one turn, for all Sessions whose connections were lost.</summary>
    internal const int StepsPerTurn = 2048;

    private readonly Queue<Session> _away = new();
    private int _steps = StepsPerTurn;

    /// <summary>Whether <see cref="Continue"/> has something to do.</summary>
    public bool IsReady => _away.Count > 0;

    /// <summary>
    /// A client is away. What waits for it need not wait where another member is connected. A long queue is searched in slices.
    /// </summary>
    public void ConnectionEnded(Session session, Instant now)
    {
        if (!session.HasWaiting || session.Waiting.OfGroups == 0)
        {
            return;
        }

        session.Waiting.BeginSearch();
        if (IsReady || !TryPassSome(session, now))
        {
            _away.Enqueue(session);
        }
    }

    /// <summary>Does the work of one turn.</summary>
    public void Continue(Instant now)
    {
        while (_away.TryPeek(out var session) && TryPassSome(session, now))
        {
            _away.Dequeue();
        }

        _steps = StepsPerTurn;
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
            if (outgoing.Message is not null)
            {
                Leave(outgoing, wasSent: true, ref steps, now);
            }
        }

        while (steps > 0 && session.HasWaiting)
        {
            steps--;
            Leave(session.Waiting.Dequeue(), wasSent: false, ref steps, now);
        }
    }

    /// <returns><c>false</c>: there is more to be looked at, in another turn.</returns>
    private bool TryPassSome(Session session, Instant now)
    {
        if (!session.HasWaiting)
        {
            return true;
        }

        var queue = session.Waiting;
        ShareGroup? lastGroup = null;
        var isConnected = false;
        while (session.Connection is null && queue.Unsearched > 0)
        {
            if (_steps <= 0)
            {
                return false;
            }

            _steps--;
            queue.TrySearch(out var outgoing);
            if (outgoing.Group is { } group && group != lastGroup)
            {
                // Looked up once for the many messages of one group.
                lastGroup = group;
                isConnected = group.HasConnected;
            }

            if (outgoing.Group is not null && isConnected && TryPass(outgoing, ref _steps, now))
            {
                messages.Release(outgoing.Message);
            }
            else
            {
                queue.Keep(outgoing);
            }
        }

        // Where its client is back, it gets the rest itself.
        queue.EndSearch();
        return true;
    }

    private void Leave(in OutgoingMessage outgoing, bool wasSent, ref int steps, Instant now)
    {
        var mayHaveBeenExecuted = wasSent && outgoing.Group is not null && outgoing.Message.IsRequest && !IsIdempotent(outgoing.Message);

        // A QoS 2 message once begun goes to no other member [MQTT-4.8.2-5].
        var isStuck = wasSent && outgoing.QoS == QualityOfService.ExactlyOnce;
        if (mayHaveBeenExecuted)
        {
            counters.UncertainRequests++;
        }
        else if (isStuck || !TryPass(outgoing, ref steps, now))
        {
            counters.DroppedWithSession++;
        }

        messages.Release(outgoing.Message);
    }

    /// <returns><c>false</c>: there is nobody to take it.</returns>
    private bool TryPass(in OutgoingMessage outgoing, ref int steps, Instant now)
    {
        outgoing.Message.Read(out var publish);
        if (outgoing.Group?.Choose(MessageWriter.AtMost(publish, subscriptionIdentifiers: 1)) is not { } member)
        {
            return false;
        }

        var copy = outgoing.Message;
        if (copy.Expires <= now)
        {
            counters.Expired++;
            return true;
        }

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

        sender.Deliver(publish, ref copy, member, now, recipient);
        if (recipient is not null)
        {
            exchanges.Settle(recipient.Exchange, now);
        }

        counters.Redispatched++;
        steps -= MessageWriter.Steps(publish) - 1;
        return true;
    }

    private static bool IsIdempotent(Message request)
    {
        request.Read(out var publish);
        return publish.TryGetUserProperty(IdempotentProperty, out var value) && value.SequenceEqual("1"u8);
    }
}
