namespace Antiphon.Broker.Authentication;

/// <summary>
/// Decides whether a client may connect by what its CONNECT says. Called from any thread, for many clients at once
/// (<see cref="BrokerOptions.MaximumConcurrentAuthentications"/>); while it works the broker serves everybody else.
/// </summary>
public interface IAuthenticator
{
    /// <summary>Decides about one client. If this throws, the client is refused with 0x88 and the exception is logged.</summary>
    /// <param name="client">The client; it has given a user name or a password.</param>
    /// <param name="cancellationToken">The client has gone, or has waited for <see cref="BrokerOptions.ConnectTimeout"/>: the result is not needed any more.</param>
    ValueTask<AuthenticationResult> AuthenticateAsync(ConnectingClient client, CancellationToken cancellationToken);
}
