using System.Buffers;
using Antiphon.Protocol.Packets;
using Antiphon.Protocol.Tests.Wire;
using Antiphon.Protocol.Wire;

namespace Antiphon.Protocol.Tests.Packets;

public sealed class AcknowledgementPacketTests
{
    private static readonly (PacketType Type, string First, ReasonCode Failure)[] Types =
    [
        (PacketType.PubAck, "40", ReasonCode.NotAuthorized),
        (PacketType.PubRec, "50", ReasonCode.NotAuthorized),
        (PacketType.PubRel, "62", ReasonCode.PacketIdentifierNotFound),
        (PacketType.PubComp, "70", ReasonCode.PacketIdentifierNotFound),
    ];

    internal static readonly Dictionary<string, ByteCase> Cases = Build();

    public static TheoryData<string> Names => [.. Cases.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    [Trait("Label", "MQTT-2.2.1-5")]
    public void An_acknowledgement_is_read_from_and_written_to_these_bytes(string name) => Cases[name].Holds();

    [Theory]
    [MemberData(nameof(Names))]
    public void Reading_without_an_object_sees_the_same(string name)
    {
        var expected = (AcknowledgementPacket)Cases[name].Packet;
        var frame = ByteCase.Frame(Cases[name].Bytes);
        var wasRead = AcknowledgementPacket.TryRead(frame, Cases[name].Version, out var identifier, out var code, out var fault);
        Assert.True(wasRead, fault.Message);
        Assert.Equal((expected.PacketIdentifier, expected.ReasonCode), (identifier, code));
    }

    [Theory]
    [InlineData(PacketType.PubAck, ReasonCode.Success, ProtocolVersion.V5, "40 02 0102")]
    [InlineData(PacketType.PubRec, ReasonCode.QuotaExceeded, ProtocolVersion.V5, "50 03 0102 97")]
    [InlineData(PacketType.PubRel, ReasonCode.Success, ProtocolVersion.V5, "62 02 0102")]
    [InlineData(PacketType.PubComp, ReasonCode.PacketIdentifierNotFound, ProtocolVersion.V5, "70 03 0102 92")]
    [InlineData(PacketType.PubAck, ReasonCode.NoMatchingSubscribers, ProtocolVersion.V311, "40 02 0102")]
    public void Writing_without_an_object_takes_the_shortest_form(PacketType type, ReasonCode code, ProtocolVersion version, string bytes)
    {
        var output = new ArrayBufferWriter<byte>();
        AcknowledgementPacket.Write(output, type, new PacketIdentifier(0x0102), code, version);
        Assert.Equal(Hex.Text(Hex.Bytes(bytes)), Hex.Text(output.WrittenSpan));
    }

    [Theory]
    [InlineData("no body", ReasonCode.MalformedPacket, "40 00")]
    [InlineData("half a Packet Identifier", ReasonCode.MalformedPacket, "40 01 01")]
    [InlineData("Packet Identifier 0", ReasonCode.ProtocolError, "40 02 0000")]
    [InlineData("Packet Identifier 0 in PUBREL", ReasonCode.ProtocolError, "62 02 0000")]
    [InlineData("header flags of PUBACK", ReasonCode.MalformedPacket, "42 02 0001")]
    [InlineData("header flags of PUBREC", ReasonCode.MalformedPacket, "51 02 0001")]
    [InlineData("header flags of PUBREL", ReasonCode.MalformedPacket, "60 02 0001")]
    [InlineData("header flags of PUBCOMP", ReasonCode.MalformedPacket, "78 02 0001")]
    [InlineData("a code of PUBACK in PUBREL", ReasonCode.MalformedPacket, "62 03 0001 10")]
    [InlineData("a code of PUBREC in PUBCOMP", ReasonCode.MalformedPacket, "70 03 0001 87")]
    [InlineData("a code of PUBREL in PUBACK", ReasonCode.MalformedPacket, "40 03 0001 92")]
    [InlineData("a code of PUBREL in PUBREC", ReasonCode.MalformedPacket, "50 03 0001 92")]
    [InlineData("a code that does not exist", ReasonCode.MalformedPacket, "40 03 0001 03")]
    [InlineData("bytes behind the properties", ReasonCode.MalformedPacket, "40 05 0001 00 00 00")]
    [InlineData("a property length beyond the end", ReasonCode.MalformedPacket, "40 04 0001 00 05")]
    [InlineData("a property length that is not in its shortest form", ReasonCode.MalformedPacket, "40 05 0001 00 80 00")]
    [InlineData("half a Reason String", ReasonCode.MalformedPacket, "40 07 0001 00 03 1F 0005")]
    [InlineData("Reason String twice", ReasonCode.ProtocolError, "40 0A 0001 00 06 1F 0000 1F 0000")]
    [InlineData("a property of PUBLISH", ReasonCode.MalformedPacket, "40 06 0001 00 02 01 00")]
    [InlineData("half a User Property", ReasonCode.MalformedPacket, "40 08 0001 00 04 26 0001'a'")]
    [InlineData("ill-formed UTF-8 in a User Property's value", ReasonCode.MalformedPacket, "40 0B 0001 00 07 26 0001'a' 0001 FF")]
    [Trait("Label", "MQTT-1.5.7-1")]
    [Trait("Label", "MQTT-2.1.3-1")]
    [Trait("Label", "MQTT-3.4.2-1")]
    [Trait("Label", "MQTT-3.5.2-1")]
    [Trait("Label", "MQTT-3.6.1-1")]
    [Trait("Label", "MQTT-3.6.2-1")]
    [Trait("Label", "MQTT-3.7.2-1")]
    public void A_bad_acknowledgement_is_refused(string why, ReasonCode expected, string bytes)
    {
        Assert.Equal((why, expected), (why, ByteCase.Refuse(bytes, ProtocolVersion.V5).Code));
        if (FrameReader.TryRead(Hex.Bytes(bytes), uint.MaxValue, out var frame, out _) == FrameStatus.Complete)
        {
            Assert.False(AcknowledgementPacket.TryRead(frame, ProtocolVersion.V5, out _, out _, out var fault));
            Assert.Equal(expected, fault.Code);
        }
    }

    [Theory]
    [InlineData("40 03 0001 00")]
    [InlineData("50 03 0001 80")]
    [InlineData("62 04 0001 00 00")]
    [InlineData("70 01 00")]
    public void A_bad_acknowledgement_of_MQTT_3_1_1_is_refused(string bytes) =>
        Assert.Equal(ReasonCode.MalformedPacket, ByteCase.Refuse(bytes, ProtocolVersion.V311).Code);

    [Fact]
    public void Only_the_four_acknowledgements_of_PUBLISH_are_ones() =>
        Assert.Throws<ArgumentOutOfRangeException>(() => new AcknowledgementPacket(PacketType.SubAck, new PacketIdentifier(1)));

    [Fact]
    [Trait("Label", "MQTT-2.2.1-5")]
    public void An_acknowledgement_without_a_Packet_Identifier_cannot_be_written() =>
        Assert.Throws<ArgumentException>(
            () => ByteCase.Write(new AcknowledgementPacket(PacketType.PubAck, PacketIdentifier.None), ProtocolVersion.V5));

    private static Dictionary<string, ByteCase> Build()
    {
        var cases = new Dictionary<string, ByteCase>();
        foreach (var (type, first, failure) in Types)
        {
            AcknowledgementPacket Packet(ReasonCode code) => new(type, new PacketIdentifier(0x1234), code);
            cases[$"{type}, shortest"] = new($"{first} 02  1234", Packet(ReasonCode.Success));
            cases[$"{type}, with Success said"] = new($"{first} 03  1234 00", Packet(ReasonCode.Success)) { IsReadOnly = true };
            cases[$"{type}, with no properties said"] = new($"{first} 04  1234 00 00", Packet(ReasonCode.Success)) { IsReadOnly = true };
            cases[$"{type}, with a code"] = new($"{first} 03  1234 {(byte)failure:X2}", Packet(failure));
            cases[$"{type}, with every property"] = new(
                $"{first} 17  1234 {(byte)failure:X2} 13  1F 0003'why'  26 0001'a' 0001'1'  26 0001'b' 0000",
                Packet(failure) with { ReasonString = "why", UserProperties = [new("a", "1"), new("b", "")] });
            cases[$"{type}, Success with a User Property"] = new(
                $"{first} 0B  1234 00 07  26 0001'k' 0001'v'",
                Packet(ReasonCode.Success) with { UserProperties = [new("k", "v")] });
            cases[$"{type} of MQTT 3.1.1"] = new(
                $"{first} 02  FFFF", new AcknowledgementPacket(type, new PacketIdentifier(0xFFFF)), ProtocolVersion.V311);
        }

        cases["PUBACK, nobody there"] = new(
            "40 03  0001 10", new AcknowledgementPacket(PacketType.PubAck, new PacketIdentifier(1), ReasonCode.NoMatchingSubscribers));
        cases["PUBREC, nobody there"] = new(
            "50 03  0001 10", new AcknowledgementPacket(PacketType.PubRec, new PacketIdentifier(1), ReasonCode.NoMatchingSubscribers));
        return cases;
    }
}
