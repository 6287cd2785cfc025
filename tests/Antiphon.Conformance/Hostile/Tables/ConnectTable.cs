using Antiphon.Conformance.Wire;

namespace Antiphon.Conformance.Hostile.Tables;

/// <summary>CONNECT (MQTT 5 §3.1), its properties apart.</summary>
internal static class ConnectTable
{
    public static IEnumerable<BadPacket> Rows() =>
        [
            .. new[] { Protocols(), Flags(), Texts(), Values(), Lengths() }
                .SelectMany(rows => rows)
                .Select(row => row with { IsFirst = true }),
            .. Seconds(),
        ];

    private static IEnumerable<BadPacket> Protocols()
    {
        foreach (var name in new[] { "", "M", "MQT", "MQTX", "mqtt", "MQTTT", "MQIsdp", "HTTP/1.1" })
        {
            yield return new($"CONNECT of the protocol «{name}»", $"10[ \"{name}\" 05 02 003C () \"~\" ]", "84|01|81|silence", "MQTT-3.1.2-1");
        }

        yield return new("CONNECT with a protocol name of 65,535 bytes, cut", "10[ FFFF 'MQTT' 05 02 003C () \"~\" ]", "84|81|silence", "MQTT-3.1.2-1");
        yield return new("CONNECT with a protocol name that is no UTF-8", "10[ s{ FF FE FD FC } 05 02 003C () \"~\" ]", "84|81|silence", "MQTT-3.1.2-1");
        foreach (var level in new[] { 0x00, 0x01, 0x02, 0x06, 0x07, 0x7F, 0x80, 0x85, 0xFF })
        {
            yield return new($"CONNECT of level {level:X2}", $"10[ \"MQTT\" {level:X2} 02 003C () \"~\" ]", "84|01|silence", "MQTT-3.1.2-2");
        }

        yield return new("CONNECT of MQTT 3.1", "10[ \"MQIsdp\" 03 02 003C \"~\" ]", "84|01|silence", "MQTT-3.1.2-2") { IsOwnRule = true };
    }

    private static IEnumerable<BadPacket> Flags()
    {
        BadPacket Row(string name, string flags, string payload, string endings, string labels) =>
            new($"CONNECT with {name}", $"10[ \"MQTT\" VV {flags} 003C () \"~\" {payload} ]", endings, labels) { InV311 = true };

        const string will = "() \"a\" \"w\"";
        yield return Row("the reserved flag", "03", "", "81", "MQTT-3.1.2-3");
        yield return Row("the reserved flag and all others", "F7", will + " \"u\" \"p\"", "81", "MQTT-3.1.2-3");
        yield return Row("Will QoS 3", "1E", will, "81", "MQTT-3.1.2-12");
        yield return Row("Will QoS 1 and no Will", "0A", "", "81|82", "MQTT-3.1.2-11");
        yield return Row("Will QoS 2 and no Will", "12", "", "81|82", "MQTT-3.1.2-11");
        yield return Row("Will QoS 3 and no Will", "1A", "", "81|82", "MQTT-3.1.2-11");
        yield return Row("Will Retain and no Will", "22", "", "81|82", "MQTT-3.1.2-13");
        yield return Row("a Will announced and none there", "06", "", "81", "MQTT-3.1.2-9");
        yield return Row("half a Will", "06", "() \"a\"", "81", "MQTT-3.1.2-9");
        yield return Row("a Will that is not announced", "02", will, "81|82", "MQTT-3.1.2-9");
        yield return Row("a user name announced and none there", "82", "", "81", "MQTT-3.1.2-17");
        yield return Row("a user name that is not announced", "02", "\"u\"", "81|82", "MQTT-3.1.2-16");
        yield return Row("user name and password announced and one there", "C2", "\"u\"", "81", "MQTT-3.1.2-19");
        yield return Row("a password that is not announced", "82", "\"u\" \"p\"", "81|82", "MQTT-3.1.2-18");
        yield return Row("a password and no user name", "42", "\"p\"", "silence", "") with { InV5 = false };
    }

