using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Antiphon.Rpc;

/// <summary>
/// Handlers that take and give objects: JSON on the wire, Content Type <c>application/json</c>, property names in camel case. A request
/// that is not JSON of that form is answered with status 400 and never reaches the handler. The overloads with type information work in
/// trimmed programs.
/// </summary>
public static class JsonReplies
{
    /// <summary>Has a handler answer the requests on a Topic Filter.</summary>
    /// <param name="responder">The responder.</param>
    /// <param name="topicFilter">The Topic Filter; wildcards are allowed.</param>
    /// <param name="handler">
    /// Makes the answer from what was sent (<c>null</c> where its JSON is null) and the request that it came in; to answer with an error,
    /// throw <see cref="ReplyException"/>.
    /// </param>
    /// <param name="options">What this registration has of its own; <c>null</c>: nothing.</param>
    /// <param name="cancellationToken">Gives the registration up while it is being made.</param>
    /// <inheritdoc cref="Responder.RespondAsync(string, Func{Request, Reply}, RespondOptions?, CancellationToken)" path="/exception"/>
    [RequiresUnreferencedCode(JsonRequests.Trimming)]
    [RequiresDynamicCode(JsonRequests.Trimming)]
    public static Task<Registration> RespondAsync<TRequest, TResponse>(
        this Responder responder,
        string topicFilter,
        Func<TRequest?, Request, Task<TResponse>> handler,
        RespondOptions? options = null,
        CancellationToken cancellationToken = default) => responder.RespondAsync(
            topicFilter,
            handler,
            JsonRequests.Reflect<TRequest>(),
            JsonRequests.Reflect<TResponse>(),
            options,
            cancellationToken);

    /// <inheritdoc cref="RespondAsync{TRequest, TResponse}(Responder, string, Func{TRequest, Request, Task{TResponse}}, RespondOptions?, CancellationToken)"/>
    [RequiresUnreferencedCode(JsonRequests.Trimming)]
    [RequiresDynamicCode(JsonRequests.Trimming)]
    public static Task<Registration> RespondAsync<TRequest, TResponse>(
        this Responder responder,
        string topicFilter,
        Func<TRequest?, Request, TResponse> handler,
        RespondOptions? options = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(handler);
        return RespondAsync<TRequest, TResponse>(
            responder, topicFilter, (body, request) => Task.FromResult(handler(body, request)), options, cancellationToken);
    }

    /// <summary>Has a handler answer the requests on a Topic Filter, with type information made at build time.</summary>
    /// <param name="responder">The responder.</param>
    /// <param name="topicFilter">The Topic Filter; wildcards are allowed.</param>
    /// <param name="handler">
    /// Makes the answer from what was sent (<c>null</c> where its JSON is null) and the request that it came in; to answer with an error,
    /// throw <see cref="ReplyException"/>.
    /// </param>
    /// <param name="requestType">How to read the request.</param>
    /// <param name="responseType">How to write the answer.</param>
    /// <param name="options">What this registration has of its own; <c>null</c>: nothing.</param>
    /// <param name="cancellationToken">Gives the registration up while it is being made.</param>
    /// <inheritdoc cref="Responder.RespondAsync(string, Func{Request, Reply}, RespondOptions?, CancellationToken)" path="/exception"/>
    public static Task<Registration> RespondAsync<TRequest, TResponse>(
        this Responder responder,
        string topicFilter,
        Func<TRequest?, Request, Task<TResponse>> handler,
        JsonTypeInfo<TRequest> requestType,
        JsonTypeInfo<TResponse> responseType,
        RespondOptions? options = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(responder);
        ArgumentNullException.ThrowIfNull(handler);
        ArgumentNullException.ThrowIfNull(requestType);
        ArgumentNullException.ThrowIfNull(responseType);
        return responder.RespondAsync(
            topicFilter, request => AnswerAsync(request, handler, requestType, responseType), options, cancellationToken);
    }

    private static async Task<Reply> AnswerAsync<TRequest, TResponse>(
        Request request,
        Func<TRequest?, Request, Task<TResponse>> handler,
        JsonTypeInfo<TRequest> requestType,
        JsonTypeInfo<TResponse> responseType)
    {
        TRequest? body;
        try
        {
            body = JsonSerializer.Deserialize(request.Payload.Span, requestType);
        }
        catch (JsonException)
        {
            return Reply.Failure(400, "The payload is not JSON of the form that is asked for.");
        }

        var answer = await handler(body, request).ConfigureAwait(false);
        return new Reply
        {
            Payload = JsonSerializer.SerializeToUtf8Bytes(answer, responseType),
            ContentType = JsonRequests.ContentType,
            PayloadIsUtf8 = true,
        };
    }
}
