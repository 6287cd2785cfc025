using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Antiphon.Protocol.Topics;

namespace Antiphon.Rpc;

/// <summary>
/// Requests and responses as JSON: Content Type <c>application/json</c>, property names in camel case.
/// The overloads with type information work in trimmed programs.
/// </summary>
public static class JsonRequests
{
    internal const string ContentType = "application/json";

    private static readonly RequestOptions Json = new() { ContentType = ContentType, PayloadIsUtf8 = true };

    internal const string Trimming = "JSON by reflection may need members that trimming removes; use the overload that takes JsonTypeInfo.";

    /// <summary>Sends an object as JSON and reads the response as JSON.</summary>
    /// <param name="requester">The requester.</param>
    /// <param name="topic">The Topic Name to ask on.</param>
    /// <param name="request">What is sent.</param>
    /// <param name="options">What this request has of its own; <c>null</c>: nothing.</param>
    /// <param name="cancellationToken">Ends the call here.</param>
    /// <returns>What the response holds; <c>null</c> where its JSON is null.</returns>
    /// <exception cref="JsonException">The response is a success, but not JSON of that form.</exception>
    /// <inheritdoc cref="Requester.RequestAsync(string, ReadOnlyMemory{byte}, RequestOptions?, CancellationToken)" path="/exception"/>
    [RequiresUnreferencedCode(Trimming)]
    [RequiresDynamicCode(Trimming)]
    public static ValueTask<TResponse?> RequestAsync<TRequest, TResponse>(
        this IRequester requester,
        string topic,
        TRequest request,
        RequestOptions? options = null,
        CancellationToken cancellationToken = default) => requester.RequestAsync(
            topic,
            request,
            Reflect<TRequest>(),
            Reflect<TResponse>(),
            options,
            cancellationToken);

    /// <summary>Sends an object as JSON and reads the response as JSON, with type information made at build time.</summary>
    /// <param name="requester">The requester.</param>
    /// <param name="topic">The Topic Name to ask on.</param>
    /// <param name="request">What is sent.</param>
    /// <param name="requestType">How to write it.</param>
    /// <param name="responseType">How to read the response.</param>
    /// <param name="options">What this request has of its own; <c>null</c>: nothing.</param>
    /// <param name="cancellationToken">Ends the call here.</param>
    /// <returns>What the response holds; <c>null</c> where its JSON is null.</returns>
    /// <exception cref="JsonException">The response is a success, but not JSON of that form.</exception>
    /// <inheritdoc cref="Requester.RequestAsync(string, ReadOnlyMemory{byte}, RequestOptions?, CancellationToken)" path="/exception"/>
    public static ValueTask<TResponse?> RequestAsync<TRequest, TResponse>(
        this IRequester requester,
        string topic,
        TRequest request,
        JsonTypeInfo<TRequest> requestType,
        JsonTypeInfo<TResponse> responseType,
        RequestOptions? options = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(responseType);
        return ReadAsync(SendAsync(requester, topic, request, requestType, options, cancellationToken), responseType);
    }

    /// <summary>As <c>RequestAsync</c>, with nothing of its own but a token that cancels it.</summary>
    /// <param name="requester">The requester.</param>
    /// <param name="topic">The Topic Name to ask on.</param>
    /// <param name="request">What is sent.</param>
    /// <param name="cancellationToken">Ends the call here.</param>
    /// <returns>What the response holds; <c>null</c> where its JSON is null.</returns>
    /// <exception cref="JsonException">The response is a success, but not JSON of that form.</exception>
    /// <inheritdoc cref="Requester.RequestAsync(string, ReadOnlyMemory{byte}, RequestOptions?, CancellationToken)" path="/exception"/>
    [RequiresUnreferencedCode(Trimming)]
    [RequiresDynamicCode(Trimming)]
    public static ValueTask<TResponse?> RequestAsync<TRequest, TResponse>(
        this IRequester requester, string topic, TRequest request, CancellationToken cancellationToken) =>
        requester.RequestAsync<TRequest, TResponse>(topic, request, null, cancellationToken);

