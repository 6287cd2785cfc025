using Antiphon.Conformance.Wire;

namespace Antiphon.Conformance.Hostile.Tables;

/// <summary>PUBLISH (MQTT 5 §3.3), its properties apart.</summary>
internal static class PublishTable
{
    public static IEnumerable<BadPacket> Rows() => [.. Flags(), .. TopicNames(), .. Values(), .. Aliases(), .. Lengths()];

    private static IEnumerable<BadPacket> Flags()
    {
        foreach (var flags in new[] { 0x6, 0x7, 0xE, 0xF })
        {
            yield return new($"PUBLISH with QoS 3, flags {flags:X}", $"3{flags:X}[ \"a\" 0001 () 'x' ]", "81", "MQTT-3.3.1-4") { InV311 = true };
        }

        // The standard names no code.
        foreach (var flags in new[] { 0x8, 0x9 })
        {
            yield return new($"PUBLISH with DUP and QoS 0, flags {flags:X}", $"3{flags:X}[ \"a\" () 'x' ]", "81|82", "MQTT-3.3.1-2 MQTT-4.3.1-1") { InV311 = true };
        }

        foreach (var (first, qos) in new[] { ("32", 1), ("34", 2), ("3A", 1), ("3C", 2) })
        {
            yield return new($"PUBLISH with QoS {qos} and Packet Identifier 0, {first}", $"{first}[ \"a\" 0000 () 'x' ]", "82|81", "MQTT-2.2.1-3") { InV311 = true };
        }
    }

    private static IEnumerable<BadPacket> TopicNames() =>
    [
        .. BadStrings.In("Topic Name", "30[ @ () 'x' ]")
            .Select(row => row with { Labels = $"{row.Labels} MQTT-3.3.2-1".Trim(), InV311 = true }),
        .. BadStrings.In("Topic Name with QoS 1", "32[ @ 0001 () 'x' ]")
            .Select(row => row with { Labels = $"{row.Labels} MQTT-3.3.2-1".Trim(), InV311 = true }),
        .. Topics.NoNames("Topic Name", "30[ @ () 'x' ]", "MQTT-3.3.2-2").Select(row => row with { InV311 = true }),
        .. Topics.NoNames("Topic Name with QoS 1", "32[ @ 0001 () 'x' ]", "MQTT-3.3.2-2").Select(row => row with { InV311 = true }),
        .. Topics.NoNames("Topic Name with an alias", "30[ @ ( 23 0001 ) 'x' ]", "MQTT-3.3.2-2"),
        .. Topics.NoNames("Response Topic", "30[ \"a\" ( 08 @ ) 'x' ]", "MQTT-3.3.2-14"),
        new("Topic Name «» without an alias", "30[ \"\" () 'x' ]", "82", "MQTT-4.7.3-1") { InV311 = true },
        new("Response Topic «»", "30[ \"a\" ( 08 \"\" ) 'x' ]", "82|81|90", "MQTT-4.7.3-1"),
    ];

    private static IEnumerable<BadPacket> Values()
    {
        yield return new("PUBLISH with Payload Format Indicator 2", "30[ \"a\" ( 01 02 ) 'x' ]", "82|81|99");
        yield return new("PUBLISH with Payload Format Indicator 255", "30[ \"a\" ( 01 FF ) 'x' ]", "82|81|99");
        yield return new("PUBLISH with Subscription Identifier 0", "30[ \"a\" ( 0B 00 ) 'x' ]", "82|81", "MQTT-3.3.4-6");
        yield return new("PUBLISH with two Subscription Identifiers", "30[ \"a\" ( 0B 01, 0B 02 ) 'x' ]", "82|81", "MQTT-3.3.4-6");
    }

    private static IEnumerable<BadPacket> Aliases()
    {
        foreach (var topic in new[] { "\"a\"", "\"\"" })
        {
            var with = topic == "\"\"" ? "without" : "with";
            yield return new($"Topic Alias 0 {with} a Topic Name", $"30[ {topic} ( 23 0000 ) 'x' ]", "94", "MQTT-3.3.2-8");
            yield return new($"Topic Alias 65,535 {with} a Topic Name", $"30[ {topic} ( 23 FFFF ) 'x' ]", "94");
            yield return new($"Topic Alias 17 {with} a Topic Name", $"30[ {topic} ( 23 0011 ) 'x' ]", "94") { IsOwnRule = true };
        }

        yield return new("Topic Alias 1, which stands for nothing", "30[ \"\" ( 23 0001 ) 'x' ]", "82", "MQTT-3.3.2-7");
        yield return new("Topic Alias 2, while only 1 stands for something", "30[ \"a\" ( 23 0001 ) 'x' ] 30[ \"\" ( 23 0002 ) 'x' ]", "82", "MQTT-3.3.2-7");
    }

    private static IEnumerable<BadPacket> Lengths()
    {
        const string whole = "32[ \"t/a\" 0001 ( 01 01, 26 \"a\" \"b\" ) ]";
        return
        [
            .. Rendered.Cut("PUBLISH", whole, ProtocolVersion.V5, _ => "81"),
            .. Rendered.Cut("PUBLISH", whole, ProtocolVersion.V311, _ => "81"),
        ];
    }
}
