using System.Buffers;
using System.Numerics;
using System.Runtime.CompilerServices;
using Antiphon.Client.Stores;
using Antiphon.Protocol;
using Antiphon.Protocol.Packets;

namespace Antiphon.Client.Receiving;

/// <summary>What becomes of a message that has to be acknowledged.</summary>
internal enum Arrival
{
    /// <summary>Its handlers are to have it.</summary>
    New,

    /// <summary>A QoS 2 message that its handlers have or had already.</summary>
    Again,
}

/// <summary>
/// What the server has sent with QoS 1 and 2 and this client has not acknowledged, in order of arrival.
/// A PUBACK or PUBREC leaves when all messages before it have been dealt with [MQTT-4.6.0-2, MQTT-4.6.0-3].
/// Guarded by the gate of <see cref="Sessions.ClientSession"/>.
/// </summary>
internal sealed class InboundAcknowledgements(ProtocolVersion version, SessionJournal journal)
{
    /// <summary>How many handlers one message can wait for.</summary>
    public const int MaximumHandlers = 64;

    // For the Session.
    private readonly Receptions _receptions = new();

    // For the Network Connection.
    private Entry[] _entries = new Entry[16];
    private uint _connection;
    private uint _oldest;
    private uint _next;
    private int _unreleased;

    /// <summary>How many count against our Receive Maximum: without PUBACK, or without PUBREL (MQTT 5 §4.9).</summary>
    public int Count => Waiting + _unreleased;

    /// <summary>How many wait for their PUBACK or PUBREC.</summary>
    public int Waiting => (int)(_next - _oldest);

    /// <summary>The server has accepted a connection.</summary>
    /// <param name="connection">Its number.</param>
    /// <param name="sessionPresent">Whether the server still has the Session; else its identifiers mean new messages.</param>
    public void Connected(uint connection, bool sessionPresent)
    {
        _connection = connection;
        if (!sessionPresent)
        {
            foreach (var identifier in _receptions.Identifiers)
            {
                journal.RemoveReceived(identifier);
            }

            _receptions.Clear();
        }
    }

    /// <summary>The identifiers of QoS 2 messages that an earlier client has dealt with, and that wait for PUBREL.</summary>
    public void Restore(IReadOnlyList<PacketIdentifier> received)
    {
        foreach (var identifier in received)
        {
            ref var reception = ref _receptions.Begin(identifier, open: 0);
            reception.Recorded = true;
            reception.Stored = true;
        }
    }

    /// <summary>A message arrived.</summary>
    /// <param name="identifier">Its Packet Identifier.</param>
    /// <param name="qos">QoS 1 or 2.</param>
    /// <param name="handlers">How many handlers have to complete it, 1 or more.</param>
    /// <param name="ticket">What to complete it by.</param>
    public Arrival Add(PacketIdentifier identifier, QualityOfService qos, int handlers, out Ticket ticket)
    {
        var open = Mask(handlers);
        if (qos == QualityOfService.AtLeastOnce)
        {
            ticket = new Ticket(_connection, Append(new Entry { Identifier = identifier, Open = open }), PacketIdentifier.None);
            return Arrival.New;
        }

        ref var reception = ref _receptions.Find(identifier);
        var arrival = Unsafe.IsNullRef(ref reception) ? Arrival.New : Arrival.Again;
        if (arrival == Arrival.New)
        {
            reception = ref _receptions.Begin(identifier, open);
        }

        ticket = new Ticket(_connection, reception.Token, identifier);
        if (!IsWaiting(reception))
        {
            var counted = reception.Recorded && reception.Connection == _connection;
            reception.Connection = _connection;
            reception.Waits = true;
            reception.Place = Append(
                new Entry { Identifier = identifier, ExactlyOnce = true, Counted = counted, Open = reception.Open, Code = reception.Code });
        }

        return arrival;
    }

    /// <summary>A message that had no handlers, and is not complete, has got some.</summary>
    public void Reopen(in Ticket ticket, int handlers)
    {
        ref var reception = ref _receptions.Find(ticket.Identifier);
        if (!Unsafe.IsNullRef(ref reception))
        {
            reception.Open = Mask(handlers);
        }

        this[Unsafe.IsNullRef(ref reception) ? ticket.Sequence : reception.Place].Open = Mask(handlers);
    }

    /// <summary>A message that no handler has had is forgotten; if it comes again, it is new.</summary>
    public void Abandon(in Ticket ticket) => _receptions.Forget(ticket.Identifier);

    /// <summary>How many messages wait behind one; 0 where it does not wait on this connection.</summary>
    public int Behind(in Ticket ticket)
    {
        if (ticket.Identifier == PacketIdentifier.None)
        {
            return ticket.Connection == _connection ? BehindPlace(ticket.Sequence) : 0;
        }

        ref var reception = ref _receptions.Find(ticket.Identifier);
        return Unsafe.IsNullRef(ref reception) || reception.Token != ticket.Sequence || !IsWaiting(reception)
            ? 0
            : BehindPlace(reception.Place);
    }

