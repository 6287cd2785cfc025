using System.Security.Authentication;
using System.Security.Cryptography;
using System.Text;
using Antiphon.Protocol;
using Antiphon.Protocol.Authentication;

namespace Antiphon.Client;

/// <summary>
/// SCRAM-SHA-256 (RFC 5802, RFC 7677): proves that client and server know the password without sending it,
/// and that a server in between does not. Give it as <c>Authentication = () =&gt; new ScramSha256Exchange("user", "password")</c>.
/// </summary>
public sealed class ScramSha256Exchange : IAuthenticationExchange
{
    private const int NonceBytes = 18;

    private readonly ScramClientExchange _exchange;

    /// <summary>Prepares an exchange.</summary>
    /// <param name="userName">The user's name, one character or more.</param>
    /// <param name="password">The password; its UTF-8 is taken as it stands.</param>
    /// <param name="maximumIterations">
    /// The most iterations that the server may ask for, 4,096 or more: what it asks for is this machine's work.
    /// </param>
    /// <exception cref="ArgumentException">
    /// The user name is empty or has no UTF-8 form, or fewer iterations are allowed than RFC 7677 demands.
    /// </exception>
    public ScramSha256Exchange(string userName, string password, int maximumIterations = ScramClientExchange.DefaultMaximumIterations)
        : this(userName, Encoding.UTF8.GetBytes(password), maximumIterations)
    {
    }

    /// <summary>Prepares an exchange.</summary>
    /// <param name="userName">The user's name, one character or more.</param>
    /// <param name="password">The password; kept, not copied.</param>
    /// <param name="maximumIterations">
    /// The most iterations that the server may ask for, 4,096 or more: what it asks for is this machine's work.
    /// </param>
    /// <exception cref="ArgumentException">
    /// The user name is empty or has no UTF-8 form, or fewer iterations are allowed than RFC 7677 demands.
    /// </exception>
    public ScramSha256Exchange(
        string userName, ReadOnlyMemory<byte> password, int maximumIterations = ScramClientExchange.DefaultMaximumIterations)
        : this(userName, password, Convert.ToBase64String(RandomNumberGenerator.GetBytes(NonceBytes)), maximumIterations)
    {
    }

    internal ScramSha256Exchange(string userName, ReadOnlyMemory<byte> password, string nonce, int maximumIterations) =>
        _exchange = new ScramClientExchange(userName, password, nonce, maximumIterations);

    /// <inheritdoc/>
    public string Method => ScramCredential.MethodName;

    /// <inheritdoc/>
    public ValueTask<ReadOnlyMemory<byte>?> BeginAsync(CancellationToken cancellationToken) => new(_exchange.Begin());

    /// <inheritdoc/>
    public ValueTask<ReadOnlyMemory<byte>?> AnswerAsync(ReadOnlyMemory<byte> serverData, CancellationToken cancellationToken) =>

        // It may take a fraction of a second of one processor; the client does not ask for it on its receive loop.
        new(Answer(serverData.Span));

    /// <inheritdoc/>
    public void Complete(ReadOnlyMemory<byte> serverData)
    {
        if (!_exchange.TryVerify(serverData.Span, out var fault))
        {
            throw Failure(fault);
        }
    }

    private byte[] Answer(ReadOnlySpan<byte> serverData) =>
        _exchange.TryAnswer(serverData, out var clientFinal, out var fault) ? clientFinal : throw Failure(fault);

    private static AuthenticationException Failure(Fault fault) => new(fault.Message);
}
