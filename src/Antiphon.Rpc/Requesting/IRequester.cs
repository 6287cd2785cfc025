namespace Antiphon.Rpc;

/// <summary>
/// What a program asks through: <see cref="Requester"/>, or in a test of the program whatever stands in for it.
/// The further forms of a request, with JSON and without options, are extension methods on this.
/// </summary>
public interface IRequester
{
    /// <inheritdoc cref="Requester.RequestAsync(string, string, RequestOptions?, CancellationToken)"/>
    ValueTask<Response> RequestAsync(
        string topic, string text, RequestOptions? options = null, CancellationToken cancellationToken = default);

    /// <inheritdoc cref="Requester.RequestAsync(string, ReadOnlyMemory{byte}, RequestOptions?, CancellationToken)"/>
    ValueTask<Response> RequestAsync(
        string topic,
        ReadOnlyMemory<byte> payload = default,
        RequestOptions? options = null,
        CancellationToken cancellationToken = default);

    /// <inheritdoc cref="Requester.GatherAsync"/>
    IAsyncEnumerable<Response> GatherAsync(
        string topic, ReadOnlyMemory<byte> payload, GatherOptions options, CancellationToken cancellationToken = default);
}
