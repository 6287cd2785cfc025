using System.Buffers;
using System.Buffers.Binary;
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

    /// <summary>
    /// The Topic Alias of this connection that stands for the Topic Name from now on (§3.3.2.3.4), 1 or more; 0: none. MQTT 3.1.1 has none.
    /// </summary>
    public ushort TopicAlias { get; init; }

    /// <summary>
    /// Whether <see cref="TopicAlias"/> is written without the Topic Name,
    /// because the receiver has been told the Topic Name on this connection [MQTT-3.3.2-7].
    /// </summary>
    public bool AliasIsKnown { get; init; }
}

/// <summary>
/// Writes PUBLISH from bytes that are there already: no string, no allocation.
/// The message's properties go out untouched and in their order
/// [MQTT-3.3.2-15, MQTT-3.3.2-16, MQTT-3.3.2-17, MQTT-3.3.2-18, MQTT-3.3.2-20], but for two:
/// the Topic Alias ends with its connection, and the Message Expiry Interval is what remains [MQTT-3.3.2-6].
/// </summary>
public static class PublishEncoder
{
    /// <summary>What a Topic Alias property takes: identifier and Two Byte Integer.</summary>
    internal const int TopicAliasSize = 3;

    /// <summary>
    /// How many bytes <see cref="Write(IBufferWriter{byte}, in PublishView, in Delivery, ProtocolVersion)"/> would write,
    /// fixed header included.
    /// </summary>
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

    /// <summary>Writes the packet into room that is there already.</summary>
    /// <param name="output">At least as many bytes as <see cref="SizeOf"/> says.</param>
    /// <param name="message">The message; its Topic has to be there in full.</param>
    /// <param name="delivery">This delivery.</param>
    /// <param name="version">The version that the receiver speaks; MQTT 3.1.1 gets no properties.</param>
    public static void Write(Span<byte> output, in PublishView message, in Delivery delivery, ProtocolVersion version)
    {
        var properties = PropertiesSize(message, delivery);
        PutPacket(output, message, delivery, version, message.Payload, properties, BodySize(message, delivery, properties, version));
    }

    /// <summary>Appends all of the packet but its payload, whose bytes the caller sends behind it.</summary>
    /// <param name="output">Where to.</param>
    /// <param name="message">The message; its Topic has to be there in full.</param>
    /// <param name="delivery">This delivery.</param>
    /// <param name="version">The version that the receiver speaks; MQTT 3.1.1 gets no properties.</param>
    public static void WriteUpToPayload(
        IBufferWriter<byte> output, in PublishView message, in Delivery delivery, ProtocolVersion version) =>
        WritePacket(output, message, delivery, version, []);

    /// <summary>Appends a whole PUBLISH of MQTT 5 that has been kept, with a Topic Alias put in.</summary>
    /// <param name="output">Where to.</param>
    /// <param name="packet">The packet, without a Topic Alias.</param>
    /// <param name="topicOffset">Where in it the bytes of the Topic Name begin.</param>
    /// <param name="topicLength">How many they are.</param>
    /// <param name="topicAlias">The alias, 1 or more.</param>
    /// <param name="aliasIsKnown">Whether the alias alone is written [MQTT-3.3.2-7].</param>
    internal static void WriteWithAlias(
        IBufferWriter<byte> output, ReadOnlySpan<byte> packet, int topicOffset, int topicLength, ushort topicAlias, bool aliasIsKnown)
    {
        var topic = aliasIsKnown ? [] : packet.Slice(topicOffset, topicLength);
        var identifierLength = (packet[0] >> 1 & 3) == (int)QualityOfService.AtMostOnce ? 0 : sizeof(ushort);
        var identifier = packet.Slice(topicOffset + topicLength, identifierLength);
        var behind = packet[(topicOffset + topicLength + identifierLength)..];
        VariableByteInteger.TryRead(behind, out var properties, out var lengthBytes);
        properties += TopicAliasSize;
        behind = behind[lengthBytes..];
        var body = sizeof(ushort) + topic.Length + identifierLength
            + VariableByteInteger.SizeOf(properties) + TopicAliasSize + behind.Length;
        var size = 1 + VariableByteInteger.SizeOf((uint)body) + body;

        var rest = output.GetSpan(size);
        rest[0] = packet[0];
        rest = PutVariableByteInteger(rest[1..], (uint)body);
        rest = PutUInt16(rest, (ushort)topic.Length);
        rest = Put(rest, topic);
        rest = Put(rest, identifier);
        rest = PutVariableByteInteger(rest, properties);
        rest[0] = (byte)PropertyIdentifier.TopicAlias;
        rest = PutUInt16(rest[1..], topicAlias);
        behind.CopyTo(rest);
        output.Advance(size);
    }

