using Antiphon.Protocol.Packets;

namespace Antiphon.Protocol.Tests.Packets;

public sealed class PingPacketsTests
{
    internal static readonly Dictionary<string, ByteCase> Cases = new()
    {
        ["PINGREQ"] = new("C0 00", PingReqPacket.Instance),
        ["PINGREQ of MQTT 3.1.1"] = new("C0 00", PingReqPacket.Instance, ProtocolVersion.V311),
        ["PINGRESP"] = new("D0 00", PingRespPacket.Instance),
        ["PINGRESP of MQTT 3.1.1"] = new("D0 00", PingRespPacket.Instance, ProtocolVersion.V311),
    };

    public static TheoryData<string> Names => [.. Cases.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public void Pings_are_read_from_and_written_to_these_bytes(string name) => Cases[name].Holds();

    [Theory]
    [InlineData("C1 00")]
    [InlineData("C0 01 00")]
    [InlineData("D8 00")]
    [InlineData("D0 01 00")]
    [Trait("Label", "MQTT-2.1.3-1")]
    public void A_ping_with_flags_or_a_body_is_refused(string bytes)
    {
        Assert.Equal(ReasonCode.MalformedPacket, ByteCase.Refuse(bytes, ProtocolVersion.V5).Code);
        Assert.Equal(ReasonCode.MalformedPacket, ByteCase.Refuse(bytes, ProtocolVersion.V311).Code);
    }
}
