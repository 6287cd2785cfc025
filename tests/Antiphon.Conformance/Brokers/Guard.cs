using Antiphon.Broker.Authentication;

namespace Antiphon.Conformance.Brokers;

/// <summary>
/// Lets in who gives no name, and the user <c>user</c> with the password <c>secret</c>.
/// By the method RIDDLE it lets in whoever knows what 1+1 is: a table of bytes can hold such an exchange.
/// </summary>
internal sealed class Guard : IAuthenticator, IAuthenticationMethod
{
    public string Name => "RIDDLE";

    public ValueTask<AuthenticationResult> AuthenticateAsync(ConnectingClient client, CancellationToken cancellationToken) =>
        ValueTask.FromResult(client switch
        {
            { UserName: null, Password: null } => AuthenticationResult.Accept(),
            { UserName: "user", Password: { } password } when password.Span.SequenceEqual("secret"u8) =>
                AuthenticationResult.Accept("user"),
            _ => AuthenticationResult.Reject(Protocol.ReasonCode.BadUserNameOrPassword),
        });

    public IAuthenticationExchange Begin(ConnectingClient client) => new Exchange();

    private sealed class Exchange : IAuthenticationExchange
    {
        private const string LongReason = "The answer to the riddle is not the one that the guard of this broker knows.";

        public ValueTask<AuthenticationResult> NextAsync(ReadOnlyMemory<byte>? data, CancellationToken cancellationToken) =>
            ValueTask.FromResult(data switch
            {
                null => AuthenticationResult.Continue("1+1"u8.ToArray()),
                { Span: [(byte)'2'] } => AuthenticationResult.Accept(),
                _ => AuthenticationResult.Reject(Protocol.ReasonCode.NotAuthorized, LongReason),
            });
    }
}