    /// <summary>A handler has dealt with a message.</summary>
    /// <param name="ticket">The message.</param>
    /// <param name="handler">Which of its handlers, 0 to 63.</param>
    /// <param name="code">What to say; a failure of one handler stands.</param>
    public void Complete(in Ticket ticket, int handler, ReasonCode code)
    {
        if (ticket.Identifier == PacketIdentifier.None)
        {
            // What an earlier connection brought, the server sends again.
            if (ticket.Connection == _connection && ticket.Sequence - _oldest < _next - _oldest)
            {
                Close(ref this[ticket.Sequence].Open, ref this[ticket.Sequence].Code, handler, code);
            }

            return;
        }

        ref var reception = ref _receptions.Find(ticket.Identifier);
        if (Unsafe.IsNullRef(ref reception) || reception.Token != ticket.Sequence)
        {
            return;
        }

        Close(ref reception.Open, ref reception.Code, handler, code);
        if (reception is { Open: 0, Stored: false, Code: < ReasonCode.UnspecifiedError })
        {
            // Not with the PUBREC: there may be no connection to send it, and no program any more when there is.
            journal.AddReceived(ticket.Identifier);
            reception.Stored = true;
        }

        if (IsWaiting(reception))
        {
            this[reception.Place].Open = reception.Open;
            this[reception.Place].Code = reception.Code;
        }
    }

    /// <summary>Appends the acknowledgements that are due.</summary>
    public void Write(IBufferWriter<byte> output)
    {
        while (_oldest != _next && this[_oldest].Open == 0)
        {
            var entry = this[_oldest++];
            if (entry.ExactlyOnce)
            {
                Record(entry);
            }

            AcknowledgementPacket.Write(
                output, entry.ExactlyOnce ? PacketType.PubRec : PacketType.PubAck, entry.Identifier, entry.Code, version);
        }
    }

    /// <summary>A PUBREL arrived: the message is over [MQTT-4.3.3-11].</summary>
    /// <returns>What PUBCOMP is to say.</returns>
    public ReasonCode Release(PacketIdentifier identifier)
    {
        ref var reception = ref _receptions.Find(identifier);
        if (Unsafe.IsNullRef(ref reception) || !reception.Recorded || IsWaiting(reception))
        {
            return ReasonCode.PacketIdentifierNotFound;
        }

        if (reception.Connection == _connection)
        {
            _unreleased--;
        }

        _receptions.Forget(identifier);
        journal.RemoveReceived(identifier);
        return ReasonCode.Success;
    }

    /// <summary>The connection has ended, and with it what it owed.</summary>
    public void Disconnected()
    {
        _connection = 0;
        _oldest = _next = 0;
        _unreleased = 0;
    }

    private static ulong Mask(int handlers) => handlers >= MaximumHandlers ? ulong.MaxValue : (1UL << handlers) - 1;

    private static void Close(ref ulong open, ref ReasonCode code, int handler, ReasonCode said)
    {
        if ((open & 1UL << handler) != 0)
        {
            open &= ~(1UL << handler);
            code = said > code ? said : code;
        }
    }

    /// <summary>Its PUBREC goes out: what failed is over [MQTT-4.3.3-9], the rest waits for PUBREL.</summary>
    private void Record(in Entry entry)
    {
        if (entry.Code >= ReasonCode.UnspecifiedError)
        {
            _receptions.Forget(entry.Identifier);
            return;
        }

        ref var reception = ref _receptions.Find(entry.Identifier);
        reception.Recorded = true;
        reception.Waits = false;
        _unreleased += entry.Counted ? 0 : 1;
    }

    private int BehindPlace(uint sequence) => sequence - _oldest < _next - _oldest ? (int)(_next - sequence - 1) : 0;

    private bool IsWaiting(in Reception reception) => reception.Waits && reception.Connection == _connection;

    private ref Entry this[uint sequence] => ref _entries[sequence & (uint)(_entries.Length - 1)];

    private uint Append(in Entry entry)
    {
        if (Waiting == _entries.Length)
        {
            Grow();
        }

        this[_next] = entry;
        return _next++;
    }

    private void Grow()
    {
        var larger = new Entry[BitOperations.RoundUpToPowerOf2((uint)_entries.Length + 1)];
        for (var i = _oldest; i != _next; i++)
        {
            larger[i & (uint)(larger.Length - 1)] = this[i];
        }

        _entries = larger;
    }

    private struct Entry
    {
        public PacketIdentifier Identifier;
        public bool ExactlyOnce;

        /// <summary>Whether its PUBREC has gone out on this connection before.</summary>
        public bool Counted;
        public ReasonCode Code;

        /// <summary>A bit for each handler that has not completed.</summary>
        public ulong Open;
    }
}
