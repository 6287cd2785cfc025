using Antiphon.Protocol.Properties;
using Antiphon.Protocol.Topics;
using Antiphon.Protocol.Wire;

namespace Antiphon.Protocol.Packets;

/// <summary>Which retained messages a new subscription is sent (MQTT 5 §3.8.3.1).</summary>
public enum RetainHandling : byte
{
    /// <summary>Send them.</summary>
    SendOnSubscribe = 0,

    /// <summary>Send them only if the subscription did not exist.</summary>
    SendIfNew = 1,

    /// <summary>Do not send them.</summary>
    DoNotSend = 2,
}

/// <summary>The Subscription Options byte (MQTT 5 §3.8.3.1).</summary>
/// <param name="MaximumQoS">The highest QoS to deliver with.</param>
/// <param name="NoLocal">Do not deliver what this client published itself. Not allowed on a shared subscription [MQTT-3.8.3-4].</param>
/// <param name="RetainAsPublished">Keep the RETAIN flag as it was published.</param>
/// <param name="RetainHandling">Which retained messages to send.</param>
public readonly record struct SubscriptionOptions(
    QualityOfService MaximumQoS,
    bool NoLocal = false,
    bool RetainAsPublished = false,
    RetainHandling RetainHandling = RetainHandling.SendOnSubscribe)
{
    internal byte ToByte(ProtocolVersion version) => version == ProtocolVersion.V5
        ? (byte)((int)MaximumQoS | (NoLocal ? 4 : 0) | (RetainAsPublished ? 8 : 0) | (int)RetainHandling << 4)
        : (byte)MaximumQoS;

    internal static SubscriptionOptions Read(ref WireReader reader, ProtocolVersion version)
    {
        var value = reader.ReadByte();
        var reserved = version == ProtocolVersion.V5 ? 0xC0 : 0xFC;
        if ((value & reserved) != 0)
        {
            reader.Fail(Fault.Malformed($"Reserved bits of the Subscription Options 0x{value:X2} are set [MQTT-3.8.3-5]."));
        }
        else if ((value & 3) == 3 || (value & 0x30) == 0x30)
        {
            reader.Fail(Fault.Protocol($"The Subscription Options 0x{value:X2} have a QoS or Retain Handling of 3 (MQTT 5 §3.8.3.1)."));
        }

        return new SubscriptionOptions((QualityOfService)(value & 3), (value & 4) != 0, (value & 8) != 0, (RetainHandling)(value >> 4 & 3));
    }
}

/// <summary>One Topic Filter of a SUBSCRIBE with its options.</summary>
/// <param name="TopicFilter">The filter as text, <c>$share/…</c> included. Only its UTF-8 form has been checked.</param>
/// <param name="Options">Its options.</param>
public readonly record struct RequestedSubscription(string TopicFilter, SubscriptionOptions Options);

/// <summary>SUBSCRIBE (MQTT 5 §3.8).</summary>
public sealed record SubscribePacket : Packet
{
    /// <inheritdoc/>
    public override PacketType Type => PacketType.Subscribe;

    /// <summary>The Packet Identifier.</summary>
    public required PacketIdentifier PacketIdentifier { get; init; }

    /// <summary>One or more [MQTT-3.8.3-2].</summary>
    public required IReadOnlyList<RequestedSubscription> Subscriptions { get; init; }

    /// <summary>1 to 268,435,455; comes back with each matching message. <c>null</c>: none (§3.8.2.1.2).</summary>
    public uint? SubscriptionIdentifier { get; init; }

    /// <summary>User Properties in their order.</summary>
    public IReadOnlyList<UserProperty> UserProperties { get; init; } = [];

    internal static SubscribePacket Decode(ref WireReader reader, ProtocolVersion version)
    {
        var identifier = reader.ReadPacketIdentifier();
        uint? subscriptionIdentifier = null;
        List<UserProperty>? userProperties = null;
        var section = version == ProtocolVersion.V5 ? reader.ReadPropertySection() : default;
        var properties = new PropertyReader(section, PacketSet.Subscribe);
        while (properties.TryRead(out var property))
        {
            if (property.Identifier == PropertyIdentifier.SubscriptionIdentifier)
            {
                subscriptionIdentifier = property.Number;
            }
            else
            {
                (userProperties ??= []).Add(property.Pair);
            }
        }

        reader.Fail(properties.Fault);

        var subscriptions = new List<RequestedSubscription>(1);
        while (reader.Remaining > 0)
        {
            var filter = reader.ReadString();
            var options = SubscriptionOptions.Read(ref reader, version);
            if (version == ProtocolVersion.V5 && options.NoLocal && filter.StartsWith(TopicFilter.SharePrefix, StringComparison.Ordinal))
            {
                reader.Fail(Fault.Protocol("No Local is set on a shared subscription [MQTT-3.8.3-4]."));
            }

            subscriptions.Add(new RequestedSubscription(filter, options));
        }

        if (subscriptions.Count == 0)
        {
            reader.Fail(Fault.Protocol("SUBSCRIBE has no Topic Filter [MQTT-3.8.3-2]."));
        }

        return new SubscribePacket
        {
            PacketIdentifier = identifier,
            Subscriptions = subscriptions,
            SubscriptionIdentifier = subscriptionIdentifier,
            UserProperties = userProperties is null ? [] : userProperties,
        };
    }

    private protected override void WriteBody(ref WireWriter writer, ProtocolVersion version)
    {
        if (Subscriptions.Count == 0)
        {
            throw new InvalidOperationException("SUBSCRIBE needs a Topic Filter [MQTT-3.8.3-2].");
        }

        writer.WritePacketIdentifier(PacketIdentifier);
        if (version == ProtocolVersion.V5)
        {
            var properties = new PropertyWriter(stackalloc byte[128], PacketSet.Subscribe);
            properties.Add(PropertyIdentifier.SubscriptionIdentifier, SubscriptionIdentifier);
            properties.Add(UserProperties);
            writer.WritePropertySection(properties.Written);
            properties.Dispose();
        }

        foreach (var subscription in Subscriptions)
        {
            writer.WriteString(subscription.TopicFilter);
            writer.WriteByte(subscription.Options.ToByte(version));
        }
    }
}
