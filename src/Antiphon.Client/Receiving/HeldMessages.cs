using System.Buffers;
using Antiphon.Client.Subscribing;
using Antiphon.Protocol;
using Antiphon.Protocol.Packets;
using Antiphon.Protocol.Wire;

namespace Antiphon.Client.Receiving;

/// <summary>
/// Messages of a resumed Session that came before the program had subscribed: they wait, unacknowledged, in their order.
/// Guarded by the gate of <see cref="Sessions.ClientSession"/>.
/// </summary>
internal sealed class HeldMessages(SubscriptionTable subscriptions, ProtocolVersion version)
{
    private readonly List<(byte[] Packet, Ticket Ticket)> _messages = [];
    private object? _lookedThrough;

    /// <summary>Copies a message.</summary>
    public void Add(in PublishView message, in Ticket ticket)
    {
        var packet = new ArrayBufferWriter<byte>();
        PublishEncoder.Write(
            packet,
            message,
            new Delivery
            {
                QoS = message.QoS,
                Retain = message.Retain,
                Dup = message.Dup,
                PacketIdentifier = message.PacketIdentifier,
                RemainingExpiry = message.MessageExpiryInterval ?? 0,
            },
            version);
        _messages.Add((packet.WrittenMemory.ToArray(), ticket));
        _lookedThrough = null;
    }

    /// <summary>Takes out the oldest message that there is a subscription for by now.</summary>
    public bool TryTake(List<Subscription> receivers, out byte[] packet, out Ticket ticket)
    {
        packet = [];
        ticket = default;
        if (_messages.Count == 0 || ReferenceEquals(_lookedThrough, subscriptions.Snapshot))
        {
            return false;
        }

        for (var i = 0; i < _messages.Count; i++)
        {
            FrameReader.TryRead(_messages[i].Packet, uint.MaxValue, out var frame, out _);
            PublishView.TryDecode(frame, version, out var message, out _);
            subscriptions.Collect(message, receivers);
            if (receivers.Count > 0)
            {
                (packet, ticket) = _messages[i];
                _messages.RemoveAt(i);
                return true;
            }
        }

        _lookedThrough = subscriptions.Snapshot;
        return false;
    }

    /// <summary>Takes everything out.</summary>
    public List<Ticket> Clear()
    {
        var tickets = _messages.ConvertAll(message => message.Ticket);
        _messages.Clear();
        return tickets;
    }
}
