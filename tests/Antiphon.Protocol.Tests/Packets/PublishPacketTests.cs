using Antiphon.Protocol.Packets;

namespace Antiphon.Protocol.Tests.Packets;

public sealed class PublishPacketTests
{
    internal static readonly Dictionary<string, ByteCase> Cases = new()
    {
        ["the shortest"] = new("30 04  0001't' 00", new PublishPacket(new ApplicationMessage { Topic = "t" })),
        ["QoS 1 with a payload"] = new(
            "32 08  0001't' 0102 00 'hi'",
            new PublishPacket(new ApplicationMessage { Topic = "t", Payload = "hi"u8.ToArray(), QoS = QualityOfService.AtLeastOnce })
            {
                PacketIdentifier = new(0x0102),
            }),
        ["QoS 2, DUP and RETAIN"] = new(
            "3D 06  0001't' FFFF 00",
            new PublishPacket(new ApplicationMessage { Topic = "t", QoS = QualityOfService.ExactlyOnce, Retain = true })
            {
                PacketIdentifier = new(65_535),
                Dup = true,
            }),
        ["every property"] = new(
            """
            32 43  0003't/1' 0001
               38  01 01  02 0000000A  03 0004'json'  08 0003'r/1'  09 0004 00010203
                   26 0001'b' 0001'1'  26 0001'a' 0001'2'  26 0001'b' 0001'1'  23 0007  0B 01  0B FF7F
               'by' 00
            """,
            new PublishPacket(new ApplicationMessage
            {
                Topic = "t/1",
                Payload = new byte[] { (byte)'b', (byte)'y', 0 },
                QoS = QualityOfService.AtLeastOnce,
                PayloadIsUtf8 = true,
                MessageExpiryInterval = 10,
                ContentType = "json",
                ResponseTopic = "r/1",
                CorrelationData = new byte[] { 0, 1, 2, 3 },
                UserProperties = [new("b", "1"), new("a", "2"), new("b", "1")],
            })
            {
                PacketIdentifier = new(1),
                TopicAlias = 7,
                SubscriptionIdentifiers = [1, 16_383],
            }),
        ["properties at their borders"] = new(
            "30 19  0001't' 15  01 00  02 FFFFFFFF  03 0000  09 0000  23 FFFF  0B FFFFFF7F",
            new PublishPacket(new ApplicationMessage
            {
                Topic = "t",
                PayloadIsUtf8 = false,
                MessageExpiryInterval = uint.MaxValue,
                ContentType = "",
                CorrelationData = Array.Empty<byte>(),
            })
            {
                TopicAlias = 65_535,
                SubscriptionIdentifiers = [268_435_455],
            }),
        ["a Topic Alias in the place of the topic"] = new(
            "30 06  0000 03 23 0001", new PublishPacket(new ApplicationMessage { Topic = "" }) { TopicAlias = 1 }),
        ["EF BB BF is a character like others"] = new(
            "30 08  0005 EFBBBF 't/' 00", new PublishPacket(new ApplicationMessage { Topic = "\uFEFFt/" })),
        ["four bytes of UTF-8"] = new(
            "30 07  0004 F09F9880 00", new PublishPacket(new ApplicationMessage { Topic = "\U0001F600" })),
        ["MQTT 3.1.1, QoS 0"] = new(
            "31 05  0001't' 'hi'",
            new PublishPacket(new ApplicationMessage { Topic = "t", Payload = "hi"u8.ToArray(), Retain = true }),
            ProtocolVersion.V311),
        ["MQTT 3.1.1, QoS 1 again"] = new(
            "3A 06  0001't' 0009 00",
            new PublishPacket(new ApplicationMessage { Topic = "t", Payload = new byte[] { 0 }, QoS = QualityOfService.AtLeastOnce })
            {
                PacketIdentifier = new(9),
                Dup = true,
            },
            ProtocolVersion.V311),
    };

