using Antiphon.Broker.Authentication;
using Antiphon.Protocol;

namespace Antiphon.Server.Users;

/// <summary>
/// The users of a password file, by password and by SCRAM-SHA-256; a reload gives others. Whoever is being asked meanwhile is judged by the
/// users that there are at the end. Safe from any thread.
/// </summary>
internal sealed class ReloadableUsers(CredentialList users) : IAuthenticator, IAuthenticationMethod
{
    private volatile CredentialList _users = users;

    public string Name => _users.ScramSha256.Name;

    public async ValueTask<AuthenticationResult> AuthenticateAsync(ConnectingClient client, CancellationToken cancellationToken)
    {
        while (true)
        {
            var users = _users;
            var result = await users.Passwords.AuthenticateAsync(client, cancellationToken);
            if (users == _users)
            {
                return result;
            }
        }
    }

    public IAuthenticationExchange Begin(ConnectingClient client) => new Exchange(this, _users.ScramSha256.Begin(client));

    /// <summary>Clients are judged by these from now on.</summary>
    /// <returns>The names of users that are no more.</returns>
    public IReadOnlyList<string> Renew(CredentialList users)
    {
        var before = _users;
        _users = users;
        return [.. before.UserNames.Where(name => !users.Contains(name))];
    }

    private sealed class Exchange(ReloadableUsers owner, IAuthenticationExchange inner) : IAuthenticationExchange
    {
        public async ValueTask<AuthenticationResult> NextAsync(ReadOnlyMemory<byte>? data, CancellationToken cancellationToken)
        {
            var result = await inner.NextAsync(data, cancellationToken);
            return result.User is { } user && !owner._users.Contains(user.Name)
                ? AuthenticationResult.Reject(ReasonCode.BadUserNameOrPassword)
                : result;
        }
    }
}
