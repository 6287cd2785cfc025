namespace Antiphon.Broker.Authentication;

/// <summary>A method of enhanced authentication (MQTT 5 §4.12). Safe from any thread.</summary>
public interface IAuthenticationMethod
{
    /// <summary>The Authentication Method that clients name in CONNECT, such as <c>SCRAM-SHA-256</c>.</summary>
    string Name { get; }

    /// <summary>Begins an exchange with one client; its first step follows at once.</summary>
    /// <param name="client">The client, as it connects or, in re-authentication, as it connected.</param>
    IAuthenticationExchange Begin(ConnectingClient client);
}

/// <summary>One client's exchange by an <see cref="IAuthenticationMethod"/>. Its steps follow each other, on whatever threads.</summary>
public interface IAuthenticationExchange
{
    /// <summary>
    /// Who the client says it is, once it has said it; <c>null</c>: it has not. A server that slows failed log-ins goes by it;
    /// those of an exchange that never has one are not slowed.
    /// </summary>
    string? UserName => null;

    /// <summary>
    /// Takes what the client says and tells how it goes on. If this throws, the client is refused with 0x88 and the exception is logged.
    /// </summary>
    /// <param name="data">The Authentication Data of CONNECT, then of each AUTH; <c>null</c>: there was none.</param>
    /// <param name="cancellationToken">
    /// The client has gone, or has waited for <see cref="BrokerOptions.ConnectTimeout"/>: the result is not needed any more.
    /// </param>
    ValueTask<AuthenticationResult> NextAsync(ReadOnlyMemory<byte>? data, CancellationToken cancellationToken);
}
