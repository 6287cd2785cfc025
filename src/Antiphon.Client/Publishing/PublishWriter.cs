using System.Buffers;
using Antiphon.Client.Output;
using Antiphon.Protocol;
using Antiphon.Protocol.Packets;
using Antiphon.Protocol.Wire;

namespace Antiphon.Client.Publishing;

/// <summary>
/// Appends PUBLISH to the output, with a Topic Alias where one saves bytes. What is kept for sending again never holds an alias, so that it is right for any connection.
/// Guarded by the gate of <see cref="Sessions.ClientSession"/>.
/// </summary>
internal sealed class PublishWriter(ConnectionOutput output, ushort maximumTopicAliases, ProtocolVersion version)
{
    // For the Network Connection.
    private readonly TopicAliases _aliases = new(maximumTopicAliases);
    private uint? _maximumPacketSize;

    /// <summary>Messages appended since the start.</summary>
    public long Count { get; private set; }

    /// <summary>The server has accepted a connection.</summary>
    public void Connected(ServerLimits limits)
    {
        _aliases.Connected(limits.TopicAliasMaximum);
        _maximumPacketSize = limits.MaximumPacketSize;
    }

    /// <summary>Appends a QoS 0 message.</summary>
    /// <param name="message">The message.</param>
    /// <param name="size">The packet's size in bytes without an alias.</param>
    public void WriteAtMostOnce(in PublishView message, int size)
    {
        var alias = Choose(message.Topic, size, out var isKnown);
        PublishEncoder.Write(output.Filling, message, new Delivery { Retain = message.Retain, TopicAlias = alias, AliasIsKnown = isKnown }, version);
        output.Filling.AtMostOnceMessages++;
        Count++;
    }

    /// <summary>Appends a message that has been kept.</summary>
    public void Write(PendingPublish pending)
    {
        Count++;
        if (pending.QoS == QualityOfService.AtMostOnce)
        {
            output.Filling.AtMostOnceMessages++;
        }

        var alias = Choose(pending.Packet.Slice(pending.TopicOffset, pending.TopicLength), pending.Length, out var isKnown);
        if (alias == 0)
        {
            output.Filling.Write(pending.Packet);
            return;
        }

        FrameReader.TryRead(pending.Packet, uint.MaxValue, out var frame, out _);
        PublishView.TryDecode(frame, version, out var view, out _);
        PublishEncoder.Write(
            output.Filling,
            view,
            new Delivery
            {
                QoS = view.QoS,
                Retain = view.Retain,
                Dup = view.Dup,
                PacketIdentifier = view.PacketIdentifier,
                RemainingExpiry = view.MessageExpiryInterval ?? 0,
                TopicAlias = alias,
                AliasIsKnown = isKnown,
            },
            version);
    }

    private ushort Choose(ReadOnlySpan<byte> topic, int size, out bool isKnown)
    {
        isKnown = false;
        return !_aliases.AreAllowed || size + TopicAliases.Cost > _maximumPacketSize
            ? (ushort)0
            : _aliases.Choose(System.Text.Encoding.UTF8.GetString(topic), out isKnown);
    }
}
