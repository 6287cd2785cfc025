using Antiphon.Protocol.Packets;

namespace Antiphon.Protocol.Tests.Packets;

public sealed class ConnAckPacketTests
{
    internal static readonly Dictionary<string, ByteCase> Cases = new()
    {
        ["accepted"] = new("20 03  00 00 00", new ConnAckPacket()),
        ["accepted, with the Session that was there"] = new("20 03  01 00 00", new ConnAckPacket { SessionPresent = true }),
        ["refused with a reason"] = new(
            "20 0A  00 87 07 1F 0004'nope'",
            new ConnAckPacket { ReasonCode = ReasonCode.NotAuthorized, ReasonString = "nope" }),
        ["every property"] = new(
            """
            20 49  01 00 46
               11 0000003C  21 000A  24 01  25 01  27 00100000  12 0002'id'  22 0005  1F 0002'ok'
               28 01  29 00  2A 01  13 001E  1A 0002'r/'  1C 0001's'  15 0001'm'  16 0001 FF
               26 0001'a' 0001'1'  26 0001'a' 0001'1'
            """,
            new ConnAckPacket
            {
                SessionPresent = true,
                SessionExpiryInterval = 60,
                ReceiveMaximum = 10,
                MaximumQoS = QualityOfService.AtLeastOnce,
                RetainAvailable = true,
                MaximumPacketSize = 1_048_576,
                AssignedClientIdentifier = "id",
                TopicAliasMaximum = 5,
                ReasonString = "ok",
                WildcardSubscriptionAvailable = true,
                SubscriptionIdentifierAvailable = false,
                SharedSubscriptionAvailable = true,
                ServerKeepAlive = 30,
                ResponseInformation = "r/",
                ServerReference = "s",
                AuthenticationMethod = "m",
                AuthenticationData = new byte[] { 0xFF },
                UserProperties = [new("a", "1"), new("a", "1")],
            }),
        ["properties at their borders"] = new(
            "20 18  00 00 15  11 FFFFFFFF  21 FFFF  24 00  27 00000001  13 0000  22 0000",
            new ConnAckPacket
            {
                SessionExpiryInterval = uint.MaxValue,
                ReceiveMaximum = ushort.MaxValue,
                MaximumQoS = QualityOfService.AtMostOnce,
                MaximumPacketSize = 1,
                ServerKeepAlive = 0,
                TopicAliasMaximum = 0,
            })
        {
            IsReadOnly = true,
        },
        ["accepted in MQTT 3.1.1"] = new("20 02  01 00", new ConnAckPacket { SessionPresent = true }, ProtocolVersion.V311),
    };

