using Antiphon.Protocol.Packets;
using Antiphon.Protocol.Tests.Wire;

namespace Antiphon.Protocol.Tests.Packets;

public sealed class ConnectPacketTests
{
    internal static readonly Dictionary<string, ByteCase> Cases = new()
    {
        ["the shortest of MQTT 5"] = new("10 0D  0004'MQTT' 05 00 0000  00  0000", new ConnectPacket()),
        ["the shortest of MQTT 3.1.1"] = new(
            "10 0C  0004'MQTT' 04 02 0000  0000",
            new ConnectPacket { ProtocolVersion = ProtocolVersion.V311, CleanStart = true },
            ProtocolVersion.V311),
        ["Clean Start, Keep Alive and Client Identifier"] = new(
            "10 10  0004'MQTT' 05 02 003C  00  0003'abc'",
            new ConnectPacket { CleanStart = true, KeepAlive = 60, ClientId = "abc" }),
        ["user name alone"] = new(
            "10 11  0004'MQTT' 05 80 0000  00  0000  0002'me'",
            new ConnectPacket { UserName = "me" }),
        ["password alone, which MQTT 5 allows"] = new(
            "10 11  0004'MQTT' 05 40 0000  00  0000  0002 FF00",
            new ConnectPacket { Password = new byte[] { 0xFF, 0x00 } }),
        ["empty user name and empty password are not absent ones"] = new(
            "10 11  0004'MQTT' 05 C0 0000  00  0000  0000 0000",
            new ConnectPacket { UserName = "", Password = Array.Empty<byte>() }),
        ["everything of MQTT 3.1.1"] = new(
            "10 20  0004'MQTT' 04 EE 000A  0003'abc'  0001'w' 0003'off'  0002'me' 0003 010203",
            new ConnectPacket
            {
                ProtocolVersion = ProtocolVersion.V311,
                CleanStart = true,
                KeepAlive = 10,
                ClientId = "abc",
                Will = new Will(new ApplicationMessage
                {
                    Topic = "w",
                    Payload = "off"u8.ToArray(),
                    QoS = QualityOfService.AtLeastOnce,
                    Retain = true,
                }),
                UserName = "me",
                Password = new byte[] { 1, 2, 3 },
            },
            ProtocolVersion.V311),
        ["every property"] = new(
            """
            10 3A  0004'MQTT' 05 00 0000
               2D  11 00000E10  21 0014  27 00010000  22 0009  19 01  17 00  15 0003'SCR'  16 0002 0102
                   26 0001'a' 0001'1'  26 0001'a' 0001'2'
               0000
            """,
            new ConnectPacket
            {
                SessionExpiryInterval = 3600,
                ReceiveMaximum = 20,
                MaximumPacketSize = 65_536,
                TopicAliasMaximum = 9,
                RequestResponseInformation = true,
                RequestProblemInformation = false,
                AuthenticationMethod = "SCR",
                AuthenticationData = new byte[] { 1, 2 },
                UserProperties = [new("a", "1"), new("a", "2")],
            }),
        ["a Will with every property"] = new(
            """
            10 45  0004'MQTT' 05 36 0000  00  0001'c'
               2C  18 00000005  01 01  02 0000001E  03 0004'text'  08 0003'r/t'  09 0002 AABB
                   26 0001'x' 0001'1'  26 0001'a' 0001'2'
               0004'will' 0002'by'
            """,
            new ConnectPacket
            {
                CleanStart = true,
                ClientId = "c",
                Will = new Will(new ApplicationMessage
                {
                    Topic = "will",
                    Payload = "by"u8.ToArray(),
                    QoS = QualityOfService.ExactlyOnce,
                    Retain = true,
                    PayloadIsUtf8 = true,
                    MessageExpiryInterval = 30,
                    ContentType = "text",
                    ResponseTopic = "r/t",
                    CorrelationData = new byte[] { 0xAA, 0xBB },
                    UserProperties = [new("x", "1"), new("a", "2")],
                })
                {
                    DelayInterval = 5,
                },
            }),
        ["a bridge of MQTT 3.1.1"] = new(
            "10 0D  0004'MQTT' 84 02 003C  0001'b'",
            new ConnectPacket
            {
                ProtocolVersion = ProtocolVersion.V311,
                IsBridge = true,
                CleanStart = true,
                KeepAlive = 60,
                ClientId = "b",
            },
            ProtocolVersion.V311),
        ["a Will with an empty payload and no properties"] = new(
            "10 13  0004'MQTT' 05 04 0000  00  0000  00 0001'w' 0000",
            new ConnectPacket { Will = new Will(new ApplicationMessage { Topic = "w" }) }),
    };

