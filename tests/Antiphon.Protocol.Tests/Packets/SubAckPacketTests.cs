using Antiphon.Protocol.Packets;

namespace Antiphon.Protocol.Tests.Packets;

public sealed class SubAckPacketTests
{
    internal static readonly Dictionary<string, ByteCase> Cases = new()
    {
        ["the shortest"] = new("90 04  0001 00 00", new SubAckPacket { PacketIdentifier = new(1), ReasonCodes = [ReasonCode.Success] }),
        ["every property, and every Reason Code that SUBACK has"] = new(
            """
            90 23  0A0B
               14  1F 0002'no'  26 0001'k' 0001'v'  26 0002'k2' 0001'v'
               00 01 02 80 83 87 8F 91 97 9E A1 A2
            """,
            new SubAckPacket
            {
                PacketIdentifier = new(0x0A0B),
                ReasonString = "no",
                UserProperties = [new("k", "v"), new("k2", "v")],
                ReasonCodes =
                [
                    ReasonCode.Success, ReasonCode.GrantedQoS1, ReasonCode.GrantedQoS2, ReasonCode.UnspecifiedError,
                    ReasonCode.ImplementationSpecificError, ReasonCode.NotAuthorized, ReasonCode.TopicFilterInvalid,
                    ReasonCode.PacketIdentifierInUse, ReasonCode.QuotaExceeded, ReasonCode.SharedSubscriptionsNotSupported,
                    ReasonCode.SubscriptionIdentifiersNotSupported, ReasonCode.WildcardSubscriptionsNotSupported,
                ],
            }),
        ["every return code of MQTT 3.1.1"] = new(
            "90 06  FFFF 00 01 02 80",
            new SubAckPacket
            {
                PacketIdentifier = new(65_535),
                ReasonCodes = [ReasonCode.Success, ReasonCode.GrantedQoS1, ReasonCode.GrantedQoS2, ReasonCode.UnspecifiedError],
            },
            ProtocolVersion.V311),
    };

    public static TheoryData<string> Names => [.. Cases.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    [Trait("Label", "MQTT-2.2.1-6")]
    [Trait("Label", "MQTT-3.8.4-6")]
    [Trait("Label", "MQTT-3.9.3-1")]
    public void SUBACK_is_read_from_and_written_to_these_bytes(string name) => Cases[name].Holds();

    [Theory]
    [InlineData("reserved header flags", ReasonCode.MalformedPacket, "92 04  0001 00 00")]
    [InlineData("no body", ReasonCode.MalformedPacket, "90 00")]
    [InlineData("Packet Identifier 0", ReasonCode.ProtocolError, "90 04  0000 00 00")]
    [InlineData("no property length", ReasonCode.MalformedPacket, "90 02  0001")]
    [InlineData("no Reason Code", ReasonCode.MalformedPacket, "90 03  0001 00")]
    [InlineData("a Reason Code of PUBACK", ReasonCode.MalformedPacket, "90 04  0001 00 10")]
    [InlineData("a Reason Code of UNSUBACK", ReasonCode.MalformedPacket, "90 04  0001 00 11")]
    [InlineData("granted QoS 3", ReasonCode.MalformedPacket, "90 05  0001 00 00 03")]
    [InlineData("Reason String twice", ReasonCode.ProtocolError, "90 0A  0001 06 1F 0000 1F 0000 00")]
    [InlineData("a property of SUBSCRIBE", ReasonCode.MalformedPacket, "90 06  0001 02 0B 01 00")]
    [InlineData("an unknown property", ReasonCode.MalformedPacket, "90 06  0001 02 7F 01 00")]
    [InlineData("U+0000 in the Reason String", ReasonCode.MalformedPacket, "90 08  0001 04 1F 0001 00 00")]
    [Trait("Label", "MQTT-3.9.3-2")]
    public void Bad_SUBACK_is_refused(string why, ReasonCode expected, string bytes) =>
        Assert.Equal((why, expected), (why, ByteCase.Refuse(bytes, ProtocolVersion.V5).Code));

    [Theory]
    [InlineData("no return code", "90 02  0001")]
    [InlineData("a return code of MQTT 5", "90 03  0001 87")]
    [InlineData("granted QoS 3", "90 03  0001 03")]
    public void Bad_SUBACK_of_MQTT_3_1_1_is_refused(string why, string bytes) =>
        Assert.Equal((why, ReasonCode.MalformedPacket), (why, ByteCase.Refuse(bytes, ProtocolVersion.V311).Code));

    [Fact]
    public void MQTT_3_1_1_knows_one_failure() => Assert.Equal(
        [0x90, 4, 0, 1, 0x80, 0x01],
        ByteCase.Write(
            new SubAckPacket
            {
                PacketIdentifier = new(1),
                ReasonCodes = [ReasonCode.NotAuthorized, ReasonCode.GrantedQoS1],
                ReasonString = "left out",
            },
            ProtocolVersion.V311));

    [Fact]
    [Trait("Label", "MQTT-3.8.4-6")]
    public void SUBACK_without_a_Reason_Code_cannot_be_written() => Assert.Throws<InvalidOperationException>(
        () => ByteCase.Write(new SubAckPacket { PacketIdentifier = new(1), ReasonCodes = [] }, ProtocolVersion.V5));
}
