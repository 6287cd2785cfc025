using Antiphon.Client;
using Antiphon.Client.Publishing;
using Antiphon.Client.Sessions;
using Antiphon.Protocol;
using Antiphon.Protocol.Packets;
using Antiphon.Protocol.Topics;
using Antiphon.Rpc.Requesting.Calls;
using Antiphon.Rpc.Requesting.Topics;
using Antiphon.Rpc.Timing;
using Antiphon.Rpc.Wire;

namespace Antiphon.Rpc.Requesting;

/// <summary>
/// What stands between the table of calls and the client: enters the gate, tells the table what happened, publishes what it starts,
/// and has what it ends completed outside the gate. The client's gate guards everything in here.
/// </summary>
internal sealed class RequesterCore : ICallOwner, IChannelOwner, ISessionWatcher, IDeferred, IAsyncDisposable
{
    /// <summary>How long the disposal waits for the server's answer to UNSUBSCRIBE.</summary>
    private static readonly TimeSpan LongestDisposal = TimeSpan.FromSeconds(2);

    private readonly ClientSession _session;
    private readonly RequesterOptions _options;
    private readonly DeadlineTimer _timer;
    private readonly CallTable _table;
    private readonly CallPool _pool;
    private readonly ResponseChannels _channels;
    private readonly RequesterCounting _counting = new();
    private bool _isDisposed;
    private bool _sendingIsDeferred;

    public RequesterCore(ClientSession session, RequesterOptions options)
    {
        _session = session;
        _options = options;
        var prefix = session.NextSecret();
        _table = new CallTable(options.MaximumInFlight, prefix);
        _pool = new CallPool(this);
        _channels = new ResponseChannels(session, this, prefix, options.ResponseTopicPrefix);
        _timer = new DeadlineTimer(options.TimeProvider, Tick);
        lock (session.Gate)
        {
            session.Watch(this);
        }
    }

    public RequesterCounters Counters
    {
        get
        {
            lock (_session.Gate)
            {
                return _counting.Snapshot(_table.Pending, _table.InFlight);
            }
        }
    }

    /// <summary>Begins a call that one answer ends.</summary>
    /// <exception cref="ArgumentException">The topic is no Topic Name, or too many Response Topics were chosen.</exception>
    public SingleCall Begin(
        string topic, ReadOnlyMemory<byte> payload, RequestOptions options, bool? payloadIsUtf8, out ValueTask<Response> response)
    {
        var content = Content(topic, payload, options, payloadIsUtf8);
        SingleCall call;
        bool isAlone;
        lock (_session.Gate)
        {
            ObjectDisposedException.ThrowIf(_isDisposed, typeof(Requester));
            call = _pool.Rent();
            response = call.Task;
            Begin(call, content);
            isAlone = _table.Pending == 1;
        }

        if (isAlone)
        {
            // Nothing else is under way that could share the send.
            _session.AfterGateAndWrite();
        }
        else
        {
            _session.AfterGate();
        }

        return call;
    }

    /// <summary>Begins a call that gathers answers.</summary>
    public GatheringCall BeginGathering(string topic, ReadOnlyMemory<byte> payload, GatherOptions options)
    {
        var content = Content(topic, payload, options.Request, payloadIsUtf8: null);
        var call = new GatheringCall(this, options.Replies);
        lock (_session.Gate)
        {
            ObjectDisposedException.ThrowIf(_isDisposed, typeof(Requester));
            Begin(call, content);
        }

        _session.AfterGate();
        return call;
    }

    /// <inheritdoc/>
    public void Cancel(Call call, CancellationToken cancellationToken)
    {
        lock (_session.Gate)
        {
            _table.Cancelled(call, _timer.Now, cancellationToken);
            Conclude();
            Send(_timer.Now);
        }

        _session.AfterGate();
    }

    /// <inheritdoc/>
    public TimeSpan Now => _timer.Now;

