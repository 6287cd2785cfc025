using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Antiphon.Protocol.Authentication;

/// <summary>
/// The server's side of one SCRAM-SHA-256 exchange (RFC 5802, RFC 7677), without channel binding:
/// client-first in, server-first out, client-final in, server-final out.
/// Used once; not thread-safe.
/// </summary>
public sealed class ScramServerExchange
{
    private readonly string _serverNonce;
    private ScramCredential? _credential;
    private string _header = "";
    private string _clientFirstBare = "";
    private string _clientNonce = "";
    private string _serverFirst = "";

    /// <summary>Begins an exchange.</summary>
    /// <param name="nonce">
    /// The server's part of the nonce, fresh and random: printable ASCII without the comma, such as the Base64 of 18 bytes.
    /// </param>
    /// <exception cref="ArgumentException">It is no nonce.</exception>
    public ScramServerExchange(string nonce)
    {
        ScramText.ThrowIfNoNonce(nonce);
        _serverNonce = nonce;
    }

    /// <summary>Reads the client's first message; <see cref="Challenge"/> comes next.</summary>
    /// <param name="message">The Authentication Data of CONNECT, or of the AUTH that begins re-authentication.</param>
    /// <param name="userName">Who it wants to be.</param>
    /// <param name="fault">Otherwise what is wrong, with 0x87.</param>
    public bool TryReadClientFirst(ReadOnlySpan<byte> message, out string userName, out Fault fault)
    {
        if (_clientNonce.Length > 0)
        {
            throw new InvalidOperationException("The client's first message has been read; an exchange is used once.");
        }

        userName = "";
        if (!ScramText.TryDecode(message, out var text, out fault))
        {
            return false;
        }

        var flagEnd = text.IndexOf(',', StringComparison.Ordinal);
        var headerEnd = text.IndexOf(',', flagEnd + 1);
        if (flagEnd < 0 || headerEnd < 0)
        {
            fault = ScramText.Refuse("The message has no channel-binding flag and authorization identity (RFC 5802 §7).");
            return false;
        }

        var flag = text[..flagEnd];
        if (flag is not ("n" or "y"))
        {
            fault = ScramText.Refuse(
                "The message demands channel binding, which SCRAM-SHA-256-PLUS alone has, or holds an unknown flag (RFC 5802 §6).");
            return false;
        }

        var attributes = new ScramText(text.AsSpan(headerEnd + 1));
        if (!attributes.TryTake('n', out var escaped))
        {
            fault = attributes.Missing('n');
            return false;
        }

        if (!attributes.TryTake('r', out var nonce))
        {
            fault = attributes.Missing('r');
            return false;
        }

        if (!ScramText.IsNonce(nonce))
        {
            fault = ScramText.Refuse("The nonce is not printable ASCII (RFC 5802 §5.1).");
            return false;
        }

        fault = attributes.CheckExtensions();
        if (fault.Exists)
        {
            return false;
        }

        var identity = text[(flagEnd + 1)..headerEnd];
        if (identity.Length > 0 && identity != $"a={escaped}")
        {
            fault = ScramText.Refuse("The message asks for the rights of another user, a=, and nobody may have them (RFC 5802 §5.1).");
            return false;
        }

        if (!TryUnescape(escaped, out userName))
        {
            fault = ScramText.Refuse("The user name holds = without 2C or 3D behind it (RFC 5802 §5.1).");
            return false;
        }

        _header = text[..(headerEnd + 1)];
        _clientFirstBare = text[(headerEnd + 1)..];
        _clientNonce = nonce;
        return true;
    }

    /// <summary>The server's first message, for AUTH with 0x18.</summary>
    /// <param name="credential">The user's, or <see cref="ScramCredential.ForUnknownUser"/>.</param>
    public byte[] Challenge(ScramCredential credential)
    {
        ArgumentNullException.ThrowIfNull(credential);
        if (_clientNonce.Length == 0 || _serverFirst.Length > 0)
        {
            throw new InvalidOperationException("The challenge follows the client's first message, once.");
        }

        _credential = credential;
        _serverFirst = string.Create(
            CultureInfo.InvariantCulture,
            $"r={_clientNonce}{_serverNonce},s={Convert.ToBase64String(credential.Salt.Span)},i={credential.Iterations}");
        return Encoding.UTF8.GetBytes(_serverFirst);
    }

    /// <summary>Reads the client's final message and tells whether the client knows the password.</summary>
    /// <param name="message">The Authentication Data of the client's AUTH with 0x18.</param>
    /// <param name="serverFinal">The server's final message, for CONNACK or the AUTH that ends re-authentication; empty on failure.</param>
    /// <param name="fault">Otherwise what is wrong, with 0x87. It is the same for a wrong password and an unknown user.</param>
    public bool TryReadClientFinal(ReadOnlySpan<byte> message, out byte[] serverFinal, out Fault fault)
    {
        var credential = _credential ?? throw new InvalidOperationException("The client's final message follows the challenge, once.");
        _credential = null;
        serverFinal = [];
        if (!ScramText.TryDecode(message, out var text, out fault))
        {
            return false;
        }

        // The proof is the last attribute, and what stands before it is what it proves.
        var proofAt = text.LastIndexOf(",p=", StringComparison.Ordinal);
        if (proofAt < 0 || !ScramText.TryDecodeBase64(text[(proofAt + 3)..], out var proof) || proof.Length != SHA256.HashSizeInBytes)
        {
            fault = ScramText.Refuse("The message does not end with a proof of 32 bytes, p= (RFC 5802 §7).");
            return false;
        }

        var withoutProof = text[..proofAt];
        fault = CheckFinal(withoutProof);
        if (fault.Exists)
        {
            return false;
        }

        var authMessage = $"{_clientFirstBare},{_serverFirst},{withoutProof}";
        var clientKey = ScramKeys.Xor(proof, ScramKeys.Sign(credential.StoredKey.Span, authMessage));
        if (!CryptographicOperations.FixedTimeEquals(SHA256.HashData(clientKey), credential.StoredKey.Span))
        {
            fault = ScramText.Refuse("The proof is wrong: no such user, or another password (RFC 5802 §3).");
            return false;
        }

        serverFinal = Encoding.UTF8.GetBytes($"v={Convert.ToBase64String(ScramKeys.Sign(credential.ServerKey.Span, authMessage))}");
        return true;
    }

    private Fault CheckFinal(string withoutProof)
    {
        var attributes = new ScramText(withoutProof);
        if (!attributes.TryTake('c', out var binding))
        {
            return attributes.Missing('c');
        }

        if (binding != Convert.ToBase64String(Encoding.UTF8.GetBytes(_header)))
        {
            return ScramText.Refuse("The channel binding, c=, is not what the first message began with (RFC 5802 §6).");
        }

        if (!attributes.TryTake('r', out var nonce))
        {
            return attributes.Missing('r');
        }

        return nonce == _clientNonce + _serverNonce
            ? attributes.CheckExtensions()
            : ScramText.Refuse("The nonce is not that of this exchange (RFC 5802 §5.1).");
    }

    private static bool TryUnescape(string escaped, out string name)
    {
        name = escaped.Replace("=2C", ",", StringComparison.Ordinal).Replace("=3D", "=", StringComparison.Ordinal);
        return !escaped.Replace("=2C", "", StringComparison.Ordinal)
            .Replace("=3D", "", StringComparison.Ordinal)
            .Contains('=', StringComparison.Ordinal);
    }
}
