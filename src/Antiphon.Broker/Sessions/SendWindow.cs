using System.Diagnostics.CodeAnalysis;
using Antiphon.Broker.Buffers;
using Antiphon.Broker.Messages;
using Antiphon.Protocol;
using Antiphon.Protocol.Windows;

namespace Antiphon.Broker.Sessions;

/// <summary>
/// The QoS 1 and QoS 2 messages that a Session has been sent and has not acknowledged in full, in the order of their sending
/// (MQTT 5 §4.3, §4.4, §4.6).
/// </summary>
/// <remarks>
/// A message that is never acknowledged takes one identifier and one place of the Receive Maximum, and stops nothing else.
/// </remarks>
/// <param name="account">Where its places count; its messages are counted where they come from.</param>
internal sealed class SendWindow(MemoryAccount account)
{
    /// <summary>What a place takes in memory, in bytes: the message, what it waits for, and the list of identifiers.</summary>
    private const int PlaceSize = OutgoingMessage.Size + 16;

    private PacketIdentifiers<Entry> _entries = new();
    private int _countedPlaces;

    // For the Network Connection. What has been sent over an earlier one and not over this stands behind all that has been.
    private uint _connection = 1;
    private PacketIdentifier _unsent;

    /// <summary>What an entry waits for.</summary>
    private enum Awaited : byte
    {
        /// <summary>Nothing: the identifier is free.</summary>
        Nothing,

        /// <summary>PUBACK, of a QoS 1 message.</summary>
        PubAck,

        /// <summary>PUBREC, of a QoS 2 message.</summary>
        PubRec,

        /// <summary>
        /// PUBCOMP, of a QoS 2 message whose PUBREL has been sent: the message itself is not needed any more [MQTT-4.3.3-6].
        /// </summary>
        PubComp,
    }

    /// <summary>
    /// Messages that this connection has been sent, or whose PUBREL it has been sent, and that are not acknowledged in full:
    /// what Receive Maximum bounds [MQTT-3.3.4-9].
    /// </summary>
    public int Unacknowledged { get; private set; }

    /// <summary>Messages of earlier connections that this one has not been sent yet.</summary>
    public bool HasUnsent => _unsent != PacketIdentifier.None;

    /// <summary>Whether all Packet Identifiers are taken.</summary>
    public bool IsFull => _entries.IsFull;

    public bool IsEmpty => _entries.Count == 0;

    /// <summary>Bytes of the unacknowledged messages, whether others share them or not.</summary>
    public long Bytes { get; private set; }

    /// <summary>Adds a message that is sent right now. There is none of an earlier connection to be sent first.</summary>
    /// <returns>Its Packet Identifier, not zero and not in use [MQTT-2.2.1-4].</returns>
    public PacketIdentifier AddSent(in OutgoingMessage message)
    {
        Unacknowledged++;
        Bytes += message.Message.Size;
        var identifier = _entries.Allocate(new Entry
        {
            Outgoing = message,
            Awaited = message.QoS == QualityOfService.ExactlyOnce ? Awaited.PubRec : Awaited.PubAck,
            Connection = _connection,
        });
        if (_entries.Places != _countedPlaces)
        {
            CountPlaces();
        }

        return identifier;
    }

    /// <summary>
    /// Takes the next PUBREL that an earlier connection left without its PUBCOMP, to send it again [MQTT-4.4.0-1].
    /// For the begin of a connection: PUBREL does not wait for the Receive Maximum [MQTT-3.3.4-10].
    /// </summary>
    /// <param name="last">The identifier of the last one; none at first.</param>
    /// <returns>Whether there is one more; then <paramref name="last"/> is its identifier.</returns>
    public bool TryRepeatRelease(ref PacketIdentifier last)
    {
        do
        {
            last = last == PacketIdentifier.None ? _entries.Oldest : _entries.After(last);
        }
        while (last != PacketIdentifier.None && _entries[last].Awaited != Awaited.PubComp);

        if (last == PacketIdentifier.None)
        {
            return false;
        }

        Count(ref _entries[last]);
        return true;
    }

    /// <summary>Takes the next message of an earlier connection to send it again, in the original order [MQTT-4.6.0-1].</summary>
    public bool TryResend(out OutgoingMessage message, out PacketIdentifier identifier)
    {
        while (HasUnsent)
        {
            identifier = _unsent;
            _unsent = _entries.After(identifier);
            ref var entry = ref _entries[identifier];
            if (entry.Awaited is Awaited.PubAck or Awaited.PubRec)
            {
                Count(ref entry);
                message = entry.Outgoing;
                return true;
            }
        }

        message = default;
        identifier = default;
        return false;
    }

