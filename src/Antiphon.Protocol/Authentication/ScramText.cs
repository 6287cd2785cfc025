using System.Text;
using Antiphon.Protocol.Wire;

namespace Antiphon.Protocol.Authentication;

/// <summary>
/// A message of an exchange, attribute by attribute (RFC 5802 §7).
/// A message that has no attribute where one is needed is not understood.
/// </summary>
internal ref struct ScramText
{
    private static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private ReadOnlySpan<char> _rest;
    private bool _ended;

    public ScramText(ReadOnlySpan<char> text) => _rest = text;

    /// <summary>The message's text.</summary>
    public static bool TryDecode(ReadOnlySpan<byte> message, out string text, out Fault fault)
    {
        try
        {
            text = Strict.GetString(message);
            fault = text.Contains('\0', StringComparison.Ordinal) ? Refuse("The message holds U+0000 (RFC 5802 §7).") : default;
        }
        catch (DecoderFallbackException)
        {
            text = "";
            fault = Refuse("The message is no UTF-8 (RFC 5802 §5.1).");
        }

        return !fault.Exists;
    }

    public static Fault Refuse(string message) => new(ReasonCode.NotAuthorized, $"SCRAM-SHA-256: {message}");

    /// <summary>Base64 in its one right form, without line ends.</summary>
    public static bool TryDecodeBase64(string text, out byte[] bytes)
    {
        var room = new byte[text.Length];
        var decoded = Convert.TryFromBase64String(text, room, out var length);
        bytes = room[..length];
        return decoded && Convert.ToBase64String(bytes) == text;
    }

    /// <summary>A nonce: printable ASCII without the comma, one character or more.</summary>
    public static bool IsNonce(ReadOnlySpan<char> text) =>
        text.Length > 0 && !text.ContainsAnyExceptInRange('!', '~') && !text.Contains(',');

    public static void ThrowIfNoNonce(string nonce)
    {
        ArgumentNullException.ThrowIfNull(nonce);
        if (!IsNonce(nonce))
        {
            throw new ArgumentException(
                "The nonce has to be printable ASCII without the comma, one character or more (RFC 5802 §5.1).", nameof(nonce));
        }
    }

    /// <summary>Takes the next attribute if it is the one named.</summary>
    public bool TryTake(char name, out string value)
    {
        var end = _rest.IndexOf(',');
        var attribute = end < 0 ? _rest : _rest[..end];
        if (_ended || attribute.Length < 3 || attribute[0] != name || attribute[1] != '=')
        {
            value = "";
            return false;
        }

        value = attribute[2..].ToString();
        _ended = end < 0;
        _rest = _ended ? default : _rest[(end + 1)..];
        return true;
    }

    /// <summary>What stands behind the last attribute: extensions, which one may pass over, but for the mandatory.</summary>
    public Fault CheckExtensions()
    {
        while (!_ended)
        {
            var name = _rest.Length > 0 ? _rest[0] : '\0';
            if (name == 'm')
            {
                return MandatoryExtension;
            }

            if (!char.IsAsciiLetter(name) || !TryTake(name, out _))
            {
                return Refuse($"«{Utf8Text.Excerpt(_rest.ToString())}» stands where an extension may stand, and is none (RFC 5802 §7).");
            }
        }

        return default;
    }

    /// <summary>Why the next attribute is not the one that has to come.</summary>
    public readonly Fault Missing(char name) => _rest is ['m', '=', ..]
        ? MandatoryExtension
        : Refuse($"The attribute {name}= has to stand where «{Utf8Text.Excerpt(_rest.ToString())}» stands (RFC 5802 §7).");

    private static Fault MandatoryExtension => Refuse("The message has a mandatory extension, m=, and none is defined (RFC 5802 §5.1).");
}
