using Antiphon.Conformance.Wire;

namespace Antiphon.Conformance.Hostile.Tables;

/// <summary>SUBSCRIBE and UNSUBSCRIBE (MQTT 5 §3.8, §3.10), their properties apart.</summary>
internal static class SubscribeTable
{
    public static IEnumerable<BadPacket> Rows() => [.. Filters(), .. Options(), .. Values(), .. Lengths()];

    private static IEnumerable<BadPacket> Filters()
    {
        // The standard names no code; 8F is the one about Topic Filters, and SUBACK may say it too.
        const string endings = "8F|81|82|refusal";
        return
        [
            .. BadStrings.In("Topic Filter", "82[ 0001 () @ 00 ]")
                .Select(row => row with { Labels = $"{row.Labels} MQTT-3.8.3-1".Trim(), InV311 = true }),
            .. BadStrings.In("Topic Filter behind a good one", "82[ 0001 () \"a\" 00 @ 00 ]")
                .Select(row => row with { Labels = $"{row.Labels} MQTT-3.8.3-1".Trim(), InV311 = true }),
            .. BadStrings.In("Topic Filter to give up", "A2[ 0001 () @ ]")
                .Select(row => row with { Labels = $"{row.Labels} MQTT-3.10.3-1".Trim(), InV311 = true }),
            .. Topics.NoFiltersIn("Topic Filter", "82[ 0001 () @ 00 ]", endings),
            .. Topics.NoFiltersIn("Topic Filter behind a good one", "82[ 0001 () \"a\" 00 @ 00 ]", endings),
            .. Topics.NoFiltersIn("Topic Filter to give up", "A2[ 0001 () @ ]", endings),
            .. Topics.NoFiltersIn("Topic Filter to give up behind a good one", "A2[ 0001 () \"a\" @ ]", endings),
            new("Share Name that is no UTF-8", "82[ 0001 () s{ '$share/' FF '/a' } 00 ]", "81", "MQTT-1.5.4-1"),
            new("Share Name with U+0000", "82[ 0001 () s{ '$share/' 00 '/a' } 00 ]", "81", "MQTT-1.5.4-2"),
            new("SUBSCRIBE without a Topic Filter", "82[ 0001 () ]", "82", "MQTT-3.8.3-2") { InV311 = true },
            new("UNSUBSCRIBE without a Topic Filter", "A2[ 0001 () ]", "82", "MQTT-3.10.3-2") { InV311 = true },
        ];
    }

    private static IEnumerable<BadPacket> Options()
    {
        for (var options = 0; options < 0x100; options++)
        {
            var reserved = (options & 0xC0) != 0;
            var forbidden = (options & 3) == 3 || (options & 0x30) == 0x30;
            if (reserved || forbidden)
            {
                var endings = !reserved ? "82" : forbidden ? "81|82" : "81";
                yield return new($"Subscription Options {options:X2}", $"82[ 0001 () \"a\" {options:X2} ]", endings, reserved ? "MQTT-3.8.3-5" : "");
            }

            if (options > 2)
            {
                yield return new($"Requested QoS {options:X2}", $"82[ 0001 \"a\" {options:X2} ]", "81") { InV5 = false, InV311 = true };
            }
        }

        foreach (var options in new[] { "04", "05", "06", "0C", "25" })
        {
            yield return new($"No Local on a shared subscription, options {options}", $"82[ 0001 () \"$share/g/a\" {options} ]", "82", "MQTT-3.8.3-4");
        }

        yield return new("No Local on a shared subscription behind a good one", "82[ 0001 () \"a\" 04 \"$share/g/a\" 04 ]", "82", "MQTT-3.8.3-4");
    }

    private static IEnumerable<BadPacket> Values()
    {
        yield return new("SUBSCRIBE with Packet Identifier 0", "82[ 0000 () \"a\" 00 ]", "82|81", "MQTT-2.2.1-3") { InV311 = true };
        yield return new("UNSUBSCRIBE with Packet Identifier 0", "A2[ 0000 () \"a\" ]", "82|81", "MQTT-2.2.1-3") { InV311 = true };
        yield return new("Subscription Identifier 0", "82[ 0001 ( 0B 00 ) \"a\" 00 ]", "82");
        yield return new("Subscription Identifier in more bytes than it needs", "82[ 0001 ( 0B 8100 ) \"a\" 00 ]", "81", "MQTT-1.5.5-1");
        yield return new("Subscription Identifier of five bytes", "82[ 0001 ( 0B 8080808001 ) \"a\" 00 ]", "81");
    }

    private static IEnumerable<BadPacket> Lengths()
    {
        const string subscribe = "82[ 0001 ( 0B 01, 26 \"a\" \"b\" ) \"t\" 00 \"u/+\" 01 ]";
        const string unsubscribe = "A2[ 0001 ( 26 \"a\" \"b\" ) \"t\" \"u/+\" ]";
        return
        [
            .. Rendered.Cut("SUBSCRIBE", subscribe, ProtocolVersion.V5, Ends(noFilter: 12, oneFilter: 16)),
            .. Rendered.Cut("SUBSCRIBE", subscribe, ProtocolVersion.V311, Ends(noFilter: 2, oneFilter: 6)),
            .. Rendered.Cut("UNSUBSCRIBE", unsubscribe, ProtocolVersion.V5, Ends(noFilter: 10, oneFilter: 13)),
            .. Rendered.Cut("UNSUBSCRIBE", unsubscribe, ProtocolVersion.V311, Ends(noFilter: 2, oneFilter: 5)),
        ];
    }

    private static Func<int, string> Ends(int noFilter, int oneFilter) => left => left == noFilter ? "82" : left == oneFilter ? "" : "81";
}
