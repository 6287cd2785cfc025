using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Antiphon.Protocol.Authentication;

/// <summary>
/// What a server keeps of a password (RFC 5802 §3, RFC 7677): enough to check SCRAM-SHA-256 and plain passwords, too little to log in with.
/// Immutable.
/// A password is bytes, as in CONNECT (MQTT 5 §3.1.3.6); one that was typed is the UTF-8 of its text as it stands.
/// SASLprep is not applied.
/// </summary>
public sealed class ScramCredential
{
    /// <summary>The name of the Authentication Method (RFC 7677 §4): <c>SCRAM-SHA-256</c>.</summary>
    public const string MethodName = "SCRAM-SHA-256";

    /// <summary>The fewest iterations that RFC 7677 §4 allows.</summary>
    public const int MinimumIterations = 4096;

    /// <summary>The most iterations accepted, some seconds of one processor.</summary>
    public const int MaximumIterations = 10_000_000;

    private readonly byte[] _salt;
    private readonly byte[] _storedKey;
    private readonly byte[] _serverKey;

    private ScramCredential(int iterations, byte[] salt, byte[] storedKey, byte[] serverKey)
    {
        Iterations = iterations;
        _salt = salt;
        _storedKey = storedKey;
        _serverKey = serverKey;
    }

    /// <summary>How often the password was hashed, 4,096 to 10,000,000.</summary>
    public int Iterations { get; }

    /// <summary>The salt, 1 byte or more.</summary>
    public ReadOnlyMemory<byte> Salt => _salt;

    /// <summary>The hash of the key that proves the client, 32 bytes.</summary>
    public ReadOnlyMemory<byte> StoredKey => _storedKey;

    /// <summary>The key that proves the server, 32 bytes.</summary>
    public ReadOnlyMemory<byte> ServerKey => _serverKey;

    /// <summary>Hashes a password; takes as long as the iterations do.</summary>
    /// <param name="password">The password.</param>
    /// <param name="salt">Random bytes, of that user alone; 16 are usual.</param>
    /// <param name="iterations">4,096 to 10,000,000.</param>
    /// <exception cref="ArgumentException">The salt is empty.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The iterations are out of range.</exception>
    public static ScramCredential Derive(ReadOnlySpan<byte> password, ReadOnlySpan<byte> salt, int iterations)
    {
        ThrowIfInvalid(salt, iterations);
        var salted = ScramKeys.SaltPassword(password, salt, iterations);
        return new ScramCredential(iterations, salt.ToArray(), SHA256.HashData(ScramKeys.ClientKey(salted)), ScramKeys.ServerKey(salted));
    }

    /// <summary>
    /// A credential for a user who does not exist, so that an exchange with them looks like one with a wrong password.
    /// It is the same each time for one name, and no password fits it.
    /// </summary>
    /// <param name="userName">The name that the client gave.</param>
    /// <param name="secret">A random key of the server, 32 bytes or more; whoever knows it can tell such users from others.</param>
    /// <param name="iterations">As the real users have, 4,096 to 10,000,000.</param>
    /// <exception cref="ArgumentException">The secret is empty.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The iterations are out of range.</exception>
    public static ScramCredential ForUnknownUser(string userName, ReadOnlySpan<byte> secret, int iterations)
    {
        ArgumentNullException.ThrowIfNull(userName);
        if (secret.IsEmpty)
        {
            throw new ArgumentException("The secret is empty; it has to be random bytes, 32 or more.", nameof(secret));
        }

        var salt = HMACSHA256.HashData(secret, Encoding.UTF8.GetBytes($"salt {userName}")).AsSpan(0, 16);
        ThrowIfInvalid(salt, iterations);
        return new ScramCredential(
            iterations,
            salt.ToArray(),
            HMACSHA256.HashData(secret, Encoding.UTF8.GetBytes($"stored {userName}")),
            HMACSHA256.HashData(secret, Encoding.UTF8.GetBytes($"server {userName}")));
    }

    /// <summary>Reads the text form of <see cref="ToString"/>, which is also PostgreSQL's.</summary>
    /// <param name="text"><c>SCRAM-SHA-256$iterations:salt$StoredKey:ServerKey</c>, the last three in Base64.</param>
    /// <exception cref="FormatException">It is not one; the message does not repeat it.</exception>
    public static ScramCredential Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        return text.Split('$') is [MethodName, var cost, var keys]
            && cost.Split(':') is [var count, var saltText]
            && keys.Split(':') is [var storedText, var serverText]
            && int.TryParse(count, NumberStyles.None, CultureInfo.InvariantCulture, out var iterations)
            && iterations is >= MinimumIterations and <= MaximumIterations
            && ScramText.TryDecodeBase64(saltText, out var salt) && salt.Length > 0
            && ScramText.TryDecodeBase64(storedText, out var storedKey) && storedKey.Length == SHA256.HashSizeInBytes
            && ScramText.TryDecodeBase64(serverText, out var serverKey) && serverKey.Length == SHA256.HashSizeInBytes
            ? new ScramCredential(iterations, salt, storedKey, serverKey)
            : throw new FormatException(
                "The text is no credential: it has to be SCRAM-SHA-256$iterations:salt$StoredKey:ServerKey, "
                + "with 4,096 to 10,000,000 iterations, a salt and two keys of 32 bytes in Base64.");
    }

    /// <summary>Whether this is the password; takes as long as the iterations do, and tells nothing by its time.</summary>
    /// <param name="password">The password as it came in CONNECT.</param>
    public bool Verify(ReadOnlySpan<byte> password) =>
        CryptographicOperations.FixedTimeEquals(
            _storedKey, SHA256.HashData(ScramKeys.ClientKey(ScramKeys.SaltPassword(password, _salt, Iterations))));

    /// <summary>The text form to store; keep it as secret as a password file.</summary>
    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture,
        $"{MethodName}${Iterations}:{Convert.ToBase64String(_salt)}$"
        + $"{Convert.ToBase64String(_storedKey)}:{Convert.ToBase64String(_serverKey)}");

    private static void ThrowIfInvalid(ReadOnlySpan<byte> salt, int iterations)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(iterations, MinimumIterations);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(iterations, MaximumIterations);
        if (salt.IsEmpty)
        {
            throw new ArgumentException("The salt is empty; it has to be random bytes.", nameof(salt));
        }
    }
}
