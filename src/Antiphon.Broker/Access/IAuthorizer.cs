namespace Antiphon.Broker.Access;

/// <summary>
/// Decides what clients may do, before or instead of the access rules. It is asked about each PUBLISH, each Topic Filter of a SUBSCRIBE and
/// each Will; not about own response topics (<c>$reply/…</c>), where the request is the permission. Called from any thread, for many
/// clients at once (<see cref="BrokerOptions.MaximumConcurrentAuthorizations"/>). While it works, the broker holds what the same connection
/// sends, in its order, and serves everybody else.
/// </summary>
public interface IAuthorizer
{
    /// <summary>
    /// Decides about one thing. If this throws, or takes longer than <see cref="BrokerOptions.AuthorizationTimeout"/>, it is refused; that
    /// is counted, and logged once a connection.
    /// </summary>
    /// <param name="request">What a client wants to do.</param>
    /// <param name="cancellationToken">The client has gone, or the time is over: the result is not needed any more.</param>
    ValueTask<AuthorizationResult> AuthorizeAsync(AuthorizationRequest request, CancellationToken cancellationToken);
}
