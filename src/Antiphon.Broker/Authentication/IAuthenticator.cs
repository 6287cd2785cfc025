namespace Antiphon.Broker.Authentication;

/// <summary>
/// Decides whether a client may connect, and whether here, by what its CONNECT says.
/// Whoever gives neither user name nor password, and is accepted without a name, may connect only with
/// <see cref="BrokerOptions.AllowAnonymous"/>. Called from any thread, for many clients at once
/// (<see cref="BrokerOptions.MaximumConcurrentAuthentications"/>); while it works the broker serves everybody else.
/// </summary>
public interface IAuthenticator
{
    /// <summary>Decides about one client. If this throws, the client is refused with 0x88 and the exception is logged.</summary>
    /// <param name="client">
    /// The client, whether it has given a user name and a password or neither;
    /// one that names an Authentication Method is not asked about here.
    /// </param>
    /// <param name="cancellationToken">
    /// The client has gone, or has waited for <see cref="BrokerOptions.ConnectTimeout"/>: the result is not needed any more.
    /// </param>
    ValueTask<AuthenticationResult> AuthenticateAsync(ConnectingClient client, CancellationToken cancellationToken);
}
