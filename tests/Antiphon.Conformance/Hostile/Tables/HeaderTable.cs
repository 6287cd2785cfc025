namespace Antiphon.Conformance.Hostile.Tables;

/// <summary>What can be wrong with the fixed header, whatever the packet (MQTT 5 §2.1).</summary>
internal static class HeaderTable
{
    /// <summary>A good packet of each type but PUBLISH, whose flags are no constant, and the statement about its flags.</summary>
    private static readonly (int Type, int Flags, string Name, string Tail, string Label)[] Types =
    [
        (1, 0, "CONNECT", "[ \"MQTT\" VV 02 003C () \"~\" ]", ""),
        (2, 0, "CONNACK", "[ 00 00 () ]", ""),
        (4, 0, "PUBACK", "[ 0001 ]", ""),
        (5, 0, "PUBREC", "[ 0001 ]", ""),
        (6, 2, "PUBREL", "[ 0001 ]", "MQTT-3.6.1-1"),
        (7, 0, "PUBCOMP", "[ 0001 ]", ""),
        (8, 2, "SUBSCRIBE", "[ 0001 () \"a\" 00 ]", "MQTT-3.8.1-1"),
        (9, 0, "SUBACK", "[ 0001 () 00 ]", ""),
        (10, 2, "UNSUBSCRIBE", "[ 0001 () \"a\" ]", "MQTT-3.10.1-1"),
        (11, 0, "UNSUBACK", "[ 0001 v5{ 00 00 } ]", ""),
        (12, 0, "PINGREQ", "[ ]", ""),
        (13, 0, "PINGRESP", "[ ]", ""),
        (14, 0, "DISCONNECT", "[ ]", "MQTT-3.14.1-1"),
        (15, 0, "AUTH", "[ 18 ( 15 \"a\" ) ]", "MQTT-3.15.1-1"),
    ];

    public static IEnumerable<BadPacket> Rows() => [.. ReservedFlags(), .. Lengths(), .. TooLarge(), .. FirstPackets(), .. FromServer()];

    private static IEnumerable<BadPacket> ReservedFlags()
    {
        for (var flags = 0; flags < 16; flags++)
        {
            yield return new BadPacket($"Type 0 with flags {flags:X}", $"0{flags:X} 00", "81|82") { InV311 = true };
            foreach (var type in Types.Where(type => type.Flags != flags))
            {
                // Where the packet is out of place besides, either fault may be the first to be seen.
                var endings = type.Name is "CONNECT" or "CONNACK" or "SUBACK" or "UNSUBACK" or "PINGRESP" or "AUTH" ? "81|82" : "81";
                yield return new BadPacket(
                    $"{type.Name} with flags {flags:X}",
                    $"{type.Type:X}{flags:X}{type.Tail}",
                    endings,
                    $"MQTT-2.1.3-1 {type.Label}".Trim())
                {
                    InV311 = true,
                };
            }

            if (flags != 0)
            {
                yield return new BadPacket(
                    $"A first CONNECT with flags {flags:X}", $"1{flags:X}{Types[0].Tail}", "81|silence", "MQTT-2.1.3-1")
                {
                    IsFirst = true,
                    InV311 = true,
                };
            }
        }
    }

    private static IEnumerable<BadPacket> Lengths()
    {
        (string First, string Name)[] packets =
        [
            ("10", "CONNECT"), ("30", "PUBLISH"), ("40", "PUBACK"), ("82", "SUBSCRIBE"),
            ("A2", "UNSUBSCRIBE"), ("C0", "PINGREQ"), ("E0", "DISCONNECT"), ("F0", "AUTH"),
        ];
        foreach (var (first, name) in packets)
        {
            var endings = name is "CONNECT" or "AUTH" ? "81|82" : "81";
            yield return new BadPacket($"{name}: a Remaining Length of five bytes", $"{first} 80 80 80 80 01", endings) { InV311 = true };
            yield return new BadPacket($"{name}: a Remaining Length of five bytes, FF each", $"{first} FF FF FF FF FF", endings) { InV311 = true };
            yield return new BadPacket($"{name}: a Remaining Length of 0 in two bytes", $"{first} 80 00", endings, "MQTT-1.5.5-1");
            yield return new BadPacket($"{name}: a Remaining Length of 0 in four bytes", $"{first} 80 80 80 00", endings, "MQTT-1.5.5-1");
            yield return new BadPacket($"{name}: a Remaining Length of 5 in two bytes", $"{first} 85 00 0003 'abc'", endings, "MQTT-1.5.5-1");
        }

        yield return new BadPacket("A first CONNECT: a Remaining Length of five bytes", "10 80 80 80 80 01", "81|silence") { IsFirst = true };
        yield return new BadPacket("A first CONNECT: a Remaining Length of 5 in two bytes", "10 85 00 0003 'abc'", "81|silence", "MQTT-1.5.5-1") { IsFirst = true };
    }

