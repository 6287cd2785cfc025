namespace Antiphon.Conformance.Hostile.Tables;

/// <summary>A packet that carries properties, and all that can be wrong with these.</summary>
/// <param name="Name">The packet.</param>
/// <param name="Before">What stands before the property list, in the notation of the tables.</param>
/// <param name="After">What stands behind it.</param>
/// <param name="Allowed">The identifiers that it may carry.</param>
internal sealed record Carrier(string Name, string Before, string After, params string[] Allowed)
{
    private static readonly (string Name, string Identifier)[] Unknown =
    [
        ("identifier 0", "00"), ("identifier 4", "04"), ("identifier 7F", "7F"),
        ("an identifier of two bytes", "8001"), ("an identifier of four bytes", "FFFFFF7F"),
        ("an identifier in more bytes than it needs", "A600"), ("an identifier of five bytes", "8080808001"),
    ];

    public static readonly Carrier[] All =
    [
        new("CONNECT", "10[ \"MQTT\" 05 02 003C", "\"~\" ]", "11", "15", "16", "17", "19", "21", "22", "26", "27") { IsFirst = true },
        new("Will Properties", "10[ \"MQTT\" 05 06 003C () \"~\"", "\"a\" \"\" ]", "01", "02", "03", "08", "09", "18", "26") { IsFirst = true },
        new("PUBLISH", "30[ \"a\"", "'x' ]", "01", "02", "03", "08", "09", "23", "26"),
        new("PUBACK", "40[ 0001 00", "]", "1F", "26"),
        new("PUBREC", "50[ 0001 00", "]", "1F", "26"),
        new("PUBREL", "62[ 0001 00", "]", "1F", "26"),
        new("PUBCOMP", "70[ 0001 00", "]", "1F", "26"),
        new("SUBSCRIBE", "82[ 0001", "\"a\" 00 ]", "0B", "26"),
        new("UNSUBSCRIBE", "A2[ 0001", "\"a\" ]", "26"),
        new("DISCONNECT", "E0[ 00", "]", "11", "1F", "26"),

        // Out of place on a connection without enhanced authentication, whatever is in it.
        new("AUTH", "F0[ 18", "]", "15", "16", "1F", "26") { Malformed = "81|82", Repeated = "81|82" },
    ];

    public bool IsFirst { get; init; }

    public string Malformed { get; init; } = "81";

    public string Repeated { get; init; } = "82";

    public IEnumerable<BadPacket> Rows() =>
        [
            .. Misplaced(),
            .. Sections(),
            .. Allowed.Select(identifier => KnownProperty.All.Single(known => known.Identifier == identifier)).SelectMany(Wrong),
        ];

    /// <summary>Properties that do not exist, or not here.</summary>
    private IEnumerable<BadPacket> Misplaced()
    {
        foreach (var known in KnownProperty.All.Where(known => !Allowed.Contains(known.Identifier)))
        {
            // Where the other side may send the property in this packet, the standard does not say which of the two codes it is.
            var fromServer = (Name, known.Identifier) is ("PUBLISH", "0B") or ("DISCONNECT", "1C");
            var label = (Name, known.Identifier) is ("PUBLISH", "0B") ? "MQTT-3.3.4-6" : "";
            yield return Row($"{known.Name}, which it does not have", $"( {known.Text} )", fromServer ? "81|82" : Malformed, label);
        }

        foreach (var (name, identifier) in Unknown)
        {
            yield return Row($"a property with {name}", $"( {identifier} 01 )", Malformed, identifier == "A600" ? "MQTT-1.5.5-1" : "");
        }
    }

    /// <summary>What is wrong with the length of the list.</summary>
    private IEnumerable<BadPacket> Sections()
    {
        yield return Row("a property length beyond the packet", "7F", Malformed);
        yield return Row("a property length of 268,435,455", "FFFFFF7F", Malformed);
        yield return Row("a property length in more bytes than it needs", "8000", Malformed, "MQTT-1.5.5-1");
        yield return Row("a property length of five bytes", "8080808000", Malformed);
    }

    /// <summary>What is wrong with a property that may stand here.</summary>
    private IEnumerable<BadPacket> Wrong(KnownProperty known)
    {
        if (!known.MayRepeat)
        {
            yield return Row($"{known.Name} twice", $"( {known.Text}, {known.Text} )", Repeated);
        }

        var whole = Rendered.Bytes(known.Text);
        for (var length = 1; length < whole.Length; length++)
        {
            yield return Row(
                $"{known.Name} cut after {length} of {whole.Length} bytes",
                $"( {Convert.ToHexString(whole.AsSpan(0, length))} )",
                Malformed);
        }

        foreach (var text in known.Texts)
        {
            var where = known.MayRepeat ? $"{Name}: {known.Name}, {(text[0] == '@' ? "name" : "value")}" : $"{Name}: {known.Name}";
            foreach (var bad in BadStrings.In(where, $"{Before} ( {known.Identifier} {text} ) {After}", Malformed))
            {
                yield return bad with { IsFirst = IsFirst, Labels = known.MayRepeat ? $"{bad.Labels} MQTT-1.5.7-1".Trim() : bad.Labels };
            }
        }
    }

    private BadPacket Row(string name, string properties, string endings, string labels = "") =>
        new($"{Name}: {name}", $"{Before} {properties} {After}", endings, labels) { IsFirst = IsFirst };
}
