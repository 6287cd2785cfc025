using System.Runtime.CompilerServices;
using Antiphon.Broker.Buffers;
using Antiphon.Broker.Connections;
using Antiphon.Broker.Exchanges;
using Antiphon.Broker.Messages;
using Antiphon.Broker.Pressure;
using Antiphon.Broker.Sessions;
using Antiphon.Broker.Subscriptions;
using Antiphon.Broker.Timing;
using Antiphon.Protocol;
using Antiphon.Protocol.Packets;

namespace Antiphon.Broker.Publishing;

/// <summary>
/// Gets messages to one Session: at once into its connection's output where that is possible, else into its queue.
/// QoS 0 to a client that is away or reads too slowly is dropped; QoS 1 and QoS 2 wait, in order, within bounds.
/// </summary>
internal sealed class Sender(
    OptionsInForce options,
    MemoryAccount account,
    MessageWriter writer,
    MessagePool messages,
    ExchangeTable exchanges,
    MemoryPressure pressure,
    TimingWheel wheel,
    FlushList flushList,
    EngineCounters counters)
{
    /// <summary>Delivers a message through one subscription.</summary>
    /// <param name="publish">The message, which may still be in the receive buffer.</param>
    /// <param name="copy">
    /// Its one copy for all Sessions that it has to wait for; made here when the first needs it, released by the caller.
    /// </param>
    /// <param name="subscription">The subscription.</param>
    /// <param name="now">The current instant.</param>
    /// <param name="recipient">What the Session is in the exchange of the request, if anything; it is told.</param>
    /// <returns>Whether it was sent, or waits, or was dropped.</returns>
    public RecipientState Deliver(
        in PublishView publish, ref Message? copy, Subscription subscription, Instant now, Recipient? recipient) =>
        DeliverTo(
            publish,
            ref copy,
            subscription.Session,
            Lower(publish.QoS, subscription.QoS),
            publish.Retain && subscription.Options.RetainAsPublished,
            subscription.Identifiers,
            now,
            subscription.Group,
            recipient);

    /// <summary>Delivers a message to a Session once, whatever the number of its subscriptions that match.</summary>
    public RecipientState Deliver(in PublishView publish, ref Message? copy, in MatchedSession to, Instant now, Recipient? recipient) =>
        DeliverTo(
            publish,
            ref copy,
            to.Session,
            Lower(publish.QoS, to.QoS),
            publish.Retain && to.RetainAsPublished,
            to.Identifiers,
            now,
            group: null,
            recipient);

    /// <summary>The client is there: sends what an earlier connection left unacknowledged [MQTT-4.4.0-1], and what has waited.</summary>
    public void Resume(Session session, Connection connection, Instant now)
    {
        for (var identifier = PacketIdentifier.None; session.HasUnsent && session.Window.TryRepeatRelease(ref identifier);)
        {
            WriteRelease(connection, identifier, ReasonCode.Success);
        }

        SendWaiting(session, now);
    }

    /// <summary>
    /// Delivers a retained message to a subscription that asked for it, if it can be sent at once:
    /// it waits where it is, not in the Session's queue.
    /// </summary>
    /// <returns>
    /// <c>false</c>: there is no room for it. Half of the output is left to other messages, and these come first.
    /// Where half of the room for all clients is taken, the output has to be empty.
    /// So whoever has no room still has something to send, or waits for an acknowledgement: it is tried again when that is done.
    /// </returns>
    public bool TryDeliverRetained(Message message, Subscription subscription, Instant now)
    {
        var session = subscription.Session;
        var isCrowded = account.Bytes > options.Current.MaximumBufferBytes / 2;
        if (session.Connection is not { } connection
            || connection.Output.Backlog >= (isCrowded ? 1 : options.Current.MaximumOutputBytes / 2))
        {
            return false;
        }

        var outgoing = new OutgoingMessage(
            message, message.QoS < subscription.QoS ? message.QoS : subscription.QoS, retain: true, subscription.Identifiers);
        if (outgoing.QoS == QualityOfService.AtMostOnce)
        {
            var delivery = new Delivery
            {
                Retain = true,
                RemainingExpiry = message.RemainingExpiry(now),
                SubscriptionIdentifiers = outgoing.SubscriptionIdentifiers,
            };
            message.Read(out var publish);
            writer.TryWrite(connection, publish, message, delivery);
            return true;
        }

        if (session.HasWaiting || !CanSend(session, connection))
        {
            return false;
        }

        message.Retain();
        message.Read(out var view);
        SendNew(session, connection, outgoing, view, now);
        return true;
    }

    /// <summary>Sends what has waited: first what an earlier connection left unacknowledged, with DUP, then the queue.</summary>
    public void SendWaiting(Session session, Instant now)
    {
        if (session.Connection is not { } connection)
        {
            return;
        }

        while (session.HasUnsent && HasRoom(session, connection) && session.Window.TryResend(out var again, out var identifier))
        {
            // Once begun, it goes on though it may have expired since [MQTT-4.3.3-7, MQTT-4.4.0-1].
            again.Message.Read(out var view);
            Send(session, connection, again, view, identifier, dup: true, now);
        }

        while (session.HasWaiting && CanSend(session, connection))
        {
            var next = session.Waiting.Dequeue();
            if (next.Message.Expires <= now)
            {
                counters.Expired++;
                Drop(next, now);
            }
            else
            {
                SendWaiting(session, connection, next, now);
            }
        }
    }

    /// <summary>A PUBACK came: the message is done with, and there is room for the next.</summary>
    public void Acknowledged(Session session, PacketIdentifier identifier, Instant now)
    {
        var known = session.Window.TryAcknowledge(identifier, out var message);
        GoOn(session, message, known, now);
    }

    /// <summary>A PUBREC came: the message is with the client, or the client refused it.</summary>
    public void Received(Connection connection, Session session, PacketIdentifier identifier, ReasonCode code, Instant now)
    {
        var refused = code >= ReasonCode.UnspecifiedError;
        var known = refused ? session.Window.TryRefuse(identifier, out var message) : session.Window.TryRelease(identifier, out message);
        if (!refused)
        {
            WriteRelease(connection, identifier, known ? ReasonCode.Success : ReasonCode.PacketIdentifierNotFound);
        }

        GoOn(session, message, known, now);
    }

    /// <summary>A PUBCOMP came: the message is done with, and there is room for the next.</summary>
    public void Completed(Session session, PacketIdentifier identifier, Instant now)
    {
        var known = session.Window.TryComplete(identifier);
        GoOn(session, message: null, known, now);
    }

    /// <summary>Throws out what expired while its client is away.</summary>
    public void RemoveExpired(Session session, Instant now)
    {
        if (session.HasWaiting)
        {
            counters.Expired += session.Waiting.RemoveExpired(now, messages);
        }
    }

    /// <summary>Delivers a message to a Session as it is told.</summary>
    public RecipientState DeliverTo(
        in PublishView publish,
        ref Message? copy,
        Session session,
        QualityOfService qos,
        bool retain,
        uint[] identifiers,
        Instant now,
        ShareGroup? group = null,
        Recipient? recipient = null)
    {
        RecipientState state;
        if (qos == QualityOfService.AtMostOnce)
        {
            state = DeliverAtMostOnce(publish, ref copy, session, retain, identifiers, now);
        }
        else
        {
            copy ??= messages.Copy(publish, now);
            state = DeliverCopy(publish, copy, session, qos, retain, identifiers, now, group, recipient);
        }

        recipient?.Exchange.Delivered(recipient, state, now);
        return state;
    }

    private static QualityOfService Lower(QualityOfService left, QualityOfService right) => left < right ? left : right;

    private RecipientState DeliverAtMostOnce(
        in PublishView publish, ref Message? copy, Session session, bool retain, uint[] identifiers, Instant now)
    {
        if (session.Connection is not { } connection)
        {
            counters.DroppedAway++;
            return RecipientState.Gone;
        }

        if (connection.Output.Backlog >= options.Current.MaximumOutputBytes)
        {
            counters.DroppedSlowReader++;
            return RecipientState.Gone;
        }

        var delivery = new Delivery
        {
            Retain = retain,
            RemainingExpiry = copy?.RemainingExpiry(now) ?? publish.MessageExpiryInterval ?? 0,
            SubscriptionIdentifiers = identifiers,
        };
        if (publish.Payload.Length >= MessageWriter.SharedFrom)
        {
            copy ??= messages.Copy(publish, now);
        }

        return writer.TryWrite(connection, publish, copy, delivery) ? RecipientState.Sent : RecipientState.Gone;
    }

    /// <summary>Apart from <see cref="DeliverTo"/>, whose QoS 0 would otherwise clear the room for all of this.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private RecipientState DeliverCopy(
        in PublishView publish,
        Message copy,
        Session session,
        QualityOfService qos,
        bool retain,
        uint[] identifiers,
        Instant now,
        ShareGroup? group,
        Recipient? recipient)
    {
        var outgoing = new OutgoingMessage(copy, qos, retain, identifiers, group, recipient);
        if (!session.HasWaiting && session.Connection is { } open && CanSend(session, open))
        {
            copy.Retain();
            return SendNew(session, open, outgoing, publish, now);
        }

        return TryEnqueue(session, outgoing, now) ? RecipientState.Queued : RecipientState.Gone;
    }

    private bool HasRoom(Session session, Connection connection) =>
        session.Unacknowledged < connection.ReceiveMaximum && connection.Output.Backlog < options.Current.MaximumOutputBytes;

    private bool CanSend(Session session, Connection connection) =>
        HasRoom(session, connection)
        && !session.HasUnsent
        && !session.Window.IsFull
        && session.Window.Bytes < options.Current.MaximumQueuedBytes;

    private bool TryEnqueue(Session session, in OutgoingMessage outgoing, Instant now)
    {
        if (session.HasEnded)
        {
            return false;
        }

        var queue = session.Waiting;
        if ((IsCrowded(session) || !HasPlace(queue, outgoing)) && !TryMakePlace(session, queue, outgoing, now))
        {
            return false;
        }

        queue.Enqueue(outgoing);
        if (session.Connection is null && session.Deadline is { } deadline && (!deadline.IsSet || queue.NextSearch < deadline.Due))
        {
            wheel.Set(deadline, queue.NextSearch);
        }

        return true;
    }

    private bool TryMakePlace(Session session, MessageQueue queue, in OutgoingMessage outgoing, Instant now)
    {
        // What nobody will ever be sent takes no place from what somebody may.
        counters.Expired += queue.RemoveExpired(now, messages);
        if (IsCrowded(session))
        {
            counters.DroppedMemoryShort++;
            return false;
        }

        var displaces = options.Current.QueueOverflow == QueueOverflow.DiscardOldest
            && outgoing.Message.Size <= options.Current.MaximumQueuedBytes;
        while (!HasPlace(queue, outgoing))
        {
            counters.DroppedQueueFull++;
            if (!displaces)
            {
                return false;
            }

            Drop(queue.Dequeue(), now);
        }

        return true;
    }

    private bool HasPlace(MessageQueue queue, in OutgoingMessage outgoing) =>
        queue.Count < options.Current.MaximumQueuedMessages && queue.Bytes + outgoing.Message.Size <= options.Current.MaximumQueuedBytes;

    /// <summary>
    /// Who is away frees nothing by being waited for: beyond half of the room for all, publishers would be held up until Sessions expire.
    /// </summary>
    private bool IsCrowded(Session session) => session.Connection is null && account.Bytes > options.Current.MaximumBufferBytes / 2;

    /// <summary>What has waited is never sent: its recipient will not answer.</summary>
    private void Drop(in OutgoingMessage outgoing, Instant now)
    {
        messages.Release(outgoing.Message);
        if (outgoing.Recipient is { } recipient)
        {
            exchanges.Lose(recipient, now);
        }
    }

    private void SendWaiting(Session session, Connection connection, in OutgoingMessage outgoing, Instant now)
    {
        var recipient = outgoing.Recipient;
        outgoing.Message.Read(out var view);
        var state = SendNew(session, connection, outgoing, view, now);
        if (state == RecipientState.Sent)
        {
            recipient?.Exchange.Delivered(recipient, state, now);
        }
        else if (recipient is not null)
        {
            exchanges.Lose(recipient, now);
        }
    }

    /// <summary>The caller has made the window a holder of the message, whose bytes are taken from <paramref name="view"/>.</summary>
    private RecipientState SendNew(Session session, Connection connection, in OutgoingMessage outgoing, in PublishView view, Instant now) =>
        Send(session, connection, outgoing, view, session.Window.AddSent(outgoing), dup: false, now)
            ? RecipientState.Sent
            : RecipientState.Gone;

    private bool Send(
        Session session,
        Connection connection,
        in OutgoingMessage outgoing,
        in PublishView view,
        PacketIdentifier identifier,
        bool dup,
        Instant now)
    {
        var delivery = new Delivery
        {
            QoS = outgoing.QoS,
            Retain = outgoing.Retain,
            Dup = dup,
            PacketIdentifier = identifier,
            RemainingExpiry = outgoing.Message.RemainingExpiry(now),
            SubscriptionIdentifiers = outgoing.SubscriptionIdentifiers,
        };
        if (writer.TryWrite(connection, view, outgoing.Message, delivery))
        {
            if (connection.IsPaused)
            {
                // Left unread it could not acknowledge.
                pressure.Spare(connection, now);
            }

            return true;
        }

        if (dup && session.Window.TryRelease(identifier, out var begun))
        {
            // The client may have it already, and would then take the next QoS 2 message under this identifier for the same one
            // [MQTT-4.3.3-10].
            messages.Release(begun!);
            WriteRelease(connection, identifier, ReasonCode.Success);
        }
        else
        {
            // It goes on as if it had been acknowledged [MQTT-3.1.2-25].
            messages.Release(session.Window.Skip(identifier));
        }

        return false;
    }

    private void WriteRelease(Connection connection, PacketIdentifier identifier, ReasonCode code)
    {
        AcknowledgementPacket.Write(connection.Output, PacketType.PubRel, identifier, code, connection.Version);
        flushList.Mark(connection);
    }

    /// <summary>After an acknowledgement there may be room for what waits.</summary>
    private void GoOn(Session session, Message? message, bool known, Instant now)
    {
        if (!known)
        {
            counters.UnknownAcknowledgements++;
            return;
        }

        if (message is not null)
        {
            messages.Release(message);
        }

        if (session.HasWaiting || session.HasUnsent)
        {
            SendWaiting(session, now);
        }
    }
}
