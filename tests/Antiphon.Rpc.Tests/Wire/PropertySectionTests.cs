using Antiphon.Protocol.Properties;
using Antiphon.Rpc.Wire;

namespace Antiphon.Rpc.Tests.Wire;

public sealed class PropertySectionTests
{
    [Fact]
    public void Properties_are_written_as_the_standard_has_them()
    {
        var section = new PropertySection(stackalloc byte[4]);
        section.AddPayloadFormat(true);
        section.AddExpiry(TimeSpan.FromMilliseconds(1001));
        section.AddContentType("a");
        section.AddResponseTopic("r");
        section.AddCorrelation([7, 8]);
        section.AddUser("n"u8, "v"u8);
        section.AddUser("n"u8, -12);
        section.AddUser([new UserProperty("x", "ü")]);

        Assert.Equal(
            "0101" + "0200000002" + "03000161" + "08000172" + "0900020708" + "2600016E000176" + "2600016E00032D3132" + "260001780002C3BC",
            Convert.ToHexString(section.Written));
        section.Dispose();
    }

    [Fact]
    public void What_is_null_is_left_out()
    {
        var section = new PropertySection([]);
        section.AddPayloadFormat(null);
        section.AddContentType(null);
        section.AddUser("n"u8, (string?)null);

        Assert.Equal(0, section.Length);
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(1000, 1)]
    [InlineData(1001, 2)]
    [InlineData(5000, 5)]
    [InlineData(-1, 1)]
    public void The_Message_Expiry_Interval_is_rounded_up_to_whole_seconds(int milliseconds, byte seconds)
    {
        var section = new PropertySection(stackalloc byte[8]);
        section.AddExpiry(TimeSpan.FromMilliseconds(milliseconds));

        Assert.Equal([2, 0, 0, 0, seconds], section.Written.ToArray());
    }
}
