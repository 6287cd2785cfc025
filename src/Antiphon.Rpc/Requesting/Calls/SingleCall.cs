using System.Threading.Tasks.Sources;
using Antiphon.Rpc.Requesting.Outcomes;
using Antiphon.Rpc.Wire;

namespace Antiphon.Rpc.Requesting.Calls;

/// <summary>
/// A call that one answer ends. The caller awaits the object itself, and it serves another call when the caller has read a success:
/// waiting allocates nothing.
/// </summary>
internal sealed class SingleCall(ICallOwner? owner) : Call(owner), IValueTaskSource<Response>
{
    private readonly ICallOwner? _owner = owner;
    private ManualResetValueTaskSourceCore<Response> _source = new() { RunContinuationsAsynchronously = true };
    private Response _response;
    private CancellationTokenRegistration _cancellation;

    /// <summary>The next one in the pool.</summary>
    public SingleCall? Next { get; set; }

    public ValueTask<Response> Task => new(this, _source.Version);

    /// <inheritdoc/>
    public override OutcomeKind AtDeadline => OutcomeKind.TimedOut;

    /// <summary>Has the call end when the token fires. Called once, when the call has begun, outside the gate.</summary>
    public void CancelWith(CancellationToken cancellationToken)
    {
        if (cancellationToken.CanBeCanceled)
        {
            _cancellation = cancellationToken.UnsafeRegister(
                static (call, token) => ((SingleCall)call!)._owner!.Cancel((SingleCall)call, token), this);
        }
    }

    /// <inheritdoc/>
    public override Outcome Answer(in Response response, in ResponseStatus status, bool strict, TimeSpan now)
    {
        if (status.IsSuccess(strict))
        {
            _response = response;
            return new Outcome(OutcomeKind.Answered, now);
        }

        var facts = Facts(now) with { Progress = Progress };
        var error = RemoteError.From(facts, status, response);
        return new Outcome(
            OutcomeKind.Failed,
            now,
            WasSentAgain && status.Code is 429 or 503 && !status.IsApplicationError
                ? new OutcomeUnknownException(facts, $"it was sent twice, and answered with {status.Code} once", error)
                : error);
    }

    /// <inheritdoc/>
    public override void Run(uint version)
    {
        if (version != Version)
        {
            return;
        }

        if (Outcome.Kind == OutcomeKind.Answered)
        {
            _source.SetResult(_response);
        }
        else
        {
            _source.SetException(Outcome.ToException(this));
        }
    }

    Response IValueTaskSource<Response>.GetResult(short token)
    {
        // Throws when the same call is awaited twice, before anything is given back.
        _source.GetStatus(token);

        // Waits until a cancellation that is running has ended: after that nothing refers to this call any more.
        _cancellation.Dispose();
        _cancellation = default;
        var succeeded = Outcome.Kind == OutcomeKind.Answered;
        var response = _source.GetResult(token);
        if (succeeded)
        {
            // What failed is not used again: whoever still holds it finds it as it ended.
            _source.Reset();
            _response = default;
            Version++;
            Forget();
            _owner?.Release(this);
        }

        return response;
    }

    ValueTaskSourceStatus IValueTaskSource<Response>.GetStatus(short token) => _source.GetStatus(token);

    void IValueTaskSource<Response>.OnCompleted(
        Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _source.OnCompleted(continuation, state, token, flags);
}