    private static void WritePacket(
        IBufferWriter<byte> output,
        in PublishView message,
        in Delivery delivery,
        ProtocolVersion version,
        scoped ReadOnlySpan<byte> payload)
    {
        ArgumentNullException.ThrowIfNull(output);
        var properties = PropertiesSize(message, delivery);
        var body = BodySize(message, delivery, properties, version);
        var size = 1 + VariableByteInteger.SizeOf((uint)body) + body - (message.Payload.Length - payload.Length);

        // The size is known: the room is taken once, and what is left of it goes from hand to hand.
        PutPacket(output.GetSpan(size), message, delivery, version, payload, properties, body);
        output.Advance(size);
    }

    private static void PutPacket(
        Span<byte> rest,
        scoped in PublishView message,
        scoped in Delivery delivery,
        ProtocolVersion version,
        scoped ReadOnlySpan<byte> payload,
        int properties,
        int body)
    {
        rest[0] = (byte)((int)PacketType.Publish << 4 | (delivery.Dup ? 8 : 0) | (int)delivery.QoS << 1 | (delivery.Retain ? 1 : 0));
        rest = PutVariableByteInteger(rest[1..], (uint)body);
        var topic = delivery.AliasIsKnown ? [] : message.Topic;
        rest = PutUInt16(rest, checked((ushort)topic.Length));
        rest = Put(rest, topic);
        if (delivery.QoS != QualityOfService.AtMostOnce)
        {
            rest = PutUInt16(rest, delivery.PacketIdentifier.Value);
        }

        if (version == ProtocolVersion.V5)
        {
            rest = PutVariableByteInteger(rest, (uint)properties);
            rest = PutProperties(rest, message, delivery);
        }

        payload.CopyTo(rest);
    }

    private static int PropertiesSize(in PublishView message, in Delivery delivery)
    {
        var size = message.Properties.Length
            - (message.TopicAliasOffset >= 0 ? TopicAliasSize : 0)
            + (delivery.TopicAlias > 0 ? TopicAliasSize : 0);
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

    private static Span<byte> PutProperties(Span<byte> rest, scoped in PublishView message, scoped in Delivery delivery)
    {
        if (delivery.TopicAlias > 0)
        {
            rest[0] = (byte)PropertyIdentifier.TopicAlias;
            rest = PutUInt16(rest[1..], delivery.TopicAlias);
        }

        foreach (var identifier in delivery.SubscriptionIdentifiers)
        {
            rest[0] = (byte)PropertyIdentifier.SubscriptionIdentifier;
            rest = PutVariableByteInteger(rest[1..], identifier);
        }

        if (message.TopicAliasOffset < 0)
        {
            return PutRange(rest, message, delivery.RemainingExpiry, 0, message.Properties.Length);
        }

        rest = PutRange(rest, message, delivery.RemainingExpiry, 0, message.TopicAliasOffset);
        return PutRange(rest, message, delivery.RemainingExpiry, message.TopicAliasOffset + TopicAliasSize, message.Properties.Length);
    }

    /// <summary>Copies properties from..to, with the remaining expiry in the place of the original one.</summary>
    private static Span<byte> PutRange(Span<byte> rest, scoped in PublishView message, uint remainingExpiry, int from, int to)
    {
        var range = message.Properties[from..to];
        range.CopyTo(rest);
        var expiry = message.MessageExpiryOffset - from;
        if (expiry > 0 && expiry < range.Length)
        {
            BinaryPrimitives.WriteUInt32BigEndian(rest[expiry..], remainingExpiry);
        }

        return rest[range.Length..];
    }

    private static Span<byte> Put(Span<byte> rest, scoped ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(rest);
        return rest[bytes.Length..];
    }

    private static Span<byte> PutUInt16(Span<byte> rest, ushort value)
    {
        BinaryPrimitives.WriteUInt16BigEndian(rest, value);
        return rest[sizeof(ushort)..];
    }

    private static Span<byte> PutVariableByteInteger(Span<byte> rest, uint value) => rest[VariableByteInteger.Write(rest, value)..];
}
