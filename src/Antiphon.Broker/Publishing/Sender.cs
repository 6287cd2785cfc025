using System.Runtime.CompilerServices;
using Antiphon.Broker.Connections;
using Antiphon.Broker.Messages;
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
internal sealed class Sender(BrokerOptions options, MessageWriter writer, MessagePool messages, TimingWheel wheel, FlushList flushList, EngineCounters counters)
{
    /// <summary>Delivers a message that is still in the receive buffer.</summary>
    /// <param name="publish">The message.</param>
    /// <param name="copy">Its one copy for all Sessions that it has to wait for; made here when the first needs it, released by the caller.</param>
    /// <param name="session">To whom.</param>
    /// <param name="qos">QoS of the delivery.</param>
    /// <param name="retain">RETAIN of the delivery.</param>
    /// <param name="identifiers">Subscription Identifiers.</param>
    /// <param name="now">The current instant.</param>
    /// <param name="group">The share group that it is for, if any.</param>
    public void Deliver(
        in PublishView publish, ref Message? copy, Session session, QualityOfService qos, bool retain, uint[] identifiers, Instant now, ShareGroup? group = null)
    {
        if (qos == QualityOfService.AtMostOnce)
        {
            if (session.Connection is not { } connection)
            {
                counters.DroppedAway++;
                return;
            }

            if (connection.Output.Backlog >= options.MaximumOutputBytes)
            {
                counters.DroppedSlowReader++;
                return;
            }

            var delivery = new Delivery
            {
                QoS = qos,
                Retain = retain,
                RemainingExpiry = copy?.RemainingExpiry(now) ?? publish.MessageExpiryInterval ?? 0,
                SubscriptionIdentifiers = identifiers,
            };
            if (publish.Payload.Length >= MessageWriter.SharedFrom)
            {
                copy ??= messages.Copy(publish, now);
            }

            writer.TryWrite(connection, publish, copy, delivery);
            return;
        }

        copy ??= messages.Copy(publish, now);
        DeliverCopy(session, new OutgoingMessage(copy, qos, retain, identifiers, group), now);
    }

    /// <summary>The client is there: sends what an earlier connection left unacknowledged [MQTT-4.4.0-1], and what has waited.</summary>
    public void Resume(Session session, Connection connection, Instant now)
    {
        for (var identifier = PacketIdentifier.None; session.HasUnsent && session.Window.TryRepeatRelease(ref identifier);)
        {
            WriteRelease(connection, identifier, ReasonCode.Success);
        }

        SendWaiting(session, now);
    }

    /// <summary>Delivers a retained message to a subscription that asked for it, if it can be sent at once: it waits where it is, not in the Session's queue.</summary>
    /// <returns>
    /// <c>false</c>: there is no room for it. Half of the output is left to other messages, and these come first. Where half of the room for all clients is taken, the output has to be
    /// empty. So whoever has no room still has something to send, or waits for an acknowledgement: it is tried again when that is done.
    /// </returns>
    public bool TryDeliverRetained(Message message, Subscription subscription, Instant now)
    {
        var session = subscription.Session;
        var isCrowded = messages.RentedBytes > options.MaximumBufferBytes / 2;
        if (session.Connection is not { } connection || connection.Output.Backlog >= (isCrowded ? 1 : options.MaximumOutputBytes / 2))
        {
            return false;
        }

        var outgoing = new OutgoingMessage(message, message.QoS < subscription.QoS ? message.QoS : subscription.QoS, Retain: true, subscription.Identifiers);
        if (outgoing.QoS == QualityOfService.AtMostOnce)
        {
            var delivery = new Delivery { Retain = true, RemainingExpiry = message.RemainingExpiry(now), SubscriptionIdentifiers = outgoing.SubscriptionIdentifiers };
            writer.TryWrite(connection, message.View, message, delivery);
            return true;
        }

        if (session.HasWaiting || !CanSend(session, connection))
        {
            return false;
        }

        message.Retain();
        SendNew(session, connection, outgoing, now);
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
            Send(session, connection, again, identifier, dup: true, now);
        }

        while (session.HasWaiting && CanSend(session, connection))
        {
            var next = session.Waiting.Dequeue();
            if (next.Message.Expires <= now)
            {
                counters.Expired++;
                messages.Release(next.Message);
            }
            else
            {
                SendNew(session, connection, next, now);
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

    /// <summary>Apart from <see cref="Deliver"/>, whose QoS 0 would otherwise clear the room for all of this.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private void DeliverCopy(Session session, in OutgoingMessage outgoing, Instant now)
    {
        if (!session.HasWaiting && session.Connection is { } open && CanSend(session, open))
        {
            outgoing.Message.Retain();
            SendNew(session, open, outgoing, now);
        }
        else
        {
            Enqueue(session, outgoing, now);
        }
    }

    private bool HasRoom(Session session, Connection connection) =>
        session.Unacknowledged < connection.ReceiveMaximum && connection.Output.Backlog < options.MaximumOutputBytes;

    private bool CanSend(Session session, Connection connection) =>
        HasRoom(session, connection) && !session.HasUnsent && !session.Window.IsFull && session.Window.Bytes < options.MaximumQueuedBytes;

    private void Enqueue(Session session, in OutgoingMessage outgoing, Instant now)
    {
        var queue = session.Waiting;
        if ((IsCrowded(session) || !HasPlace(queue, outgoing)) && !TryMakePlace(session, queue, outgoing, now))
        {
            return;
        }

        queue.Enqueue(outgoing);
        if (session.Connection is null && session.Deadline is { } deadline && (!deadline.IsSet || queue.NextSearch < deadline.Due))
        {
            wheel.Set(deadline, queue.NextSearch);
        }
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

        var displaces = options.QueueOverflow == QueueOverflow.DiscardOldest && outgoing.Message.Size <= options.MaximumQueuedBytes;
        while (!HasPlace(queue, outgoing))
        {
            counters.DroppedQueueFull++;
            if (!displaces)
            {
                return false;
            }

            messages.Release(queue.Dequeue().Message);
        }

        return true;
    }

    private bool HasPlace(MessageQueue queue, in OutgoingMessage outgoing) =>
        queue.Count < options.MaximumQueuedMessages && queue.Bytes + outgoing.Message.Size <= options.MaximumQueuedBytes;

    /// <summary>Who is away frees nothing by being waited for: beyond half of the room for all, publishers would be held up until Sessions expire.</summary>
    private bool IsCrowded(Session session) => session.Connection is null && messages.RentedBytes > options.MaximumBufferBytes / 2;

    /// <summary>The caller has made the window a holder of the message.</summary>
    private void SendNew(Session session, Connection connection, in OutgoingMessage outgoing, Instant now) =>
        Send(session, connection, outgoing, session.Window.AddSent(outgoing), dup: false, now);

    private void Send(Session session, Connection connection, in OutgoingMessage outgoing, PacketIdentifier identifier, bool dup, Instant now)
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
        if (writer.TryWrite(connection, outgoing.Message.View, outgoing.Message, delivery))
        {
            return;
        }

        if (dup && session.Window.TryRelease(identifier, out var begun))
        {
            // The client may have it already, and would then take the next QoS 2 message under this identifier for the same one [MQTT-4.3.3-10].
            messages.Release(begun!);
            WriteRelease(connection, identifier, ReasonCode.Success);
        }
        else
        {
            // It goes on as if it had been acknowledged [MQTT-3.1.2-25].
            messages.Release(session.Window.Skip(identifier));
        }
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
