using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using Antiphon.Broker.Connections;
using Antiphon.Broker.Exchanges;
using Antiphon.Broker.Messages;
using Antiphon.Broker.Sessions;
using Antiphon.Broker.Subscriptions;
using Antiphon.Broker.Timing;
using Antiphon.Protocol;
using Antiphon.Protocol.Packets;

namespace Antiphon.Broker.Publishing;

/// <summary>
/// Delivers messages to those whom subscriptions concern: at once where these are few, or not too many for this turn;
/// else in slices, one message after the other, in the order in which they came. None goes before one with the same topic.
/// </summary>
/// <remarks>
/// Until the last slice the publisher's next packets wait (see <see cref="Connection.IsOnHold"/>), and so does the acknowledgement.
/// So nothing of it overtakes the message. Whom it concerns is settled when it comes: who subscribes later does not get it,
/// and neither does who has unsubscribed before its turn has come.
/// </remarks>
internal sealed class FanOuts(
    MatchCache matches, ExchangeTable exchanges, Sender sender, MessagePool messages, FlushList flushList, EngineCounters counters)
{
    /// <summary>
    /// So many levels, subscriptions and deliveries in one turn, for all messages that concern more than <see cref="Few"/>.
    /// </summary>
    internal const int StepsPerTurn = 2048;

    /// <summary>So many of them are for messages that come, whatever is under way.</summary>
    internal const int StepsForNew = 1024;

    /// <summary>So many levels, subscriptions and deliveries each message may take at once, and they are not counted.</summary>
    internal const int Few = 16;

    /// <summary>While others are under way, finding whom a message concerns may take so many steps more at once.</summary>
    private const int WalkedBeside = 256;

    /// <summary>So many of those under way are compared with a message that may go before them.</summary>
    private const int Compared = 8;

    /// <summary>So many deliveries there are in a turn however much waits to be flushed.</summary>
    private const int DeliveredAnyway = 64;

    private readonly Queue<FanOut> _underWay = new();
    private readonly Queue<FanOut> _finished = new();
    private int _left = StepsPerTurn;

    // What a message may take at once to be delivered, and for those whom it concerns to be found.
    private int _atOnce = Few + StepsPerTurn;
    private int _walkedAtOnce = Few + StepsPerTurn;

    /// <summary>Whether <see cref="Continue"/> has something to do.</summary>
    public bool IsReady => _underWay.Count > 0;

    /// <summary>Delivers a message, or begins to.</summary>
    /// <param name="publish">The message.</param>
    /// <param name="copy">Its copy, made here where it is needed, released by the caller.</param>
    /// <param name="publisher">Whose it is; <c>null</c>: a Will's, or the broker's own.</param>
    /// <param name="requester">Who gets the answers, where it is a request to be tracked.</param>
    /// <param name="now">The current instant.</param>
    public RoutingResult Route(in PublishView publish, ref Message? copy, Session? publisher, Session? requester, Instant now)
    {
        var steps = _walkedAtOnce;
        var match = matches.TryMatch(publish.Topic, ref steps);
        steps = _walkedAtOnce - steps;
        if (steps > Few)
        {
            Count(steps);
        }

        return match is { Count: <= Few }
            ? Deliver(match, publish, ref copy, publisher, requester, now)
            : match is not null && MayGoNow(match, publish)
                ? DeliverToMany(match, publish, ref copy, publisher, requester, now)
                : Begin(publish, ref copy, publisher, requester, now);
    }

    /// <summary>Does the work of one turn.</summary>
    public void Continue(Instant now)
    {
        _left = StepsPerTurn - StepsForNew;
        flushList.Defers = true;
        try
        {
            while (_underWay.TryPeek(out var fanOut) && TryFinish(fanOut, now))
            {
                _underWay.Dequeue();
                _finished.Enqueue(fanOut);
            }
        }
        finally
        {
            flushList.Defers = false;
        }

        Count(-StepsForNew);
    }

    /// <summary>Takes a message that has been delivered to all: its acknowledgement need not wait any more.</summary>
    public bool TryTakeFinished([NotNullWhen(true)] out FanOut? fanOut) => _finished.TryDequeue(out fanOut);

    /// <summary>Whether a message to many fits into this turn, and overtakes none with the same topic.</summary>
    private bool MayGoNow(Match match, in PublishView publish)
    {
        if ((long)match.Count * MessageWriter.Steps(publish) > _atOnce || _underWay.Count > Compared)
        {
            return false;
        }

        foreach (var fanOut in _underWay)
        {
            if (fanOut.Message.Topic.SequenceEqual(publish.Topic))
            {
                return false;
            }
        }

        return true;
    }

    private RoutingResult Deliver(
        Match match, in PublishView publish, ref Message? copy, Session? publisher, Session? requester, Instant now)
    {
        if (match.IsNobody)
        {
            return new RoutingResult(ReasonCode.NoMatchingSubscribers);
        }

        if (publish.MessageExpiryInterval == 0)
        {
            counters.Expired++;
            return new RoutingResult(ReasonCode.Success);
        }

        // Opened with the first recipient, once a PUBLISH. Whoever gets the request may answer it.
        Exchange? exchange = null;
        var recipients = 0;
        var isNobody = true;
        foreach (ref readonly var matched in match.Sessions.AsSpan())
        {
            if (matched.Session.HasEnded)
            {
                continue;
            }

            isNobody = false;
            foreach (ref readonly var to in matched.WithoutNoLocal(publisher))
            {
                Recipient? recipient = null;
                if (requester is not null && to.MayAnswer)
                {
                    recipient = (exchange ??= exchanges.Open(publish, requester, now)).Admit(to.Session, to.IsResponder);
                }

                recipients += sender.Deliver(publish, ref copy, to, now, recipient) == RecipientState.Gone ? 0 : 1;
            }
        }

        foreach (var group in match.Groups)
        {
            if (group.Choose(MessageWriter.AtMost(publish, subscriptionIdentifiers: 1)) is not { } member)
            {
                // Its last members have ended, and are still to be taken out of the tree.
                continue;
            }

            isNobody = false;
            Recipient? recipient = null;
            if (requester is not null && member.MayAnswer)
            {
                recipient = (exchange ??= exchanges.Open(publish, requester, now)).Admit(member.Session, member.IsResponder);
            }

            recipients += sender.Deliver(publish, ref copy, member, now, recipient) == RecipientState.Gone ? 0 : 1;
        }

        return isNobody
            ? new RoutingResult(ReasonCode.NoMatchingSubscribers)
            : new RoutingResult(ReasonCode.Success, recipients, exchange is not null && exchanges.Settle(exchange, now) ? exchange : null);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private RoutingResult DeliverToMany(
        Match match, in PublishView publish, ref Message? copy, Session? publisher, Session? requester, Instant now)
    {
        flushList.Defers = true;
        try
        {
            Count(match.Count * MessageWriter.Steps(publish));
            return Deliver(match, publish, ref copy, publisher, requester, now);
        }
        finally
        {
            flushList.Defers = false;
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private RoutingResult Begin(in PublishView publish, ref Message? copy, Session? publisher, Session? requester, Instant now)
    {
        if (publish.MessageExpiryInterval == 0)
        {
            counters.Expired++;
            return new RoutingResult(ReasonCode.Success);
        }

        // The exchange needs what a copy does not know any more.
        copy ??= messages.Copy(publish, now);
        copy.Retain();
        var exchange = requester is null ? null : exchanges.Open(publish, requester, now);
        var fanOut = new FanOut(copy, publisher, matches.LastNumber, exchange);
        if (publisher is not null)
        {
            publisher.FanOuts++;
            publisher.Connection?.IsFanningOut = true;
        }

        _underWay.Enqueue(fanOut);
        Count(0);
        return new RoutingResult(ReasonCode.Success, Exchange: exchange, UnderWay: fanOut);
    }

    /// <returns><c>false</c>: the turn is over.</returns>
    private bool TryFinish(FanOut fanOut, Instant now)
    {
        var message = fanOut.Message;
        fanOut.Walk ??= matches.BeginWalk(fanOut.Newest);
        if (!fanOut.IsFound && !(fanOut.IsFound = fanOut.Walk.Go(message.Topic, ref _left)))
        {
            return false;
        }

        var sessions = fanOut.Walk.Sessions;
        var groups = fanOut.Walk.Groups;
        message.Read(out var publish);
        for (var delivered = 0; fanOut.Sessions < sessions.Length || fanOut.Groups < groups.Length; delivered++)
        {
            if (_left <= 0 || (delivered >= DeliveredAnyway && flushList.IsBehind))
            {
                return false;
            }

            if (message.Expires <= now)
            {
                counters.Expired++;
                fanOut.HasSubscriber = true;
                break;
            }

            if (fanOut.Sessions < sessions.Length)
            {
                Deliver(fanOut, sessions[fanOut.Sessions++], publish, now);
            }
            else
            {
                Deliver(fanOut, groups[fanOut.Groups++], publish, now);
            }

            _left -= MessageWriter.Steps(publish);
        }

        Finish(fanOut, now);
        return true;
    }

    private void Deliver(FanOut fanOut, in FoundSession found, in PublishView publish, Instant now)
    {
        if (found.Session.HasEnded)
        {
            return;
        }

        Message? copy = fanOut.Message;
        if (found.Only is { } subscription)
        {
            fanOut.HasSubscriber |= !subscription.HasEnded;
            if (!subscription.HasEnded && !(subscription.Options.NoLocal && found.Session == fanOut.Publisher))
            {
                var recipient = Admit(fanOut, found.Session, subscription.MayAnswer, subscription.IsResponder);
                sender.Deliver(publish, ref copy, subscription, now, recipient);
            }

            return;
        }

        if (found.ThatStand() is { Length: > 0 } subscriptions)
        {
            fanOut.HasSubscriber = true;
            var matched = new MatchedSession(found.Session, subscriptions);
            foreach (ref readonly var to in matched.WithoutNoLocal(fanOut.Publisher))
            {
                sender.Deliver(publish, ref copy, to, now, Admit(fanOut, to.Session, to.MayAnswer, to.IsResponder));
            }
        }
    }

    private void Deliver(FanOut fanOut, ShareGroup group, in PublishView publish, Instant now)
    {
        if (group.Choose(MessageWriter.AtMost(publish, subscriptionIdentifiers: 1)) is { } member)
        {
            fanOut.HasSubscriber = true;
            Message? copy = fanOut.Message;
            sender.Deliver(publish, ref copy, member, now, Admit(fanOut, member.Session, member.MayAnswer, member.IsResponder));
        }
    }

    private static Recipient? Admit(FanOut fanOut, Session session, bool mayAnswer, bool isResponder) =>
        mayAnswer ? fanOut.Exchange?.Admit(session, isResponder) : null;

    private void Finish(FanOut fanOut, Instant now)
    {
        if (fanOut.Exchange is { } exchange)
        {
            exchanges.Settle(exchange, now);
        }

        if (fanOut.Code == ReasonCode.NoMatchingSubscribers)
        {
            counters.MessagesWithoutSubscriber++;
        }

        fanOut.IsFinished = true;
        fanOut.Walk = null;
        if (fanOut.Publisher is { } publisher)
        {
            publisher.FanOuts--;
            publisher.Connection?.IsFanningOut = publisher.FanOuts > 0;
        }

        messages.Release(fanOut.Message);
    }

    /// <summary>Steps were taken, or others are under way.</summary>
    private void Count(int steps)
    {
        _left -= steps;
        _atOnce = Few + Math.Max(0, _left);
        _walkedAtOnce = _underWay.Count > 0 ? Math.Min(_atOnce, Few + WalkedBeside) : _atOnce;
    }
}
