using System.Runtime.CompilerServices;
using System.Text;
using Antiphon.Client;
using Antiphon.Protocol.Topics;
using Antiphon.Rpc.Requesting;
using Antiphon.Rpc.Wire;

namespace Antiphon.Rpc;

/// <summary>
/// Sends Request Messages and gives each caller the response to its own.
/// One standing subscription serves all calls, made at the first of them. Every call ends with exactly one outcome:
/// a <see cref="Response"/>, a subclass of <see cref="RequestException"/>, <see cref="OperationCanceledException"/>,
/// or <see cref="ConnectionException"/> where the client has stopped before the request was sent.
/// Calls with one Response Topic are sent in the order in which they were begun. Safe from any thread and from within handlers.
/// </summary>
public sealed class Requester : IRequester, IAsyncDisposable
{
    private readonly RequesterCore _core;

    /// <summary>Makes a requester; nothing is sent before the first call.</summary>
    /// <param name="client">
    /// The client to send with; it stays the caller's to dispose, after the requester. May be shared with other requesters and responders.
    /// </param>
    /// <param name="options">How to ask; <c>null</c>: the defaults.</param>
    /// <exception cref="ArgumentException">
    /// The options are not valid, all mistakes are named; or the client speaks MQTT 3.1.1, which has no requests and responses.
    /// </exception>
    public Requester(MqttClient client, RequesterOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(client);
        RequiredVersion.ThrowIfOlder(client);
        options ??= new RequesterOptions();
        options.Validate();
        _core = new RequesterCore(client.Session, options);
    }

    /// <summary>What has been counted so far.</summary>
    public RequesterCounters Counters => _core.Counters;

    /// <summary>Sends text and waits for the response.</summary>
    /// <param name="topic">The Topic Name to ask on.</param>
    /// <param name="text">The payload; goes out as UTF-8, and says so.</param>
    /// <param name="options">What this request has of its own; <c>null</c>: nothing.</param>
    /// <param name="cancellationToken">
    /// Ends the call here and withdraws a request that is not written yet; a responder that has it is not told.
    /// </param>
    /// <returns>The response; await it once.</returns>
    /// <inheritdoc cref="RequestAsync(string, ReadOnlyMemory{byte}, RequestOptions?, CancellationToken)" path="/exception"/>
    public ValueTask<Response> RequestAsync(
        string topic, string text, RequestOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(text);
        return RequestAsync(topic, Encoding.UTF8.GetBytes(text), options, payloadIsUtf8: true, cancellationToken);
    }

    /// <summary>Sends bytes and waits for the response.</summary>
    /// <param name="topic">The Topic Name to ask on.</param>
    /// <param name="payload">The payload, not to be changed until the call has ended; may be empty.</param>
    /// <param name="options">What this request has of its own; <c>null</c>: nothing.</param>
    /// <param name="cancellationToken">
    /// Ends the call here and withdraws a request that is not written yet; a responder that has it is not told.
    /// </param>
    /// <returns>The response; await it once.</returns>
    /// <exception cref="ArgumentException">The topic or the options are not valid. Nothing was sent.</exception>
    /// <exception cref="RemoteErrorException">The responder answered with an error.</exception>
    /// <exception cref="NoResponderException">Nobody listens on the topic.</exception>
    /// <exception cref="ResponderGoneException">The responder has gone without an answer.</exception>
    /// <exception cref="RequestTimeoutException">The time was up.</exception>
    /// <exception cref="RequestRefusedException">The server refused the request.</exception>
    /// <exception cref="RequestNotSentException">
    /// Too many calls wait already, or too much waits in the client to be sent.
    /// </exception>
    /// <exception cref="OutcomeUnknownException">The request was sent, and the response can no longer come.</exception>
    /// <exception cref="ConnectionException">The client has stopped; the request was not sent.</exception>
    /// <exception cref="OperationCanceledException">Cancelled by the caller.</exception>
    /// <exception cref="ObjectDisposedException">The requester was disposed before the request was sent.</exception>
    public ValueTask<Response> RequestAsync(
        string topic,
        ReadOnlyMemory<byte> payload = default,
        RequestOptions? options = null,
        CancellationToken cancellationToken = default) =>
        RequestAsync(topic, payload, options, payloadIsUtf8: null, cancellationToken);

    /// <summary>
    /// Sends one request and gathers the replies of many responders, errors among them (look at <see cref="Response.IsSuccess"/>),
    /// until as many have come as asked for or the time is up; then the sequence ends, with fewer replies or none.
    /// The request is sent when the sequence is first read.
    /// </summary>
    /// <param name="topic">The Topic Name to ask on.</param>
    /// <param name="payload">The payload, not to be changed until the sequence has ended; may be empty.</param>
    /// <param name="options">How many replies, how long.</param>
    /// <param name="cancellationToken">Ends the gathering here.</param>
    /// <exception cref="ArgumentException">The topic or the options are not valid. Nothing was sent.</exception>
    /// <exception cref="NoResponderException">Nobody listens on the topic.</exception>
    /// <exception cref="RequestTimeoutException">The time was up before the server had the request.</exception>
    /// <exception cref="RequestRefusedException">The server refused the request.</exception>
    /// <exception cref="RequestNotSentException">
    /// Too many calls wait already, or too much waits in the client to be sent.
    /// </exception>
    /// <exception cref="OutcomeUnknownException">The request was sent, and more replies can no longer come.</exception>
    /// <exception cref="ConnectionException">The client has stopped; the request was not sent.</exception>
    /// <exception cref="OperationCanceledException">Cancelled by the caller.</exception>
    public IAsyncEnumerable<Response> GatherAsync(
        string topic, ReadOnlyMemory<byte> payload, GatherOptions options, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        if (options.Replies is < 1)
        {
            throw new ArgumentOutOfRangeException(nameof(options), options.Replies, "Replies has to be 1 or more.");
        }

        TopicName.ThrowIfInvalid(topic, nameof(topic));
        options.Request.ThrowIfInvalid(nameof(options));
        return ReadAnswersAsync(topic, payload, options, cancellationToken);
    }

    /// <summary>
    /// Ends all calls (<see cref="OutcomeUnknownException"/>, or <see cref="ObjectDisposedException"/> where nothing was sent)
    /// and gives the subscription up. The client goes on.
    /// </summary>
    public ValueTask DisposeAsync() => _core.DisposeAsync();

    internal ValueTask<Response> RequestAsync(
        string topic, ReadOnlyMemory<byte> payload, RequestOptions? options, bool? payloadIsUtf8, CancellationToken cancellationToken)
    {
        options ??= RequestOptions.Default;
        options.ThrowIfInvalid(nameof(options));
        if (cancellationToken.IsCancellationRequested)
        {
            return ValueTask.FromCanceled<Response>(cancellationToken);
        }

        var call = _core.Begin(topic, payload, options, payloadIsUtf8, out var response);
        call.CancelWith(cancellationToken);
        return response;
    }

    private async IAsyncEnumerable<Response> ReadAnswersAsync(
        string topic, ReadOnlyMemory<byte> payload, GatherOptions options, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var call = _core.BeginGathering(topic, payload, options);
        try
        {
            await using (cancellationToken.UnsafeRegister((_, token) => _core.Cancel(call, token), null).ConfigureAwait(false))
            {
                await foreach (var response in call.Answers.ReadAllAsync(CancellationToken.None).ConfigureAwait(false))
                {
                    yield return response;
                }
            }
        }
        finally
        {
            _core.Cancel(call, CancellationToken.None);
        }
    }
}
