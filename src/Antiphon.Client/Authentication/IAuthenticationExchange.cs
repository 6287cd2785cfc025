using System.Security.Authentication;

namespace Antiphon.Client;

/// <summary>
/// The client's side of enhanced authentication (MQTT 5 §4.12), for one connection or one re-authentication.
/// Its methods are called in order, one at a time. Whatever one of them throws ends the connection;
/// <see cref="AuthenticationException"/> is meant for what the server did wrong.
/// </summary>
public interface IAuthenticationExchange
{
    /// <summary>The name of the Authentication Method, the same for every exchange of a client [MQTT-4.12.1-1].</summary>
    string Method { get; }

    /// <summary>The first Authentication Data, of CONNECT or of the AUTH that begins re-authentication.</summary>
    /// <param name="cancellationToken">Fires when the connection has ended.</param>
    /// <returns>At most 65,535 bytes; <c>null</c>: none.</returns>
    ValueTask<ReadOnlyMemory<byte>?> BeginAsync(CancellationToken cancellationToken);

    /// <summary>Answers the server's AUTH with 0x18 by one of our own.</summary>
    /// <param name="serverData">The Authentication Data; empty where there was none.</param>
    /// <param name="cancellationToken">Fires when the connection has ended.</param>
    /// <returns>At most 65,535 bytes; <c>null</c>: none.</returns>
    ValueTask<ReadOnlyMemory<byte>?> AnswerAsync(ReadOnlyMemory<byte> serverData, CancellationToken cancellationToken);

    /// <summary>The server says that it is content; throws if this side is not. Must not block.</summary>
    /// <param name="serverData">The Authentication Data of CONNACK or of the last AUTH; empty where there was none.</param>
    void Complete(ReadOnlyMemory<byte> serverData);
}
