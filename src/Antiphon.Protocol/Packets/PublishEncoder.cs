using System.Buffers;
using Antiphon.Protocol.Properties;
using Antiphon.Protocol.Wire;

namespace Antiphon.Protocol.Packets;

/// <summary>What belongs to one delivery of a message rather than to the message itself.</summary>
public readonly ref struct Delivery
{
    /// <summary>QoS of this delivery.</summary>
    public QualityOfService QoS { get; init; }

    /// <summary>The RETAIN flag of this delivery.</summary>
    public bool Retain { get; init; }

    /// <summary>Whether it may have been sent before.</summary>
    public bool Dup { get; init; }

    /// <summary>The Packet Identifier; none with QoS 0.</summary>
    public PacketIdentifier PacketIdentifier { get; init; }

    /// <summary>Seconds that remain of the Message Expiry Interval; written only where the message has one.</summary>
    public uint RemainingExpiry { get; init; }

    /// <summary>Subscription Identifiers of the subscriptions that matched (§3.3.4), each 1 to 268,435,455.</summary>
    public ReadOnlySpan<uint> SubscriptionIdentifiers { get; init; }

    /// <summary>The Topic Alias of this connection that stands for the Topic Name from now on (§3.3.2.3.4), 1 or more; 0: none. MQTT 3.1.1 has none.</summary>
    public ushort TopicAlias { get; init; }

    /// <summary>Whether <see cref="TopicAlias"/> alone is written, because the receiver has been told the Topic Name behind it on this connection [MQTT-3.3.2-7].</summary>
    public bool AliasIsKnown { get; init; }
}

/// <summary>
/// Writes PUBLISH from bytes that are there already: no string, no allocation. The message's properties go out untouched and in their order
/// [MQTT-3.3.2-15, MQTT-3.3.2-16, MQTT-3.3.2-17, MQTT-3.3.2-18, MQTT-3.3.2-20], but for the Topic Alias, which ends with its connection, and the Message Expiry Interval, which is what remains [MQTT-3.3.2-6].
/// </summary>
public static class PublishEncoder
{
    /// <summary>What a Topic Alias property takes: identifier and Two Byte Integer.</summary>
    internal const int TopicAliasSize = 3;

    /// <summary>How long the packet is that <see cref="Write"/> would write, in bytes, fixed header included.</summary>
    /// <param name="message">The message.</param>
    /// <param name="delivery">This delivery.</param>
    /// <param name="version">The version that the receiver speaks.</param>
    public static int SizeOf(in PublishView message, in Delivery delivery, ProtocolVersion version)
    {
        var body = BodySize(message, delivery, PropertiesSize(message, delivery), version);
        return 1 + VariableByteInteger.SizeOf((uint)body) + body;
    }

    /// <summary>Appends the packet.</summary>
    /// <param name="output">Where to.</param>
    /// <param name="message">The message; its Topic has to be there in full.</param>
    /// <param name="delivery">This delivery.</param>
    /// <param name="version">The version that the receiver speaks; MQTT 3.1.1 gets no properties.</param>
    public static void Write(IBufferWriter<byte> output, in PublishView message, in Delivery delivery, ProtocolVersion version) =>
        WritePacket(output, message, delivery, version, message.Payload);

    /// <summary>Appends all of the packet but its payload, whose bytes the caller sends behind it.</summary>
    /// <param name="output">Where to.</param>
    /// <param name="message">The message; its Topic has to be there in full.</param>
    /// <param name="delivery">This delivery.</param>
    /// <param name="version">The version that the receiver speaks; MQTT 3.1.1 gets no properties.</param>
    public static void WriteUpToPayload(IBufferWriter<byte> output, in PublishView message, in Delivery delivery, ProtocolVersion version) =>
        WritePacket(output, message, delivery, version, []);

    private static void WritePacket(
        IBufferWriter<byte> output, in PublishView message, in Delivery delivery, ProtocolVersion version, scoped ReadOnlySpan<byte> payload)
    {
        ArgumentNullException.ThrowIfNull(output);
        var properties = PropertiesSize(message, delivery);
        var body = BodySize(message, delivery, properties, version);
        var size = 1 + VariableByteInteger.SizeOf((uint)body) + body - (message.Payload.Length - payload.Length);

        var writer = new WireWriter(output.GetSpan(size));
        writer.WriteByte((byte)((int)PacketType.Publish << 4 | (delivery.Dup ? 8 : 0) | (int)delivery.QoS << 1 | (delivery.Retain ? 1 : 0)));
        writer.WriteVariableByteInteger((uint)body);
        writer.WriteBinary(delivery.AliasIsKnown ? [] : message.Topic);
        if (delivery.QoS != QualityOfService.AtMostOnce)
        {
            writer.WriteUInt16(delivery.PacketIdentifier.Value);
        }

        if (version == ProtocolVersion.V5)
        {
            writer.WriteVariableByteInteger((uint)properties);
            WriteProperties(ref writer, message, delivery);
        }

        writer.WriteRaw(payload);
        output.Advance(size);
    }

    private static int PropertiesSize(in PublishView message, in Delivery delivery)
    {
        var size = message.Properties.Length - (message.TopicAliasOffset >= 0 ? TopicAliasSize : 0) + (delivery.TopicAlias > 0 ? TopicAliasSize : 0);
        foreach (var identifier in delivery.SubscriptionIdentifiers)
        {
            size += 1 + VariableByteInteger.SizeOf(identifier);
        }

        return size;
    }

    private static int BodySize(in PublishView message, in Delivery delivery, int properties, ProtocolVersion version) =>
        sizeof(ushort) + (delivery.AliasIsKnown ? 0 : message.Topic.Length)
        + (delivery.QoS == QualityOfService.AtMostOnce ? 0 : sizeof(ushort))
        + (version == ProtocolVersion.V5 ? VariableByteInteger.SizeOf((uint)properties) + properties : 0)
        + message.Payload.Length;

    private static void WriteProperties(ref WireWriter writer, in PublishView message, in Delivery delivery)
    {
        if (delivery.TopicAlias > 0)
        {
            writer.WriteByte((byte)PropertyIdentifier.TopicAlias);
            writer.WriteUInt16(delivery.TopicAlias);
        }

        foreach (var identifier in delivery.SubscriptionIdentifiers)
        {
            writer.WriteByte((byte)PropertyIdentifier.SubscriptionIdentifier);
            writer.WriteVariableByteInteger(identifier);
        }

        if (message.TopicAliasOffset < 0)
        {
            WriteRange(ref writer, message, delivery.RemainingExpiry, 0, message.Properties.Length);
        }
        else
        {
            WriteRange(ref writer, message, delivery.RemainingExpiry, 0, message.TopicAliasOffset);
            WriteRange(ref writer, message, delivery.RemainingExpiry, message.TopicAliasOffset + TopicAliasSize, message.Properties.Length);
        }
    }

    /// <summary>Copies properties from..to, with the remaining expiry in the place of the original one.</summary>
    private static void WriteRange(ref WireWriter writer, in PublishView message, uint remainingExpiry, int from, int to)
    {
        var expiry = message.MessageExpiryOffset;
        if (expiry > from && expiry < to)
        {
            writer.WriteRaw(message.Properties[from..expiry]);
            writer.WriteUInt32(remainingExpiry);
            writer.WriteRaw(message.Properties[(expiry + sizeof(uint))..to]);
        }
        else
        {
            writer.WriteRaw(message.Properties[from..to]);
        }
    }
}
