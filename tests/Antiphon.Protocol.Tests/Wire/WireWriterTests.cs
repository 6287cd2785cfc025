using Antiphon.Protocol.Wire;

namespace Antiphon.Protocol.Tests.Wire;

public sealed class WireWriterTests
{
    [Fact]
    public void Each_data_type_is_written_in_turn()
    {
        var writer = new WireWriter(stackalloc byte[4]);
        writer.WriteByte(0x2A);
        writer.WriteUInt16(0x0102);
        writer.WriteUInt32(0x0102_0304);
        writer.WriteVariableByteInteger(16_383);
        writer.WriteBinary([0x00, 0xFF]);
        writer.WriteString("€");
        writer.WritePacketIdentifier(new PacketIdentifier(7));
        writer.WritePropertySection([0x11, 0x22]);
        writer.WriteRaw("rest"u8);
        Assert.Equal(Hex.Text(Hex.Bytes("2A 0102 01020304 FF7F 0002 00FF 0003 E282AC 0007 02 1122 'rest'")), Hex.Text(writer.Written));
        writer.Dispose();
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(600)]
    [InlineData(65_535)]
    public void What_does_not_fit_goes_on_in_a_rented_array(int length)
    {
        var writer = new WireWriter(stackalloc byte[3]);
        writer.WriteString(new string('x', length));
        Assert.Equal(2 + length, writer.Length);
        Assert.Equal(new string('x', length), new WireReader(writer.Written).ReadString());
        writer.Dispose();
    }

    [Fact]
    [Trait("Label", "MQTT-1.5.4-1")]
    [Trait("Label", "MQTT-1.5.4-2")]
    public void Text_that_no_string_may_hold_cannot_be_written()
    {
        // Not in an attribute: lone surrogates do not survive there.
        foreach (var text in (string[])["\0", "a\0b", "a\uD83D", "\uDE00a", "\uDE00\uD83D"])
        {
            Assert.Throws<ArgumentException>(() => Utf8Text.GetByteCount(text));
        }
    }

    [Fact]
    public void Text_of_more_than_65_535_bytes_cannot_be_written()
    {
        Assert.Equal(65_535, Utf8Text.GetByteCount(new string('€', 21_845)));
        Assert.Throws<ArgumentException>(() => Utf8Text.GetByteCount(new string('€', 21_846)));
    }
}
