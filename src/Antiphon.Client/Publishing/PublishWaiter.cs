using System.Threading.Tasks.Sources;
using Antiphon.Client.Sessions;

namespace Antiphon.Client.Publishing;

/// <summary>
/// What a caller of <see cref="MqttClient.PublishAsync(Protocol.ApplicationMessage, CancellationToken)"/> awaits.
/// Used again when the caller has read the result. All but the task source is guarded by the gate of <see cref="ClientSession"/>.
/// </summary>
internal sealed class PublishWaiter(ClientSession session, PublishWaiters waiters)
    : IValueTaskSource<PublishResult>, IPublishSink, IDeferred
{
    // For the process.
    private ManualResetValueTaskSourceCore<PublishResult> _core = new() { RunContinuationsAsynchronously = true };

    // For one message.
    private PublishHandle _handle;
    private bool _isOver;
    private PublishResult _result;
    private Exception? _failure;
    private CancellationToken _cancellationToken;
    private CancellationTokenRegistration _registration;

    public uint Version => (ushort)_core.Version;

    public ValueTask<PublishResult> Task => new(this, _core.Version);

    /// <summary>The message has been taken: its end ends the wait, and so does the token.</summary>
    public void Begin(in PublishHandle handle, CancellationToken cancellationToken)
    {
        _handle = handle;
        if (cancellationToken.CanBeCanceled && !_isOver)
        {
            _cancellationToken = cancellationToken;
            _registration = cancellationToken.UnsafeRegister(static (waiter, token) => ((PublishWaiter)waiter!).Cancel(token), this);
        }
    }

    public void Published(uint version, in PublishResult result, MqttException? failure)
    {
        if (version == Version)
        {
            End(result, failure);
        }
    }

    public void Run(uint version)
    {
        if (_failure is null)
        {
            _core.SetResult(_result);
        }
        else
        {
            _core.SetException(_failure);
        }
    }

    public PublishResult GetResult(short token)
    {
        // A wrong token, from awaiting twice, must not give back what belongs to another message by now.
        _core.GetStatus(token);
        try
        {
            return _core.GetResult(token);
        }
        finally
        {
            waiters.Recycle(this);
        }
    }

    public ValueTaskSourceStatus GetStatus(short token) => _core.GetStatus(token);

    public void OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _core.OnCompleted(continuation, state, token, flags);

    /// <summary>Makes it ready for another message.</summary>
    public void Reset()
    {
        _core.Reset();
        _handle = default;
        _isOver = false;
        _result = default;
        _failure = null;
    }

    private void Cancel(CancellationToken cancellationToken)
    {
        lock (session.Gate)
        {
            // It may fire late, when this object serves another message; a token is cancelled for all who hold it.
            if (!_isOver && _cancellationToken == cancellationToken)
            {
                End(default, session.Withdraw(_handle)
                    ? new PublishWithdrawnException(cancellationToken)
                    : new OperationCanceledException(
                        "The wait for the acknowledgement was cancelled; the message had been sent.", cancellationToken));
            }
        }

        session.AfterGate();
    }

    private void End(in PublishResult result, Exception? failure)
    {
        if (_isOver)
        {
            return;
        }

        _isOver = true;
        _result = result;
        _failure = failure;

        // Not Dispose, which would wait for a callback that may be waiting for the gate.
        _registration.Unregister();
        _registration = default;
        _cancellationToken = default;
        session.Defer(this, Version);
    }
}
