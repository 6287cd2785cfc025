using Antiphon.Conformance.Wire;

namespace Antiphon.Conformance.Hostile.Tables;

/// <summary>PUBACK, PUBREC, PUBREL and PUBCOMP (MQTT 5 §3.4 to §3.7), their properties apart.</summary>
internal static class AcknowledgementTable
{
    private static readonly (string First, string Name, byte[] Codes, string Label)[] Packets =
    [
        ("40", "PUBACK", [0x00, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99], "MQTT-3.4.2-1"),
        ("50", "PUBREC", [0x00, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99], "MQTT-3.5.2-1"),
        ("62", "PUBREL", [0x00, 0x92], "MQTT-3.6.2-1"),
        ("70", "PUBCOMP", [0x00, 0x92], "MQTT-3.7.2-1"),
    ];

    public static IEnumerable<BadPacket> Rows() => Packets.SelectMany(packet => (IEnumerable<BadPacket>)
    [
        .. ReasonCodes.Others(packet.Codes).Select(code =>
            new BadPacket($"{packet.Name} with Reason Code {code:X2}", $"{packet.First}[ 0001 {code:X2} ]", "81|82", packet.Label)),
        .. ReasonCodes.Others(packet.Codes).Where(code => code is 0x01 or 0x81 or 0xFF).Select(code =>
            new BadPacket(
                $"{packet.Name} with Reason Code {code:X2} and properties",
                $"{packet.First}[ 0001 {code:X2} ( 1F \"a\" ) ]",
                "81|82",
                packet.Label)),
        new($"{packet.Name} with Packet Identifier 0", $"{packet.First}[ 0000 ]", "82|81") { InV311 = true },
        new($"{packet.Name} with a byte too many", $"{packet.First}[ 0001 00 ( 1F \"a\" ) 00 ]", "81"),
        new($"{packet.Name} with a byte too many", $"{packet.First}[ 0001 00 ]", "81") { InV5 = false, InV311 = true },
        .. Rendered.Cut(
            packet.Name,
            $"{packet.First}[ 0001 00 ( 1F \"a\", 26 \"a\" \"b\" ) ]",
            ProtocolVersion.V5,
            left => left is 2 or 3 ? "" : "81"),
        .. Rendered.Cut(packet.Name, $"{packet.First}[ 0001 ]", ProtocolVersion.V311, _ => "81"),
    ]);
}
