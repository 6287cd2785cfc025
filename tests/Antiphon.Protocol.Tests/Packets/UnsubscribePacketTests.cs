using Antiphon.Protocol.Packets;

namespace Antiphon.Protocol.Tests.Packets;

public sealed class UnsubscribePacketTests
{
    internal static readonly Dictionary<string, ByteCase> Cases = new()
    {
        ["the shortest"] = new("A2 06  0001 00  0001'a'", new UnsubscribePacket { PacketIdentifier = new(1), TopicFilters = ["a"] }),
        ["every property and two filters"] = new(
            "A2 1A  FFFE 0E  26 0001'a' 0001'1'  26 0001'a' 0001'2'  0003'a/#' 0002'$b'",
            new UnsubscribePacket
            {
                PacketIdentifier = new(0xFFFE),
                TopicFilters = ["a/#", "$b"],
                UserProperties = [new("a", "1"), new("a", "2")],
            }),
        ["MQTT 3.1.1"] = new(
            "A2 08  0001  0001'a' 0001'b'",
            new UnsubscribePacket { PacketIdentifier = new(1), TopicFilters = ["a", "b"] },
            ProtocolVersion.V311),
    };

    public static TheoryData<string> Names => [.. Cases.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public void UNSUBSCRIBE_is_read_from_and_written_to_these_bytes(string name) => Cases[name].Holds();

    [Theory]
    [InlineData("header flags 0000", ReasonCode.MalformedPacket, "A0 06  0001 00  0001'a'")]
    [InlineData("no body", ReasonCode.MalformedPacket, "A2 00")]
    [InlineData("Packet Identifier 0", ReasonCode.ProtocolError, "A2 06  0000 00  0001'a'")]
    [InlineData("no property length", ReasonCode.MalformedPacket, "A2 02  0001")]
    [InlineData("no filter", ReasonCode.ProtocolError, "A2 03  0001 00")]
    [InlineData("half a filter", ReasonCode.MalformedPacket, "A2 06  0001 00  0002'a'")]
    [InlineData("one byte behind the last filter", ReasonCode.MalformedPacket, "A2 07  0001 00  0001'a' 00")]
    [InlineData("a Reason String", ReasonCode.MalformedPacket, "A2 09  0001 03 1F 0000  0001'a'")]
    [InlineData("a Subscription Identifier", ReasonCode.MalformedPacket, "A2 08  0001 02 0B 01  0001'a'")]
    [InlineData("U+0000 in a filter", ReasonCode.MalformedPacket, "A2 07  0001 00  0002'a'00")]
    [InlineData("a surrogate in a filter", ReasonCode.MalformedPacket, "A2 08  0001 00  0003 EDBFBF")]
    [Trait("Label", "MQTT-3.10.1-1")]
    [Trait("Label", "MQTT-3.10.3-1")]
    [Trait("Label", "MQTT-3.10.3-2")]
    public void Bad_UNSUBSCRIBE_is_refused(string why, ReasonCode expected, string bytes) =>
        Assert.Equal((why, expected), (why, ByteCase.Refuse(bytes, ProtocolVersion.V5).Code));

    [Theory]
    [InlineData("no filter", ReasonCode.ProtocolError, "A2 02  0001")]
    [InlineData("half a filter", ReasonCode.MalformedPacket, "A2 03  0001 00")]
    public void Bad_UNSUBSCRIBE_of_MQTT_3_1_1_is_refused(string why, ReasonCode expected, string bytes) =>
        Assert.Equal((why, expected), (why, ByteCase.Refuse(bytes, ProtocolVersion.V311).Code));

    [Fact]
    [Trait("Label", "MQTT-3.10.3-2")]
    public void UNSUBSCRIBE_without_a_filter_cannot_be_written() => Assert.Throws<InvalidOperationException>(
        () => ByteCase.Write(new UnsubscribePacket { PacketIdentifier = new(1), TopicFilters = [] }, ProtocolVersion.V5));
}
