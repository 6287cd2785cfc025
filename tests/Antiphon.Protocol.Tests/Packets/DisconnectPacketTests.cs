using Antiphon.Protocol.Packets;

namespace Antiphon.Protocol.Tests.Packets;

public sealed class DisconnectPacketTests
{
    internal static readonly Dictionary<string, ByteCase> Cases = new()
    {
        ["the shortest"] = new("E0 00", new DisconnectPacket()),
        ["Normal disconnection said"] = new("E0 01  00", new DisconnectPacket()) { IsReadOnly = true },
        ["no properties said"] = new("E0 02  00 00", new DisconnectPacket()) { IsReadOnly = true },
        ["with the Will"] = new("E0 01  04", new DisconnectPacket { ReasonCode = ReasonCode.DisconnectWithWillMessage }),
        ["shutting down"] = new("E0 01  8B", new DisconnectPacket { ReasonCode = ReasonCode.ServerShuttingDown }),
        ["normal, with a property"] = new("E0 07  00 05 11 00000000", new DisconnectPacket { SessionExpiryInterval = 0 }),
        ["every property"] = new(
            "E0 1E  9C 1C  11 FFFFFFFF  1F 0003'bye'  1C 0001's'  26 0001'a' 0001'1'  26 0001'b' 0000",
            new DisconnectPacket
            {
                ReasonCode = ReasonCode.UseAnotherServer,
                SessionExpiryInterval = uint.MaxValue,
                ReasonString = "bye",
                ServerReference = "s",
                UserProperties = [new("a", "1"), new("b", "")],
            }),
        ["MQTT 3.1.1"] = new("E0 00", new DisconnectPacket(), ProtocolVersion.V311),
    };

    public static TheoryData<string> Names => [.. Cases.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public void DISCONNECT_is_read_from_and_written_to_these_bytes(string name) => Cases[name].Holds();

    [Theory]
    [InlineData("reserved header flags", ReasonCode.MalformedPacket, "E1 00")]
    [InlineData("a Reason Code of CONNACK", ReasonCode.MalformedPacket, "E0 01  84")]
    [InlineData("a Reason Code of PUBREL", ReasonCode.MalformedPacket, "E0 01  92")]
    [InlineData("a Reason Code that does not exist", ReasonCode.MalformedPacket, "E0 01  A3")]
    [InlineData("bytes behind the properties", ReasonCode.MalformedPacket, "E0 03  00 00 00")]
    [InlineData("a property length beyond the end", ReasonCode.MalformedPacket, "E0 02  00 01")]
    [InlineData("Session Expiry Interval twice", ReasonCode.ProtocolError, "E0 0C  00 0A 11 00000000 11 00000000")]
    [InlineData("half a Session Expiry Interval", ReasonCode.MalformedPacket, "E0 05  00 03 11 0000")]
    [InlineData("a property of CONNECT", ReasonCode.MalformedPacket, "E0 05  00 03 21 0001")]
    [InlineData("ill-formed UTF-8 in the Server Reference", ReasonCode.MalformedPacket, "E0 06  00 04 1C 0001 C0")]
    [Trait("Label", "MQTT-3.14.1-1")]
    [Trait("Label", "MQTT-3.14.2-1")]
    public void Bad_DISCONNECT_is_refused(string why, ReasonCode expected, string bytes) =>
        Assert.Equal((why, expected), (why, ByteCase.Refuse(bytes, ProtocolVersion.V5).Code));

    [Theory]
    [InlineData(ReasonCode.Success, true, true)]
    [InlineData(ReasonCode.DisconnectWithWillMessage, true, false)]
    [InlineData(ReasonCode.ProtocolError, true, true)]
    [InlineData(ReasonCode.PayloadFormatInvalid, true, true)]
    [InlineData(ReasonCode.NotAuthorized, false, true)]
    [InlineData(ReasonCode.SessionTakenOver, false, true)]
    [InlineData(ReasonCode.WildcardSubscriptionsNotSupported, false, true)]
    [InlineData(ReasonCode.Banned, false, false)]
    public void Each_side_has_Reason_Codes_of_its_own(ReasonCode code, bool client, bool server) =>
        Assert.Equal((client, server), (DisconnectPacket.ClientMaySay(code), DisconnectPacket.ServerMaySay(code)));

    [Fact]
    public void DISCONNECT_of_MQTT_3_1_1_has_no_body() =>
        Assert.Equal(ReasonCode.MalformedPacket, ByteCase.Refuse("E0 01  00", ProtocolVersion.V311).Code);

    [Fact]
    public void DISCONNECT_says_nothing_in_MQTT_3_1_1() => Assert.Equal(
        [0xE0, 0],
        ByteCase.Write(new DisconnectPacket { ReasonCode = ReasonCode.ServerBusy, ReasonString = "left out" }, ProtocolVersion.V311));
}