    /// <inheritdoc/>
    public void Release(SingleCall call) => _pool.Return(call);

    /// <inheritdoc/>
    public void Published(Call call, in PublishResult result, MqttException? failure)
    {
        _counting.Acknowledged += failure is null ? 1 : 0;
        if (call.IsEnded)
        {
            return;
        }

        if (failure is null)
        {
            // When it was sent before, there may have been a responder, which has run it.
            _table.Acknowledged(call, result.WasSentBefore ? ReasonCode.Success : result.ReasonCode, _timer.Now);
        }
        else if (failure is ConnectionException { IsExpired: true })
        {
            _counting.TimedOut += _table.Expired(call, _timer.Now);
        }
        else
        {
            _table.Failed(call, failure, _timer.Now);
        }

        // The client is at this very PUBLISH; there is nothing to withdraw any more.
        call.Publish = default;
        Conclude();
        if (_table.HasWaiting && !_sendingIsDeferred)
        {
            // Nothing may be published here: the client is at its own list.
            _sendingIsDeferred = true;
            _session.Defer(this, 0);
        }
    }

    /// <inheritdoc/>
    public void Opened(ResponseChannel channel, MqttException? failure)
    {
        if (failure is null)
        {
            _table.ChannelReady(channel);
            Send(_timer.Now);
        }
        else
        {
            _table.ChannelFailed(channel, failure, _timer.Now);
            Conclude();
        }
    }

    /// <inheritdoc/>
    public void Arrived(ResponseChannel channel, bool isOnItsTopic, in PublishView message)
    {
        if (message.Retain)
        {
            _counting.Stray(default, isRetained: true, hasCorrelation: false);
            return;
        }

        Call? call = null;
        var match = isOnItsTopic ? _table.Find(channel, message.CorrelationData, out call) : ResponseMatch.Foreign;
        if (call is null)
        {
            _counting.Stray(match, isRetained: false, hasCorrelation: !message.CorrelationData.IsEmpty);
            return;
        }

        var now = _timer.Now;
        var bytes = ResponseReading.Read(message, out var status);
        if (_session.Server is not { IsAntiphon: true })
        {
            status.DisbelieveReason();
        }

        var response = new Response(bytes, message.Payload.Length, channel.Address, call.Number, status.Code, now - call.CalledAt);
        _table.Answered(call, call.Answer(response, status, _options.Strict, now));
        _counting.Answered += call.IsEnded ? 1 : 0;
        Conclude();
        Send(now);
    }

    /// <inheritdoc/>
    public void Connected(ServerLimits server)
    {
        if (!server.SessionPresent)
        {
            _table.SessionLost(_timer.Now);
        }

        foreach (var channel in _channels.All)
        {
            var hasMoved = _channels.CloseIfMoved(channel, server);
            if (hasMoved)
            {
                _table.ChannelMoved(channel, _timer.Now);
            }

            if (hasMoved || channel.Waiting.Count > 0)
            {
                Open(channel, _timer.Now);
            }
        }

        Conclude();
        Send(_timer.Now);
    }

    /// <inheritdoc/>
    public void Stopped(Func<bool, ConnectionException> why)
    {
        _table.Stopped(why(false), _timer.Now);
        Conclude();
    }

    /// <inheritdoc/>
    void IDeferred.Run(uint version)
    {
        lock (_session.Gate)
        {
            _sendingIsDeferred = false;
            Send(_timer.Now);
        }

        _session.AfterGate();
    }

    public async ValueTask DisposeAsync()
    {
        List<Subscription> subscriptions;
        lock (_session.Gate)
        {
            if (_isDisposed)
            {
                return;
            }

            _isDisposed = true;
            _session.Unwatch(this);
            _table.Disposed(_timer.Now);
            Conclude();
            subscriptions = _channels.CloseAll();
        }

        _session.AfterGate();
        _timer.Dispose();
        try
        {
            var left = Task.WhenAll(subscriptions.Select(_session.UnsubscribeAsync));
            await left.WaitAsync(LongestDisposal, _options.TimeProvider).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            // The server does not answer any more. No call waits for it, and the next connection asks again.
        }
    }