    public static TheoryData<string> Names => [.. Cases.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    [Trait("Label", "MQTT-2.2.2-1")]
    public void CONNACK_is_read_from_and_written_to_these_bytes(string name) => Cases[name].Holds();

    [Theory]
    [InlineData(0, ReasonCode.Success)]
    [InlineData(1, ReasonCode.UnsupportedProtocolVersion)]
    [InlineData(2, ReasonCode.ClientIdentifierNotValid)]
    [InlineData(3, ReasonCode.ServerUnavailable)]
    [InlineData(4, ReasonCode.BadUserNameOrPassword)]
    [InlineData(5, ReasonCode.NotAuthorized)]
    public void The_return_codes_of_MQTT_3_1_1_stand_for_Reason_Codes(byte returnCode, ReasonCode code) =>
        new ByteCase($"20 02  00 {returnCode:X2}", new ConnAckPacket { ReasonCode = code }, ProtocolVersion.V311).Holds();

    [Theory]
    [InlineData("20 02  00 01", ReasonCode.UnsupportedProtocolVersion)]
    [InlineData("20 02  00 05", ReasonCode.NotAuthorized)]
    public void A_server_that_knows_only_MQTT_3_1_1_is_understood_when_it_refuses_MQTT_5(string bytes, ReasonCode code) =>
        new ByteCase(bytes, new ConnAckPacket { ReasonCode = code }) { IsReadOnly = true }.Holds();

    [Theory]
    [InlineData(ReasonCode.Banned, 5)]
    [InlineData(ReasonCode.BadAuthenticationMethod, 5)]
    [InlineData(ReasonCode.ServerBusy, 3)]
    [InlineData(ReasonCode.QuotaExceeded, 3)]
    public void A_Reason_Code_that_MQTT_3_1_1_lacks_becomes_the_closest_return_code(ReasonCode code, byte returnCode) =>
        Assert.Equal(
            [0x20, 2, 0, returnCode],
            ByteCase.Write(new ConnAckPacket { ReasonCode = code, ReasonString = "left out" }, ProtocolVersion.V311));

    [Theory]
    [Trait("Label", "MQTT-3.2.2-8")]
    [InlineData(ReasonCode.Success, true, true)]
    [InlineData(ReasonCode.ServerBusy, true, true)]
    [InlineData(ReasonCode.NotAuthorized, true, true)]
    [InlineData(ReasonCode.MalformedPacket, true, false)]
    [InlineData(ReasonCode.ProtocolError, true, false)]
    [InlineData(ReasonCode.PacketTooLarge, true, false)]
    [InlineData(ReasonCode.SessionTakenOver, false, false)]
    public void CONNACK_has_no_word_for_some_reasons(ReasonCode code, bool inMqtt5, bool inMqtt311) =>
        Assert.Equal(
            (inMqtt5, inMqtt311),
            (ConnAckPacket.CanSay(code, ProtocolVersion.V5), ConnAckPacket.CanSay(code, ProtocolVersion.V311)));

    [Theory]
    [InlineData("no body", ReasonCode.MalformedPacket, "20 00")]
    [InlineData("no Reason Code", ReasonCode.MalformedPacket, "20 01  00")]
    [InlineData("no property length", ReasonCode.MalformedPacket, "20 02  00 00")]
    [InlineData("reserved header flags", ReasonCode.MalformedPacket, "22 03  00 00 00")]
    [InlineData("reserved acknowledge flags", ReasonCode.MalformedPacket, "20 03  02 00 00")]
    [InlineData("a return code that MQTT 3.1.1 does not have", ReasonCode.MalformedPacket, "20 02  00 06")]
    [InlineData("a refusal of MQTT 3.1.1 with the Session Present", ReasonCode.MalformedPacket, "20 02  01 01")]
    [InlineData("a Reason Code of SUBACK", ReasonCode.MalformedPacket, "20 03  00 01 00")]
    [InlineData("a Reason Code of DISCONNECT", ReasonCode.MalformedPacket, "20 03  00 8E 00")]
    [InlineData("a Reason Code that does not exist", ReasonCode.MalformedPacket, "20 03  00 FF 00")]
    [InlineData("one byte behind the end", ReasonCode.MalformedPacket, "20 04  00 00 00 00")]
    [InlineData("Receive Maximum 0", ReasonCode.ProtocolError, "20 06  00 00 03 21 0000")]
    [InlineData("Maximum Packet Size 0", ReasonCode.ProtocolError, "20 08  00 00 05 27 00000000")]
    [InlineData("Maximum QoS 2", ReasonCode.ProtocolError, "20 05  00 00 02 24 02")]
    [InlineData("Retain Available 2", ReasonCode.ProtocolError, "20 05  00 00 02 25 02")]
    [InlineData("Wildcard Subscription Available 2", ReasonCode.ProtocolError, "20 05  00 00 02 28 02")]
    [InlineData("Subscription Identifier Available 2", ReasonCode.ProtocolError, "20 05  00 00 02 29 02")]
    [InlineData("Shared Subscription Available 2", ReasonCode.ProtocolError, "20 05  00 00 02 2A 02")]
    [InlineData("Maximum QoS twice", ReasonCode.ProtocolError, "20 07  00 00 04 24 01 24 01")]
    [InlineData("Authentication Data without a method", ReasonCode.ProtocolError, "20 07  00 00 04 16 0001 01")]
    [InlineData("a property of CONNECT", ReasonCode.MalformedPacket, "20 05  00 00 02 19 01")]
    [InlineData("half a property", ReasonCode.MalformedPacket, "20 05  00 00 02 21 00")]
    [InlineData("U+0000 in the Reason String", ReasonCode.MalformedPacket, "20 07  00 00 04 1F 0001 00")]
    [InlineData("ill-formed UTF-8 in the Response Information", ReasonCode.MalformedPacket, "20 07  00 00 04 1A 0001 80")]
    [Trait("Label", "MQTT-3.2.2-1")]
    [Trait("Label", "MQTT-3.2.2-8")]
    public void Bad_CONNACK_is_refused(string why, ReasonCode expected, string bytes) =>
        Assert.Equal((why, expected), (why, ByteCase.Refuse(bytes, ProtocolVersion.V5).Code));

    [Theory]
    [InlineData("a return code that does not exist", "20 02  00 06")]
    [InlineData("a Reason Code of MQTT 5", "20 02  00 87")]
    [InlineData("properties", "20 03  00 00 00")]
    [InlineData("reserved acknowledge flags", "20 02  80 00")]
    public void Bad_CONNACK_of_MQTT_3_1_1_is_refused(string why, string bytes) =>
        Assert.Equal((why, ReasonCode.MalformedPacket), (why, ByteCase.Refuse(bytes, ProtocolVersion.V311).Code));

    [Fact]
    public void A_Maximum_QoS_of_2_has_no_form_and_is_said_by_leaving_it_out() =>
        Assert.Throws<ArgumentOutOfRangeException>(
            () => ByteCase.Write(new ConnAckPacket { MaximumQoS = QualityOfService.ExactlyOnce }, ProtocolVersion.V5));
}
