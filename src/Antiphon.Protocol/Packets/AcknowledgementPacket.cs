using System.Buffers;
using System.Buffers.Binary;
using Antiphon.Protocol.Properties;
using Antiphon.Protocol.Wire;

namespace Antiphon.Protocol.Packets;

/// <summary>PUBACK, PUBREC, PUBREL and PUBCOMP (MQTT 5 §3.4 to §3.7), which share one form.</summary>
public sealed record AcknowledgementPacket : Packet
{
    /// <summary>An acknowledgement.</summary>
    /// <param name="type">PUBACK, PUBREC, PUBREL or PUBCOMP.</param>
    /// <param name="packetIdentifier">The identifier of the PUBLISH that it belongs to [MQTT-2.2.1-5].</param>
    /// <param name="reasonCode">How it went.</param>
    /// <exception cref="ArgumentOutOfRangeException">Another packet type.</exception>
    public AcknowledgementPacket(PacketType type, PacketIdentifier packetIdentifier, ReasonCode reasonCode = ReasonCode.Success)
    {
        if (type is < PacketType.PubAck or > PacketType.PubComp)
        {
            throw new ArgumentOutOfRangeException(
                nameof(type), type, "An acknowledgement is a PUBACK, PUBREC, PUBREL or PUBCOMP (MQTT 5 §3.4 to §3.7).");
        }

        Type = type;
        PacketIdentifier = packetIdentifier;
        ReasonCode = reasonCode;
    }

    /// <inheritdoc/>
    public override PacketType Type { get; }

    /// <summary>The identifier of the PUBLISH that it belongs to.</summary>
    public PacketIdentifier PacketIdentifier { get; }

    /// <summary>How it went.</summary>
    public ReasonCode ReasonCode { get; }

    /// <summary>More about it, for people.</summary>
    public string? ReasonString { get; init; }

    /// <summary>User Properties in their order.</summary>
    public IReadOnlyList<UserProperty> UserProperties { get; init; } = [];

    /// <summary>Appends an acknowledgement without properties, in its shortest form and without allocating.</summary>
    /// <param name="output">Where to.</param>
    /// <param name="type">PUBACK, PUBREC, PUBREL or PUBCOMP.</param>
    /// <param name="packetIdentifier">The identifier of the PUBLISH that it belongs to.</param>
    /// <param name="reasonCode">How it went; MQTT 3.1.1 has no place for it.</param>
    /// <param name="version">The version that the connection speaks.</param>
    public static void Write(
        IBufferWriter<byte> output, PacketType type, PacketIdentifier packetIdentifier, ReasonCode reasonCode, ProtocolVersion version)
    {
        ArgumentNullException.ThrowIfNull(output);
        var withCode = reasonCode != ReasonCode.Success && version == ProtocolVersion.V5;
        var size = withCode ? 5 : 4;
        var span = output.GetSpan(size);
        span[0] = (byte)((byte)type << 4 | PacketTypes.FixedFlags(type));
        span[1] = (byte)(size - 2);
        BinaryPrimitives.WriteUInt16BigEndian(span[2..], packetIdentifier.Value);
        if (withCode)
        {
            span[4] = (byte)reasonCode;
        }

        output.Advance(size);
    }

    /// <summary>Reads and checks an acknowledgement without allocating, leaving its properties aside.</summary>
    /// <param name="frame">The packet; its type has to be PUBACK, PUBREC, PUBREL or PUBCOMP.</param>
    /// <param name="version">The version that the connection speaks.</param>
    /// <param name="packetIdentifier">The identifier of the PUBLISH that it belongs to.</param>
    /// <param name="reasonCode">How it went; Success in MQTT 3.1.1.</param>
    /// <param name="fault">What is wrong with the packet.</param>
    /// <returns>Whether the packet is well formed.</returns>
    public static bool TryRead(
        in Frame frame, ProtocolVersion version, out PacketIdentifier packetIdentifier, out ReasonCode reasonCode, out Fault fault)
    {
        if (frame.Body.Length == sizeof(ushort) && BinaryPrimitives.ReadUInt16BigEndian(frame.Body) is > 0 and var value)
        {
            // Nearly all of them are of this form.
            packetIdentifier = new PacketIdentifier(value);
            reasonCode = ReasonCode.Success;
            fault = default;
            return true;
        }

        var reader = new WireReader(frame.Body);
        ReadHeader(frame.Type, ref reader, version, out packetIdentifier, out reasonCode);
        if (reader.Remaining > 0 && version == ProtocolVersion.V5)
        {
            var properties = new PropertyReader(reader.ReadPropertySection(), PacketSet.Acknowledgements);
            while (properties.TryRead(out _))
            {
            }

            reader.Fail(properties.Fault);
        }

        if (reader.Remaining > 0)
        {
            reader.Fail(TooMuch(frame.Type, reader.Remaining));
        }

        fault = reader.Fault;
        return !fault.Exists;
    }

    internal static AcknowledgementPacket Decode(PacketType type, ref WireReader reader, ProtocolVersion version)
    {
        ReadHeader(type, ref reader, version, out var identifier, out var code);
        var reason = reader.Remaining > 0 && version == ProtocolVersion.V5
            ? ReasonProperties.Read(ref reader, PacketSet.Acknowledgements)
            : ReasonProperties.None;
        return new AcknowledgementPacket(type, identifier, code)
        {
            ReasonString = reason.ReasonString,
            UserProperties = reason.UserProperties,
        };
    }

    private protected override void WriteBody(ref WireWriter writer, ProtocolVersion version)
    {
        writer.WritePacketIdentifier(PacketIdentifier);
        var hasProperties = ReasonString is not null || UserProperties.Count > 0;
        if (version == ProtocolVersion.V5 && (hasProperties || ReasonCode != ReasonCode.Success))
        {
            writer.WriteByte((byte)ReasonCode);
            if (hasProperties)
            {
                new ReasonProperties(ReasonString, UserProperties).WriteTo(ref writer, PacketSet.Acknowledgements);
            }
        }
    }

    private static void ReadHeader(
        PacketType type, ref WireReader reader, ProtocolVersion version, out PacketIdentifier identifier, out ReasonCode code)
    {
        identifier = reader.ReadPacketIdentifier();
        code = reader.Remaining > 0 && version == ProtocolVersion.V5 ? (ReasonCode)reader.ReadByte() : ReasonCode.Success;
        if (!ReasonCodes.IsAllowed(type, code))
        {
            reader.Fail(NoSuchCode(type, code));
        }
    }

    private static Fault TooMuch(PacketType type, int bytes) =>
        Fault.Malformed($"{bytes} bytes stand behind the end of the {type} packet (MQTT 5 §4.13.1).");

    private static Fault NoSuchCode(PacketType type, ReasonCode code) =>
        Fault.Malformed($"{type} has no Reason Code 0x{(byte)code:X2} (MQTT 5 §2.4).");
}