    /// <summary>Nothing of the body is sent: the header alone has to be refused.</summary>
    private static IEnumerable<BadPacket> TooLarge()
    {
        foreach (var (first, name, endings) in new[]
        {
            ("30", "PUBLISH", "95"), ("32", "PUBLISH with QoS 1", "95"), ("34", "PUBLISH with QoS 2", "95"),
            ("82", "SUBSCRIBE", "95"), ("A2", "UNSUBSCRIBE", "95"),
            ("40", "PUBACK", "95"), ("50", "PUBREC", "95"), ("62", "PUBREL", "95"), ("70", "PUBCOMP", "95"), ("E0", "DISCONNECT", "95"),
            ("10", "A second CONNECT", "82|95"), ("C0", "PINGREQ", "81|95"), ("F0", "AUTH", "82|95"),
        })
        {
            yield return new BadPacket($"{name} of 256 MiB, announced", $"{first} FF FF FF 7F", endings) { IsWhole = false, IsOwnRule = true, InV311 = true };
        }

        yield return new BadPacket("PUBLISH one byte over the Maximum Packet Size, announced", "30 FD FF 3F", "95") { IsWhole = false, IsOwnRule = true, InV311 = true };
        yield return new BadPacket("A first CONNECT of 256 MiB, announced", "10 FF FF FF 7F", "95|silence") { IsWhole = false, IsOwnRule = true, IsFirst = true };
    }

    private static IEnumerable<BadPacket> FirstPackets()
    {
        const string endings = "silence|81|82";
        foreach (var type in Types.Where(type => type.Name != "CONNECT"))
        {
            yield return First($"{type.Name} as the first packet", $"{type.Type:X}{type.Flags:X}{type.Tail}", endings);
        }

        yield return First("Type 0 as the first packet", "00 00", endings);
        yield return First("PUBLISH as the first packet", "30[ \"a\" () 'x' ]", endings);
        yield return First("PUBLISH of 256 MiB as the first packet, announced", "30 FF FF FF 7F", endings) with { IsWhole = false };
        yield return First("The first byte of a PUBLISH as the first packet", "30", endings) with { IsWhole = false, IsOwnRule = true };
        yield return First("The first byte of type 0 as the first packet", "00", endings) with { IsWhole = false, IsOwnRule = true };
        yield return First("An HTTP request", "'GET / HTTP/1.1' 0D0A 'Host: localhost' 0D0A 0D0A", endings);
        yield return First("A TLS handshake", "16 03 01 00 05 01 00 00 01 03", endings);
        yield return First("An SSH greeting", "'SSH-2.0-OpenSSH_9.6' 0D0A", endings);
        yield return First("An SMTP greeting", "'EHLO localhost' 0D0A", endings);
        yield return First("A PROXY protocol header", "'PROXY TCP4 127.0.0.1 127.0.0.1 4000 1883' 0D0A", endings);
        yield return First("A thousand zeros", "00*1000", endings);
        yield return First("A thousand times FF", "FF*1000", endings);
    }

    private static BadPacket First(string name, string bytes, string endings) =>
        new(name, bytes, endings, "MQTT-3.1.0-1") { IsFirst = true };

    private static IEnumerable<BadPacket> FromServer()
    {
        foreach (var type in Types.Where(type => type.Name is "CONNACK" or "SUBACK" or "UNSUBACK" or "PINGRESP"))
        {
            yield return new BadPacket($"{type.Name} from a client", $"{type.Type:X}{type.Flags:X}{type.Tail}", "82|81") { InV311 = true };
        }
    }
}
