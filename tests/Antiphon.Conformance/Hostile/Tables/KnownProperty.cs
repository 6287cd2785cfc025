namespace Antiphon.Conformance.Hostile.Tables;

/// <summary>A property as MQTT 5 §2.2.2.2 has it, with a value that is good wherever the property may stand.</summary>
/// <param name="Identifier">Its identifier, two hexadecimal digits.</param>
/// <param name="Name">Its name.</param>
/// <param name="Value">A value, in the notation of the tables.</param>
/// <param name="Texts">The same with <c>@</c> in the place of each string.</param>
internal sealed record KnownProperty(string Identifier, string Name, string Value, params string[] Texts)
{
    public static readonly KnownProperty[] All =
    [
        new("01", "Payload Format Indicator", "00"),
        new("02", "Message Expiry Interval", "0000000A"),
        new("03", "Content Type", "\"a\"", "@"),
        new("08", "Response Topic", "\"a\"", "@"),
        new("09", "Correlation Data", "0002 FF00"),
        new("0B", "Subscription Identifier", "FF01"),
        new("11", "Session Expiry Interval", "0000000A"),
        new("12", "Assigned Client Identifier", "\"a\"", "@"),
        new("13", "Server Keep Alive", "000A"),
        new("15", "Authentication Method", "\"a\"", "@"),
        new("16", "Authentication Data", "0002 FF00"),
        new("17", "Request Problem Information", "01"),
        new("18", "Will Delay Interval", "0000000A"),
        new("19", "Request Response Information", "01"),
        new("1A", "Response Information", "\"a\"", "@"),
        new("1C", "Server Reference", "\"a\"", "@"),
        new("1F", "Reason String", "\"a\"", "@"),
        new("21", "Receive Maximum", "000A"),
        new("22", "Topic Alias Maximum", "000A"),
        new("23", "Topic Alias", "0001"),
        new("24", "Maximum QoS", "01"),
        new("25", "Retain Available", "01"),
        new("26", "User Property", "\"a\" \"b\"", "@ \"b\"", "\"a\" @"),
        new("27", "Maximum Packet Size", "00010000"),
        new("28", "Wildcard Subscription Available", "01"),
        new("29", "Subscription Identifier Available", "01"),
        new("2A", "Shared Subscription Available", "01"),
    ];

    public string Text => $"{Identifier} {Value}";

    public bool MayRepeat => Identifier == "26";
}
