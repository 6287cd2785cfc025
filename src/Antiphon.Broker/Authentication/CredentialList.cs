using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Antiphon.Protocol.Authentication;

namespace Antiphon.Broker.Authentication;

/// <summary>
/// Users and what proves them, as a file may hold them: a line <c>name:credential</c> each,
/// with the text form of <see cref="ScramCredential"/>, which serves <see cref="Passwords"/> and <see cref="ScramSha256"/>,
/// or that of <see cref="PlainCredential"/>, which serves <see cref="Passwords"/> alone.
/// Immutable, and safe from any thread.
/// </summary>
/// <example>
/// <code>
/// var users = CredentialList.Parse(File.ReadAllText("passwords"));
/// var options = new BrokerOptions { Authenticator = users.Passwords, AuthenticationMethods = [users.ScramSha256] };
/// </code>
/// </example>
public sealed class CredentialList
{
    private readonly SortedDictionary<string, Credential> _users;
    private readonly byte[] _secret;
    private readonly int _usualIterations;

    private CredentialList(SortedDictionary<string, Credential> users)
    {
        _users = users;

        // It is to be the same after a restart, and nobody can guess it who does not know the list.
        _secret = SHA256.HashData(Encoding.UTF8.GetBytes("unknown users\n" + this));
        _usualIterations = users.Values.Max(user => user.Scram?.Iterations) ?? ScramCredential.MinimumIterations;
        Passwords = new PasswordCheck(this);
        ScramSha256 = new ScramSha256Method(this, RandomNumberGenerator.Fill);
    }

    /// <summary>A list without users.</summary>
    public static CredentialList Empty { get; } = new(new SortedDictionary<string, Credential>(StringComparer.Ordinal));

    /// <summary>How many users there are.</summary>
    public int Count => _users.Count;

    /// <summary>The names of the users, in the order of their characters.</summary>
    public IReadOnlyCollection<string> UserNames => _users.Keys;

    /// <summary>Checks user name and password of CONNECT; takes as long for a user that does not exist.</summary>
    public IAuthenticator Passwords { get; }

    /// <summary>
    /// SCRAM-SHA-256 (RFC 5802, RFC 7677) by AUTH; the password does not travel. A user who has a <see cref="PlainCredential"/> is answered
    /// as one who does not exist.
    /// </summary>
    public IAuthenticationMethod ScramSha256 { get; }

    /// <summary>Reads a list. Empty lines count for nothing.</summary>
    /// <param name="text">Lines of <c>name:credential</c>.</param>
    /// <exception cref="FormatException">
    /// A line is none, or a user is there twice; the message names the line's number and not what is in it.
    /// </exception>
    public static CredentialList Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        var users = new SortedDictionary<string, Credential>(StringComparer.Ordinal);
        var number = 0;
        foreach (var line in text.Split('\n').Select(line => line.TrimEnd('\r')))
        {
            number++;
            if (line.Length == 0)
            {
                continue;
            }

            var end = line.IndexOf(':', StringComparison.Ordinal);
            if (end < 1)
            {
                throw new FormatException(string.Create(CultureInfo.InvariantCulture, $"Line {number} is not «name:credential»."));
            }

            Credential credential;
            try
            {
                credential = Credential.Parse(line[(end + 1)..]);
            }
            catch (FormatException wrong)
            {
                throw new FormatException(string.Create(CultureInfo.InvariantCulture, $"Line {number}: {wrong.Message}"), wrong);
            }

            if (!users.TryAdd(line[..end], credential))
            {
                throw new FormatException(
                    string.Create(CultureInfo.InvariantCulture, $"Line {number} has a user that an earlier line has."));
            }
        }

        return new CredentialList(users);
    }

    /// <summary>Whether there is such a user.</summary>
    /// <param name="userName">The name.</param>
    public bool Contains(string userName) => _users.ContainsKey(userName);

    /// <summary>Whether a user can prove itself by SCRAM-SHA-256, and not by a plain password alone.</summary>
    /// <param name="userName">The name.</param>
    public bool ServesScram(string userName) => _users.GetValueOrDefault(userName).Scram is not null;

    /// <summary>The list with one user more, or with another credential for that user.</summary>
    /// <param name="userName">The name: one character or more, no colon, no line end.</param>
    /// <param name="credential">What proves the user.</param>
    /// <exception cref="ArgumentException">The name has no place in such a list.</exception>
    public CredentialList With(string userName, ScramCredential credential)
    {
        ArgumentNullException.ThrowIfNull(credential);
        return With(userName, new Credential(credential, null));
    }

    /// <summary>The list with one user more who has a plain password alone, or with another credential for that user.</summary>
    /// <param name="userName">The name: one character or more, no colon, no line end.</param>
    /// <param name="credential">What proves the user.</param>
    /// <exception cref="ArgumentException">The name has no place in such a list.</exception>
    public CredentialList With(string userName, PlainCredential credential)
    {
        ArgumentNullException.ThrowIfNull(credential);
        return With(userName, new Credential(null, credential));
    }

    /// <summary>The list without that user.</summary>
    /// <param name="userName">The name.</param>
    public CredentialList Without(string userName)
    {
        var users = new SortedDictionary<string, Credential>(_users, StringComparer.Ordinal);
        users.Remove(userName);
        return new CredentialList(users);
    }

    /// <summary>
    /// The list as <see cref="Parse"/> reads it. It is a secret: who has it can pretend to be the broker, and try passwords.
    /// </summary>
    public override string ToString() => string.Concat(_users.Select(user => $"{user.Key}:{user.Value}\n"));

    /// <summary>Whether this is the user's password; takes at least as long as for a user who does not exist.</summary>
    internal bool Verify(string userName, ReadOnlySpan<byte> password)
    {
        var isRight = FindScram(userName).Verify(password);
        return _users.GetValueOrDefault(userName).Plain is { } plain ? plain.Verify(password) : isRight;
    }

    /// <summary>The user's credential for SCRAM, or one that no password fits.</summary>
    internal ScramCredential FindScram(string userName) =>
        _users.GetValueOrDefault(userName).Scram ?? ScramCredential.ForUnknownUser(userName, _secret, _usualIterations);

    private CredentialList With(string userName, Credential credential)
    {
        ArgumentException.ThrowIfNullOrEmpty(userName);
        if (userName.AsSpan().ContainsAny(":\r\n\0"))
        {
            throw new ArgumentException(
                "A user name has no colon, no line end and no U+0000: a line of the list is «name:credential».", nameof(userName));
        }

        return new CredentialList(new SortedDictionary<string, Credential>(_users, StringComparer.Ordinal) { [userName] = credential });
    }

    /// <summary>What proves a user: one of the two.</summary>
    private readonly record struct Credential(ScramCredential? Scram, PlainCredential? Plain)
    {
        public static Credential Parse(string text) => PlainCredential.Claims(text)
            ? new Credential(null, PlainCredential.Parse(text))
            : new Credential(ScramCredential.Parse(text), null);

        public override string ToString() => Scram?.ToString() ?? Plain?.ToString() ?? "";
    }
}
