using Antiphon.Protocol.Wire;

namespace Antiphon.Protocol.Tests.Wire;

public sealed class WireReaderTests
{
    [Fact]
    public void Each_data_type_is_read_in_turn()
    {
        var reader = new WireReader(Hex.Bytes("2A 0102 01020304 FF7F 0002 00FF 0003 E282AC 0001'x' 0007 02 1122 'rest'"));
        Assert.Equal(0x2A, reader.ReadByte());
        Assert.Equal(0x0102, reader.ReadUInt16());
        Assert.Equal(0x0102_0304u, reader.ReadUInt32());
        Assert.Equal(16_383u, reader.ReadVariableByteInteger());
        Assert.Equal("00FF", Hex.Text(reader.ReadBinary()));
        Assert.Equal("€", reader.ReadString());
        Assert.Equal("78", Hex.Text(reader.ReadUtf8()));
        Assert.Equal(new PacketIdentifier(7), reader.ReadPacketIdentifier());
        Assert.Equal("1122", Hex.Text(reader.ReadPropertySection()));
        Assert.Equal(Hex.Text("rest"u8), Hex.Text(reader.ReadRest()));
        Assert.Equal(0, reader.Remaining);
        Assert.False(reader.Fault.Exists);
    }

    [Fact]
    public void The_first_failure_sticks_and_later_reads_give_defaults()
    {
        var reader = new WireReader(Hex.Bytes("0000 00 03"));
        reader.ReadBinary();
        reader.ReadPropertySection();
        Assert.False(reader.Fault.Exists);
        reader.ReadUInt16();
        var first = reader.Fault;
        Assert.Equal(ReasonCode.MalformedPacket, first.Code);

        Assert.Equal(0, reader.Remaining);
        Assert.Equal(0, reader.ReadByte());
        Assert.Equal(0u, reader.ReadUInt32());
        Assert.Equal(0u, reader.ReadVariableByteInteger());
        Assert.Equal("", reader.ReadString());
        Assert.Equal(0, reader.ReadBinary().Length);
        Assert.Equal(PacketIdentifier.None, reader.ReadPacketIdentifier());
        reader.Fail(Fault.Protocol("a later one"));
        Assert.Equal(first, reader.Fault);
    }

    [Fact]
    public void No_fault_is_no_failure()
    {
        var reader = new WireReader([1]);
        reader.Fail(default);
        Assert.Equal(1, reader.Remaining);
        Assert.False(reader.Fault.Exists);
    }

    [Theory]
    [InlineData("0001 00")]
    [InlineData("0003 'a'00'b'")]
    [InlineData("0003 EDA080")]
    [InlineData("0003 EDBFBF")]
    [InlineData("0002 C080")]
    [InlineData("0002 C1BF")]
    [InlineData("0003 E09FBF")]
    [InlineData("0004 F08FBFBF")]
    [InlineData("0004 F4908080")]
    [InlineData("0005 F888808080")]
    [InlineData("0001 FF")]
    [InlineData("0001 80")]
    [InlineData("0002 E282")]
    [Trait("Label", "MQTT-1.5.4-1")]
    [Trait("Label", "MQTT-1.5.4-2")]
    public void Text_that_no_string_may_hold_is_malformed(string bytes)
    {
        var reader = new WireReader(Hex.Bytes(bytes));
        Assert.Equal(0, reader.ReadUtf8().Length);
        Assert.Equal(ReasonCode.MalformedPacket, reader.Fault.Code);
    }

    [Theory]
    [InlineData("0000", "")]
    [InlineData("0003 EFBBBF", "\uFEFF")]
    [InlineData("0003 EFBFBF", "\uFFFF")]
    [InlineData("0004 F48FBFBF", "\U0010FFFF")]
    [InlineData("0001 7F", "\u007F")]
    [InlineData("0005 41 F0AA9B94", "A\U0002A6D4")]
    [Trait("Label", "MQTT-1.5.4-3")]
    public void Unusual_but_well_formed_text_is_kept(string bytes, string text) =>
        Assert.Equal(text, new WireReader(Hex.Bytes(bytes)).ReadString());
}
