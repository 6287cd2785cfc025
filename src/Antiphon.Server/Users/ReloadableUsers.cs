using Antiphon.Broker.Authentication;

namespace Antiphon.Server.Users;

/// <summary>
/// The users of a password file, by password and by SCRAM-SHA-256; a reload gives others.
/// Who is connected stays connected. Safe from any thread.
/// </summary>
internal sealed class ReloadableUsers : IAuthenticator, IAuthenticationMethod
{
    private volatile Ways _ways;

    public ReloadableUsers(CredentialList users) => _ways = new Ways(users);

    public string Name => _ways.Scram.Name;

    public ValueTask<AuthenticationResult> AuthenticateAsync(ConnectingClient client, CancellationToken cancellationToken) =>
        _ways.Passwords.AuthenticateAsync(client, cancellationToken);

    public IAuthenticationExchange Begin(ConnectingClient client) => _ways.Scram.Begin(client);

    /// <summary>Clients are judged by these from now on.</summary>
    public void Renew(CredentialList users) => _ways = new Ways(users);

    private sealed class Ways(CredentialList users)
    {
        public IAuthenticator Passwords { get; } = users.Passwords;

        public IAuthenticationMethod Scram { get; } = users.ScramSha256;
    }
}
