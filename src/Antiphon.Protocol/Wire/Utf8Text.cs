using System.Text;

namespace Antiphon.Protocol.Wire;

/// <summary>What text may stand in an MQTT string (MQTT 5 §1.5.4).</summary>
public static class Utf8Text
{
    private static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>The beginning of a peer's text, fit to stand in a log message or Reason String.</summary>
    /// <param name="text">Text from a peer, of any length.</param>
    /// <returns>64 characters of it at most, and an ellipsis where it was cut; U+FFFD in the place of control characters.</returns>
    public static string Excerpt(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        const int longest = 64;
        var cut = text.Length > longest && char.IsHighSurrogate(text[longest - 1]) ? longest - 1 : longest;
        var excerpt = text.Length <= longest ? text : string.Concat(text.AsSpan(0, cut), "…");
        return excerpt.Any(char.IsControl) ? string.Concat(excerpt.Select(c => char.IsControl(c) ? '\uFFFD' : c)) : excerpt;
    }

    /// <summary>How many bytes the text takes in UTF-8, without its two length bytes.</summary>
    /// <param name="text">The text.</param>
    /// <returns>0 to 65,535 bytes.</returns>
    /// <exception cref="ArgumentException">A lone surrogate, U+0000 or more than 65,535 bytes [MQTT-1.5.4-1, MQTT-1.5.4-2].</exception>
    public static int GetByteCount(string text) => GetByteCount(text, nameof(text));

    internal static int GetByteCount(string text, string parameterName)
    {
        ArgumentNullException.ThrowIfNull(text, parameterName);
        if (text.Contains('\0', StringComparison.Ordinal))
        {
            throw new ArgumentException("The text holds U+0000, which no MQTT string may hold [MQTT-1.5.4-2].", parameterName);
        }

        int bytes;
        try
        {
            bytes = Strict.GetByteCount(text);
        }
        catch (EncoderFallbackException unpaired)
        {
            throw new ArgumentException(
                "The text holds a lone surrogate, which has no UTF-8 form [MQTT-1.5.4-1].", parameterName, unpaired);
        }

        return bytes <= ushort.MaxValue
            ? bytes
            : throw new ArgumentException(
                $"The text takes {bytes} bytes in UTF-8; an MQTT string holds at most 65,535 (MQTT 5 §1.5.4).", parameterName);
    }
}
