namespace Antiphon.Conformance.Hostile.Tables;

/// <summary>What is no Topic Name and no Topic Filter, although it is a good string (MQTT 5 §4.7, §4.8.2).</summary>
internal static class Topics
{
    private static readonly string[] WithWildcard = ["+", "#", "a/+", "a/#", "+/a", "a/+/b", "a+", "a#b", "$share/g/#"];

    private static readonly (string Filter, string Labels)[] NoFilters =
    [
        ("", "MQTT-4.7.3-1"),
        ("#/a", "MQTT-4.7.1-1"), ("a/#/b", "MQTT-4.7.1-1"), ("a#", "MQTT-4.7.1-1"), ("#a", "MQTT-4.7.1-1"),
        ("##", "MQTT-4.7.1-1"), ("a/##", "MQTT-4.7.1-1"), ("/#/", "MQTT-4.7.1-1"),
        ("a+", "MQTT-4.7.1-2"), ("+a", "MQTT-4.7.1-2"), ("a/+b", "MQTT-4.7.1-2"), ("a/b+/c", "MQTT-4.7.1-2"),
        ("++", "MQTT-4.7.1-2"), ("+#", "MQTT-4.7.1-1 MQTT-4.7.1-2"),
    ];

    private static readonly (string Filter, string Labels)[] NoSharedFilters =
    [
        ("$share/", "MQTT-4.8.2-1"), ("$share//a", "MQTT-4.8.2-1"), ("$share///", "MQTT-4.8.2-1"),
        ("$share/g", "MQTT-4.8.2-2"), ("$share/g/", "MQTT-4.8.2-2"), ("$share/+/a", "MQTT-4.8.2-2"),
        ("$share/#/a", "MQTT-4.8.2-2"), ("$share/a+b/c", "MQTT-4.8.2-2"),
        ("$share/a#/c", "MQTT-4.8.2-2"), ("$share/g/#/a", "MQTT-4.7.1-1"), ("$share/g/a+", "MQTT-4.7.1-2"),
    ];

    /// <summary>The same packet with each text that is no Topic Name in one place of it.</summary>
    /// <param name="where">The name of the place.</param>
    /// <param name="packet">The packet, with <c>@</c> in that place.</param>
    /// <param name="labels">The statement about wildcards there.</param>
    public static IEnumerable<BadPacket> NoNames(string where, string packet, string labels)
    {
        // The standard names no code: 90 is the one about Topic Names.
        foreach (var topic in WithWildcard)
        {
            yield return new BadPacket(
                $"{where} «{topic}»", packet.Replace("@", $"\"{topic}\"", StringComparison.Ordinal), "90|81|82", labels);
        }
    }

    /// <summary>The same packet with each text that is no Topic Filter in one place of it.</summary>
    /// <param name="where">The name of the place.</param>
    /// <param name="packet">The packet, with <c>@</c> in that place.</param>
    /// <param name="endings">What may come of it.</param>
    public static IEnumerable<BadPacket> NoFiltersIn(string where, string packet, string endings)
    {
        BadPacket Row(string filter, string labels) =>
            new($"{where} «{filter}»", packet.Replace("@", $"\"{filter}\"", StringComparison.Ordinal), endings, labels);

        return
        [
            .. NoFilters.Select(row => Row(row.Filter, row.Labels) with { InV311 = true }),
            .. NoSharedFilters.Select(row => Row(row.Filter, row.Labels)),
        ];
    }
}
