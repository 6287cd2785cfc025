using Antiphon.Conformance.Wire;

namespace Antiphon.Conformance.Hostile.Tables;

/// <summary>Packets of the tables as bytes, and packets made of the parts of others.</summary>
internal static class Rendered
{
    public static byte[] Bytes(string text, ProtocolVersion version = ProtocolVersion.V5, string unique = "x")
    {
        var bytes = new List<byte>();
        Node.Write(Notation.Read(text), bytes, new Scope(version, unique, _ => 0));
        return [.. bytes];
    }

    /// <summary>A packet cut off after each of its bytes, with a Remaining Length that says just that.</summary>
    /// <param name="name">The packet's name.</param>
    /// <param name="packet">A good packet of less than 128 bytes.</param>
    /// <param name="version">The version that it is of.</param>
    /// <param name="endings">How that may end, by the bytes that are left of its body; empty where that is a good packet.</param>
    public static IEnumerable<BadPacket> Cut(string name, string packet, ProtocolVersion version, Func<int, string> endings)
    {
        var bytes = Bytes(packet, version);
        var length = bytes.Length - 2;
        for (var left = 0; left < length; left++)
        {
            if (endings(left) is { Length: > 0 } ending)
            {
                var cut = $"{bytes[0]:X2}[ {Convert.ToHexString(bytes.AsSpan(2, left))} ]";
                yield return new BadPacket($"{name}: cut after {left} of {length} bytes", cut, ending)
                {
                    InV5 = version == ProtocolVersion.V5,
                    InV311 = version == ProtocolVersion.V311,
                };
            }
        }
    }
}
