using Antiphon.Protocol.Packets;
using Antiphon.Protocol.Tests.Packets;
using Antiphon.Protocol.Wire;

namespace Antiphon.Protocol.Tests.Wire;

public sealed class FrameReaderTests
{
    [Theory]
    [MemberData(nameof(EveryCase.Names), MemberType = typeof(EveryCase))]
    public void Every_beginning_of_a_packet_needs_more(string name)
    {
        var bytes = EveryCase.ByName[name].Bytes;
        for (var cut = 0; cut < bytes.Length; cut++)
        {
            var status = FrameReader.TryRead(bytes.AsSpan(0, cut), uint.MaxValue, out _, out var fault);
            Assert.Equal((cut, FrameStatus.NeedMore, false), (cut, status, fault.Exists));
        }
    }

    [Theory]
    [MemberData(nameof(EveryCase.Names), MemberType = typeof(EveryCase))]
    public void A_packet_ends_where_the_next_one_begins(string name)
    {
        var bytes = EveryCase.ByName[name].Bytes;
        Assert.Equal(FrameStatus.Complete, FrameReader.TryRead([.. bytes, 0x00, 0xFF], (uint)bytes.Length, out var frame, out _));
        Assert.Equal(bytes.Length, frame.Length);
        Assert.Equal(Hex.Text(bytes.AsSpan(bytes.Length - frame.Body.Length)), Hex.Text(frame.Body));
        Assert.Equal((PacketType)(bytes[0] >> 4), frame.Type);
        Assert.Equal(bytes[0] & 15, frame.Flags);
    }

    [Theory]
    [InlineData("30 0A", 11u)]
    [InlineData("30 7F", 128u)]
    [InlineData("30 80 01", 130u)]
    [InlineData("30 FF FF FF 7F", 268_435_459u)]
    [InlineData("10 E9 07", 1000u)]
    public void A_packet_above_the_maximum_is_refused_before_its_body_is_there(string header, uint maximum)
    {
        Assert.Equal(FrameStatus.Malformed, FrameReader.TryRead(Hex.Bytes(header), maximum, out _, out var fault));
        Assert.Equal(ReasonCode.PacketTooLarge, fault.Code);
        Assert.Equal(FrameStatus.NeedMore, FrameReader.TryRead(Hex.Bytes(header), uint.MaxValue, out _, out _));
    }

    [Theory]
    [InlineData("30 0A", 12u)]
    [InlineData("30 80 01", 131u)]
    [InlineData("30 FF FF FF 7F", 268_435_460u)]
    public void A_packet_of_just_the_maximum_is_waited_for(string header, uint maximum) =>
        Assert.Equal(FrameStatus.NeedMore, FrameReader.TryRead(Hex.Bytes(header), maximum, out _, out _));

    [Theory]
    [InlineData("30 80 80 80 80")]
    [InlineData("30 FF FF FF FF 01")]
    [InlineData("C0 80 00")]
    [InlineData("30 FF 80 00")]
    [Trait("Label", "MQTT-1.5.5-1")]
    public void A_Remaining_Length_of_five_bytes_or_in_a_longer_form_is_malformed(string bytes)
    {
        Assert.Equal(FrameStatus.Malformed, FrameReader.TryRead(Hex.Bytes(bytes), uint.MaxValue, out _, out var fault));
        Assert.Equal(ReasonCode.MalformedPacket, fault.Code);
    }

    [Fact]
    [Trait("Label", "MQTT-2.1.3-1")]
    [Trait("Label", "MQTT-3.6.1-1")]
    [Trait("Label", "MQTT-3.8.1-1")]
    [Trait("Label", "MQTT-3.10.1-1")]
    [Trait("Label", "MQTT-3.14.1-1")]
    [Trait("Label", "MQTT-3.15.1-1")]
    public void The_first_byte_is_judged_alone()
    {
        byte[] good = [0x10, 0x20, 0x40, 0x50, 0x62, 0x70, 0x82, 0x90, 0xA2, 0xB0, 0xC0, 0xD0, 0xE0, 0xF0];
        for (var first = 0; first <= 255; first++)
        {
            var allowed = first >> 4 == 3 || good.Contains((byte)first);
            var status = FrameReader.TryRead([(byte)first], uint.MaxValue, out _, out var fault);
            Assert.Equal((first, allowed ? FrameStatus.NeedMore : FrameStatus.Malformed), (first, status));
            Assert.Equal(allowed ? ReasonCode.Success : ReasonCode.MalformedPacket, fault.Code);
        }
    }
}
