using System.Text;
using Antiphon.Protocol.Packets;
using Antiphon.Protocol.Wire;

namespace Antiphon.Client.Connections;

/// <summary>Knows a server that speaks something else than MQTT by the first bytes that come from it.</summary>
internal static class ForeignServer
{
    private const int LongestQuotation = 32;
    private const int ShortestText = 3;
    private const int MostBytes = 8;

    /// <summary>What to say of a server that begins like this.</summary>
    /// <param name="first">The first bytes that have come over a connection, one or more.</param>
    /// <param name="server">Its address.</param>
    /// <returns>A sentence for people; <c>null</c>: so far it may be MQTT.</returns>
    public static string? Describe(ReadOnlySpan<byte> first, string server) => first switch
    {
        [(byte)'H', (byte)'T', (byte)'T', (byte)'P', (byte)'/', ..] =>
            $"{server} speaks HTTP, not MQTT; if a broker is reached by WebSocket there, set WebSocket.",
        [(byte)'S', (byte)'S', (byte)'H', (byte)'-', ..] => $"{server} speaks SSH, not MQTT.",

        // An alert or a handshake, and the first half of the version (RFC 8446 §5.1).
        [0x15 or 0x16, 0x03, ..] => $"{server} speaks TLS, not plain MQTT; set Tls.",

        // The greeting of mail and FTP servers, in which a packet could begin that never ends.
        [(byte)'2', (byte)'2', (byte)'0', ..] => NotMqtt(first, server),

        // No text begins like this: an MQTT server that has got its flags wrong.
        [>= (byte)PacketType.Auth << 4, ..] => null,
        _ => FrameReader.TryRead(first[..1], uint.MaxValue, out _, out _) == FrameStatus.Malformed ? NotMqtt(first, server) : null,
    };

    private static string NotMqtt(ReadOnlySpan<byte> first, string server) =>
        $"{server} does not speak MQTT: it begins with {Quote(first)}.";

    private static string Quote(ReadOnlySpan<byte> first)
    {
        var end = first.IndexOfAnyExceptInRange((byte)' ', (byte)'~');
        var text = first[..Math.Min(end < 0 ? first.Length : end, LongestQuotation)];
        return text.Length >= ShortestText
            ? $"«{Encoding.ASCII.GetString(text)}»"
            : $"the bytes {Convert.ToHexString(first[..Math.Min(first.Length, MostBytes)])}";
    }
}
