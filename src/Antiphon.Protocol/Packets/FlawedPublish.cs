using System.Text.Unicode;
using Antiphon.Protocol.Properties;
using Antiphon.Protocol.Wire;

namespace Antiphon.Protocol.Packets;

/// <summary>
/// Reads what can be read of a PUBLISH that <see cref="PublishView"/> refuses. Servers exist that let a flaw inside a message through, such
/// as a Response Topic with a wildcard; the receiver has to acknowledge the message, or it comes again for ever.
/// </summary>
internal static class FlawedPublish
{
    private const int DupFlag = 8;

    /// <summary>Reads a PUBLISH without holding its strings and properties to the rules.</summary>
    /// <param name="frame">The packet; its type has to be PUBLISH.</param>
    /// <param name="version">The version that the connection speaks.</param>
    /// <param name="view">
    /// QoS, Packet Identifier, payload and, where they are right, Topic Name, Topic Alias, Response Topic and Correlation Data;
    /// the properties as they stand there, unchecked.
    /// </param>
    /// <param name="isAliasCertain">
    /// Whether it is known which Topic Alias the packet has, if any:
    /// not where one may stand behind what cannot be read, or two stand there.
    /// </param>
    /// <returns>
    /// <c>false</c>: its parts cannot be told from each other, so that there is nothing to acknowledge; or its Topic Alias is 0, which the
    /// server has made itself.
    /// </returns>
    public static bool TryRead(in Frame frame, ProtocolVersion version, out PublishView view, out bool isAliasCertain)
    {
        view = default;
        isAliasCertain = false;
        var qos = (QualityOfService)(frame.Flags >> 1 & 3);
        var reader = new WireReader(frame.Body);
        var topic = reader.ReadBinary();
        var identifier = qos == QualityOfService.AtMostOnce ? PacketIdentifier.None : reader.ReadPacketIdentifier();
        var section = version == ProtocolVersion.V5 ? reader.ReadPropertySection() : default;
        var isReadable = !reader.Fault.Exists && qos <= QualityOfService.ExactlyOnce
            && ((frame.Flags & DupFlag) == 0 || qos != QualityOfService.AtMostOnce);
        if (!isReadable)
        {
            return false;
        }

        view.QoS = qos;
        view.PacketIdentifier = identifier;
        view.Topic = IsTopicName(topic) ? topic : default;
        view.Payload = reader.ReadRest();
        view.Properties = section;
        isAliasCertain = TryReadProperties(section, ref view);
        return view.TopicAlias != 0;
    }

    /// <summary>Reads as far as properties can be told from each other.</summary>
    /// <returns>Whether that is to the end of the section, with one Topic Alias at most.</returns>
    private static bool TryReadProperties(ReadOnlySpan<byte> section, ref PublishView view)
    {
        var hasOneAlias = true;
        var reader = new WireReader(section);
        while (reader.Remaining > 0)
        {
            var identifier = reader.ReadVariableByteInteger();
            ref readonly var rule = ref PropertyTable.Rule(identifier);
            if (!rule.Exists)
            {
                return false;
            }

            var number = rule.Type switch
            {
                PropertyType.Byte => reader.ReadByte(),
                PropertyType.TwoByteInteger => reader.ReadUInt16(),
                PropertyType.FourByteInteger => reader.ReadUInt32(),
                PropertyType.VariableByteInteger => reader.ReadVariableByteInteger(),
                _ => 0u,
            };
            var bytes = rule.Type is PropertyType.Utf8String or PropertyType.BinaryData or PropertyType.StringPair
                ? reader.ReadBinary()
                : default;
            if (rule.Type == PropertyType.StringPair)
            {
                reader.ReadBinary();
            }

            switch ((PropertyIdentifier)identifier)
            {
                case PropertyIdentifier.TopicAlias:
                    hasOneAlias = view.TopicAlias is null;
                    view.TopicAlias = (ushort)number;
                    break;
                case PropertyIdentifier.ResponseTopic when IsTopicName(bytes):
                    view.ResponseTopic = bytes;
                    break;
                case PropertyIdentifier.CorrelationData:
                    view.CorrelationData = bytes;
                    break;
                default:
                    break;
            }
        }

        return hasOneAlias && !reader.Fault.Exists;
    }

    private static bool IsTopicName(ReadOnlySpan<byte> text) =>
        !text.IsEmpty && !text.ContainsAny((byte)0, (byte)'+', (byte)'#') && Utf8.IsValid(text);
}
