using Antiphon.Protocol;

namespace Antiphon.Broker.Authentication;

/// <summary>User name and password of CONNECT against a list (MQTT 5 §3.1.3.5, §3.1.3.6).</summary>
internal sealed class PasswordCheck(CredentialList users) : IAuthenticator
{
    public ValueTask<AuthenticationResult> AuthenticateAsync(ConnectingClient client, CancellationToken cancellationToken)
    {
        if (client is { UserName: null, Password: null })
        {
            // Nobody in particular: whether those may come is for BrokerOptions.AllowAnonymous to say.
            return ValueTask.FromResult(AuthenticationResult.Accept());
        }

        // Who is not in the list is checked as well, so that the time does not tell who is.
        var isRight = users.Verify(client.UserName ?? "", (client.Password ?? default).Span);
        return ValueTask.FromResult(isRight
            ? AuthenticationResult.Accept(client.UserName)
            : AuthenticationResult.Reject(ReasonCode.BadUserNameOrPassword, "No such user, or another password."));
    }
}
