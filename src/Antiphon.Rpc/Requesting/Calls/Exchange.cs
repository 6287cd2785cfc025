using System.Buffers.Binary;
using System.Threading.Channels;
using System.Threading.Tasks.Sources;
using Antiphon.Client;
using Antiphon.Protocol;
using Antiphon.Rpc.Requesting.Topics;
using Antiphon.Rpc.Timing;

namespace Antiphon.Rpc.Requesting.Calls;

/// <summary>
/// One call from its beginning to its one outcome: a Request Message and what is waiting for its Response Message. Pooled, so that waiting allocates nothing:
/// the caller awaits this object itself. The requester's lock owns all its state; whoever took it out of the table under that lock completes it, outside.
/// </summary>
#pragma warning disable CA1001 // Disposed when used up, in Release; one that was never used up holds no resources.
internal sealed class Exchange : IValueTaskSource<Response>, IDeadline
#pragma warning restore CA1001
{
    // For the process.
    private readonly Requester? _requester;
    private ManualResetValueTaskSourceCore<Response> _source = new() { RunContinuationsAsynchronously = true };
    private readonly NextPublish _nextPublish = new();
    private CancellationTokenSource _withdrawal = new();
    private bool _isWatched;
    private int _owners;

    // For the call.
    private CancellationTokenRegistration _cancellation;

    public Exchange(Requester? requester)
    {
        _requester = requester;
        Node = new LinkedListNode<Exchange>(this);
    }

    /// <summary>Its place in the list of those that wait to be sent.</summary>
    public LinkedListNode<Exchange> Node { get; }

    public string Topic { get; private set; } = "";

    public ReadOnlyMemory<byte> Payload { get; private set; }

    public RequestOptions Options { get; private set; } = RequestOptions.Default;

    public bool? PayloadIsUtf8 { get; private set; }

    public QualityOfService QoS { get; private set; }

    public ResponseChannel Channel { get; private set; } = null!;

    public TimeSpan CalledAt { get; private set; }

    /// <inheritdoc/>
    public TimeSpan Deadline { get; private set; }

    /// <inheritdoc/>
    public int QueueIndex { get; set; } = -1;

    /// <summary>Where the responses of a gathering go; <c>null</c>: one response ends the call.</summary>
    public ChannelWriter<Response>? Gathering { get; private set; }

    /// <summary>How many more replies a gathering takes.</summary>
    public int RepliesLeft { get; set; }

    public int RepliesReceived { get; set; }

    /// <summary>Its place in the table and thereby part of its Correlation Data; −1: not sent yet.</summary>
    public int Slot { get; set; } = -1;

    /// <summary>The Correlation Data as two numbers.</summary>
    public (ulong Prefix, ulong Number) Correlation { get; set; }

    public RequestProgress Progress { get; set; }

    /// <summary>The connection on which the request was acknowledged, or sent with QoS 0.</summary>
    public object? Connection { get; set; }

    public bool IsEnded { get; set; }

    /// <summary>Whether the request is in other hands, as far as its QoS lets one know.</summary>
    public bool WasTaken => Progress == RequestProgress.Acknowledged || (Progress == RequestProgress.Sent && QoS == QualityOfService.AtMostOnce);

    public short Version => _source.Version;

    /// <summary>Withdraws the request from the client while that has not written it.</summary>
    public CancellationToken Withdrawal => _withdrawal.Token;

    public void Begin(in Call call, TimeSpan now)
    {
        Topic = call.Topic;
        Payload = call.Payload;
        Options = call.Options;
        PayloadIsUtf8 = call.PayloadIsUtf8;
        QoS = call.QoS;
        Channel = call.Channel;
        CalledAt = now;
        Deadline = now + call.Timeout;
        Gathering = call.Gathering;
        RepliesLeft = call.Replies ?? int.MaxValue;
        RepliesReceived = 0;
        Progress = RequestProgress.NotSent;
        Connection = null;
        IsEnded = false;
        _owners = 1;
    }

    public RequestFacts Facts(TimeSpan now)
    {
        var correlation = Slot < 0 && Progress == RequestProgress.NotSent ? [] : new byte[ExchangeTable.CorrelationLength];
        if (correlation.Length > 0)
        {
            WriteCorrelation(correlation);
        }

        return new RequestFacts(Topic, correlation, now - CalledAt, Progress);
    }

    public void WriteCorrelation(Span<byte> output)
    {
        BinaryPrimitives.WriteUInt64BigEndian(output, Correlation.Prefix);
        BinaryPrimitives.WriteUInt64BigEndian(output[8..], Correlation.Number);
    }

    /// <summary>Has the call end when the token fires. Called once, after the call has begun, outside the lock.</summary>
    public void CancelWith(CancellationToken cancellationToken) => _cancellation = cancellationToken.UnsafeRegister(
        static (state, token) => ((Exchange)state!)._requester!.Cancel((Exchange)state, token), this);

    /// <summary>Notes that the client has the request too: from now on two have to let go of this object before it is used again.</summary>
    public void Share() => Interlocked.Increment(ref _owners);

    /// <summary>Tells the requester when the client has done with the request.</summary>
    public void Watch(ValueTask<PublishResult> publishing)
    {
        if (_isWatched)
        {
            _nextPublish.Set(publishing);
            return;
        }

        // Before it starts: the publish may be over, and this object in use again, before it returns.
        _isWatched = true;
        using (ExecutionContext.SuppressFlow())
        {
            // It outlives this call, and must not keep what flows with it. Nobody observes it, since it never throws.
            _ = WatchAsync(publishing);
        }
    }

    public void Complete(Response response) => _source.SetResult(response);

    public void Fail(Exception exception)
    {
        if (Gathering is { } gathering)
        {
            gathering.TryComplete(exception);
        }
        else
        {
            _source.SetException(exception);
        }
    }

    /// <summary>Takes the request back from the client, as far as that is possible still.</summary>
    public void Withdraw() => _withdrawal.Cancel();

    /// <summary>The caller, or the client, has done with it.</summary>
    /// <returns>Whether it was the last: then it may go back to the pool.</returns>
    public bool Release()
    {
        if (Interlocked.Decrement(ref _owners) > 0)
        {
            return false;
        }

        if (!_withdrawal.TryReset())
        {
            _withdrawal.Dispose();
            _withdrawal = new CancellationTokenSource();
        }

        Topic = "";
        Payload = default;
        Options = RequestOptions.Default;
        Channel = null!;
        Gathering = null;
        Connection = null;
        return true;
    }

    /// <summary>The end of a gathering for its reader.</summary>
    public void StopListening()
    {
        // Waits until a cancellation that is running has ended: after that nothing refers to this call any more.
        _cancellation.Dispose();
        _cancellation = default;
    }

    Response IValueTaskSource<Response>.GetResult(short token)
    {
        // Throws when the same call is awaited twice, before anything is given back.
        _source.GetStatus(token);
        try
        {
            return _source.GetResult(token);
        }
        finally
        {
            _source.Reset();
            StopListening();
            _requester?.Release(this);
        }
    }

    /// <summary>
    /// Runs as long as this object is used, and never throws: to await within a method that runs already costs nothing, while each continuation registered by hand costs an object.
    /// </summary>
    private async Task WatchAsync(ValueTask<PublishResult> publishing)
    {
        while (true)
        {
            var result = default(PublishResult);
            Exception? failure = null;
            try
            {
                result = await publishing.ConfigureAwait(false);
            }
#pragma warning disable CA1031 // Whatever it is, it is the outcome of this call.
            catch (Exception exception)
#pragma warning restore CA1031
            {
                failure = exception;
            }

            _requester!.Published(this, result, failure);
            publishing = await _nextPublish.WaitAsync().ConfigureAwait(false);
        }
    }

    ValueTaskSourceStatus IValueTaskSource<Response>.GetStatus(short token) => _source.GetStatus(token);

    void IValueTaskSource<Response>.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _source.OnCompleted(continuation, state, token, flags);
}

/// <summary>What a call asks for.</summary>
internal readonly record struct Call(string Topic, ReadOnlyMemory<byte> Payload, RequestOptions Options, ResponseChannel Channel, QualityOfService QoS, TimeSpan Timeout)
{
    public bool? PayloadIsUtf8 { get; init; }

    public ChannelWriter<Response>? Gathering { get; init; }

    public int? Replies { get; init; }
}
