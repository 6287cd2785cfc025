using Antiphon.Broker.Authentication;
using Antiphon.Protocol;
using Antiphon.Server.Tokens;

namespace Antiphon.Server.Users;

/// <summary>
/// Everything that says who a client is, in the order in which it is asked: the client's certificate, a token in the password, the password
/// file, what an embedding program brings. Immutable, and safe from any thread.
/// </summary>
/// <remarks>
/// The first two decide by themselves about a client that shows a certificate or a token. Passwords are asked about until one source
/// knows them. Only attempts to find a password out are slowed: the others cannot be guessed.
/// </remarks>
internal sealed record UserSources
{
    private readonly AuthenticatorChain _passwords;
    private readonly IAuthenticator? _others;

    /// <param name="users">The users of the password file; <c>null</c>: there is none.</param>
    /// <param name="others">What an embedding program brings; <c>null</c>: nothing.</param>
    public UserSources(CredentialList? users, IAuthenticator? others)
    {
        Users = users ?? CredentialList.Empty;
        _others = others;
        IAuthenticator?[] passwords = [users?.Passwords, others];
        _passwords = new AuthenticatorChain([.. passwords.OfType<IAuthenticator>()]);
    }

    public CredentialList Users { get; }

    /// <summary>What tokens are accepted; <c>null</c>: none, and what looks like one is a password.</summary>
    public TokenCheck? Tokens { get; init; }

    /// <summary>What in a client's certificate is its user name, by listener; other listeners' certificates name nobody.</summary>
    public required IReadOnlyDictionary<string, CertificateUser> Certificates { get; init; }

    public required FailedLogIns FailedLogIns { get; init; }

    public ValueTask<AuthenticationResult> AuthenticateAsync(ConnectingClient client, CancellationToken cancellationToken)
    {
        if (client.Origin.ClientCertificate is { } certificate && Certificates.TryGetValue(client.Origin.Listener, out var part))
        {
            return ValueTask.FromResult(CertificateNames.TryFind(certificate, part, out var name, out var mistake)
                ? AuthenticationResult.Accept(name)
                : AuthenticationResult.Reject(ReasonCode.NotAuthorized, mistake));
        }

        if (Tokens is not null && client.Password is { } token && TokenCheck.LooksLikeToken(token.Span))
        {
            return Tokens.CheckAsync(token);
        }

        if (client is { UserName: null, Password: null })
        {
            // Nobody in particular. Somebody may know it by another sign; else BrokerOptions.AllowAnonymous says whether it may come.
            return _others?.AuthenticateAsync(client, cancellationToken) ?? ValueTask.FromResult(AuthenticationResult.Accept());
        }

        return ByPasswordAsync(client, client.UserName ?? "", cancellationToken);
    }

    private async ValueTask<AuthenticationResult> ByPasswordAsync(
        ConnectingClient client, string userName, CancellationToken cancellationToken)
    {
        if (FailedLogIns.RefusalOf(client, userName) is { } tooEarly)
        {
            return tooEarly;
        }

        var result = await _passwords.AuthenticateAsync(client, cancellationToken).ConfigureAwait(false);
        FailedLogIns.Count(client, userName, result);
        return result;
    }
}
