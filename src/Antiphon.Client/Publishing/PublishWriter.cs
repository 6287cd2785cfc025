using System.Buffers;
using Antiphon.Client.Output;
using Antiphon.Protocol;
using Antiphon.Protocol.Aliases;
using Antiphon.Protocol.Packets;

namespace Antiphon.Client.Publishing;

/// <summary>
/// Appends PUBLISH to the output, with a Topic Alias where one saves bytes. Guarded by the gate of <see cref="Sessions.ClientSession"/>.
/// </summary>
/// <remarks>What is kept for sending again never holds an alias, so that it is right for any connection.</remarks>
internal sealed class PublishWriter(ConnectionOutput output, ushort maximumTopicAliases, ProtocolVersion version)
{
    private const int QoSBits = 0x06;

    // For the Network Connection.
    private OutgoingAliases? _aliases;
    private uint? _maximumPacketSize;

    /// <summary>Messages appended since the start.</summary>
    public long Count { get; private set; }

    /// <summary>The server has accepted a connection; no alias of an earlier one means anything [MQTT-3.3.2-7, MQTT-3.2.2-18].</summary>
    public void Connected(ServerLimits limits)
    {
        // The seed may be known: topics that collide get no alias, and nothing else happens.
        var maximum = Math.Min(maximumTopicAliases, limits.TopicAliasMaximum);
        _aliases = maximum == 0 ? null : new OutgoingAliases(seed: 0, maximum);
        _maximumPacketSize = limits.MaximumPacketSize;
    }

    /// <summary>Appends a QoS 0 message.</summary>
    /// <param name="message">The message with its Topic in full.</param>
    /// <param name="size">The packet's size in bytes without an alias.</param>
    public void WriteAtMostOnce(in PublishView message, int size)
    {
        Count++;
        output.Filling.AtMostOnceMessages++;
        var alias = Choose(message.Topic, size, out var isKnown);
        PublishEncoder.Write(
            output.Filling, message, new Delivery { Retain = message.Retain, TopicAlias = alias, AliasIsKnown = isKnown }, version);
    }

    /// <summary>Appends a packet that has been kept.</summary>
    /// <param name="packet">The whole packet, without an alias.</param>
    /// <param name="topicOffset">Where in it the bytes of the Topic Name begin.</param>
    /// <param name="topicLength">How many they are.</param>
    public void Write(ReadOnlySpan<byte> packet, int topicOffset, int topicLength)
    {
        Count++;
        if ((packet[0] & QoSBits) == 0)
        {
            output.Filling.AtMostOnceMessages++;
        }

        var alias = Choose(packet.Slice(topicOffset, topicLength), packet.Length, out var isKnown);
        if (alias == 0)
        {
            output.Filling.Write(packet);
        }
        else
        {
            PublishEncoder.WriteWithAlias(output.Filling, packet, topicOffset, topicLength, alias, isKnown);
        }
    }

    private ushort Choose(ReadOnlySpan<byte> topic, int size, out bool isKnown)
    {
        isKnown = false;
        var alias = _aliases?.Find(topic, out isKnown) ?? 0;
        if (alias == 0 || isKnown)
        {
            return alias;
        }

        // Alias and topic together are longer than the topic alone.
        if (size + OutgoingAliases.MaximumCost > _maximumPacketSize)
        {
            return 0;
        }

        _aliases!.Teach(alias, topic);
        return alias;
    }
}
