namespace Antiphon.Conformance.Hostile.Tables;

/// <summary>The Reason Codes of MQTT 5 §2.4.</summary>
internal static class ReasonCodes
{
    /// <summary>All that exist, and some that do not.</summary>
    private static readonly byte[] All =
    [
        0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x0F, 0x10, 0x11, 0x12, 0x18, 0x19, 0x1A, 0x7F,
        .. Enumerable.Range(0x80, 0x23).Select(code => (byte)code), 0xA3, 0xFF,
    ];

    /// <summary>Those that a packet may not hold.</summary>
    public static IEnumerable<byte> Others(byte[] allowed) => All.Except(allowed);
}
