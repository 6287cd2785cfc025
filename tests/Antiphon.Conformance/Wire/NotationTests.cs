namespace Antiphon.Conformance.Wire;

/// <summary>What judges brokers has to be right itself.</summary>
public sealed class NotationTests
{
    [Theory]
    [InlineData("10 'ab' 00FF", "10616200FF")]
    [InlineData("\"ab\" \"\"", "000261620000")]
    [InlineData("'~' \"~\"", "75000175")]
    [InlineData("30[ \"t\" () 'x' ]", "3005000174" + "0078")]
    [InlineData("30[ 78*128 ] C0", "308001" + Eight + Eight + Eight + Eight + Eight + Eight + Eight + Eight + "C0")]
    [InlineData("s{ C0 'a' }", "0002C061")]
    [InlineData("( 11 0000000A, 26 \"a\" \"b\" )", "0C110000000A" + "26000161000162")]
    [InlineData("{ 34[ ## ] }*2", "3402000134020002")]
    [InlineData("{ 01*3 ## }*2", "0101010001" + "0101010002")]
    [InlineData("{ C0 00 }*@21 00*@21+1", "C000C000C000" + "00000000")]
    [InlineData("@21 @21+1", "00030004")]
    [InlineData("VV v5{ 01 } v311{ 02 }", "0501")]
    public void Bytes_are_written_as_they_stand(string text, string hex) =>
        Assert.Equal(hex, Convert.ToHexString(Written(text, ProtocolVersion.V5)));

    [Theory]
    [InlineData("VV v5{ 01 } v311{ 02 }", "0402")]
    [InlineData("30[ \"t\" ( 01 01 ) 'x' ]", "3004000174" + "78")]
    public void In_3_1_1_property_lists_are_left_out(string text, string hex) =>
        Assert.Equal(hex, Convert.ToHexString(Written(text, ProtocolVersion.V311)));

    [Theory]
    [InlineData("C0 00", "C000")]
    [InlineData("81|82 ..", "82FF")]
    [InlineData("80+", "9B")]
    [InlineData("#7-9", "00000009")]
    [InlineData("90[ 0001 (*) 00 ]", "900C0001081F0005" + "7768793F3F00")]
    [InlineData("90[ 0001 (*) 00 ]", "900400010000")]
    [InlineData("40[ 0001 ok ]", "40020001")]
    [InlineData("40[ 0001 ok ]", "4003000110")]
    [InlineData("40[ 0001 ok ]", "400400010000")]
    [InlineData("20[ 00 * ]", "20050001020304")]
    [InlineData("<a> <b> <a>", "000100020001")]
    [InlineData("<\"a\"> <\"a\">", "0001780001" + "78")]
    [InlineData("str 00", "00027878" + "00")]
    [InlineData("(26 \"a\" \"1\", 01 00)", "09010026000161000131")]
    [InlineData("(0B 01, 0B 02)", "040B020B01")]
    [InlineData("(0B 01, *)", "070B021300050B01")]
    [InlineData("( * !1F )", "0321000A")]
    public void What_a_broker_may_send_fits(string text, string hex) => Assert.True(Fits(text, hex));

    [Theory]
    [InlineData("C0 00", "C001")]
    [InlineData("C0 00", "C00000")]
    [InlineData("C0 00", "C0")]
    [InlineData("81|82", "83")]
    [InlineData("80+", "7F")]
    [InlineData("#7-9", "0000000A")]
    [InlineData("90[ 0001 (*) 00 ]", "9084000" + "00001" + "0000")]
    [InlineData("90[ 0001 (*) 00 ]", "9005000100" + "0000")]
    [InlineData("90[ 0001 (*) 00 ]", "90060001027E" + "0000")]
    [InlineData("40[ 0001 ok ]", "4003000187")]
    [InlineData("40[ 0001 ok ]", "40020002")]
    [InlineData("<a>", "0000")]
    [InlineData("<a> <a>", "00010002")]
    [InlineData("<a> <+b>", "00010001")]
    [InlineData("str", "000278")]
    [InlineData("(26 \"a\" \"1\", 26 \"a\" \"2\")", "0E2600016100013226000161000131")]
    [InlineData("(26 \"a\" \"1\")", "0E2600016100013126000161000131")]
    [InlineData("(0B 01, 0B 02)", "020B01")]
    [InlineData("()", "020101")]
    [InlineData("( * !1F )", "041F000161")]
    public void What_a_broker_may_not_send_does_not_fit(string text, string hex) => Assert.False(Fits(text, hex));

    [Theory]
    [InlineData("1")]
    [InlineData("'a")]
    [InlineData("30[ 00")]
    [InlineData("( 11 00000000")]
    [InlineData("{ 00 }")]
    [InlineData("xyz")]
    public void What_is_not_in_the_notation_is_an_error(string text) => Assert.Throws<FormatException>(() => Notation.Read(text));

    [Fact]
    public void What_was_captured_on_the_way_to_a_mismatch_is_forgotten()
    {
        var scope = NewScope(ProtocolVersion.V5);

        Assert.False(scope.Try(() => Matches("<a> 00", "0007FF", scope)));
        Assert.True(scope.Try(() => Matches("<a> 00", "000800", scope)));
        Assert.Equal([0x00, 0x08], scope.Captured("a"));
    }

    private const string Eight = "78787878787878787878787878787878";

    private static byte[] Written(string text, ProtocolVersion version)
    {
        var bytes = new List<byte>();
        Node.Write(Notation.Read(text), bytes, NewScope(version));
        return [.. bytes];
    }

    private static bool Fits(string text, string hex) => Matches(text, hex, NewScope(ProtocolVersion.V5));

    private static bool Matches(string text, string hex, Scope scope)
    {
        ReadOnlySpan<byte> rest = Convert.FromHexString(hex);
        return Node.Match(Notation.Read(text), ref rest, scope) && rest.IsEmpty;
    }

    private static Scope NewScope(ProtocolVersion version) => new(version, "u", _ => 3);
}
