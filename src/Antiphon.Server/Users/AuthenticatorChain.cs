using Antiphon.Broker.Authentication;
using Antiphon.Protocol;

namespace Antiphon.Server.Users;

/// <summary>
/// Several authenticators in their order: one that answers 0x86 Bad user name or password does not know the client, and the next is asked;
/// any other answer holds.
/// </summary>
internal sealed class AuthenticatorChain(IReadOnlyList<IAuthenticator> authenticators) : IAuthenticator
{
    public async ValueTask<AuthenticationResult> AuthenticateAsync(ConnectingClient client, CancellationToken cancellationToken)
    {
        var result = AuthenticationResult.Reject(ReasonCode.BadUserNameOrPassword, "No such user, or another password.");
        foreach (var authenticator in authenticators)
        {
            result = await authenticator.AuthenticateAsync(client, cancellationToken).ConfigureAwait(false);
            if (result.ReasonCode != ReasonCode.BadUserNameOrPassword)
            {
                break;
            }
        }

        return result;
    }
}