    public static TheoryData<string> Names => [.. Cases.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    [Trait("Label", "MQTT-2.2.2-1")]
    [Trait("Label", "MQTT-3.1.2-9")]
    [Trait("Label", "MQTT-3.1.2-16")]
    [Trait("Label", "MQTT-3.1.2-17")]
    [Trait("Label", "MQTT-3.1.2-18")]
    [Trait("Label", "MQTT-3.1.2-19")]
    [Trait("Label", "MQTT-3.1.3-1")]
    [Trait("Label", "MQTT-3.1.3-3")]
    [Trait("Label", "MQTT-3.1.3-10")]
    public void CONNECT_is_read_from_and_written_to_these_bytes(string name) => Cases[name].Holds();

    [Theory]
    [InlineData("protocol name MQTX", "10 0D  0004'MQTX' 05 00 0000  00  0000")]
    [InlineData("protocol name of MQTT 3.1", "10 0E  0006'MQIsdp' 03 00 0000  0000")]
    [InlineData("empty protocol name", "10 09  0000 05 00 0000  00  0000")]
    [InlineData("level 3", "10 0C  0004'MQTT' 03 00 0000  0000")]
    [InlineData("level 6", "10 0D  0004'MQTT' 06 00 0000  00  0000")]
    [InlineData("bytes of another protocol", "10 0C  'GET / HTTP/1'", ReasonCode.MalformedPacket)]
    [Trait("Label", "MQTT-3.1.2-1")]
    [Trait("Label", "MQTT-3.1.2-2")]
    public void CONNECT_of_another_protocol_is_refused(
        string why, string bytes, ReasonCode expected = ReasonCode.UnsupportedProtocolVersion) =>
        Assert.Equal((why, expected), (why, ByteCase.Refuse(bytes, ProtocolVersion.V5).Code));

    [Theory]
    [InlineData("a reserved connect flag", ReasonCode.MalformedPacket, "10 0D  0004'MQTT' 05 01 0000  00  0000")]
    [InlineData("Will QoS 3", ReasonCode.MalformedPacket, "10 13  0004'MQTT' 05 1C 0000  00  0000  00 0001'w' 0000")]
    [InlineData("Will QoS without a Will", ReasonCode.MalformedPacket, "10 0D  0004'MQTT' 05 08 0000  00  0000")]
    [InlineData("Will Retain without a Will", ReasonCode.MalformedPacket, "10 0D  0004'MQTT' 05 20 0000  00  0000")]
    [InlineData("reserved header flags", ReasonCode.MalformedPacket, "11 0D  0004'MQTT' 05 00 0000  00  0000")]
    [InlineData("no body", ReasonCode.MalformedPacket, "10 00")]
    [InlineData("it ends after the level", ReasonCode.MalformedPacket, "10 07  0004'MQTT' 05")]
    [InlineData("it ends in the Keep Alive", ReasonCode.MalformedPacket, "10 09  0004'MQTT' 05 00 00")]
    [InlineData("no property length", ReasonCode.MalformedPacket, "10 0A  0004'MQTT' 05 00 0000")]
    [InlineData("no Client Identifier", ReasonCode.MalformedPacket, "10 0B  0004'MQTT' 05 00 0000  00")]
    [InlineData("half a Client Identifier", ReasonCode.MalformedPacket, "10 0E  0004'MQTT' 05 00 0000  00  0003'a'")]
    [InlineData("Will Flag without a Will", ReasonCode.MalformedPacket, "10 0D  0004'MQTT' 05 04 0000  00  0000")]
    [InlineData("a Will without a payload", ReasonCode.MalformedPacket, "10 11  0004'MQTT' 05 04 0000  00  0000  00 0001'w'")]
    [InlineData("User Name Flag without a user name", ReasonCode.MalformedPacket, "10 0D  0004'MQTT' 05 80 0000  00  0000")]
    [InlineData("Password Flag without a password", ReasonCode.MalformedPacket, "10 0D  0004'MQTT' 05 40 0000  00  0000")]
    [InlineData("a user name without its flag", ReasonCode.MalformedPacket, "10 11  0004'MQTT' 05 00 0000  00  0000  0002'me'")]
    [InlineData("one byte behind the end", ReasonCode.MalformedPacket, "10 0E  0004'MQTT' 05 00 0000  00  0000 00")]
    [InlineData("U+0000 in the Client Identifier", ReasonCode.MalformedPacket, "10 0E  0004'MQTT' 05 00 0000  00  0001 00")]
    [InlineData("a surrogate in the Client Identifier", ReasonCode.MalformedPacket, "10 10  0004'MQTT' 05 00 0000  00  0003 EDA080")]
    [InlineData("ill-formed UTF-8 in the Will Topic", ReasonCode.MalformedPacket, "10 13  0004'MQTT' 05 04 0000  00  0000  00 0001 FF 0000")]
    [InlineData("overlong UTF-8 in the user name", ReasonCode.MalformedPacket, "10 11  0004'MQTT' 05 80 0000  00  0000  0002 C0AF")]
    [InlineData("an empty Will Topic", ReasonCode.TopicNameInvalid, "10 12  0004'MQTT' 05 04 0000  00  0000  00 0000 0000")]
    [InlineData("a wildcard in the Will Topic", ReasonCode.TopicNameInvalid, "10 15  0004'MQTT' 05 04 0000  00  0000  00 0003'w/#' 0000")]
    [InlineData("a wildcard in the Will's Response Topic", ReasonCode.ProtocolError, "10 17  0004'MQTT' 05 04 0000  00  0000  04 08 0001'+' 0001'w' 0000")]
    [InlineData("an empty Response Topic of the Will", ReasonCode.ProtocolError, "10 16  0004'MQTT' 05 04 0000  00  0000  03 08 0000 0001'w' 0000")]
    [InlineData("Receive Maximum 0", ReasonCode.ProtocolError, "10 10  0004'MQTT' 05 00 0000  03 21 0000  0000")]
    [InlineData("Maximum Packet Size 0", ReasonCode.ProtocolError, "10 12  0004'MQTT' 05 00 0000  05 27 00000000  0000")]
    [InlineData("Request Response Information 2", ReasonCode.ProtocolError, "10 0F  0004'MQTT' 05 00 0000  02 19 02  0000")]
    [InlineData("Request Problem Information 2", ReasonCode.ProtocolError, "10 0F  0004'MQTT' 05 00 0000  02 17 02  0000")]
    [InlineData("Authentication Data without a method", ReasonCode.ProtocolError, "10 11  0004'MQTT' 05 00 0000  04 16 0001 01  0000")]
    [InlineData("Receive Maximum twice", ReasonCode.ProtocolError, "10 13  0004'MQTT' 05 00 0000  06 21 0001 21 0001  0000")]
    [InlineData("a Will property among the others", ReasonCode.MalformedPacket, "10 12  0004'MQTT' 05 00 0000  05 18 00000001  0000")]
    [InlineData("a property of CONNECT in the Will", ReasonCode.MalformedPacket, "10 16  0004'MQTT' 05 04 0000  00  0000  03 21 0001 0001'w' 0000")]
    [InlineData("an unknown property", ReasonCode.MalformedPacket, "10 0F  0004'MQTT' 05 00 0000  02 04 00  0000")]
    [InlineData("Payload Format Indicator 2 in the Will", ReasonCode.ProtocolError, "10 15  0004'MQTT' 05 04 0000  00  0000  02 01 02 0001'w' 0000")]
    [InlineData("a property section that is longer than the packet", ReasonCode.MalformedPacket, "10 0D  0004'MQTT' 05 00 0000  7F  0000")]
    [InlineData("a property that is longer than its section", ReasonCode.MalformedPacket, "10 0F  0004'MQTT' 05 00 0000  02 21 00  0000")]
    [Trait("Label", "MQTT-1.5.4-1")]
    [Trait("Label", "MQTT-1.5.4-2")]
    [Trait("Label", "MQTT-3.1.2-3")]
    [Trait("Label", "MQTT-3.1.2-11")]
    [Trait("Label", "MQTT-3.1.2-12")]
    [Trait("Label", "MQTT-3.1.2-13")]
    [Trait("Label", "MQTT-3.1.3-4")]
    [Trait("Label", "MQTT-3.1.3-11")]
    [Trait("Label", "MQTT-3.1.3-12")]
    [Trait("Label", "MQTT-3.1.4-1")]
    public void Bad_CONNECT_is_refused(string why, ReasonCode expected, string bytes) =>
        Assert.Equal((why, expected), (why, ByteCase.Refuse(bytes, ProtocolVersion.V5).Code));

    [Theory]
    [InlineData("a password without a user name", ReasonCode.MalformedPacket, "10 10  0004'MQTT' 04 42 0000  0000  0002'pw'")]
    [InlineData("properties", ReasonCode.MalformedPacket, "10 0D  0004'MQTT' 04 02 0000  00 0000")]
    [InlineData("a reserved connect flag", ReasonCode.MalformedPacket, "10 0C  0004'MQTT' 04 03 0000  0000")]
    [InlineData("a wildcard in the Will Topic", ReasonCode.TopicNameInvalid, "10 11  0004'MQTT' 04 06 0000  0000  0001'#' 0000")]
    public void Bad_CONNECT_of_MQTT_3_1_1_is_refused(string why, ReasonCode expected, string bytes) =>
        Assert.Equal((why, expected), (why, ByteCase.Refuse(bytes, ProtocolVersion.V311).Code));

    [Theory]
    [InlineData("0004'MQTT' 05", 5)]
    [InlineData("0004'MQTT' 04 FF FF", 4)]
    [InlineData("0004'MQTT' 77", 0x77)]
    [InlineData("0006'MQIsdp' 03", 3)]
    [InlineData("0006'MQIsdp'", null)]
    [InlineData("0004'HTTP' 05", null)]
    [InlineData("", null)]
    public void The_protocol_level_is_seen_before_anything_else_is_judged(string body, int? level) =>
        Assert.Equal(level, ConnectPacket.PeekProtocolLevel(Hex.Bytes(body)));

    [Fact]
    public void A_password_without_a_user_name_cannot_be_written_for_MQTT_3_1_1() =>
        Assert.Throws<InvalidOperationException>(() => ByteCase.Write(
            new ConnectPacket { ProtocolVersion = ProtocolVersion.V311, Password = new byte[] { 1 } }, ProtocolVersion.V311));
}
