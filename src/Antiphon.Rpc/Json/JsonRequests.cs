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
        this Requester requester,
        string topic,
        TRequest request,
        RequestOptions? options = null,
        CancellationToken cancellationToken = default) => requester.RequestAsync(
            topic,
            request,
            (JsonTypeInfo<TRequest>)JsonSerializerOptions.Web.GetTypeInfo(typeof(TRequest)),
            (JsonTypeInfo<TResponse>)JsonSerializerOptions.Web.GetTypeInfo(typeof(TResponse)),
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
        this Requester requester,
        string topic,
        TRequest request,
        JsonTypeInfo<TRequest> requestType,
        JsonTypeInfo<TResponse> responseType,
        RequestOptions? options = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(requester);
        ArgumentNullException.ThrowIfNull(requestType);
        ArgumentNullException.ThrowIfNull(responseType);
        TopicName.ThrowIfInvalid(topic, nameof(topic));
        options ??= RequestOptions.Default;
        return ReadAsync(
            requester.RequestAsync(
                topic,
                JsonSerializer.SerializeToUtf8Bytes(request, requestType),
                options.ContentType is null ? options with { ContentType = ContentType } : options,
                payloadIsUtf8: true,
                cancellationToken),
            responseType);
    }

    private static async ValueTask<TResponse?> ReadAsync<TResponse>(ValueTask<Response> pending, JsonTypeInfo<TResponse> responseType)
    {
        var response = await pending.ConfigureAwait(false);
        return JsonSerializer.Deserialize(response.Payload.Span, responseType);
    }
}