    public static TheoryData<string> Names => [.. Cases.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    [Trait("Label", "MQTT-1.5.4-3")]
    [Trait("Label", "MQTT-2.2.1-2")]
    [Trait("Label", "MQTT-2.2.2-1")]
    [Trait("Label", "MQTT-3.3.2-1")]
    public void PUBLISH_is_read_from_and_written_to_these_bytes(string name) => Cases[name].Holds();

    [Theory]
    [InlineData("QoS 3", ReasonCode.MalformedPacket, "36 06  0001't' 0001 00")]
    [InlineData("DUP with QoS 0", ReasonCode.MalformedPacket, "38 04  0001't' 00")]
    [InlineData("no body", ReasonCode.MalformedPacket, "30 00")]
    [InlineData("half a topic length", ReasonCode.MalformedPacket, "30 01  00")]
    [InlineData("half a topic", ReasonCode.MalformedPacket, "30 04  0003't'00")]
    [InlineData("no property length", ReasonCode.MalformedPacket, "30 03  0001't'")]
    [InlineData("no Packet Identifier", ReasonCode.MalformedPacket, "32 03  0001't'")]
    [InlineData("half a Packet Identifier", ReasonCode.MalformedPacket, "32 04  0001't' 01")]
    [InlineData("Packet Identifier 0", ReasonCode.ProtocolError, "32 06  0001't' 0000 00")]
    [InlineData("neither topic nor alias", ReasonCode.ProtocolError, "30 03  0000 00")]
    [InlineData("# in the topic", ReasonCode.TopicNameInvalid, "30 06  0003't/#' 00")]
    [InlineData("+ in the topic", ReasonCode.TopicNameInvalid, "30 06  0003'+/t' 00")]
    [InlineData("U+0000 in the topic", ReasonCode.MalformedPacket, "30 05  0002't'00 00")]
    [InlineData("a high surrogate", ReasonCode.MalformedPacket, "30 06  0003 EDA080 00")]
    [InlineData("a low surrogate", ReasonCode.MalformedPacket, "30 06  0003 EDBFBF 00")]
    [InlineData("a surrogate pair in six bytes", ReasonCode.MalformedPacket, "30 09  0006 EDA0BDEDB880 00")]
    [InlineData("an overlong slash", ReasonCode.MalformedPacket, "30 05  0002 C0AF 00")]
    [InlineData("an overlong U+0000", ReasonCode.MalformedPacket, "30 05  0002 C080 00")]
    [InlineData("an overlong euro sign", ReasonCode.MalformedPacket, "30 07  0004 F08282AC 00")]
    [InlineData("a code point above U+10FFFF", ReasonCode.MalformedPacket, "30 07  0004 F4908080 00")]
    [InlineData("a character cut in two", ReasonCode.MalformedPacket, "30 05  0002 E282 00")]
    [InlineData("a lone continuation byte", ReasonCode.MalformedPacket, "30 04  0001 80 00")]
    [InlineData("Topic Alias 0", ReasonCode.TopicAliasInvalid, "30 07  0001't' 03 23 0000")]
    [InlineData("Topic Alias twice", ReasonCode.ProtocolError, "30 0A  0001't' 06 23 0001 23 0001")]
    [InlineData("Payload Format Indicator 2", ReasonCode.ProtocolError, "30 06  0001't' 02 01 02")]
    [InlineData("Payload Format Indicator twice", ReasonCode.ProtocolError, "30 08  0001't' 04 01 00 01 00")]
    [InlineData("Message Expiry Interval twice", ReasonCode.ProtocolError, "30 0E  0001't' 0A 02 00000001 02 00000001")]
    [InlineData("Content Type twice", ReasonCode.ProtocolError, "30 0A  0001't' 06 03 0000 03 0000")]
    [InlineData("Response Topic twice", ReasonCode.ProtocolError, "30 0C  0001't' 08 08 0001'r' 08 0001'r'")]
    [InlineData("Correlation Data twice", ReasonCode.ProtocolError, "30 0A  0001't' 06 09 0000 09 0000")]
    [InlineData("Response Topic with #", ReasonCode.ProtocolError, "30 08  0001't' 04 08 0001'#'")]
    [InlineData("Response Topic with +", ReasonCode.ProtocolError, "30 0A  0001't' 06 08 0003'r/+'")]
    [InlineData("empty Response Topic", ReasonCode.ProtocolError, "30 07  0001't' 03 08 0000")]
    [InlineData("U+0000 in the Response Topic", ReasonCode.MalformedPacket, "30 08  0001't' 04 08 0001 00")]
    [InlineData("ill-formed UTF-8 in the Content Type", ReasonCode.MalformedPacket, "30 08  0001't' 04 03 0001 FF")]
    [InlineData("ill-formed UTF-8 in a User Property's name", ReasonCode.MalformedPacket, "30 0A  0001't' 06 26 0001 FF 0000")]
    [InlineData("U+0000 in a User Property's value", ReasonCode.MalformedPacket, "30 0A  0001't' 06 26 0000 0001 00")]
    [InlineData("Subscription Identifier 0", ReasonCode.ProtocolError, "30 06  0001't' 02 0B 00")]
    [InlineData("Subscription Identifier not in its shortest form", ReasonCode.MalformedPacket, "30 07  0001't' 03 0B 8100")]
    [InlineData("a Will Delay Interval", ReasonCode.MalformedPacket, "30 09  0001't' 05 18 00000001")]
    [InlineData("a Reason String", ReasonCode.MalformedPacket, "30 07  0001't' 03 1F 0000")]
    [InlineData("property 0", ReasonCode.MalformedPacket, "30 06  0001't' 02 00 00")]
    [InlineData("a property above the table", ReasonCode.MalformedPacket, "30 06  0001't' 02 2B 00")]
    [InlineData("a property identifier of two bytes", ReasonCode.MalformedPacket, "30 07  0001't' 03 8101 00")]
    [InlineData("a property identifier not in its shortest form", ReasonCode.MalformedPacket, "30 07  0001't' 03 8100 00")]
    [InlineData("an endless property identifier", ReasonCode.MalformedPacket, "30 09  0001't' 05 8080808001")]
    [InlineData("a property cut by its section, though the packet goes on", ReasonCode.MalformedPacket, "30 09  0001't' 02 02 00 000000")]
    [InlineData("a property section beyond the end", ReasonCode.MalformedPacket, "30 06  0001't' 03 01 00")]
    [InlineData("an overlong property length", ReasonCode.MalformedPacket, "30 08  0001't' FFFFFFFF7F")]
    [InlineData("a property length not in its shortest form", ReasonCode.MalformedPacket, "30 05  0001't' 8000")]
    [InlineData("half a property length", ReasonCode.MalformedPacket, "30 04  0001't' 80")]
    [Trait("Label", "MQTT-1.5.4-1")]
    [Trait("Label", "MQTT-1.5.4-2")]
    [Trait("Label", "MQTT-1.5.5-1")]
    [Trait("Label", "MQTT-1.5.7-1")]
    [Trait("Label", "MQTT-3.3.1-2")]
    [Trait("Label", "MQTT-3.3.1-4")]
    [Trait("Label", "MQTT-3.3.2-2")]
    [Trait("Label", "MQTT-3.3.2-8")]
    [Trait("Label", "MQTT-3.3.2-13")]
    [Trait("Label", "MQTT-3.3.2-14")]
    [Trait("Label", "MQTT-3.3.2-19")]
    [Trait("Label", "MQTT-4.7.3-1")]
    [Trait("Label", "MQTT-4.7.3-2")]
    public void Bad_PUBLISH_is_refused(string why, ReasonCode expected, string bytes) =>
        Assert.Equal((why, expected), (why, ByteCase.Refuse(bytes, ProtocolVersion.V5).Code));

    [Theory]
    [InlineData("QoS 3", ReasonCode.MalformedPacket, "36 05  0001't' 0001")]
    [InlineData("DUP with QoS 0", ReasonCode.MalformedPacket, "38 03  0001't'")]
    [InlineData("no topic", ReasonCode.ProtocolError, "30 02  0000")]
    [InlineData("Packet Identifier 0", ReasonCode.ProtocolError, "32 05  0001't' 0000")]
    [InlineData("# in the topic", ReasonCode.TopicNameInvalid, "30 03  0001'#'")]
    public void Bad_PUBLISH_of_MQTT_3_1_1_is_refused(string why, ReasonCode expected, string bytes) =>
        Assert.Equal((why, expected), (why, ByteCase.Refuse(bytes, ProtocolVersion.V311).Code));

    [Fact]
    public void A_long_or_hostile_topic_does_not_fill_the_fault_message()
    {
        var topic = string.Concat(Enumerable.Repeat("0D0A", 30_000));
        var fault = ByteCase.Refuse($"30 E4D403  EA61 '#'{topic} 00", ProtocolVersion.V5);
        Assert.Equal(ReasonCode.TopicNameInvalid, fault.Code);
        Assert.InRange(fault.Message!.Length, 64, 200);
        Assert.DoesNotContain(fault.Message, char.IsControl);
    }

    public static TheoryData<string, PublishPacket> Unwritable => new()
    {
        { "no topic", new PublishPacket(new ApplicationMessage { Topic = "" }) },
        { "a wildcard", new PublishPacket(new ApplicationMessage { Topic = "a/#" }) },
        { "U+0000", new PublishPacket(new ApplicationMessage { Topic = "a\0" }) },
        { "a lone surrogate", new PublishPacket(new ApplicationMessage { Topic = "a\uD800" }) },
        { "a topic of 65,536 bytes", new PublishPacket(new ApplicationMessage { Topic = new string('a', 65_536) }) },
        { "a Response Topic with a wildcard", new PublishPacket(new ApplicationMessage { Topic = "a", ResponseTopic = "+" }) },
        { "no Packet Identifier", new PublishPacket(new ApplicationMessage { Topic = "a", QoS = QualityOfService.AtLeastOnce }) },
        { "Topic Alias 0", new PublishPacket(new ApplicationMessage { Topic = "a" }) { TopicAlias = 0 } },
        { "Subscription Identifier 0", new PublishPacket(new ApplicationMessage { Topic = "a" }) { SubscriptionIdentifiers = [0] } },
        {
            "a Subscription Identifier that is too large",
            new PublishPacket(new ApplicationMessage { Topic = "a" }) { SubscriptionIdentifiers = [268_435_456] }
        },
        {
            "Correlation Data of 65,536 bytes",
            new PublishPacket(new ApplicationMessage { Topic = "a", CorrelationData = new byte[65_536] })
        },
    };

    [Theory]
    [MemberData(nameof(Unwritable))]
    [Trait("Label", "MQTT-4.7.3-3")]
    public void What_has_no_form_on_the_wire_is_an_argument_exception(string why, PublishPacket packet) =>
        Assert.True(Record.Exception(() => ByteCase.Write(packet, ProtocolVersion.V5)) is ArgumentException, why);

    [Fact]
    [Trait("Label", "MQTT-3.3.1-2")]
    public void DUP_with_QoS_0_cannot_be_written() => Assert.Throws<InvalidOperationException>(
        () => ByteCase.Write(new PublishPacket(new ApplicationMessage { Topic = "a" }) { Dup = true }, ProtocolVersion.V5));

    [Fact]
    public void An_alias_cannot_stand_for_the_topic_in_MQTT_3_1_1() => Assert.Throws<ArgumentException>(
        () => ByteCase.Write(new PublishPacket(new ApplicationMessage { Topic = "" }) { TopicAlias = 1 }, ProtocolVersion.V311));
}
