using Antiphon.Protocol.Wire;

namespace Antiphon.Protocol.Tests.Wire;

public sealed class VariableByteIntegerTests
{
    [Theory]
    [InlineData(0u, "00")]
    [InlineData(1u, "01")]
    [InlineData(127u, "7F")]
    [InlineData(128u, "80 01")]
    [InlineData(16_383u, "FF 7F")]
    [InlineData(16_384u, "80 80 01")]
    [InlineData(2_097_151u, "FF FF 7F")]
    [InlineData(2_097_152u, "80 80 80 01")]
    [InlineData(268_435_455u, "FF FF FF 7F")]
    [Trait("Label", "MQTT-1.5.5-1")]
    public void A_value_is_read_and_written_in_its_shortest_form(uint value, string text)
    {
        var bytes = Hex.Bytes(text);
        var output = new byte[4];
        Assert.Equal(bytes.Length, VariableByteInteger.Write(output, value));
        Assert.Equal(bytes, output[..bytes.Length]);
        Assert.Equal(bytes.Length, VariableByteInteger.SizeOf(value));

        Assert.Equal(VariableByteIntegerStatus.Complete, VariableByteInteger.TryRead([.. bytes, 0xAA], out var read, out var length));
        Assert.Equal((value, bytes.Length), (read, length));
        for (var cut = 0; cut < bytes.Length; cut++)
        {
            Assert.Equal(VariableByteIntegerStatus.Incomplete, VariableByteInteger.TryRead(bytes.AsSpan(0, cut), out _, out _));
        }
    }

    [Theory]
    [InlineData("80 00")]
    [InlineData("FF 00")]
    [InlineData("80 80 00")]
    [InlineData("FF FF FF 00")]
    [InlineData("80 80 80 80")]
    [InlineData("FF FF FF FF 7F")]
    [Trait("Label", "MQTT-1.5.5-1")]
    public void A_longer_form_is_malformed(string text) =>
        Assert.Equal(VariableByteIntegerStatus.Malformed, VariableByteInteger.TryRead(Hex.Bytes(text), out _, out _));

    [Fact]
    public void A_value_above_the_maximum_cannot_be_written() =>
        Assert.Throws<ArgumentOutOfRangeException>(() => VariableByteInteger.Write(new byte[8], 268_435_456));
}