    private CallContent Content(string topic, ReadOnlyMemory<byte> payload, RequestOptions options, bool? payloadIsUtf8)
    {
        var bytes = TopicName.Check(topic, nameof(topic));
        return options.ResponseTopic == topic
            ? throw new ArgumentException(
                $"The Response Topic is «{topic}», which is the topic of the request too: the request would come back as its own response.",
                nameof(options))
            : new(
                topic,
                bytes,
                payload,
                options,
                null!,
                options.QoS ?? _options.QoS,
                options.Timeout ?? _options.Timeout,
                options.PayloadIsUtf8 ?? payloadIsUtf8);
    }

    private void Begin(Call call, in CallContent content)
    {
        var now = _timer.Now;
        var channel = _channels.Find(content.Options.ResponseTopic);
        call.Begin(content with { Channel = channel }, now);
        call.Strays = _counting.Strays;
        _counting.Calls++;
        var isFull = _table.Pending - _table.InFlight >= _options.MaximumWaiting;
        _table.Began(call);
        if (_session.Stopped is { } stopped)
        {
            _table.Failed(call, stopped, now);
            Conclude();
            return;
        }

        if (isFull)
        {
            _table.Failed(call, new RequestNotSentException(call.Facts(now), _options), now);
            Conclude();
            return;
        }

        _timer.Arm(_table.NextDeadline, now);
        if (_session.Server is null)
        {
            _session.Hurry();
        }

        if (!channel.IsReady)
        {
            Open(channel, now);
        }

        Send(now);
    }

    private void Open(ResponseChannel channel, TimeSpan now)
    {
        try
        {
            _channels.Open(channel);
        }
        catch (Exception failure) when (failure is InvalidOperationException or ArgumentException)
        {
            _table.ChannelFailed(channel, failure, now);
            Conclude();
        }
    }

    /// <summary>Publishes what waits, while there are a connection and free slots.</summary>
    private void Send(TimeSpan now)
    {
        if (_table.NextDeadline <= now)
        {
            // The timer is late, as after a sleep of the machine: what is over is not sent.
            EndWhatIsDue(now);
        }

        while (!_isDisposed && _session.Server is not null && _table.TryStart(out var call))
        {
            var start = RequestWriter.Publish(_session, call, now);
            switch (start.Status)
            {
                case PublishStatus.Failed:
                    _table.Failed(call, start.Failure!, now);
                    Conclude();
                    break;
                case PublishStatus.Written:
                    _counting.Acknowledged++;
                    _table.Acknowledged(call, ReasonCode.Success, now);
                    break;
                default:
                    call.Publish = start.Handle;
                    break;
            }
        }
    }

    private void Tick()
    {
        lock (_session.Gate)
        {
            var now = _timer.Now;
            _timer.Fired();
            EndWhatIsDue(now);
            if (!_isDisposed)
            {
                _timer.Arm(_table.NextDeadline, now);
                Send(now);
            }
        }

        _session.AfterGate();
    }

    private void EndWhatIsDue(TimeSpan now)
    {
        _counting.TimedOut += _table.Tick(now);
        Conclude();
    }

    /// <summary>Has the calls completed that the table has ended, and takes back what of them the client has not written.</summary>
    private void Conclude()
    {
        // To withdraw one request may let the client write others and tell of them, which ends in here again.
        while (_table.Ended.TryDequeue(out var call))
        {
            _session.Withdraw(call.Publish, abandon: true);
            call.Strays = _counting.Strays.Since(call.Strays);
            _counting.DroppedReplies += (call as GatheringCall)?.Dropped ?? 0;
            _session.Defer(call, call.Version);
        }
    }
}
