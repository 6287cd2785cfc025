using Antiphon.Protocol.Packets;

namespace Antiphon.Protocol.Tests.Packets;

/// <summary>Every byte as the Reason Code of every packet that has one (MQTT 5 §2.4).</summary>
public sealed class ReasonCodesTests
{
    [Theory]
    [InlineData(PacketType.ConnAck, "00 80 81 82 83 84 85 86 87 88 89 8A 8C 90 95 97 99 9A 9B 9C 9D 9F")]
    [InlineData(PacketType.PubAck, "00 10 80 83 87 90 91 97 99")]
    [InlineData(PacketType.PubRec, "00 10 80 83 87 90 91 97 99")]
    [InlineData(PacketType.PubRel, "00 92")]
    [InlineData(PacketType.PubComp, "00 92")]
    [InlineData(PacketType.SubAck, "00 01 02 80 83 87 8F 91 97 9E A1 A2")]
    [InlineData(PacketType.UnsubAck, "00 11 80 83 87 8F 91")]
    [InlineData(PacketType.Disconnect, "00 04 80 81 82 83 87 89 8B 8C 8D 8E 8F 90 93 94 95 96 97 98 99 9A 9B 9C 9D 9E 9F A0 A1 A2")]
    [InlineData(PacketType.Auth, "00 18 19")]
    [Trait("Label", "MQTT-3.2.2-8")]
    [Trait("Label", "MQTT-3.4.2-1")]
    [Trait("Label", "MQTT-3.5.2-1")]
    [Trait("Label", "MQTT-3.6.2-1")]
    [Trait("Label", "MQTT-3.7.2-1")]
    [Trait("Label", "MQTT-3.9.3-2")]
    [Trait("Label", "MQTT-3.11.3-2")]
    [Trait("Label", "MQTT-3.14.2-1")]
    [Trait("Label", "MQTT-3.15.2-1")]
    public void A_packet_has_these_Reason_Codes_and_no_others(PacketType type, string codes)
    {
        var allowed = Enumerable.Range(0, 256).Where(code => ReasonCodes.IsAllowed(type, (ReasonCode)code)).Select(code => $"{code:X2}");
        Assert.Equal(codes, string.Join(' ', allowed));
    }
}
