using Antiphon.Protocol.Packets;

namespace Antiphon.Protocol.Tests.Packets;

public sealed class SubscribePacketTests
{
    internal static readonly Dictionary<string, ByteCase> Cases = new()
    {
        ["the shortest"] = new(
            "82 07  0001 00  0001'a' 00",
            new SubscribePacket { PacketIdentifier = new(1), Subscriptions = [new("a", new(QualityOfService.AtMostOnce))] }),
        ["every property, and every option in some filter"] = new(
            """
            82 32  FFFF
               14  0B FFFFFF7F  26 0001'a' 0001'1'  26 0001'a' 0002'22'
               0003'a/#' 01
               0003'b/+' 2E
               0001'c' 14
               0008'$share/g' 00
            """,
            new SubscribePacket
            {
                PacketIdentifier = new(65_535),
                SubscriptionIdentifier = 268_435_455,
                UserProperties = [new("a", "1"), new("a", "22")],
                Subscriptions =
                [
                    new("a/#", new(QualityOfService.AtLeastOnce)),
                    new("b/+", new(QualityOfService.ExactlyOnce, NoLocal: true, RetainAsPublished: true, RetainHandling.DoNotSend)),
                    new("c", new(QualityOfService.AtMostOnce, NoLocal: true, RetainHandling: RetainHandling.SendIfNew)),
                    new("$share/g", new(QualityOfService.AtMostOnce)),
                ],
            }),
        ["the smallest Subscription Identifier"] = new(
            "82 09  0001 02 0B 01  0001'a' 02",
            new SubscribePacket
            {
                PacketIdentifier = new(1),
                SubscriptionIdentifier = 1,
                Subscriptions = [new("a", new(QualityOfService.ExactlyOnce))],
            }),
        ["two filters of MQTT 3.1.1"] = new(
            "82 0B  0102  0001'a' 01  0002'b/' 02",
            new SubscribePacket
            {
                PacketIdentifier = new(0x0102),
                Subscriptions = [new("a", new(QualityOfService.AtLeastOnce)), new("b/", new(QualityOfService.ExactlyOnce))],
            },
            ProtocolVersion.V311),
    };

