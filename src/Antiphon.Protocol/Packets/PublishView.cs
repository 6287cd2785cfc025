using System.Text;
using Antiphon.Protocol.Properties;
using Antiphon.Protocol.Topics;
using Antiphon.Protocol.Wire;

namespace Antiphon.Protocol.Packets;

/// <summary>
/// A PUBLISH (MQTT 5 §3.3) as it stands in the input: checked in full, nothing copied. Valid as long as the input is.
/// <see cref="PublishEncoder"/> sends it on with its properties untouched and in their order.
/// </summary>
public ref struct PublishView
{
    private int _topicAliasOffset;

    /// <summary>The Topic Name in UTF-8; empty when a Topic Alias stands for it.</summary>
    public ReadOnlySpan<byte> Topic { readonly get; set; }

    /// <summary>The payload.</summary>
    public ReadOnlySpan<byte> Payload { readonly get; set; }

    /// <summary>The property section without its length; empty in MQTT 3.1.1.</summary>
    public ReadOnlySpan<byte> Properties { readonly get; set; }

    /// <summary>QoS.</summary>
    public QualityOfService QoS { readonly get; set; }

    /// <summary>The RETAIN flag.</summary>
    public bool Retain { readonly get; set; }

    /// <summary>The DUP flag: the sender may have sent it before.</summary>
    public bool Dup { readonly get; set; }

    /// <summary>The Packet Identifier; none with QoS 0.</summary>
    public PacketIdentifier PacketIdentifier { readonly get; set; }

    /// <summary>Where in <see cref="Properties"/> the four bytes of the Message Expiry Interval stand; 0: there is none.</summary>
    public int MessageExpiryOffset { readonly get; set; }

    /// <summary>Where in <see cref="Properties"/> the Topic Alias property begins, its identifier included; −1: there is none.</summary>
    public int TopicAliasOffset
    {
        // Kept one higher, so that a view which somebody fills in by hand begins without an alias.
        readonly get => _topicAliasOffset - 1;
        set => _topicAliasOffset = value + 1;
    }

    /// <summary>Seconds until the message expires; <c>null</c>: never.</summary>
    public uint? MessageExpiryInterval { readonly get; set; }

    /// <summary>The Topic Alias, 1 or more; <c>null</c>: none.</summary>
    public ushort? TopicAlias { readonly get; set; }

    /// <summary>Whether there is a Subscription Identifier, which only a server may send [MQTT-3.3.4-6].</summary>
    public bool HasSubscriptionIdentifier { readonly get; set; }

    /// <summary>
    /// Whether there is a User Property that only an Antiphon broker writes: <c>antiphon-caller</c>, <c>antiphon-reason</c>,
    /// <c>antiphon-recipients</c> or <c>antiphon-age-ms</c>.
    /// </summary>
    public bool HasBrokerProperty { readonly get; set; }

    /// <summary>
    /// The Response Topic in UTF-8; empty: none, since a Topic Name is never empty.
    /// A message that has one is a Request Message.
    /// </summary>
    public ReadOnlySpan<byte> ResponseTopic { readonly get; set; }

    /// <summary>The Correlation Data; empty when absent.</summary>
    public ReadOnlySpan<byte> CorrelationData { readonly get; set; }

    /// <summary>Checks and takes apart a PUBLISH.</summary>
    /// <param name="frame">The packet; its type has to be PUBLISH.</param>
    /// <param name="version">The version that the connection speaks.</param>
    /// <param name="view">The packet, if well formed.</param>
    /// <param name="fault">Otherwise what is wrong with it.</param>
    public static bool TryDecode(in Frame frame, ProtocolVersion version, out PublishView view, out Fault fault)
    {
        view = default;
        var qos = (QualityOfService)(frame.Flags >> 1 & 3);
        var dup = (frame.Flags & 8) != 0;
        if (qos > QualityOfService.ExactlyOnce)
        {
            fault = Fault.Malformed("The PUBLISH has QoS 3 [MQTT-3.3.1-4].");
            return false;
        }

        if (dup && qos == QualityOfService.AtMostOnce)
        {
            fault = Fault.Malformed("The PUBLISH has DUP set with QoS 0 [MQTT-3.3.1-2].");
            return false;
        }

        var reader = new WireReader(frame.Body);
        var topic = reader.ReadUtf8();
        var identifier = qos == QualityOfService.AtMostOnce ? PacketIdentifier.None : reader.ReadPacketIdentifier();
        var section = version == ProtocolVersion.V5 ? reader.ReadPropertySection() : default;
        fault = reader.Fault;
        if (fault.Exists)
        {
            return false;
        }

        // Field by field: an initializer would fill a temporary and copy it.
        view.Topic = topic;
        view.Payload = reader.ReadRest();
        view.Properties = section;
        view.QoS = qos;
        view.Retain = (frame.Flags & 1) != 0;
        view.Dup = dup;
        view.PacketIdentifier = identifier;
        if (!section.IsEmpty && !TryReadProperties(ref view, out fault))
        {
            return false;
        }

        fault = topic.IsEmpty && view.TopicAlias is null
            ? Fault.Protocol("The PUBLISH has neither a Topic Name nor a Topic Alias (MQTT 5 §3.3.2.1).")
            : TopicName.CheckWildcards(topic);
        return !fault.Exists;
    }

    /// <summary>Reads the properties again, one at a time; the section has been checked.</summary>
    public readonly PropertyReader ReadProperties() => new(Properties, PacketSet.Publish);

    /// <summary>The value of the first User Property of that name.</summary>
    /// <param name="name">The name in UTF-8.</param>
    /// <param name="value">The value in UTF-8, a view into the input.</param>
    /// <returns>Whether there is one.</returns>
    public readonly bool TryGetUserProperty(ReadOnlySpan<byte> name, out ReadOnlySpan<byte> value)
    {
        var properties = ReadProperties();
        while (properties.TryRead(out var property))
        {
            if (property.Identifier == PropertyIdentifier.UserProperty && property.Bytes.SequenceEqual(name))
            {
                value = property.Second;
                return true;
            }
        }

        value = default;
        return false;
    }

    /// <summary>Copies the message out of the input.</summary>
    public readonly ApplicationMessage ToMessage()
    {
        var properties = ReadProperties();
        return MessageProperties.Read(ref properties, out _) with
        {
            Topic = Encoding.UTF8.GetString(Topic),
            Payload = Payload.ToArray(),
            QoS = QoS,
            Retain = Retain,
        };
    }

    private static bool TryReadProperties(ref PublishView view, out Fault fault)
    {
        var properties = view.ReadProperties();
        while (properties.TryRead(out var property))
        {
            switch (property.Identifier)
            {
                case PropertyIdentifier.MessageExpiryInterval:
                    view.MessageExpiryInterval = property.Number;
                    view.MessageExpiryOffset = properties.Position - sizeof(uint);
                    break;
                case PropertyIdentifier.TopicAlias:
                    view.TopicAlias = (ushort)property.Number;
                    view.TopicAliasOffset = properties.Position - PublishEncoder.TopicAliasSize;
                    break;
                case PropertyIdentifier.SubscriptionIdentifier:
                    view.HasSubscriptionIdentifier = true;
                    break;
                case PropertyIdentifier.ResponseTopic:
                    view.ResponseTopic = property.Bytes;
                    break;
                case PropertyIdentifier.CorrelationData:
                    view.CorrelationData = property.Bytes;
                    break;
                case PropertyIdentifier.UserProperty:
                    view.HasBrokerProperty |= BrokerPropertyName.Includes(property.Bytes);
                    break;
                default:
                    break;
            }
        }

        fault = properties.Fault;
        return !fault.Exists;
    }
}
