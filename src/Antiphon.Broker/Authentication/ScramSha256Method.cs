using Antiphon.Protocol;
using Antiphon.Protocol.Authentication;

namespace Antiphon.Broker.Authentication;

/// <summary>
/// SCRAM-SHA-256 against a list of users (RFC 5802, RFC 7677): client-first in CONNECT, server-first and client-final in AUTH,
/// server-final in CONNACK.
/// </summary>
internal sealed class ScramSha256Method(CredentialList users, Action<Span<byte>> fillRandom) : IAuthenticationMethod
{
    private const int NonceBytes = 18;

    public string Name => ScramCredential.MethodName;

    public IAuthenticationExchange Begin(ConnectingClient client)
    {
        Span<byte> nonce = stackalloc byte[NonceBytes];
        fillRandom(nonce);
        return new Exchange(users, new ScramServerExchange(Convert.ToBase64String(nonce)));
    }

    private sealed class Exchange(CredentialList users, ScramServerExchange scram) : IAuthenticationExchange
    {
        public string? UserName { get; private set; }

        public ValueTask<AuthenticationResult> NextAsync(ReadOnlyMemory<byte>? data, CancellationToken cancellationToken) =>
            ValueTask.FromResult(UserName is null ? First((data ?? default).Span) : Final(UserName, (data ?? default).Span));

        private AuthenticationResult First(ReadOnlySpan<byte> clientFirst)
        {
            if (!scram.TryReadClientFirst(clientFirst, out var userName, out var fault))
            {
                return Reject(fault);
            }

            UserName = userName;
            return AuthenticationResult.Continue(scram.Challenge(users.FindScram(userName)));
        }

        private AuthenticationResult Final(string userName, ReadOnlySpan<byte> clientFinal) =>
            scram.TryReadClientFinal(clientFinal, out var serverFinal, out var fault)
                ? AuthenticationResult.Accept(userName, serverFinal)
                : Reject(fault);

        private static AuthenticationResult Reject(Fault fault) => AuthenticationResult.Reject(fault.Code, fault.Message);
    }
}