    public static TheoryData<string> Names => [.. Cases.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    [Trait("Label", "MQTT-2.2.2-1")]
    public void SUBSCRIBE_is_read_from_and_written_to_these_bytes(string name) => Cases[name].Holds();

    [Theory]
    [InlineData("header flags 0000", ReasonCode.MalformedPacket, "80 07  0001 00  0001'a' 00")]
    [InlineData("header flags 0011", ReasonCode.MalformedPacket, "83 07  0001 00  0001'a' 00")]
    [InlineData("no body", ReasonCode.MalformedPacket, "82 00")]
    [InlineData("half a Packet Identifier", ReasonCode.MalformedPacket, "82 01  00")]
    [InlineData("Packet Identifier 0", ReasonCode.ProtocolError, "82 07  0000 00  0001'a' 00")]
    [InlineData("no property length", ReasonCode.MalformedPacket, "82 02  0001")]
    [InlineData("no filter", ReasonCode.ProtocolError, "82 03  0001 00")]
    [InlineData("half a filter", ReasonCode.MalformedPacket, "82 05  0001 00  0005")]
    [InlineData("a filter without options", ReasonCode.MalformedPacket, "82 06  0001 00  0001'a'")]
    [InlineData("one byte behind the last filter", ReasonCode.MalformedPacket, "82 08  0001 00  0001'a' 00 00")]
    [InlineData("QoS 3", ReasonCode.ProtocolError, "82 07  0001 00  0001'a' 03")]
    [InlineData("Retain Handling 3", ReasonCode.ProtocolError, "82 07  0001 00  0001'a' 30")]
    [InlineData("reserved option bit 6", ReasonCode.MalformedPacket, "82 07  0001 00  0001'a' 40")]
    [InlineData("reserved option bit 7", ReasonCode.MalformedPacket, "82 07  0001 00  0001'a' 80")]
    [InlineData("a bad option in the second filter", ReasonCode.MalformedPacket, "82 0B  0001 00  0001'a' 00  0001'b' C0")]
    [InlineData("No Local on a shared subscription", ReasonCode.ProtocolError, "82 10  0001 00  000A'$share/g/a' 04")]
    [InlineData("Subscription Identifier 0", ReasonCode.ProtocolError, "82 09  0001 02 0B 00  0001'a' 00")]
    [InlineData("Subscription Identifier of five bytes", ReasonCode.MalformedPacket, "82 0D  0001 06 0B 8080808001  0001'a' 00")]
    [InlineData("Subscription Identifier twice", ReasonCode.ProtocolError, "82 0B  0001 04 0B 01 0B 02  0001'a' 00")]
    [InlineData("a Reason String", ReasonCode.MalformedPacket, "82 0A  0001 03 1F 0000  0001'a' 00")]
    [InlineData("U+0000 in a filter", ReasonCode.MalformedPacket, "82 07  0001 00  0001 00 00")]
    [InlineData("ill-formed UTF-8 in a filter", ReasonCode.MalformedPacket, "82 07  0001 00  0001 FE 00")]
    [Trait("Label", "MQTT-3.8.1-1")]
    [Trait("Label", "MQTT-3.8.3-1")]
    [Trait("Label", "MQTT-3.8.3-2")]
    [Trait("Label", "MQTT-3.8.3-4")]
    [Trait("Label", "MQTT-3.8.3-5")]
    [Trait("Label", "MQTT-4.7.3-2")]
    public void Bad_SUBSCRIBE_is_refused(string why, ReasonCode expected, string bytes) =>
        Assert.Equal((why, expected), (why, ByteCase.Refuse(bytes, ProtocolVersion.V5).Code));

    [Theory]
    [InlineData("no filter", ReasonCode.ProtocolError, "82 02  0001")]
    [InlineData("QoS 3", ReasonCode.ProtocolError, "82 06  0001  0001'a' 03")]
    [InlineData("an option of MQTT 5", ReasonCode.MalformedPacket, "82 06  0001  0001'a' 04")]
    [InlineData("properties", ReasonCode.MalformedPacket, "82 07  0001 00  0001'a' 00")]
    public void Bad_SUBSCRIBE_of_MQTT_3_1_1_is_refused(string why, ReasonCode expected, string bytes) =>
        Assert.Equal((why, expected), (why, ByteCase.Refuse(bytes, ProtocolVersion.V311).Code));

    [Fact]
    public void The_options_of_MQTT_5_are_left_out_for_MQTT_3_1_1() => Assert.Equal(
        [0x82, 6, 0, 1, 0, 1, (byte)'a', 1],
        ByteCase.Write(
            new SubscribePacket
            {
                PacketIdentifier = new(1),
                SubscriptionIdentifier = 7,
                Subscriptions =
                    [new("a", new(QualityOfService.AtLeastOnce, NoLocal: true, RetainAsPublished: true, RetainHandling.SendIfNew))],
            },
            ProtocolVersion.V311));

    [Fact]
    [Trait("Label", "MQTT-3.8.3-2")]
    public void SUBSCRIBE_without_a_filter_cannot_be_written() => Assert.Throws<InvalidOperationException>(
        () => ByteCase.Write(new SubscribePacket { PacketIdentifier = new(1), Subscriptions = [] }, ProtocolVersion.V5));

    [Fact]
    [Trait("Label", "MQTT-2.2.1-3")]
    public void SUBSCRIBE_without_a_Packet_Identifier_cannot_be_written() => Assert.Throws<ArgumentException>(
        () => ByteCase.Write(new SubscribePacket { PacketIdentifier = default, Subscriptions = [new("a", default)] }, ProtocolVersion.V5));
}
