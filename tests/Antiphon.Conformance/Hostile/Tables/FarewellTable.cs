using Antiphon.Conformance.Wire;

namespace Antiphon.Conformance.Hostile.Tables;

/// <summary>PINGREQ, DISCONNECT and AUTH (MQTT 5 §3.12, §3.14, §3.15), their properties apart.</summary>
internal static class FarewellTable
{
    /// <summary>Those that a client may send, too.</summary>
    private static readonly byte[] OfClient = [0x00, 0x04, 0x80, 0x81, 0x82, 0x83, 0x90, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99];

    private static readonly byte[] OfServer = [0x87, 0x89, 0x8B, 0x8D, 0x8E, 0x8F, 0x9A, 0x9B, 0x9C, 0x9D, 0x9E, 0x9F, 0xA0, 0xA1, 0xA2];

    public static IEnumerable<BadPacket> Rows() => [.. Pings(), .. Disconnects(), .. Auths()];

    private static IEnumerable<BadPacket> Pings()
    {
        yield return new("PINGREQ with a body", "C0[ 00 ]", "81") { InV311 = true };
        yield return new("PINGREQ with a property list", "C0[ 0001 00 ]", "81") { InV311 = true };
    }

    private static IEnumerable<BadPacket> Disconnects()
    {
        foreach (var code in ReasonCodes.Others([.. OfClient, .. OfServer, 0x8C]))
        {
            yield return new($"DISCONNECT with Reason Code {code:X2}", $"E0[ {code:X2} ]", "81|82", "MQTT-3.14.2-1");
        }

        // A server's codes are codes of the packet: that they are none of a client's need not be noticed.
        foreach (var code in OfServer.Append((byte)0x8C))
        {
            yield return new($"DISCONNECT with a server's Reason Code {code:X2}", $"E0[ {code:X2} ]", "silence|81|82", "MQTT-3.14.2-1");
        }

        yield return new("DISCONNECT that raises the Session Expiry Interval from 0", "E0[ 00 ( 11 00000001 ) ]", "82");
        yield return new("DISCONNECT that raises the Session Expiry Interval from 0 to never", "E0[ 04 ( 11 FFFFFFFF ) ]", "82");
        yield return new("DISCONNECT with a byte too many", "E0[ 00 ( 1F \"a\" ) 00 ]", "81");
        const string disconnect = "E0[ 00 ( 11 00000000, 1F \"a\", 26 \"a\" \"b\" ) ]";
        foreach (var row in Rendered.Cut("DISCONNECT", disconnect, ProtocolVersion.V5, left => left is 0 or 1 ? "" : "81"))
        {
            yield return row;
        }
    }

    /// <summary>Nobody has asked for enhanced authentication: AUTH is out of place, and may be wrong besides.</summary>
    private static IEnumerable<BadPacket> Auths()
    {
        yield return new("AUTH that goes on with what was not begun", "F0[ 18 ( 15 \"a\", 16 0001 FF ) ]", "82");
        yield return new("AUTH that begins anew what was not begun", "F0[ 19 ( 15 \"a\" ) ]", "82");
        yield return new("AUTH that says Success", "F0[ 00 ( 15 \"a\" ) ]", "82|81");
        yield return new("AUTH of no bytes", "F0 00", "82|81");
        yield return new("AUTH without a method", "F0[ 18 () ]", "82|81");
        yield return new("AUTH with data and without a method", "F0[ 18 ( 16 0001 FF ) ]", "82|81");
        yield return new("AUTH with a byte too many", "F0[ 18 ( 15 \"a\" ) 00 ]", "82|81");
        yield return new("AUTH in MQTT 3.1.1", "F0[ 18 00 ]", "81") { InV5 = false, InV311 = true };
        yield return new("AUTH of no bytes in MQTT 3.1.1", "F0 00", "81") { InV5 = false, InV311 = true };
        foreach (var code in ReasonCodes.Others([0x00, 0x18, 0x19]))
        {
            yield return new($"AUTH with Reason Code {code:X2}", $"F0[ {code:X2} ( 15 \"a\" ) ]", "81|82", "MQTT-3.15.2-1");
        }

        const string auth = "F0[ 18 ( 15 \"a\", 16 0001 FF, 1F \"a\", 26 \"a\" \"b\" ) ]";
        foreach (var row in Rendered.Cut("AUTH", auth, ProtocolVersion.V5, _ => "81|82"))
        {
            yield return row;
        }
    }
}
