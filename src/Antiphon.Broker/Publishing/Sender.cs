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
internal sealed class Sender(BrokerOptions options, MessagePool messages, FlushList flushList, EngineCounters counters)
{
    /// <summary>More than fixed header, lengths and Packet Identifier add to a message.</summary>
    private const int Overhead = 16;

    /// <summary>What a Subscription Identifier adds at most: its property identifier and four bytes.</summary>
    private const int SubscriptionIdentifierSize = 5;

    /// <summary>Payloads of so many bytes and more are shared by their receivers instead of copied to each.</summary>
    private const int SharedFrom = 4096;

    /// <summary>Delivers a message that is still in the receive buffer.</summary>
    /// <param name="publish">The message.</param>
    /// <param name="copy">Its one copy for all Sessions that it has to wait for; made here when the first needs it, released by the caller.</param>
    /// <param name="session">To whom.</param>
    /// <param name="qos">QoS of the delivery.</param>
    /// <param name="retain">RETAIN of the delivery.</param>
    /// <param name="identifiers">Subscription Identifiers.</param>
    /// <param name="now">The current instant.</param>
    public void Deliver(in PublishView publish, ref Message? copy, Session session, QualityOfService qos, bool retain, uint[] identifiers, Instant now)
    {
        if (qos == QualityOfService.AtMostOnce)
        {
            if (session.Connection is not { } connection)
            {
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
                RemainingExpiry = publish.MessageExpiryInterval ?? 0,
                SubscriptionIdentifiers = identifiers,
            };
            if (publish.Payload.Length >= SharedFrom)
            {
                copy ??= messages.Copy(publish, now);
            }

            Write(connection, publish, copy, delivery);
            return;
        }

        copy ??= messages.Copy(publish, now);

        var outgoing = new OutgoingMessage(copy, qos, retain, identifiers);
        if (!session.HasWaiting && session.Connection is { } open && CanSend(session, open))
        {
            copy.Retain();
            SendNew(session, open, outgoing, now);
        }
        else
        {
            Enqueue(session, outgoing);
        }
    }

    /// <summary>The client is there: sends what an earlier connection left unacknowledged [MQTT-4.4.0-1], and what has waited.</summary>
    public void Resume(Session session, Connection connection, Instant now)
    {
        for (var position = 0; session.Window.TryRepeatRelease(ref position, out var identifier);)
        {
            WriteRelease(connection, identifier, ReasonCode.Success);
        }

        SendWaiting(session, now);
    }

    /// <summary>Delivers a retained message to a subscription that asked for it, if it can be sent at once: it waits where it is, not in the Session's queue.</summary>
    /// <returns><c>false</c>: there is no room for it. Half of the output is left to other messages, and these come first.</returns>
    public bool TryDeliverRetained(Message message, Subscription subscription, Instant now)
    {
        var session = subscription.Session;
        if (session.Connection is not { } connection || connection.Output.Backlog >= options.MaximumOutputBytes / 2)
        {
            return false;
        }

        var outgoing = new OutgoingMessage(message, message.QoS < subscription.QoS ? message.QoS : subscription.QoS, Retain: true, subscription.Identifiers);
        if (outgoing.QoS == QualityOfService.AtMostOnce)
        {
            var delivery = new Delivery { Retain = true, RemainingExpiry = message.RemainingExpiry(now), SubscriptionIdentifiers = outgoing.SubscriptionIdentifiers };
            Write(connection, message.View, message, delivery);
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

        while (session.Window.HasUnsent && HasRoom(session, connection) && session.Window.TryResend(out var again, out var identifier))
        {
            // Once begun, it goes on though it may have expired since [MQTT-4.3.3-7, MQTT-4.4.0-1].
            Send(session, connection, again, identifier, dup: true, now);
        }

        while (session.HasWaiting && CanSend(session, connection))
        {
            var next = session.Waiting.Dequeue();
            session.WaitingBytes -= next.Message.Size;
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

    /// <summary>The Session ends: gives back what waits.</summary>
    public void Discard(Session session)
    {
        session.Window.Clear(messages);
        while (session.HasWaiting)
        {
            messages.Release(session.Waiting.Dequeue().Message);
        }

        session.WaitingBytes = 0;
    }

    private bool HasRoom(Session session, Connection connection) =>
        session.Window.Unacknowledged < connection.ReceiveMaximum && connection.Output.Backlog < options.MaximumOutputBytes;

    private bool CanSend(Session session, Connection connection) =>
        HasRoom(session, connection) && !session.Window.HasUnsent && !session.Window.IsFull && session.Window.Bytes < options.MaximumQueuedBytes;

    private void Enqueue(Session session, in OutgoingMessage outgoing)
    {
        var size = outgoing.Message.Size;
        // Who is away frees nothing by being waited for: beyond half of the room for all, publishers would be held up until Sessions expire.
        var isCrowded = session.Connection is null && messages.RentedBytes > options.MaximumBufferBytes / 2;
        if (isCrowded || session.Waiting.Count >= options.MaximumQueuedMessages || session.WaitingBytes + size > options.MaximumQueuedBytes)
        {
            counters.DroppedQueueFull++;
            return;
        }

        outgoing.Message.Retain();
        session.Waiting.Enqueue(outgoing);
        session.WaitingBytes += size;
    }

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
        if (!Write(connection, outgoing.Message.View, outgoing.Message, delivery))
        {
            // It goes on as if it had been acknowledged [MQTT-3.1.2-25].
            messages.Release(session.Window.Skip(identifier));
        }
    }

    /// <param name="connection">To whom.</param>
    /// <param name="message">The message.</param>
    /// <param name="copy">Its copy, if there is one: a large payload is not copied again.</param>
    /// <param name="delivery">This delivery.</param>
    private bool Write(Connection connection, in PublishView message, Message? copy, in Delivery delivery)
    {
        var atMost = (uint)(message.Topic.Length + message.Properties.Length + message.Payload.Length
            + SubscriptionIdentifierSize * delivery.SubscriptionIdentifiers.Length + Overhead);
        if (atMost > connection.MaximumPacketSize && (uint)PublishEncoder.SizeOf(message, delivery, connection.Version) > connection.MaximumPacketSize)
        {
            counters.TooLargeForReceiver++;
            return false;
        }

        if (copy is not null && message.Payload.Length >= SharedFrom)
        {
            PublishEncoder.WriteUpToPayload(connection.Output, message, delivery, connection.Version);
            connection.Output.AppendPayload(copy);
        }
        else
        {
            PublishEncoder.Write(connection.Output, message, delivery, connection.Version);
        }

        flushList.Mark(connection);
        counters.MessagesSent++;
        return true;
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

        if (session.HasWaiting || session.Window.HasUnsent)
        {
            SendWaiting(session, now);
        }
    }
}
