using Antiphon.Client;
using Antiphon.Rpc.Requesting.Calls;

namespace Antiphon.Rpc.Requesting.Outcomes;

/// <summary>The ways in which a call ends.</summary>
internal enum OutcomeKind
{
    /// <summary>It has not ended.</summary>
    None,

    /// <summary>With a response that is a success.</summary>
    Answered,

    /// <summary>With as many replies as asked for, or as there were in time.</summary>
    Gathered,

    /// <summary>Nobody listens.</summary>
    NoResponder,

    /// <summary>The time was up.</summary>
    TimedOut,

    /// <summary>The exception beside it says how.</summary>
    Failed,

    /// <summary>The server has lost the Session, and the response with it.</summary>
    SessionLost,

    /// <summary>The caller has cancelled.</summary>
    Cancelled,

    /// <summary>The client has stopped.</summary>
    ClientStopped,

    /// <summary>The requester was disposed of.</summary>
    Disposed,
}

/// <summary>How a call ended. The exception of a failure is made of it outside the gate, by who completes the call.</summary>
/// <param name="Kind">The way.</param>
/// <param name="At">When, on the requester's clock.</param>
/// <param name="Cause">What stands behind it: an exception, or the token of a cancellation.</param>
internal readonly record struct Outcome(OutcomeKind Kind, TimeSpan At, object? Cause = null)
{
    /// <summary>How far the request had got.</summary>
    public RequestProgress Progress { get; init; }

    /// <summary>The exception for the caller.</summary>
    public Exception ToException(Call call)
    {
        var facts = call.Facts(At);
        return Kind switch
        {
            OutcomeKind.NoResponder => new NoResponderException(facts),
            OutcomeKind.TimedOut => new RequestTimeoutException(facts, call.Content.Timeout, call.Strays),
            OutcomeKind.Failed => OfFailure((Exception)Cause!, facts),
            OutcomeKind.SessionLost => new OutcomeUnknownException(facts, "the server has lost the Session, and the response with it"),
            OutcomeKind.Cancelled => new OperationCanceledException((CancellationToken)Cause!),
            OutcomeKind.ClientStopped when Progress == RequestProgress.NotSent => (ConnectionException)Cause!,
            OutcomeKind.ClientStopped => new OutcomeUnknownException(facts, "the client has stopped", (Exception)Cause!),
            OutcomeKind.Disposed when Progress == RequestProgress.NotSent => new ObjectDisposedException(nameof(Requester)),
            OutcomeKind.Disposed => new OutcomeUnknownException(facts, "the requester was disposed"),
            _ => throw new InvalidOperationException($"A call that is {Kind} has no exception."),
        };
    }

    private static Exception OfFailure(Exception cause, in RequestFacts facts) => cause switch
    {
        RequestException of => of,
        RefusedException { WasSentBefore: true } refused => new OutcomeUnknownException(
            facts, $"it was sent twice, and refused the second time with 0x{(byte)refused.ReasonCode:X2}", refused),
        RefusedException refused => new RequestRefusedException(facts, refused),
        QueueFullException full =>
            new RequestNotSentException(facts with { CorrelationData = default, Progress = RequestProgress.NotSent }, full),
        ConnectionException { Sent: true } lost => new OutcomeUnknownException(facts, "its connection was lost for good", lost),
        _ => cause,
    };
}
