using System.Text;
using Antiphon.Protocol.Properties;
using Antiphon.Protocol.Topics;
using Antiphon.Protocol.Wire;

namespace Antiphon.Protocol.Packets;

/// <summary>CONNECT (MQTT 5 §3.1; MQTT 3.1.1 §3.1).</summary>
public sealed record ConnectPacket : Packet
{
    private const byte UserNameFlag = 0x80;
    private const byte PasswordFlag = 0x40;
    private const byte WillRetainFlag = 0x20;
    private const byte WillFlag = 0x04;
    private const byte CleanStartFlag = 0x02;
    private const byte ReservedFlag = 0x01;
    private const byte BridgeBit = 0x80;

    /// <inheritdoc/>
    public override PacketType Type => PacketType.Connect;

    /// <summary>The version asked for.</summary>
    public ProtocolVersion ProtocolVersion { get; init; } = ProtocolVersion.V5;

    /// <summary>
    /// Whether the client is a bridge of MQTT 3.1.1, as mosquitto says it: by the highest bit of the protocol level, 0x84.
    /// Its subscriptions are then as with No Local and Retain As Published, which MQTT 5 has for this.
    /// </summary>
    public bool IsBridge { get; init; }

    /// <summary>The Client Identifier; empty: the server is to assign one (§3.1.3.1).</summary>
    public string ClientId { get; init; } = "";

    /// <summary>Clean Start; Clean Session in MQTT 3.1.1 (§3.1.2.4).</summary>
    public bool CleanStart { get; init; }

    /// <summary>Keep Alive in seconds; 0 turns it off (§3.1.2.10).</summary>
    public ushort KeepAlive { get; init; }

    /// <summary>Session Expiry Interval in seconds; <c>null</c> means 0, 0xFFFFFFFF never (§3.1.2.11.2).</summary>
    public uint? SessionExpiryInterval { get; init; }

    /// <summary>
    /// How many QoS 1 and 2 messages the client takes unacknowledged, 1 to 65,535; <c>null</c> means 65,535 (§3.1.2.11.3).
    /// </summary>
    public ushort? ReceiveMaximum { get; init; }

    /// <summary>The longest packet that the client accepts, in bytes, 1 or more; <c>null</c>: no limit (§3.1.2.11.4).</summary>
    public uint? MaximumPacketSize { get; init; }

    /// <summary>The highest Topic Alias that the client accepts; <c>null</c> means 0, none (§3.1.2.11.5).</summary>
    public ushort? TopicAliasMaximum { get; init; }

    /// <summary>Whether the client asks for Response Information; <c>null</c> means no (§3.1.2.11.6).</summary>
    public bool? RequestResponseInformation { get; init; }

    /// <summary>Whether the client wants Reason Strings and User Properties on failures; <c>null</c> means yes (§3.1.2.11.7).</summary>
    public bool? RequestProblemInformation { get; init; }

    /// <summary>User Properties in their order.</summary>
    public IReadOnlyList<UserProperty> UserProperties { get; init; } = [];

    /// <summary>The name of the method of enhanced authentication; <c>null</c>: none is used (§3.1.2.11.9).</summary>
    public string? AuthenticationMethod { get; init; }

    /// <summary>The method's first data; only with a method (§3.1.2.11.10).</summary>
    public ReadOnlyMemory<byte>? AuthenticationData { get; init; }

    /// <summary>The Will; <c>null</c>: none.</summary>
    public Will? Will { get; init; }

    /// <summary>User name; <c>null</c>: none.</summary>
    public string? UserName { get; init; }

    /// <summary>Password; <c>null</c>: none. MQTT 3.1.1 allows one only with a user name.</summary>
    public ReadOnlyMemory<byte>? Password { get; init; }

    /// <summary>
    /// Reads the protocol level out of a CONNECT's body, also out of one that this library does not decode,
    /// so that the refusal can be said in the client's own words [MQTT-3.1.2-2].
    /// </summary>
    /// <param name="body">The body of a CONNECT frame.</param>
    /// <returns>
    /// The level byte, without the bit of a bridge of MQTT 3.1.1; <c>null</c> when the body does not begin with an MQTT protocol name.
    /// </returns>
    public static byte? PeekProtocolLevel(ReadOnlySpan<byte> body)
    {
        var reader = new WireReader(body);
        var name = reader.ReadBinary();
        var level = reader.ReadByte();
        var known = name.SequenceEqual("MQTT"u8) || name.SequenceEqual("MQIsdp"u8);
        return !known || reader.Fault.Exists ? null
            : level == ((byte)ProtocolVersion.V311 | BridgeBit) ? (byte)ProtocolVersion.V311
            : level;
    }

