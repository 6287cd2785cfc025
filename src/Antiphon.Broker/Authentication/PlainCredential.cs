using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Security.Cryptography;
using Antiphon.Protocol.Authentication;

namespace Antiphon.Broker.Authentication;

/// <summary>
/// What a server keeps of a password that came from another broker as a hash over SHA-512: enough to check a plain password, and nothing
/// for SCRAM, whose keys only the password itself gives. Immutable, and safe from any thread.
/// </summary>
/// <remarks>
/// Its text form begins with <c>PLAIN-</c>, since it serves plain passwords alone: <c>PLAIN-PBKDF2-SHA-512$iterations:salt$hash</c>,
/// or <c>PLAIN-SHA-512$salt$hash</c>, which one round of hashing makes and which is fast to try passwords on. Salt and hash are Base64.
/// </remarks>
public sealed class PlainCredential
{
    private const string Derived = "PLAIN-PBKDF2-SHA-512";
    private const string Hashed = "PLAIN-SHA-512";

    // mosquitto's own names of the two.
    private const string MosquittoHashed = "6";
    private const string MosquittoDerived = "7";

    // 0: it is hashed once, password before salt.
    private readonly int _iterations;
    private readonly byte[] _salt;
    private readonly byte[] _hash;

    private PlainCredential(int iterations, byte[] salt, byte[] hash)
    {
        _iterations = iterations;
        _salt = salt;
        _hash = hash;
    }

    /// <summary>Reads the text form of <see cref="ToString"/>.</summary>
    /// <param name="text">The text.</param>
    /// <exception cref="FormatException">It is not one; the message does not repeat it.</exception>
    public static PlainCredential Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        return text.Split('$') switch
        {
            [Derived, var cost, var hash] when cost.Split(':') is [var iterations, var salt]
                && TryCreate(iterations, salt, hash, out var credential) => credential,
            [Hashed, var salt, var hash] when TryCreate(null, salt, hash, out var credential) => credential,
            _ => throw new FormatException(
                $"The text is no credential for plain passwords: it has to be {Derived}$iterations:salt$hash or {Hashed}$salt$hash, "
                + "with 1 to 10,000,000 iterations, a salt and a hash of 64 bytes in Base64."),
        };
    }

    /// <summary>Reads what a password file of mosquitto has behind a user's name.</summary>
    /// <param name="text"><c>$7$iterations$salt$hash</c> (PBKDF2) or <c>$6$salt$hash</c> (hashed once).</param>
    /// <exception cref="FormatException">It is neither; the message does not repeat it.</exception>
    public static PlainCredential ParseMosquitto(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        return text.Split('$') switch
        {
            ["", MosquittoDerived, var iterations, var salt, var hash]
                when TryCreate(iterations, salt, hash, out var credential) => credential,
            ["", MosquittoHashed, var salt, var hash] when TryCreate(null, salt, hash, out var credential) => credential,
            _ => throw new FormatException(
                "The hash is none of mosquitto's that can be used: it has to be $7$iterations$salt$hash or $6$salt$hash, "
                + "with 1 to 10,000,000 iterations, a salt and a hash of 64 bytes in Base64."),
        };
    }

    /// <summary>Whether this is the password; takes as long as the iterations do, and tells nothing by its time.</summary>
    /// <param name="password">The password as it came in CONNECT.</param>
    public bool Verify(ReadOnlySpan<byte> password) =>
        CryptographicOperations.FixedTimeEquals(
            _hash,
            _iterations == 0
                ? SHA512.HashData([.. password, .. _salt])
                : Rfc2898DeriveBytes.Pbkdf2(password, _salt, _iterations, HashAlgorithmName.SHA512, SHA512.HashSizeInBytes));

    /// <summary>The text form to store; keep it as secret as a password file.</summary>
    public override string ToString() => _iterations == 0
        ? $"{Hashed}${Convert.ToBase64String(_salt)}${Convert.ToBase64String(_hash)}"
        : string.Create(
            CultureInfo.InvariantCulture,
            $"{Derived}${_iterations}:{Convert.ToBase64String(_salt)}${Convert.ToBase64String(_hash)}");

    /// <summary>Whether a text says of itself that it is one.</summary>
    internal static bool Claims(string text) => text.StartsWith("PLAIN-", StringComparison.Ordinal);

    private static bool TryCreate(string? cost, string saltText, string hashText, [NotNullWhen(true)] out PlainCredential? credential)
    {
        credential = null;
        var iterations = 0;
        if (cost is not null
            && !(int.TryParse(cost, NumberStyles.None, CultureInfo.InvariantCulture, out iterations)
                && iterations is >= 1 and <= ScramCredential.MaximumIterations))
        {
            return false;
        }

        var salt = new byte[saltText.Length];
        var hash = new byte[hashText.Length];
        if (!Convert.TryFromBase64String(saltText, salt, out var saltBytes)
            || !Convert.TryFromBase64String(hashText, hash, out var hashBytes)
            || saltBytes == 0
            || hashBytes != SHA512.HashSizeInBytes)
        {
            return false;
        }

        credential = new PlainCredential(iterations, salt[..saltBytes], hash[..hashBytes]);
        return true;
    }
}
