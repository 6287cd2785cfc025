using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Antiphon.Protocol.Wire;

namespace Antiphon.Protocol.Authentication;

/// <summary>
/// The client's side of one SCRAM-SHA-256 exchange (RFC 5802, RFC 7677), without channel binding:
/// client-first out, server-first in, client-final out, server-final in.
/// Used once; not thread-safe.
/// </summary>
public sealed class ScramClientExchange
{
    private const string Header = "n,,";

    /// <summary>
    /// The most iterations that a server may ask of a client that does not say otherwise: a fraction of a second of one processor.
    /// </summary>
    public const int DefaultMaximumIterations = 600_000;

    private readonly ReadOnlyMemory<byte> _password;
    private readonly string _nonce;
    private readonly int _maximumIterations;
    private readonly string _clientFirstBare;
    private byte[]? _serverSignature;
    private bool _answered;

    /// <summary>Begins an exchange.</summary>
    /// <param name="userName">The user's name, one character or more.</param>
    /// <param name="password">The password; kept, not copied, until the exchange has ended.</param>
    /// <param name="nonce">
    /// The client's part of the nonce, fresh and random: printable ASCII without the comma, such as the Base64 of 18 bytes.
    /// </param>
    /// <param name="maximumIterations">
    /// The most iterations that the server may ask for, 4,096 or more. What it asks for is work for this machine.
    /// </param>
    /// <exception cref="ArgumentException">
    /// The user name is empty or has no UTF-8 form, the nonce is none, or fewer iterations are allowed than RFC 7677 demands.
    /// </exception>
    public ScramClientExchange(
        string userName, ReadOnlyMemory<byte> password, string nonce, int maximumIterations = DefaultMaximumIterations)
    {
        Utf8Text.GetByteCount(userName);
        ArgumentException.ThrowIfNullOrEmpty(userName);
        ArgumentOutOfRangeException.ThrowIfLessThan(maximumIterations, ScramCredential.MinimumIterations);
        ScramText.ThrowIfNoNonce(nonce);
        _password = password;
        _nonce = nonce;
        _maximumIterations = maximumIterations;
        var escaped = userName.Replace("=", "=3D", StringComparison.Ordinal).Replace(",", "=2C", StringComparison.Ordinal);
        _clientFirstBare = $"n={escaped},r={nonce}";
    }

    /// <summary>The client's first message, for CONNECT or the AUTH that begins re-authentication.</summary>
    public byte[] Begin() => Encoding.UTF8.GetBytes(Header + _clientFirstBare);

    /// <summary>Answers the server's first message with the proof; takes as long as the iterations do.</summary>
    /// <param name="serverFirst">The Authentication Data of the server's AUTH with 0x18.</param>
    /// <param name="clientFinal">The client's final message, for AUTH with 0x18.</param>
    /// <param name="fault">Otherwise what is wrong, with 0x87.</param>
    public bool TryAnswer(ReadOnlySpan<byte> serverFirst, out byte[] clientFinal, out Fault fault)
    {
        if (_answered)
        {
            throw new InvalidOperationException("The server's first message has been answered; an exchange is used once.");
        }

        _answered = true;
        clientFinal = [];
        if (!ScramText.TryDecode(serverFirst, out var text, out fault))
        {
            return false;
        }

        fault = ReadServerFirst(text, out var nonce, out var salt, out var iterations);
        if (fault.Exists)
        {
            return false;
        }

        var salted = ScramKeys.SaltPassword(_password.Span, salt, iterations);
        var clientKey = ScramKeys.ClientKey(salted);
        var withoutProof = $"c={Convert.ToBase64String(Encoding.UTF8.GetBytes(Header))},r={nonce}";
        var authMessage = $"{_clientFirstBare},{text},{withoutProof}";
        var proof = ScramKeys.Xor(clientKey, ScramKeys.Sign(SHA256.HashData(clientKey), authMessage));
        _serverSignature = ScramKeys.Sign(ScramKeys.ServerKey(salted), authMessage);
        clientFinal = Encoding.UTF8.GetBytes($"{withoutProof},p={Convert.ToBase64String(proof)}");
        return true;
    }

    /// <summary>Tells whether the server knows the password too.</summary>
    /// <param name="serverFinal">The Authentication Data of CONNACK, or of the AUTH that ends re-authentication.</param>
    /// <param name="fault">Otherwise what is wrong, with 0x87.</param>
    public bool TryVerify(ReadOnlySpan<byte> serverFinal, out Fault fault)
    {
        if (_serverSignature is null)
        {
            fault = ScramText.Refuse("The server accepts before it has proved that it knows the password (RFC 5802 §5).");
            return false;
        }

        if (!ScramText.TryDecode(serverFinal, out var text, out fault))
        {
            return false;
        }

        var attributes = new ScramText(text);
        if (attributes.TryTake('e', out var error))
        {
            fault = ScramText.Refuse($"The server says «{Utf8Text.Excerpt(error)}».");
            return false;
        }

        if (!attributes.TryTake('v', out var verifier))
        {
            fault = attributes.Missing('v');
            return false;
        }

        if (!ScramText.TryDecodeBase64(verifier, out var signature)
            || !CryptographicOperations.FixedTimeEquals(signature, _serverSignature))
        {
            fault = ScramText.Refuse("The server's signature is wrong: it does not know the password (RFC 5802 §3).");
            return false;
        }

        fault = attributes.CheckExtensions();
        return !fault.Exists;
    }

    private Fault ReadServerFirst(string text, out string nonce, out byte[] salt, out int iterations)
    {
        salt = [];
        iterations = 0;
        var attributes = new ScramText(text);
        if (!attributes.TryTake('r', out nonce))
        {
            return attributes.TryTake('e', out var error)
                ? ScramText.Refuse($"The server says «{Utf8Text.Excerpt(error)}».")
                : attributes.Missing('r');
        }

        if (!ScramText.IsNonce(nonce) || nonce.Length <= _nonce.Length || !nonce.StartsWith(_nonce, StringComparison.Ordinal))
        {
            return ScramText.Refuse("The server's nonce does not begin with this client's, or adds nothing to it (RFC 5802 §5.1).");
        }

        if (!attributes.TryTake('s', out var saltText))
        {
            return attributes.Missing('s');
        }

        if (!ScramText.TryDecodeBase64(saltText, out salt))
        {
            return ScramText.Refuse("The salt is no Base64 (RFC 5802 §5.1).");
        }

        if (!attributes.TryTake('i', out var count))
        {
            return attributes.Missing('i');
        }

        if (!int.TryParse(count, NumberStyles.None, CultureInfo.InvariantCulture, out iterations) || count[0] == '0'
            || iterations < ScramCredential.MinimumIterations || iterations > _maximumIterations)
        {
            return ScramText.Refuse(string.Create(
                CultureInfo.InvariantCulture,
                $"The server asks for {Utf8Text.Excerpt(count)} iterations; "
                + $"{ScramCredential.MinimumIterations} to {_maximumIterations} are accepted (RFC 7677 §4)."));
        }

        return attributes.CheckExtensions();
    }
}