    internal static ConnectPacket? Decode(ref WireReader reader)
    {
        var name = reader.ReadBinary();
        var level = reader.ReadByte();
        var isBridge = level == ((byte)ProtocolVersion.V311 | BridgeBit);
        if (!reader.Fault.Exists && (!name.SequenceEqual("MQTT"u8) || !(level is 4 or 5 || isBridge)))
        {
            reader.Fail(new Fault(
                ReasonCode.UnsupportedProtocolVersion,
                $"The protocol is «{Utf8Text.Excerpt(Encoding.UTF8.GetString(name))}» level {level}; "
                + "spoken here is «MQTT» level 4 and 5 [MQTT-3.1.2-1, MQTT-3.1.2-2]."));
        }

        var version = (ProtocolVersion)(isBridge ? level & ~BridgeBit : level);
        var flags = reader.ReadByte();
        if ((flags & ReservedFlag) != 0)
        {
            reader.Fail(Fault.Malformed("The reserved bit of the Connect Flags is set [MQTT-3.1.2-3]."));
        }

        var willQoS = (flags >> 3) & 3;
        var hasWill = (flags & WillFlag) != 0;
        if (willQoS == 3 || (!hasWill && (flags & (WillRetainFlag | 0x18)) != 0))
        {
            reader.Fail(Fault.Malformed(
                "The Connect Flags have a Will QoS of 3, or Will QoS or Will Retain without a Will "
                + "[MQTT-3.1.2-11, MQTT-3.1.2-12, MQTT-3.1.2-13]."));
        }

        if (version == ProtocolVersion.V311 && (flags & (UserNameFlag | PasswordFlag)) == PasswordFlag)
        {
            reader.Fail(Fault.Malformed("MQTT 3.1.1 allows a password only with a user name (MQTT 3.1.1 §3.1.2.9)."));
        }

        var packet = new ConnectPacket
        {
            ProtocolVersion = version,
            IsBridge = isBridge,
            CleanStart = (flags & CleanStartFlag) != 0,
            KeepAlive = reader.ReadUInt16(),
        };
        if (version == ProtocolVersion.V5)
        {
            packet = packet.WithProperties(ref reader);
        }

        return reader.Fault.Exists
            ? null
            : packet with
            {
                ClientId = reader.ReadString(),
                Will = hasWill ? DecodeWill(ref reader, version, (QualityOfService)willQoS, (flags & WillRetainFlag) != 0) : null,
                UserName = (flags & UserNameFlag) != 0 ? reader.ReadString() : null,
                Password = (flags & PasswordFlag) != 0 ? reader.ReadBinary().ToArray() : (ReadOnlyMemory<byte>?)null,
            };
    }

    private protected override void WriteBody(ref WireWriter writer, ProtocolVersion version)
    {
        if (ProtocolVersion == ProtocolVersion.V311 && Password is not null && UserName is null)
        {
            throw new InvalidOperationException("MQTT 3.1.1 allows a password only with a user name (MQTT 3.1.1 §3.1.2.9).");
        }

        var flags = (CleanStart ? CleanStartFlag : 0)
            | (UserName is null ? 0 : UserNameFlag)
            | (Password is null ? 0 : PasswordFlag)
            | (Will is null ? 0 : WillFlag | (int)Will.Message.QoS << 3 | (Will.Message.Retain ? WillRetainFlag : 0));

        writer.WriteBinary("MQTT"u8);
        writer.WriteByte((byte)((byte)ProtocolVersion | (IsBridge && ProtocolVersion == ProtocolVersion.V311 ? BridgeBit : 0)));
        writer.WriteByte((byte)flags);
        writer.WriteUInt16(KeepAlive);
        if (ProtocolVersion == ProtocolVersion.V5)
        {
            WriteProperties(ref writer);
        }

        writer.WriteString(ClientId);
        if (Will is not null)
        {
            WriteWill(ref writer, Will);
        }

        if (UserName is not null)
        {
            writer.WriteString(UserName);
        }

        if (Password is { } password)
        {
            writer.WriteBinary(password.Span);
        }
    }