    /// <summary>PUBACK ends the wait of a QoS 1 message.</summary>
    /// <param name="identifier">The Packet Identifier.</param>
    /// <param name="message">The message that was waiting; the caller gives it back.</param>
    /// <returns><c>false</c>: no QoS 1 message that was sent over this connection waits under that identifier.</returns>
    public bool TryAcknowledge(PacketIdentifier identifier, [NotNullWhen(true)] out Message? message)
    {
        if (AwaitedBy(identifier) == Awaited.PubAck && _entries[identifier].Connection == _connection)
        {
            message = End(identifier)!;
            return true;
        }

        message = null;
        return false;
    }

    /// <summary>
    /// PUBREC with success: PUBREL is to be sent, now and after the loss of a connection until PUBCOMP is there,
    /// and PUBLISH never again [MQTT-4.3.3-4, MQTT-4.3.3-6].
    /// It counts also for a PUBLISH of an earlier connection:
    /// to say that nothing is known of it would make the client take it a second time.
    /// </summary>
    /// <param name="identifier">The Packet Identifier.</param>
    /// <param name="message">
    /// The message, which is not needed any more; the caller gives it back. <c>null</c>: PUBREC was there before.
    /// </param>
    /// <returns><c>false</c>: no QoS 2 message waits under that identifier.</returns>
    public bool TryRelease(PacketIdentifier identifier, out Message? message)
    {
        message = null;
        switch (AwaitedBy(identifier))
        {
            case Awaited.PubRec:
                ref var entry = ref _entries[identifier];
                message = entry.Outgoing.Message;
                Bytes -= message.Size;
                entry.Outgoing = default;
                entry.Awaited = Awaited.PubComp;
                Count(ref entry);
                return true;
            case Awaited.PubComp:
                return true;
            default:
                return false;
        }
    }

    /// <summary>PUBREC with a Reason Code of 0x80 or above: the QoS 2 message is done with [MQTT-4.4.0-2].</summary>
    /// <param name="identifier">The Packet Identifier.</param>
    /// <param name="message">The message, if it was still held; the caller gives it back.</param>
    /// <returns><c>false</c>: no QoS 2 message waits under that identifier.</returns>
    public bool TryRefuse(PacketIdentifier identifier, out Message? message)
    {
        var known = AwaitedBy(identifier) is Awaited.PubRec or Awaited.PubComp;
        message = known ? End(identifier) : null;
        return known;
    }

    /// <summary>PUBCOMP ends a QoS 2 message.</summary>
    /// <returns><c>false</c>: no PUBREL waits under that identifier.</returns>
    public bool TryComplete(PacketIdentifier identifier)
    {
        if (AwaitedBy(identifier) != Awaited.PubComp)
        {
            return false;
        }

        End(identifier);
        return true;
    }

    /// <summary>A message that was just taken to be sent cannot be: it counts as acknowledged in full [MQTT-3.1.2-25].</summary>
    /// <returns>The message; the caller gives it back.</returns>
    public Message Skip(PacketIdentifier identifier) => End(identifier)!;

    /// <summary>The Network Connection ended: everything unacknowledged has to be sent again over the next one.</summary>
    public void ConnectionEnded()
    {
        _connection++;
        _unsent = _entries.Oldest;
        Unacknowledged = 0;
        if (IsEmpty)
        {
            GiveBack();
        }
    }

    /// <summary>Nothing is in it any more: it gives back what it takes.</summary>
    public void GiveBack()
    {
        _entries = new PacketIdentifiers<Entry>();
        CountPlaces();
    }

    /// <summary>
    /// The Session has ended: takes the oldest entry out, until there is none left.
    /// </summary>
    /// <param name="message">
    /// Its message; the default where it waits for PUBCOMP: that is with the client, and is forgotten.
    /// </param>
    public bool TryTakeOldest(out OutgoingMessage message)
    {
        message = default;
        if (IsEmpty)
        {
            return false;
        }

        message = _entries[_entries.Oldest].Outgoing;
        End(_entries.Oldest);
        return true;
    }

    private void CountPlaces()
    {
        account.Add((_entries.Places - _countedPlaces) * (long)PlaceSize);
        _countedPlaces = _entries.Places;
    }

    private Awaited AwaitedBy(PacketIdentifier identifier) =>
        _entries.HasPlace(identifier) ? _entries[identifier].Awaited : Awaited.Nothing;

    /// <summary>From now on it is among the <see cref="Unacknowledged"/> of this connection.</summary>
    private void Count(ref Entry entry)
    {
        Unacknowledged += entry.Connection == _connection ? 0 : 1;
        entry.Connection = _connection;
    }

    private Message? End(PacketIdentifier identifier)
    {
        ref readonly var entry = ref _entries[identifier];
        var message = entry.Outgoing.Message;
        Unacknowledged -= entry.Connection == _connection ? 1 : 0;
        Bytes -= message?.Size ?? 0;
        if (_unsent == identifier)
        {
            _unsent = _entries.After(identifier);
        }

        _entries.Release(identifier);
        return message;
    }

    private struct Entry
    {
        public OutgoingMessage Outgoing;
        public Awaited Awaited;

        /// <summary>The last connection over which it has been sent, or its PUBREL.</summary>
        public uint Connection;
    }
}
