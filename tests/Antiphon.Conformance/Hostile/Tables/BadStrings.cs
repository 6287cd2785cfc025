namespace Antiphon.Conformance.Hostile.Tables;

/// <summary>What no UTF-8 Encoded String may hold (MQTT 5 §1.5.4).</summary>
internal static class BadStrings
{
    private const string IllFormed = "MQTT-1.5.4-1";
    private const string Null = "MQTT-1.5.4-2";

    /// <summary>What it is, its bytes, and the statement against it.</summary>
    public static readonly (string Name, string Bytes, string Label)[] All =
    [
        ("a continuation byte alone", "80", IllFormed),
        ("a continuation byte after text", "'a' BF", IllFormed),
        ("half a two byte sequence", "'a' C3", IllFormed),
        ("half a three byte sequence", "E2 82", IllFormed),
        ("half a four byte sequence", "F0 9F 98", IllFormed),
        ("a sequence broken off by text", "E2 82 'a'", IllFormed),
        ("a slash in two bytes", "C0 AF", IllFormed),
        ("a slash in three bytes", "E0 80 AF", IllFormed),
        ("a slash in four bytes", "F0 80 80 AF", IllFormed),
        ("U+0000 in two bytes", "C0 80", IllFormed),
        ("the first high surrogate", "ED A0 80", IllFormed),
        ("the last low surrogate", "ED BF BF", IllFormed),
        ("a pair of surrogates", "ED A0 BD ED B8 80", IllFormed),
        ("U+110000", "F4 90 80 80", IllFormed),
        ("a five byte sequence", "F8 88 80 80 80", IllFormed),
        ("FE FF", "FE FF", IllFormed),
        ("U+0000 alone", "00", Null),
        ("U+0000 in text", "'a' 00 'b'", Null),
    ];

    /// <summary>The same packet with each bad string in one place of it.</summary>
    /// <param name="where">The name of the place.</param>
    /// <param name="packet">The packet, with <c>@</c> in that place.</param>
    /// <param name="endings">What may come of it.</param>
    public static IEnumerable<BadPacket> In(string where, string packet, string endings = "81")
    {
        foreach (var (name, bytes, label) in All)
        {
            yield return new BadPacket(
                $"{where}: {name}", packet.Replace("@", $"s{{ {bytes} }}", StringComparison.Ordinal), endings, label);
        }

        yield return new BadPacket(
            $"{where}: a length beyond the packet", packet.Replace("@", "FFFF 'a'", StringComparison.Ordinal), endings);
    }
}
