using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using System.Text;
using System.Threading.Channels;
using Antiphon.Client;
using Antiphon.Client.Publishing;
using Antiphon.Protocol.Packets;
using Antiphon.Protocol.Topics;
using Antiphon.Rpc.Requesting.Calls;
using Antiphon.Rpc.Requesting.Outcomes;
using Antiphon.Rpc.Requesting.Topics;
using Antiphon.Rpc.Timing;
using Antiphon.Rpc.Wire;

namespace Antiphon.Rpc;

/// <summary>
/// Sends Request Messages and gives each caller the response to its own. One standing subscription serves all calls, made at the first of them; every call ends with exactly one outcome: a
/// <see cref="Response"/>, a subclass of <see cref="RequestException"/>, <see cref="OperationCanceledException"/>, or <see cref="ConnectionException"/> where the client has
/// stopped before the request was sent. Safe from any thread and from within handlers.
/// </summary>
public sealed class Requester : IAsyncDisposable
{
    private const int MaximumChosenTopics = 64;

    private readonly MqttClient _client;
    private readonly RequesterOptions _options;
    private readonly string _lastLevel = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16));
    private readonly CancellationTokenSource _disposing = new();
    private readonly DeadlineTimer _timer;

    // Owns everything below, and the exchanges. Never held while the client is called for more than its state, nor while a call is completed.
    private readonly Lock _gate = new();
    private readonly ExchangeTable _table;
    private readonly ResponseChannel _own = new(null);
    private readonly Dictionary<string, ResponseChannel> _chosen = [];
    private RequesterCounters _counters;
    private bool _isDisposed;

    /// <summary>Makes a requester; nothing is sent before the first call.</summary>
    /// <param name="client">The client to send with; it stays the caller's to dispose, after the requester. May be shared with other requesters and responders.</param>
    /// <param name="options">How to ask; <c>null</c>: the defaults.</param>
    /// <exception cref="ArgumentException">The options are not valid, all mistakes are named; or the client speaks MQTT 3.1.1, which has no requests and responses.</exception>
    public Requester(MqttClient client, RequesterOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(client);
        RequiredVersion.ThrowIfOlder(client, nameof(client));
        _client = client;
        _options = options ?? new RequesterOptions();
        _options.Validate();
        _table = new ExchangeTable(_options.MaximumInFlight, BinaryPrimitives.ReadUInt64BigEndian(RandomNumberGenerator.GetBytes(8)), this);
        _timer = new DeadlineTimer(_options.TimeProvider, Tick);
        _client.StateChanged += OnStateChanged;
    }

    /// <summary>What has been counted so far.</summary>
    public RequesterCounters Counters
    {
        get
        {
            lock (_gate)
            {
                return _counters with { Pending = _table.Pending, InFlight = _table.InFlight };
            }
        }
    }

    /// <summary>Sends text and waits for the response.</summary>
    /// <param name="topic">The Topic Name to ask on.</param>
    /// <param name="text">The payload; goes out as UTF-8, and says so.</param>
    /// <param name="options">What this request has of its own; <c>null</c>: nothing.</param>
    /// <param name="cancellationToken">Ends the call here and withdraws a request that is not written yet; a responder that has it is not told.</param>
    /// <returns>The response; await it once.</returns>
    /// <inheritdoc cref="RequestAsync(string, ReadOnlyMemory{byte}, RequestOptions?, CancellationToken)" path="/exception"/>
    public ValueTask<Response> RequestAsync(string topic, string text, RequestOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(text);
        return RequestAsync(topic, Encoding.UTF8.GetBytes(text), options, payloadIsUtf8: true, cancellationToken);
    }

    /// <summary>Sends bytes and waits for the response.</summary>
    /// <param name="topic">The Topic Name to ask on.</param>
    /// <param name="payload">The payload, not to be changed until the call has ended; may be empty.</param>
    /// <param name="options">What this request has of its own; <c>null</c>: nothing.</param>
    /// <param name="cancellationToken">Ends the call here and withdraws a request that is not written yet; a responder that has it is not told.</param>
    /// <returns>The response; await it once.</returns>
    /// <exception cref="ArgumentException">The topic or the options are not valid. Nothing was sent.</exception>
    /// <exception cref="RemoteErrorException">The responder answered with an error.</exception>
    /// <exception cref="NoResponderException">Nobody listens on the topic.</exception>
    /// <exception cref="ResponderGoneException">The responder has gone without an answer.</exception>
    /// <exception cref="RequestTimeoutException">The time was up.</exception>
    /// <exception cref="RequestRefusedException">The server refused the request.</exception>
    /// <exception cref="RequestNotSentException">The client did not take the request: its queue is full, or its Session store failed.</exception>
    /// <exception cref="OutcomeUnknownException">The request was sent, and the response can no longer come.</exception>
    /// <exception cref="ConnectionException">The client has stopped; the request was not sent.</exception>
    /// <exception cref="OperationCanceledException">Cancelled by the caller.</exception>
    /// <exception cref="ObjectDisposedException">The requester was disposed before the request was sent.</exception>
    public ValueTask<Response> RequestAsync(
        string topic, ReadOnlyMemory<byte> payload = default, RequestOptions? options = null, CancellationToken cancellationToken = default) =>
        RequestAsync(topic, payload, options, payloadIsUtf8: null, cancellationToken);

    /// <summary>
    /// Sends one request and gathers the replies of many responders, errors among them (look at <see cref="Response.IsSuccess"/>), until as many have come as asked for or the time is up;
    /// then the sequence ends, with fewer replies or none. The request is sent when the sequence is first read.
    /// </summary>
    /// <param name="topic">The Topic Name to ask on.</param>
    /// <param name="payload">The payload, not to be changed until the sequence has ended; may be empty.</param>
    /// <param name="options">How many replies, how long.</param>
    /// <param name="cancellationToken">Ends the gathering here.</param>
    /// <exception cref="ArgumentException">The topic or the options are not valid. Nothing was sent.</exception>
    /// <exception cref="NoResponderException">Nobody listens on the topic.</exception>
    /// <exception cref="RequestTimeoutException">The time was up before the server had the request.</exception>
    /// <exception cref="RequestRefusedException">The server refused the request.</exception>
    /// <exception cref="RequestNotSentException">The client did not take the request: its queue is full, or its Session store failed.</exception>
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

        ThrowIfInvalid(topic, options.Request);
        return ReadRepliesAsync(topic, payload, options, cancellationToken);
    }

    /// <summary>
    /// Ends all calls (<see cref="OutcomeUnknownException"/>, or <see cref="ObjectDisposedException"/> where nothing was sent) and gives the subscription up. The client goes on.
    /// </summary>
    public async ValueTask DisposeAsync()
    {
        List<Exchange> ended;
        lock (_gate)
        {
            if (_isDisposed)
            {
                return;
            }

            _isDisposed = true;
            ended = _table.TakeAll();
        }

        _client.StateChanged -= OnStateChanged;
        _timer.Dispose();
        await _disposing.CancelAsync().ConfigureAwait(false);
        FailAll(ended, "the requester was disposed", static () => new ObjectDisposedException(nameof(Requester)));
        foreach (var channel in _chosen.Values.Prepend(_own))
        {
            await (channel.Opening ?? Task.CompletedTask).ConfigureAwait(false);
            if (channel.Close() is { } subscription)
            {
                await subscription.DisposeAsync().ConfigureAwait(false);
            }
        }

        _disposing.Dispose();
    }

    internal ValueTask<Response> RequestAsync(
        string topic, ReadOnlyMemory<byte> payload, RequestOptions? options, bool? payloadIsUtf8, CancellationToken cancellationToken)
    {
        options ??= RequestOptions.Default;
        ThrowIfInvalid(topic, options);
        if (cancellationToken.IsCancellationRequested)
        {
            return ValueTask.FromCanceled<Response>(cancellationToken);
        }

        var exchange = Begin(topic, payload, options, payloadIsUtf8, gathering: null, replies: null);
        var response = new ValueTask<Response>(exchange, exchange.Version);
        exchange.CancelWith(cancellationToken);
        Send();
        return response;
    }

    /// <summary>The client has done with a request: acknowledged, refused or lost.</summary>
    internal void Published(Exchange exchange, in PublishResult result, Exception? failure)
    {
        if (Settle(exchange, result, failure))
        {
            Send();
        }
    }

    /// <summary>The caller has cancelled.</summary>
    internal void Cancel(Exchange exchange, CancellationToken cancellationToken)
    {
        if (TryEnd(exchange))
        {
            exchange.Withdraw();
            exchange.Fail(new OperationCanceledException(cancellationToken));
            Send();
        }
    }

    /// <summary>The caller or the client needs the exchange no longer.</summary>
    internal void Release(Exchange exchange)
    {
        if (exchange.Release())
        {
            lock (_gate)
            {
                _table.Return(exchange);
            }
        }
    }

    private static void ThrowIfInvalid(string topic, RequestOptions options)
    {
        TopicName.ThrowIfInvalid(topic, nameof(topic));
        options.ThrowIfInvalid(nameof(options));
    }

    private Exchange Begin(
        string topic, ReadOnlyMemory<byte> payload, RequestOptions options, bool? payloadIsUtf8, ChannelWriter<Response>? gathering, int? replies)
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_isDisposed, this);
            var now = _timer.Now;
            var channel = FindChannel(options.ResponseTopic);
            var exchange = _table.Begin(
                new Call(topic, payload, options, channel, options.QoS ?? _options.QoS, options.Timeout ?? _options.Timeout)
                {
                    PayloadIsUtf8 = options.PayloadIsUtf8 ?? payloadIsUtf8,
                    Gathering = gathering,
                    Replies = replies,
                },
                now);
            _counters = _counters with { Calls = _counters.Calls + 1 };
            _timer.Arm(_table.NextDeadline, now);
            if (!channel.IsReady && channel.Opening is null or { IsCompleted: true })
            {
                channel.Opening = OpenAsync(channel);
            }

            return exchange;
        }
    }

    private ResponseChannel FindChannel(string? chosenTopic)
    {
        if (chosenTopic is null)
        {
            return _own;
        }

        if (!_chosen.TryGetValue(chosenTopic, out var channel))
        {
            if (_chosen.Count == MaximumChosenTopics)
            {
                throw new ArgumentException($"The Response Topic «{chosenTopic}» would be one more than {MaximumChosenTopics}, the most that one requester subscribes to.");
            }

            _chosen.Add(chosenTopic, channel = new ResponseChannel(chosenTopic));
        }

        return channel;
    }

    /// <summary>Publishes what waits, while there are a connection and free slots.</summary>
    private void Send()
    {
        while (true)
        {
            Exchange? exchange;
            lock (_gate)
            {
                // Asked under the lock: a call that comes too early for the connection is there when the client says that it is connected.
                if (_isDisposed || _client.State != ConnectionState.Connected)
                {
                    break;
                }

                if (!_table.TryStart(out exchange))
                {
                    return;
                }

                exchange.Share();
            }

            Publish(exchange);
        }

        if (_client.State == ConnectionState.Stopped)
        {
            FailStopped(null);
        }
    }

    private void Publish(Exchange exchange)
    {
        var result = default(PublishResult);
        Exception? failure = null;
        var properties = new PropertySection(stackalloc byte[512]);
        try
        {
            WriteProperties(ref properties, exchange);
            var message = new PublishContent
            {
                Topic = Encoding.UTF8.GetBytes(exchange.Topic),
                Payload = exchange.Payload.Span,
                Properties = properties.Written,
                QoS = exchange.QoS,
            };
            var publishing = _client.Session.PublishAsync(message, exchange.Withdrawal);
            if (!publishing.IsCompleted)
            {
                exchange.Watch(publishing);
                return;
            }

            // At once, not through the watcher, which would call back into the loop that sends.
            result = publishing.GetAwaiter().GetResult();
        }
#pragma warning disable CA1031 // Whatever it is, it is the outcome of this call.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            failure = exception;
        }
        finally
        {
            properties.Dispose();
        }

        Settle(exchange, result, failure);
    }

    private void WriteProperties(ref PropertySection properties, Exchange exchange)
    {
        var remaining = exchange.Deadline - _timer.Now;
        Span<byte> correlation = stackalloc byte[ExchangeTable.CorrelationLength];
        exchange.WriteCorrelation(correlation);
        properties.AddPayloadFormat(exchange.PayloadIsUtf8);
        properties.AddExpiry(remaining);
        properties.AddContentType(exchange.Options.ContentType);
        properties.AddCorrelation(correlation);
        properties.AddRaw(exchange.Channel.StandingProperties);
        properties.AddUser(RpcPropertyName.Timeout, (long)Math.Max(1, Math.Ceiling(remaining.TotalMilliseconds)));
        properties.AddUser(exchange.Options.UserProperties);
    }

    /// <summary>The client needs the exchange no longer.</summary>
    /// <returns>Whether the call ended with that and another may be sent in its place.</returns>
    private bool Settle(Exchange exchange, in PublishResult result, Exception? failure)
    {
        bool ended;
        lock (_gate)
        {
            _counters = failure is null ? _counters with { Acknowledged = _counters.Acknowledged + 1 } : _counters;
            ended = failure is null ? _table.Published(exchange, result.ReasonCode, _client.Server) : _table.TryEnd(exchange);
        }

        if (ended)
        {
            var facts = exchange.Facts(_timer.Now);
            exchange.Fail(failure switch
            {
                null => new NoResponderException(facts),
                RefusedException refused => new RequestRefusedException(facts, refused.ReasonCode, refused),
                QueueFullException or SessionStoreException => new RequestNotSentException(NotSent(facts), (MqttException)failure),
                ConnectionException { Sent: true } => new OutcomeUnknownException(facts, "the client has stopped"),
                _ => failure,
            });
        }

        Release(exchange);
        return ended;
    }

    private static RequestFacts NotSent(in RequestFacts facts) => facts with { CorrelationData = default, Progress = RequestProgress.NotSent };

    private bool TryEnd(Exchange exchange)
    {
        lock (_gate)
        {
            return _table.TryEnd(exchange);
        }
    }

    private async Task OpenAsync(ResponseChannel channel)
    {
        // Off the caller's lock.
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        try
        {
            while (true)
            {
                await _client.WaitUntilConnectedAsync(_disposing.Token).ConfigureAwait(false);
                var topic = TopicOf(channel);
                var filterBytes = Encoding.UTF8.GetBytes(topic);
                var subscription = await _client.SubscribeRawAsync(
                    topic,
                    (in message, in acknowledgement) => OnMessage(channel, filterBytes, message, acknowledgement),
                    new SubscribeOptions { RetainHandling = RetainHandling.DoNotSend },
                    _disposing.Token).ConfigureAwait(false);
                lock (_gate)
                {
                    if (TopicOf(channel) == topic)
                    {
                        channel.Ready(topic, _client.ClientId, subscription);
                        _table.ChannelIsReady(channel);
                        break;
                    }
                }

                // The Session was lost meanwhile, and the Response Information has changed with it.
                await subscription.DisposeAsync().ConfigureAwait(false);
            }

            Send();
        }
#pragma warning disable CA1031 // Whatever it is, it is the outcome of the calls that wait for the channel.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            FailWaiting(channel, exception);
        }
    }

    private string TopicOf(ResponseChannel channel) =>
        channel.ChosenTopic ?? ResponseTopic.Build(_options.ResponseTopicPrefix, _client.Server?.ResponseInformation, _client.ClientId, _lastLevel);

    private void FailWaiting(ResponseChannel channel, Exception exception)
    {
        List<Exchange> waiting;
        lock (_gate)
        {
            waiting = _table.TakeWaiting(channel);

            // The next call tries again.
            channel.Opening = null;
        }

        foreach (var exchange in waiting)
        {
            exchange.Fail(exception is RefusedException refused
                ? new RequestRefusedException(exchange.Facts(_timer.Now), refused.ReasonCode, refused)
                : exception);
        }
    }

    /// <summary>Takes a message from the Response Topic, on the client's receive loop.</summary>
    private void OnMessage(ResponseChannel channel, byte[] topic, in PublishView message, in Acknowledgement acknowledgement)
    {
        Exchange? exchange = null;
        lock (_gate)
        {
            if (message.Retain)
            {
                _counters = _counters with { RetainedResponses = _counters.RetainedResponses + 1 };
            }
            else
            {
                var match = message.Topic.SequenceEqual(topic) ? _table.Match(channel, message.CorrelationData, out exchange) : ResponseMatch.Foreign;
                _counters = match switch
                {
                    ResponseMatch.Late => _counters with { LateResponses = _counters.LateResponses + 1 },
                    ResponseMatch.Foreign => _counters with { ForeignResponses = _counters.ForeignResponses + 1 },
                    _ when exchange!.IsEnded => _counters with { Answered = _counters.Answered + 1 },
                    _ => _counters,
                };

                // A gathering may end while its reply is being read; the exchange must not serve another call before that.
                exchange?.Share();
            }
        }

        acknowledgement.Complete();
        if (exchange is not null)
        {
            Deliver(exchange, channel.Topic, message);
            Release(exchange);
        }
    }

    private void Deliver(Exchange exchange, string topic, in PublishView message)
    {
        var status = ResponseStatus.Read(message);
        var response = new Response(
            new MessageCopy(message),
            topic,
            status.Code,
            status.Message.IsEmpty ? null : Encoding.UTF8.GetString(status.Message),
            _timer.Now - exchange.CalledAt);
        if (exchange.Gathering is { } gathering)
        {
            if (!gathering.TryWrite(response))
            {
                lock (_gate)
                {
                    _counters = _counters with { DroppedReplies = _counters.DroppedReplies + 1 };
                }
            }

            if (!exchange.IsEnded)
            {
                return;
            }

            gathering.TryComplete();
        }
        else if (status.IsSuccess(_options.Strict))
        {
            exchange.Complete(response);
        }
        else
        {
            exchange.Fail(Outcome.OfError(exchange.Facts(_timer.Now), status, response));
        }

        Send();
    }

    private async IAsyncEnumerable<Response> ReadRepliesAsync(
        string topic, ReadOnlyMemory<byte> payload, GatherOptions options, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var replies = Channel.CreateBounded<Response>(new BoundedChannelOptions(Math.Min(options.Replies ?? 1024, 65_536)) { SingleReader = true });
        var exchange = Begin(topic, payload, options.Request, payloadIsUtf8: null, replies.Writer, options.Replies);
        try
        {
            exchange.CancelWith(cancellationToken);
            Send();
            await foreach (var response in replies.Reader.ReadAllAsync(CancellationToken.None).ConfigureAwait(false))
            {
                yield return response;
            }
        }
        finally
        {
            exchange.StopListening();
            if (TryEnd(exchange))
            {
                exchange.Withdraw();
                Send();
            }

            Release(exchange);
        }
    }

    private void Tick()
    {
        List<Exchange>? expired = null;
        lock (_gate)
        {
            var now = _timer.Now;
            _timer.Fired();
            while (_table.TryTakeExpired(now, out var exchange))
            {
                (expired ??= []).Add(exchange);
            }

            _counters = _counters with { TimedOut = _counters.TimedOut + (expired?.Count ?? 0) };
            if (!_isDisposed)
            {
                _timer.Arm(_table.NextDeadline, now);
            }
        }

        if (expired is null)
        {
            return;
        }

        foreach (var exchange in expired)
        {
            exchange.Withdraw();
            if (exchange.Gathering is { } gathering && (exchange.WasTaken || exchange.RepliesReceived > 0))
            {
                gathering.TryComplete();
            }
            else
            {
                exchange.Fail(new RequestTimeoutException(exchange.Facts(_timer.Now), exchange.Deadline - exchange.CalledAt));
            }
        }

        Send();
    }

    private void OnStateChanged(object? sender, ConnectionStateChange change)
    {
        switch (change.State)
        {
            case ConnectionState.Connected:
                OnConnected(change.SessionPresent);
                Send();
                break;
            case ConnectionState.Stopped:
                FailStopped(change.Exception);
                break;
            default:
                // The client comes back by itself; the calls' deadlines run.
                break;
        }
    }

    private void OnConnected(bool sessionPresent)
    {
        List<Exchange> lost = [];
        Subscription? old = null;
        lock (_gate)
        {
            var moved = _own.IsReady && TopicOf(_own) != _own.Topic;
            if (!sessionPresent || moved)
            {
                lost = _table.TakeLost(moved ? _own : null, _client.Server);
            }

            if (moved)
            {
                old = _own.Close();
                _own.Opening = MoveAsync(old);
            }
        }

        FailAll(lost, "the server has lost the Session, and the response with it", null);
    }

    private async Task MoveAsync(Subscription? old)
    {
        var opened = OpenAsync(_own);
        if (old is not null)
        {
            await old.DisposeAsync().ConfigureAwait(false);
        }

        await opened.ConfigureAwait(false);
    }

    private void FailStopped(Exception? why)
    {
        List<Exchange> ended;
        lock (_gate)
        {
            ended = _table.TakeStopped();
        }

        FailAll(ended, "the client has stopped", () => why as ConnectionException ?? new ConnectionException("The client has stopped.", innerException: why));
    }

    private void FailAll(List<Exchange> ended, string why, Func<Exception>? notSent)
    {
        foreach (var exchange in ended)
        {
            exchange.Withdraw();
            exchange.Fail(exchange.Progress == RequestProgress.NotSent && notSent is not null
                ? notSent()
                : new OutcomeUnknownException(exchange.Facts(_timer.Now), why));
        }
    }
}