    private static Will? DecodeWill(ref WireReader reader, ProtocolVersion version, QualityOfService qos, bool retain)
    {
        var section = version == ProtocolVersion.V5 ? reader.ReadPropertySection() : default;
        var properties = new PropertyReader(section, PacketSet.WillProperties);
        var message = MessageProperties.Read(ref properties, out var delayInterval);
        reader.Fail(properties.Fault);
        var topic = reader.ReadUtf8();
        reader.Fail(topic.IsEmpty
            ? new Fault(ReasonCode.TopicNameInvalid, "The Will Topic is empty; it has one character or more [MQTT-4.7.3-1].")
            : TopicName.CheckWildcards(topic));

        return new Will(message with
        {
            Topic = Encoding.UTF8.GetString(topic),
            Payload = reader.ReadBinary().ToArray(),
            QoS = qos,
            Retain = retain,
        })
        {
            DelayInterval = delayInterval,
        };
    }

    private ConnectPacket WithProperties(ref WireReader reader)
    {
        var packet = this;
        List<UserProperty>? userProperties = null;
        var properties = new PropertyReader(reader.ReadPropertySection(), PacketSet.Connect);
        while (properties.TryRead(out var property))
        {
            switch (property.Identifier)
            {
                case PropertyIdentifier.SessionExpiryInterval:
                    packet = packet with { SessionExpiryInterval = property.Number };
                    break;
                case PropertyIdentifier.ReceiveMaximum:
                    packet = packet with { ReceiveMaximum = (ushort)property.Number };
                    break;
                case PropertyIdentifier.MaximumPacketSize:
                    packet = packet with { MaximumPacketSize = property.Number };
                    break;
                case PropertyIdentifier.TopicAliasMaximum:
                    packet = packet with { TopicAliasMaximum = (ushort)property.Number };
                    break;
                case PropertyIdentifier.RequestResponseInformation:
                    packet = packet with { RequestResponseInformation = property.Number == 1 };
                    break;
                case PropertyIdentifier.RequestProblemInformation:
                    packet = packet with { RequestProblemInformation = property.Number == 1 };
                    break;
                case PropertyIdentifier.AuthenticationMethod:
                    packet = packet with { AuthenticationMethod = property.Text };
                    break;
                case PropertyIdentifier.AuthenticationData:
                    packet = packet with { AuthenticationData = property.Bytes.ToArray() };
                    break;
                default:
                    (userProperties ??= []).Add(property.Pair);
                    break;
            }
        }

        reader.Fail(properties.Fault);
        if (packet.AuthenticationData is not null && packet.AuthenticationMethod is null)
        {
            reader.Fail(Fault.Protocol("There is Authentication Data without an Authentication Method (MQTT 5 §3.1.2.11.10)."));
        }

        return packet with { UserProperties = userProperties ?? UserProperties };
    }

    private void WriteProperties(ref WireWriter writer)
    {
        var properties = new PropertyWriter(stackalloc byte[256], PacketSet.Connect);
        properties.Add(PropertyIdentifier.SessionExpiryInterval, SessionExpiryInterval);
        properties.Add(PropertyIdentifier.ReceiveMaximum, ReceiveMaximum);
        properties.Add(PropertyIdentifier.MaximumPacketSize, MaximumPacketSize);
        properties.Add(PropertyIdentifier.TopicAliasMaximum, TopicAliasMaximum);
        properties.Add(PropertyIdentifier.RequestResponseInformation, RequestResponseInformation);
        properties.Add(PropertyIdentifier.RequestProblemInformation, RequestProblemInformation);
        properties.Add(PropertyIdentifier.AuthenticationMethod, AuthenticationMethod);
        properties.Add(PropertyIdentifier.AuthenticationData, AuthenticationData);
        properties.Add(UserProperties);
        writer.WritePropertySection(properties.Written);
        properties.Dispose();
    }

    private void WriteWill(ref WireWriter writer, Will will)
    {
        if (ProtocolVersion == ProtocolVersion.V5)
        {
            var properties = new PropertyWriter(stackalloc byte[256], PacketSet.WillProperties);
            properties.Add(PropertyIdentifier.WillDelayInterval, will.DelayInterval);
            MessageProperties.Add(ref properties, will.Message);
            writer.WritePropertySection(properties.Written);
            properties.Dispose();
        }

        TopicName.ThrowIfInvalid(will.Message.Topic, nameof(will.Message.Topic));
        writer.WriteString(will.Message.Topic);
        writer.WriteBinary(will.Message.Payload.Span);
    }
}
