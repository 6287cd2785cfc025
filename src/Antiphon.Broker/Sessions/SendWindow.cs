using System.Diagnostics.CodeAnalysis;
using Antiphon.Broker.Messages;
using Antiphon.Protocol;

namespace Antiphon.Broker.Sessions;

/// <summary>
/// The QoS 1 messages that a Session has been sent and has not acknowledged, in the order of their sending (MQTT 5 §4.4, §4.6).
/// Packet Identifiers are handed out in sequence, so the entry of an identifier is found by subtraction, and what has to be sent again is found in order.
/// </summary>
internal sealed class SendWindow
{
    private const int LastIdentifier = ushort.MaxValue;

    private Entry[] _entries = [];
    private int _head;
    private int _count;
    private ushort _headIdentifier = 1;

    // For the Network Connection: how many of the entries, from the oldest on, it has been sent, and how many of these wait for their acknowledgement.
    private int _sent;

    /// <summary>Messages sent over this connection that are not acknowledged; what Receive Maximum bounds [MQTT-3.3.4-9].</summary>
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

        _entries[(_head + _count) & (_entries.Length - 1)] = new Entry(message);
        _count++;
        _sent++;
        Unacknowledged++;
        Bytes += message.Message.Size;
        return IdentifierAt(_count - 1);
    }

    /// <summary>Takes the next message of an earlier connection to send it again, in the original order [MQTT-4.6.0-1].</summary>
    public bool TryResend(out OutgoingMessage message, out PacketIdentifier identifier)
    {
        while (_sent < _count)
        {
            var entry = _entries[(_head + _sent) & (_entries.Length - 1)];
            identifier = IdentifierAt(_sent++);
            if (!entry.Acknowledged)
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

    /// <summary>Ends the wait of one message.</summary>
    /// <param name="identifier">The Packet Identifier of the PUBACK.</param>
    /// <param name="message">The message that was waiting.</param>
    /// <returns><c>false</c>: nothing that was sent over this connection waits under that identifier.</returns>
    public bool TryAcknowledge(PacketIdentifier identifier, [NotNullWhen(true)] out Message? message)
    {
        message = null;
        if (identifier.Value == 0)
        {
            return false;
        }

        var offset = (identifier.Value - _headIdentifier + LastIdentifier) % LastIdentifier;
        if (offset >= _sent)
        {
            return false;
        }

        ref var entry = ref _entries[(_head + offset) & (_entries.Length - 1)];
        if (entry.Acknowledged)
        {
            return false;
        }

        message = entry.Outgoing.Message;
        entry = default;
        Unacknowledged--;
        Bytes -= message.Size;
        while (_count > 0 && _entries[_head].Acknowledged)
        {
            _head = (_head + 1) & (_entries.Length - 1);
            _headIdentifier = _headIdentifier == LastIdentifier ? (ushort)1 : (ushort)(_headIdentifier + 1);
            _count--;

            // What was acknowledged over an earlier connection may lie beyond what this one has been sent.
            _sent = Math.Max(0, _sent - 1);
        }

        return true;
    }

    /// <summary>The Network Connection ended: everything unacknowledged has to be sent again over the next one.</summary>
    public void ConnectionEnded()
    {
        _sent = 0;
        Unacknowledged = 0;
    }

    /// <summary>The Session ends: gives every message back.</summary>
    public void Clear(MessagePool pool)
    {
        for (var i = 0; i < _count; i++)
        {
            var entry = _entries[(_head + i) & (_entries.Length - 1)];
            if (!entry.Acknowledged)
            {
                pool.Release(entry.Outgoing.Message);
            }
        }

        _entries = [];
        _head = _count = 0;
        Bytes = 0;
        ConnectionEnded();
    }

    private PacketIdentifier IdentifierAt(int offset) => new((ushort)((_headIdentifier - 1 + offset) % LastIdentifier + 1));

    private void Grow()
    {
        var larger = new Entry[Math.Max(8, 2 * _entries.Length)];
        for (var i = 0; i < _count; i++)
        {
            larger[i] = _entries[(_head + i) & (_entries.Length - 1)];
        }

        _entries = larger;
        _head = 0;
    }

    private readonly record struct Entry(OutgoingMessage Outgoing)
    {
        public bool Acknowledged => Outgoing.Message is null;
    }
}
