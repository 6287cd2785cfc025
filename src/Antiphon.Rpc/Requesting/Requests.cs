namespace Antiphon.Rpc;

/// <summary>Requests that have nothing of their own but a token that cancels them.</summary>
public static class Requests
{
    /// <summary>Sends text and waits for the response.</summary>
    /// <param name="requester">The requester.</param>
    /// <param name="topic">The Topic Name to ask on.</param>
    /// <param name="text">The payload; goes out as UTF-8, and says so.</param>
    /// <param name="cancellationToken">Ends the call here.</param>
    /// <returns>The response; await it once.</returns>
    /// <inheritdoc cref="Requester.RequestAsync(string, ReadOnlyMemory{byte}, RequestOptions?, CancellationToken)" path="/exception"/>
    public static ValueTask<Response> RequestAsync(
        this IRequester requester, string topic, string text, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(requester);
        return requester.RequestAsync(topic, text, null, cancellationToken);
    }

    /// <summary>Sends bytes and waits for the response.</summary>
    /// <param name="requester">The requester.</param>
    /// <param name="topic">The Topic Name to ask on.</param>
    /// <param name="payload">The payload, not to be changed until the call has ended; may be empty.</param>
    /// <param name="cancellationToken">Ends the call here.</param>
    /// <returns>The response; await it once.</returns>
    /// <inheritdoc cref="Requester.RequestAsync(string, ReadOnlyMemory{byte}, RequestOptions?, CancellationToken)" path="/exception"/>
    public static ValueTask<Response> RequestAsync(
        this IRequester requester, string topic, ReadOnlyMemory<byte> payload, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(requester);
        return requester.RequestAsync(topic, payload, null, cancellationToken);
    }
}
