using Antiphon.Protocol.Packets;

namespace Antiphon.Protocol.Tests.Packets;

public sealed class UnsubAckPacketTests
{
    internal static readonly Dictionary<string, ByteCase> Cases = new()
    {
        ["the shortest"] = new("B0 04  0001 00 00", new UnsubAckPacket { PacketIdentifier = new(1), ReasonCodes = [ReasonCode.Success] }),
        ["every property, and every Reason Code that UNSUBACK has"] = new(
            "B0 16  0102  0C 1F 0002'no' 26 0001'k' 0001'v'  00 11 80 83 87 8F 91",
            new UnsubAckPacket
            {
                PacketIdentifier = new(0x0102),
                ReasonString = "no",
                UserProperties = [new("k", "v")],
                ReasonCodes =
                [
                    ReasonCode.Success, ReasonCode.NoSubscriptionExisted,
                    ReasonCode.UnspecifiedError, ReasonCode.ImplementationSpecificError,
                    ReasonCode.NotAuthorized, ReasonCode.TopicFilterInvalid, ReasonCode.PacketIdentifierInUse,
                ],
            }),
        ["MQTT 3.1.1"] = new("B0 02  0102", new UnsubAckPacket { PacketIdentifier = new(0x0102), ReasonCodes = [] }, ProtocolVersion.V311),
    };

    public static TheoryData<string> Names => [.. Cases.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    [Trait("Label", "MQTT-2.2.1-6")]
    [Trait("Label", "MQTT-3.11.3-1")]
    public void UNSUBACK_is_read_from_and_written_to_these_bytes(string name) => Cases[name].Holds();

    [Theory]
    [InlineData("reserved header flags", ReasonCode.MalformedPacket, "B2 04  0001 00 00")]
    [InlineData("no body", ReasonCode.MalformedPacket, "B0 00")]
    [InlineData("Packet Identifier 0", ReasonCode.ProtocolError, "B0 04  0000 00 00")]
    [InlineData("no property length", ReasonCode.MalformedPacket, "B0 02  0001")]
    [InlineData("no Reason Code", ReasonCode.MalformedPacket, "B0 03  0001 00")]
    [InlineData("a Reason Code of SUBACK", ReasonCode.MalformedPacket, "B0 04  0001 00 01")]
    [InlineData("Quota exceeded, which UNSUBACK does not have", ReasonCode.MalformedPacket, "B0 04  0001 00 97")]
    [InlineData("Reason String twice", ReasonCode.ProtocolError, "B0 0A  0001 06 1F 0000 1F 0000 00")]
    [InlineData("a property of CONNACK", ReasonCode.MalformedPacket, "B0 06  0001 02 24 01 00")]
    [Trait("Label", "MQTT-3.11.3-2")]
    public void Bad_UNSUBACK_is_refused(string why, ReasonCode expected, string bytes) =>
        Assert.Equal((why, expected), (why, ByteCase.Refuse(bytes, ProtocolVersion.V5).Code));

    [Fact]
    public void UNSUBACK_of_MQTT_3_1_1_ends_after_its_Packet_Identifier() =>
        Assert.Equal(ReasonCode.MalformedPacket, ByteCase.Refuse("B0 03  0001 00", ProtocolVersion.V311).Code);

    [Fact]
    public void Reason_Codes_are_left_out_for_MQTT_3_1_1() => Assert.Equal(
        [0xB0, 2, 0, 1],
        ByteCase.Write(
            new UnsubAckPacket { PacketIdentifier = new(1), ReasonCodes = [ReasonCode.Success], ReasonString = "left out" },
            ProtocolVersion.V311));

    [Fact]
    [Trait("Label", "MQTT-3.11.3-2")]
    public void UNSUBACK_without_a_Reason_Code_cannot_be_written() => Assert.Throws<InvalidOperationException>(
        () => ByteCase.Write(new UnsubAckPacket { PacketIdentifier = new(1), ReasonCodes = [] }, ProtocolVersion.V5));
}
