using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using Antiphon.Broker.Messages;
using Antiphon.Protocol;

namespace Antiphon.Broker.Sessions;

/// <summary>
/// The QoS 1 and QoS 2 messages that a Session has been sent and has not acknowledged in full, in the order of their sending (MQTT 5 §4.3, §4.4, §4.6).
/// Packet Identifiers are handed out in sequence, so the entry of an identifier is found by subtraction, and what has to be sent again is found in order.
/// </summary>
internal sealed class SendWindow
{
    private const int LastIdentifier = ushort.MaxValue;

    private Entry[] _entries = [];
    private int _head;
    private int _count;
    private ushort _headIdentifier = 1;

    // For the Network Connection: how many of the entries, from the oldest on, it has been sent, and how many it has been sent that are not acknowledged in full.
    private int _sent;

    /// <summary>What an entry waits for.</summary>
    private enum Awaited : byte
    {
        /// <summary>Nothing: it was acknowledged in full, or never used.</summary>
        Nothing,

        /// <summary>PUBACK, of a QoS 1 message.</summary>
        PubAck,

        /// <summary>PUBREC, of a QoS 2 message.</summary>
        PubRec,

        /// <summary>PUBCOMP, of a QoS 2 message whose PUBREL has been sent: the message itself is not needed any more [MQTT-4.3.3-6].</summary>
        PubComp,
    }

    /// <summary>Messages that this connection has been sent, or whose PUBREL it has been sent, and that are not acknowledged in full; what Receive Maximum bounds [MQTT-3.3.4-9].</summary>
    public int Unacknowledged { get; private set; }

    /// <summary>Messages of earlier connections that this one has not been sent yet.</summary>
    public bool HasUnsent => _sent < _count;

    /// <summary>Whether all Packet Identifiers between the oldest unacknowledged message and the newest are taken.</summary>
    public bool IsFull => _count == LastIdentifier;

    public bool IsEmpty => _count == 0;

    /// <summary>What the unacknowledged messages take in memory, in bytes.</summary>
    public long Bytes { get; private set; }

    /// <summary>Adds a message that is sent right now.</summary>
    /// <returns>Its Packet Identifier, not zero and not in use [MQTT-2.2.1-4].</returns>
    public PacketIdentifier AddSent(in OutgoingMessage message)
    {
        if (_count == _entries.Length)
        {
            Grow();
        }

        ref var entry = ref At(_count);
        entry.Outgoing = message;
        entry.Awaited = message.QoS == QualityOfService.ExactlyOnce ? Awaited.PubRec : Awaited.PubAck;
        _count++;
        _sent++;
        Unacknowledged++;
        Bytes += message.Message.Size;
        return IdentifierAt(_count - 1);
    }

    /// <summary>
    /// Takes the next PUBREL that an earlier connection left without its PUBCOMP, to send it again [MQTT-4.4.0-1]. For the begin of a connection: PUBREL does not wait
    /// for the Receive Maximum [MQTT-3.3.4-10].
    /// </summary>
    /// <param name="position">Where to go on; 0 at first.</param>
    /// <param name="identifier">Its Packet Identifier.</param>
    /// <returns>Whether there is one more.</returns>
    public bool TryRepeatRelease(ref int position, out PacketIdentifier identifier)
    {
        while (position < _count)
        {
            identifier = IdentifierAt(position);
            if (At(position++).Awaited == Awaited.PubComp)
            {
                Unacknowledged++;
                return true;
            }
        }

        identifier = default;
        return false;
    }

