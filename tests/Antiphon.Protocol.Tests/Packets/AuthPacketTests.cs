using Antiphon.Protocol.Packets;

namespace Antiphon.Protocol.Tests.Packets;

public sealed class AuthPacketTests
{
    internal static readonly Dictionary<string, ByteCase> Cases = new()
    {
        ["the shortest"] = new("F0 00", new AuthPacket()),
        ["to be continued"] = new(
            "F0 06  18 04 15 0001'm'",
            new AuthPacket { ReasonCode = ReasonCode.ContinueAuthentication, AuthenticationMethod = "m" }),
        ["Success with a method"] = new("F0 06  00 04 15 0001'm'", new AuthPacket { AuthenticationMethod = "m" }),
        ["every property"] = new(
            "F0 1F  19 1D  15 0003'SCR'  16 0002 00FF  1F 0001'r'  26 0001'a' 0001'1'  26 0001'a' 0001'1'",
            new AuthPacket
            {
                ReasonCode = ReasonCode.ReAuthenticate,
                AuthenticationMethod = "SCR",
                AuthenticationData = new byte[] { 0x00, 0xFF },
                ReasonString = "r",
                UserProperties = [new("a", "1"), new("a", "1")],
            }),
    };

    public static TheoryData<string> Names => [.. Cases.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public void AUTH_is_read_from_and_written_to_these_bytes(string name) => Cases[name].Holds();

    [Theory]
    [InlineData("reserved header flags", ReasonCode.MalformedPacket, "F2 00")]
    [InlineData("a Reason Code alone", ReasonCode.MalformedPacket, "F0 01  18")]
    [InlineData("a Reason Code of DISCONNECT", ReasonCode.MalformedPacket, "F0 06  04 04 15 0001'm'")]
    [InlineData("no method", ReasonCode.ProtocolError, "F0 02  18 00")]
    [InlineData("data without a method", ReasonCode.ProtocolError, "F0 06  18 04 16 0001 01")]
    [InlineData("the method twice", ReasonCode.ProtocolError, "F0 0A  18 08 15 0001'm' 15 0001'm'")]
    [InlineData("half the data", ReasonCode.MalformedPacket, "F0 0A  18 08 15 0001'm' 16 0002 01")]
    [InlineData("a property of CONNECT", ReasonCode.MalformedPacket, "F0 08  18 06 15 0001'm' 17 01")]
    [InlineData("bytes behind the properties", ReasonCode.MalformedPacket, "F0 07  18 04 15 0001'm' 00")]
    [InlineData("U+0000 in the method", ReasonCode.MalformedPacket, "F0 06  18 04 15 0001 00")]
    [Trait("Label", "MQTT-3.15.1-1")]
    [Trait("Label", "MQTT-3.15.2-1")]
    [Trait("Label", "MQTT-4.12.0-5")]
    public void Bad_AUTH_is_refused(string why, ReasonCode expected, string bytes) =>
        Assert.Equal((why, expected), (why, ByteCase.Refuse(bytes, ProtocolVersion.V5).Code));

    [Fact]
    public void AUTH_does_not_exist_in_MQTT_3_1_1()
    {
        Assert.Equal(ReasonCode.MalformedPacket, ByteCase.Refuse("F0 00", ProtocolVersion.V311).Code);
        Assert.Throws<InvalidOperationException>(() => ByteCase.Write(new AuthPacket(), ProtocolVersion.V311));
    }

    [Fact]
    [Trait("Label", "MQTT-4.12.0-5")]
    public void AUTH_without_a_method_cannot_be_written_but_in_its_shortest_form() => Assert.Throws<InvalidOperationException>(
        () => ByteCase.Write(new AuthPacket { ReasonCode = ReasonCode.ContinueAuthentication }, ProtocolVersion.V5));
}
