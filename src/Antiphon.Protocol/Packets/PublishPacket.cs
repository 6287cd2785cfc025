using Antiphon.Protocol.Properties;
using Antiphon.Protocol.Topics;
using Antiphon.Protocol.Wire;

namespace Antiphon.Protocol.Packets;

/// <summary>
/// PUBLISH (MQTT 5 §3.3) as an object: a message, and what belongs to this one sending of it.
/// The broker's hot path uses <see cref="PublishView"/>.
/// </summary>
/// <param name="Message">The message.</param>
public sealed record PublishPacket(ApplicationMessage Message) : Packet
{
    /// <inheritdoc/>
    public override PacketType Type => PacketType.Publish;

    /// <summary>The Packet Identifier; none with QoS 0 [MQTT-2.2.1-2].</summary>
    public PacketIdentifier PacketIdentifier { get; init; }

    /// <summary>Whether it may have been sent before.</summary>
    public bool Dup { get; init; }

    /// <summary>A number for the Topic Name, 1 or more; with one that the receiver knows, the Topic may be empty (§3.3.2.3.4).</summary>
    public ushort? TopicAlias { get; init; }

    /// <summary>The identifiers of the subscriptions that matched; only from a server (§3.3.2.3.8).</summary>
    public IReadOnlyList<uint> SubscriptionIdentifiers { get; init; } = [];

    private protected override byte Flags => (byte)((Dup ? 8 : 0) | (int)Message.QoS << 1 | (Message.Retain ? 1 : 0));

    /// <summary>Copies a packet out of the input.</summary>
    /// <param name="view">The packet in the input.</param>
    public static PublishPacket From(in PublishView view)
    {
        List<uint>? identifiers = null;
        if (view.HasSubscriptionIdentifier)
        {
            identifiers = [];
            var properties = view.ReadProperties();
            while (properties.TryRead(out var property))
            {
                if (property.Identifier == PropertyIdentifier.SubscriptionIdentifier)
                {
                    identifiers.Add(property.Number);
                }
            }
        }

        return new PublishPacket(view.ToMessage())
        {
            PacketIdentifier = view.PacketIdentifier,
            Dup = view.Dup,
            TopicAlias = view.TopicAlias,
            SubscriptionIdentifiers = identifiers is null ? [] : identifiers,
        };
    }

    private protected override void WriteBody(ref WireWriter writer, ProtocolVersion version)
    {
        if (Dup && Message.QoS == QualityOfService.AtMostOnce)
        {
            throw new InvalidOperationException("DUP is never set with QoS 0 [MQTT-3.3.1-2].");
        }

        if (Message.Topic.Length > 0 || TopicAlias is null || version != ProtocolVersion.V5)
        {
            TopicName.ThrowIfInvalid(Message.Topic, nameof(Message.Topic));
        }

        writer.WriteString(Message.Topic);
        if (Message.QoS != QualityOfService.AtMostOnce)
        {
            writer.WritePacketIdentifier(PacketIdentifier);
        }

        if (version == ProtocolVersion.V5)
        {
            var properties = new PropertyWriter(stackalloc byte[256], PacketSet.Publish);
            MessageProperties.Add(ref properties, Message);
            properties.Add(PropertyIdentifier.TopicAlias, TopicAlias);
            for (var i = 0; i < SubscriptionIdentifiers.Count; i++)
            {
                properties.Add(PropertyIdentifier.SubscriptionIdentifier, SubscriptionIdentifiers[i]);
            }

            writer.WritePropertySection(properties.Written);
            properties.Dispose();
        }

        writer.WriteRaw(Message.Payload.Span);
    }
}