    private static IEnumerable<BadPacket> Texts() =>
    [
        .. BadStrings.In("Client Identifier", "10[ \"MQTT\" VV 02 003C () @ ]")
            .Select(row => row with { Labels = $"{row.Labels} MQTT-3.1.3-4".Trim(), InV311 = true }),
        .. BadStrings.In("Will Topic", "10[ \"MQTT\" VV 06 003C () \"~\" () @ \"\" ]")
            .Select(row => row with { Labels = $"{row.Labels} MQTT-3.1.3-11".Trim(), InV311 = true }),
        .. BadStrings.In("User name", "10[ \"MQTT\" VV 82 003C () \"~\" @ ]")
            .Select(row => row with { Labels = $"{row.Labels} MQTT-3.1.3-12".Trim(), InV311 = true }),
        .. Topics.NoNames("Will Topic", "10[ \"MQTT\" VV 06 003C () \"~\" () @ \"\" ]", "MQTT-4.7.0-1")
            .Select(row => row with { InV311 = true }),
        .. Topics.NoNames("Will's Response Topic", "10[ \"MQTT\" 05 06 003C () \"~\" ( 08 @ ) \"a\" \"\" ]", "MQTT-3.3.2-14"),
        new("Will Topic «»", "10[ \"MQTT\" VV 06 003C () \"~\" () \"\" \"\" ]", "90|81|82", "MQTT-4.7.3-1") { InV311 = true },
        new("Will's Response Topic «»", "10[ \"MQTT\" 05 06 003C () \"~\" ( 08 \"\" ) \"a\" \"\" ]", "82|81|90", "MQTT-4.7.3-1"),
        new("Will payload: a length beyond the packet", "10[ \"MQTT\" VV 06 003C () \"~\" () \"a\" FFFF 'w' ]", "81") { InV311 = true },
        new("Password: a length beyond the packet", "10[ \"MQTT\" VV C2 003C () \"~\" \"u\" FFFF 'p' ]", "81") { InV311 = true },
        new("No Client Identifier in MQTT 3.1.1, and no Clean Session", "10[ \"MQTT\" 04 00 003C \"\" ]", "02") { InV5 = false, InV311 = true },
    ];

    private static IEnumerable<BadPacket> Values()
    {
        BadPacket Row(string name, string properties, string endings, string labels = "") =>
            new($"CONNECT with {name}", $"10[ \"MQTT\" 05 02 003C ( {properties} ) \"~\" ]", endings, labels);

        yield return Row("Receive Maximum 0", "21 0000", "82");
        yield return Row("Maximum Packet Size 0", "27 00000000", "82");
        yield return Row("Request Response Information 2", "19 02", "82");
        yield return Row("Request Response Information 255", "19 FF", "82");
        yield return Row("Request Problem Information 2", "17 02", "82");
        yield return Row("Request Problem Information 255", "17 FF", "82");
        yield return Row("Authentication Data and no Authentication Method", "16 0001 FF", "82");
        yield return Row("an Authentication Method that nobody knows", "15 \"no such method\"", "8C|87", "MQTT-4.12.0-1");
        yield return new("CONNECT with a Will of Payload Format Indicator 2", "10[ \"MQTT\" 05 06 003C () \"~\" ( 01 02 ) \"a\" \"\" ]", "82|81|99");
        yield return new("CONNECT with a Will of Payload Format Indicator 255", "10[ \"MQTT\" 05 06 003C () \"~\" ( 01 FF ) \"a\" \"\" ]", "82|81|99");
    }

    private static IEnumerable<BadPacket> Lengths()
    {
        const string whole = "10[ \"MQTT\" VV C6 003C ( 11 0000000A, 26 \"a\" \"b\" ) \"~\" ( 18 00000001, 03 \"a\" ) \"t\" \"w\" \"u\" \"p\" ]";

        // With less than name and level it is not seen to be MQTT at all.
        foreach (var version in new[] { ProtocolVersion.V5, ProtocolVersion.V311 })
        {
            foreach (var row in Rendered.Cut("CONNECT", whole, version, left => left < 7 ? "81|84|silence" : "81"))
            {
                yield return row with { Labels = "MQTT-3.1.4-1" };
            }
        }

        yield return new("CONNECT with a byte too many", whole.Replace(" ]", " 00 ]", StringComparison.Ordinal), "81", "MQTT-3.1.4-1") { InV311 = true };
    }

    private static IEnumerable<BadPacket> Seconds()
    {
        const string label = "MQTT-3.1.0-2";
        yield return new("A second CONNECT", "10[ \"MQTT\" VV 02 003C () \"~\" ]", "82", label) { InV311 = true };
        yield return new("A second CONNECT of another client", "10[ \"MQTT\" VV 02 003C () \"~other\" ]", "82", label) { InV311 = true };
        yield return new("A second CONNECT that asks for no Session", "10[ \"MQTT\" VV 02 0000 () \"\" ]", "82", label) { InV311 = true };
        yield return new("A second CONNECT of MQTT 3.1.1", "10[ \"MQTT\" 04 02 003C \"~\" ]", "82", label);
        yield return new("A second CONNECT of MQTT 5", "10[ \"MQTT\" 05 02 003C 00 \"~\" ]", "82", label) { InV5 = false, InV311 = true };
        yield return new("A second CONNECT of another protocol", "10[ \"HTTP\" 01 02 003C 00 \"~\" ]", "82|84|81", label) { InV311 = true };
        yield return new("A second CONNECT that is cut", "10[ 0004 'MQ' ]", "82|81", label) { InV311 = true };
        yield return new("A second CONNECT that is empty", "10 00", "82|81", label) { InV311 = true };
    }
}