    /// <summary>Takes the next message of an earlier connection to send it again, in the original order [MQTT-4.6.0-1].</summary>
    public bool TryResend(out OutgoingMessage message, out PacketIdentifier identifier)
    {
        while (_sent < _count)
        {
            ref readonly var entry = ref At(_sent);
            identifier = IdentifierAt(_sent++);
            if (entry.Awaited is Awaited.PubAck or Awaited.PubRec)
            {
                message = entry.Outgoing;
                Unacknowledged++;
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
        var offset = OffsetOf(identifier);
        if (offset < _sent && At(offset).Awaited == Awaited.PubAck)
        {
            message = End(offset, wasCounted: true)!;
            return true;
        }

        message = null;
        return false;
    }

    /// <summary>
    /// PUBREC with success: PUBREL is to be sent, now and after the loss of a connection until PUBCOMP is there, and PUBLISH never again [MQTT-4.3.3-4, MQTT-4.3.3-6].
    /// It counts also for a PUBLISH of an earlier connection: to say that nothing is known of it would make the client take it a second time.
    /// </summary>
    /// <param name="identifier">The Packet Identifier.</param>
    /// <param name="message">The message, which is not needed any more; the caller gives it back. <c>null</c>: PUBREC was there before.</param>
    /// <returns><c>false</c>: no QoS 2 message waits under that identifier.</returns>
    public bool TryRelease(PacketIdentifier identifier, out Message? message)
    {
        message = null;
        var offset = OffsetOf(identifier);
        if (offset >= _count)
        {
            return false;
        }

        ref var entry = ref At(offset);
        if (entry.Awaited == Awaited.PubRec)
        {
            message = entry.Outgoing.Message;
            Bytes -= message.Size;
            entry = new Entry { Awaited = Awaited.PubComp };
            if (offset >= _sent)
            {
                Unacknowledged++;
            }

            return true;
        }

        return entry.Awaited == Awaited.PubComp;
    }

    /// <summary>PUBREC with a Reason Code of 0x80 or above: the QoS 2 message is done with [MQTT-4.4.0-2].</summary>
    /// <param name="identifier">The Packet Identifier.</param>
    /// <param name="message">The message, if it was still held; the caller gives it back.</param>
    /// <returns><c>false</c>: no QoS 2 message waits under that identifier.</returns>
    public bool TryRefuse(PacketIdentifier identifier, out Message? message)
    {
        var offset = OffsetOf(identifier);
        if (offset < _count && At(offset).Awaited is Awaited.PubRec or Awaited.PubComp)
        {
            message = End(offset, wasCounted: offset < _sent || At(offset).Awaited == Awaited.PubComp);
            return true;
        }

        message = null;
        return false;
    }

    /// <summary>PUBCOMP ends a QoS 2 message.</summary>
    /// <returns><c>false</c>: no PUBREL waits under that identifier.</returns>
    public bool TryComplete(PacketIdentifier identifier)
    {
        var offset = OffsetOf(identifier);
        if (offset < _count && At(offset).Awaited == Awaited.PubComp)
        {
            End(offset, wasCounted: true);
            return true;
        }

        return false;
    }

    /// <summary>A message that was just taken to be sent cannot be: it counts as acknowledged in full [MQTT-3.1.2-25].</summary>
    /// <returns>The message; the caller gives it back.</returns>
    public Message Skip(PacketIdentifier identifier) => End(OffsetOf(identifier), wasCounted: true)!;

    /// <summary>The Network Connection ended: everything unacknowledged has to be sent again over the next one.</summary>
    public void ConnectionEnded()
    {
        _sent = 0;
        Unacknowledged = 0;
    }

    /// <summary>The Session has ended: takes the oldest message out, until there is none left. What waits for PUBCOMP is with the client, and is forgotten.</summary>
    public bool TryTakeOldest(out OutgoingMessage message)
    {
        while (_count > 0)
        {
            message = At(0).Outgoing;
            End(0, wasCounted: false);
            if (message.Message is not null)
            {
                return true;
            }
        }

        message = default;
        return false;
    }

    private PacketIdentifier IdentifierAt(int offset) => new((ushort)((_headIdentifier - 1 + offset) % LastIdentifier + 1));

    /// <summary>How far behind the oldest entry that identifier stands; beyond all entries for 0, which no packet has.</summary>
    private int OffsetOf(PacketIdentifier identifier) =>
        identifier.Value == 0 ? int.MaxValue : (identifier.Value - _headIdentifier + LastIdentifier) % LastIdentifier;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private ref Entry At(int offset) => ref _entries[(_head + offset) & (_entries.Length - 1)];

    /// <param name="offset">Which entry.</param>
    /// <param name="wasCounted">Whether it is among the <see cref="Unacknowledged"/> of this connection.</param>
    private Message? End(int offset, bool wasCounted)
    {
        ref var entry = ref At(offset);
        var message = entry.Outgoing.Message;
        Unacknowledged -= wasCounted ? 1 : 0;
        Bytes -= message?.Size ?? 0;
        entry = default;
        while (_count > 0 && At(0).Awaited == Awaited.Nothing)
        {
            _head = (_head + 1) & (_entries.Length - 1);
            _headIdentifier = _headIdentifier == LastIdentifier ? (ushort)1 : (ushort)(_headIdentifier + 1);
            _count--;

            // What was acknowledged over an earlier connection may lie beyond what this one has been sent.
            _sent = Math.Max(0, _sent - 1);
        }

        return message;
    }

    private void Grow()
    {
        var larger = new Entry[Math.Max(8, 2 * _entries.Length)];
        for (var i = 0; i < _count; i++)
        {
            larger[i] = At(i);
        }

        _entries = larger;
        _head = 0;
    }

    private struct Entry
    {
        public OutgoingMessage Outgoing;
        public Awaited Awaited;
    }
}