    /// <summary>
    /// Sends an object as JSON, reads the response as JSON, and gives the response beside it:
    /// status, User Properties, time.
    /// </summary>
    /// <param name="requester">The requester.</param>
    /// <param name="topic">The Topic Name to ask on.</param>
    /// <param name="request">What is sent.</param>
    /// <param name="options">What this request has of its own; <c>null</c>: nothing.</param>
    /// <param name="cancellationToken">Ends the call here.</param>
    /// <exception cref="JsonException">The response is a success, but not JSON of that form.</exception>
    /// <inheritdoc cref="Requester.RequestAsync(string, ReadOnlyMemory{byte}, RequestOptions?, CancellationToken)" path="/exception"/>
    [RequiresUnreferencedCode(Trimming)]
    [RequiresDynamicCode(Trimming)]
    public static ValueTask<Response<TResponse>> RequestForResponseAsync<TRequest, TResponse>(
        this IRequester requester,
        string topic,
        TRequest request,
        RequestOptions? options = null,
        CancellationToken cancellationToken = default) => requester.RequestForResponseAsync(
            topic,
            request,
            Reflect<TRequest>(),
            Reflect<TResponse>(),
            options,
            cancellationToken);

    /// <summary>
    /// Sends an object as JSON, reads the response as JSON, and gives the response beside it, with type information made at build time.
    /// </summary>
    /// <param name="requester">The requester.</param>
    /// <param name="topic">The Topic Name to ask on.</param>
    /// <param name="request">What is sent.</param>
    /// <param name="requestType">How to write it.</param>
    /// <param name="responseType">How to read the response.</param>
    /// <param name="options">What this request has of its own; <c>null</c>: nothing.</param>
    /// <param name="cancellationToken">Ends the call here.</param>
    /// <exception cref="JsonException">The response is a success, but not JSON of that form.</exception>
    /// <inheritdoc cref="Requester.RequestAsync(string, ReadOnlyMemory{byte}, RequestOptions?, CancellationToken)" path="/exception"/>
    public static ValueTask<Response<TResponse>> RequestForResponseAsync<TRequest, TResponse>(
        this IRequester requester,
        string topic,
        TRequest request,
        JsonTypeInfo<TRequest> requestType,
        JsonTypeInfo<TResponse> responseType,
        RequestOptions? options = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(responseType);
        return ReadWholeAsync(SendAsync(requester, topic, request, requestType, options, cancellationToken), responseType);
    }

    [RequiresUnreferencedCode(Trimming)]
    [RequiresDynamicCode(Trimming)]
    internal static JsonTypeInfo<T> Reflect<T>() => (JsonTypeInfo<T>)JsonSerializerOptions.Web.GetTypeInfo(typeof(T));

    private static ValueTask<Response> SendAsync<TRequest>(
        IRequester requester,
        string topic,
        TRequest request,
        JsonTypeInfo<TRequest> requestType,
        RequestOptions? options,
        CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(requester);
        ArgumentNullException.ThrowIfNull(requestType);
        TopicName.ThrowIfInvalid(topic, nameof(topic));
        options ??= Json;
        if (options.ContentType is null || options.PayloadIsUtf8 is null)
        {
            options = options with { ContentType = options.ContentType ?? ContentType, PayloadIsUtf8 = options.PayloadIsUtf8 ?? true };
        }

        return requester.RequestAsync(topic, JsonSerializer.SerializeToUtf8Bytes(request, requestType), options, cancellationToken);
    }

    private static async ValueTask<TResponse?> ReadAsync<TResponse>(ValueTask<Response> pending, JsonTypeInfo<TResponse> responseType)
    {
        var response = await pending.ConfigureAwait(false);
        return JsonSerializer.Deserialize(response.Payload.Span, responseType);
    }

    private static async ValueTask<Response<TResponse>> ReadWholeAsync<TResponse>(
        ValueTask<Response> pending, JsonTypeInfo<TResponse> responseType)
    {
        var response = await pending.ConfigureAwait(false);
        return new Response<TResponse>(JsonSerializer.Deserialize(response.Payload.Span, responseType), response);
    }
}
