using System.Numerics;
using Antiphon.Protocol;
using Antiphon.Protocol.Packets;

namespace Antiphon.Client.Subscriptions;

/// <summary>
/// The QoS 1 messages of one Network Connection that the server has sent and this client has not acknowledged, in order of arrival. A PUBACK leaves when all messages before it have been
/// dealt with [MQTT-4.6.0-2]. Bounded by our Receive Maximum. Guarded by the lock of <see cref="Sessions.SharedSession"/>.
/// </summary>
internal sealed class InboundAcknowledgements(ushort receiveMaximum)
{
    /// <summary>How many handlers one message can wait for.</summary>
    public const int MaximumHandlers = 64;

    private Entry[] _entries = new Entry[16];
    private uint _oldest;
    private uint _next;

    /// <summary>How many are unacknowledged.</summary>
    public int Count => (int)(_next - _oldest);

    /// <summary>A message arrived.</summary>
    /// <param name="identifier">Its Packet Identifier.</param>
    /// <param name="handlers">How many handlers have to complete it, 1 or more.</param>
    /// <param name="sequence">Its number, to complete it by.</param>
    /// <returns><c>false</c> when the server has exceeded our Receive Maximum [MQTT-3.3.4-9].</returns>
    public bool TryAdd(PacketIdentifier identifier, int handlers, out uint sequence)
    {
        sequence = _next;
        if (Count == receiveMaximum)
        {
            return false;
        }

        if (Count == _entries.Length)
        {
            Grow();
        }

        this[sequence] = new Entry { Identifier = identifier, Open = handlers >= MaximumHandlers ? ulong.MaxValue : (1UL << handlers) - 1 };
        _next++;
        return true;
    }

    /// <summary>A handler has dealt with a message.</summary>
    /// <param name="sequence">The message's number.</param>
    /// <param name="handler">Which of its handlers, 0 to 63.</param>
    /// <param name="code">What to say; a failure of one handler stands.</param>
    /// <param name="output">Where the PUBACKs go that are due now.</param>
    public void Complete(uint sequence, int handler, ReasonCode code, System.Buffers.IBufferWriter<byte> output)
    {
        if (sequence - _oldest >= _next - _oldest || (this[sequence].Open & 1UL << handler) == 0)
        {
            return;
        }

        ref var entry = ref this[sequence];
        entry.Open &= ~(1UL << handler);
        entry.Code = code > entry.Code ? code : entry.Code;
        while (_oldest != _next && this[_oldest].Open == 0)
        {
            AcknowledgementPacket.Write(output, PacketType.PubAck, this[_oldest].Identifier, this[_oldest].Code, ProtocolVersion.V5);
            _oldest++;
        }
    }

    /// <summary>The connection has ended, and with it what it owed.</summary>
    public void Clear() => _oldest = _next = 0;

    private ref Entry this[uint sequence] => ref _entries[sequence & (uint)(_entries.Length - 1)];

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
        public ReasonCode Code;

        /// <summary>A bit for each handler that has not completed.</summary>
        public ulong Open;
    }
}
