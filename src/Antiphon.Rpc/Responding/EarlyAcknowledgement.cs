namespace Antiphon.Rpc.Responding;

/// <summary>
/// Acknowledges requests before their response where they would hold others up. MQTT has acknowledgements leave in the order of the
/// messages [MQTT-4.6.0-2], so one slow handler would stop all that comes after it, the responses to this program's own calls included.
/// From then on the <see cref="Remembering.AnswerMemory"/> vouches for the request. Guarded by the gate of the client's Session.
/// </summary>
internal sealed class EarlyAcknowledgement
{
    /// <summary>A handler that has run for so long is a slow one.</summary>
    public static readonly TimeSpan After = TimeSpan.FromSeconds(1);

    // Both keep what has ended since until it is its turn.
    private readonly Queue<(ReceivedRequest Request, uint Version)> _arrived = new();
    private readonly Queue<(ReceivedRequest Request, uint Version, TimeSpan Due)> _started = new();

    /// <summary>How many requests were acknowledged before their response.</summary>
    public long Count { get; private set; }

    /// <summary>A request waits for its acknowledgement from now on, or one that came again does.</summary>
    public void Arrived(ReceivedRequest request)
    {
        while (_arrived.TryPeek(out var oldest) && !IsOpen(oldest.Request, oldest.Version))
        {
            _arrived.Dequeue();
        }

        _arrived.Enqueue((request, request.Version));
    }

    /// <summary>The handler of a request has been started.</summary>
    /// <returns>When <see cref="Tick"/> is to be called; <c>null</c>: it is arranged for, or need not be.</returns>
    public TimeSpan? Started(ReceivedRequest request, TimeSpan now)
    {
        while (_started.TryPeek(out var oldest) && !IsOpen(oldest.Request, oldest.Version))
        {
            _started.Dequeue();
        }

        _started.Enqueue((request, request.Version, now + After));
        return _started.Count == 1 ? now + After : null;
    }

    /// <summary>
    /// Half of the client's Receive Maximum, or more, waits for acknowledgements: those leave that so many wait behind. One that waits for
    /// its handler leaves only where handlers hold it up. Else it is the server that has to wait:
    /// a burst is paced by the handlers then, and not turned away.
    /// </summary>
    /// <param name="half">How many these are.</param>
    /// <param name="now">The time.</param>
    /// <returns>When to look again, at the latest; <c>null</c>: when the next message arrives or the next handler is started.</returns>
    public TimeSpan? HeldUp(int half, TimeSpan now)
    {
        while (_arrived.TryPeek(out var oldest))
        {
            if (IsOpen(oldest.Request, oldest.Version))
            {
                if (oldest.Request.Behind < half || oldest.Request.State == RequestState.Answered)
                {
                    // An answered one leaves when the server has the answer.
                    return null;
                }

                if (oldest.Request.State == RequestState.Waiting && !IsHeldUpByHandlers(oldest.Request, now))
                {
                    return oldest.Request.ArrivedAt + After;
                }

                Acknowledge(oldest.Request);
            }

            _arrived.Dequeue();
        }

        return null;
    }

    /// <summary>Acknowledges requests whose handlers are slow.</summary>
    /// <returns>When to do so next; <c>null</c>: there are none.</returns>
    public TimeSpan? Tick(TimeSpan now)
    {
        while (_started.TryPeek(out var oldest))
        {
            if (IsOpen(oldest.Request, oldest.Version))
            {
                if (oldest.Due > now)
                {
                    return oldest.Due;
                }

                Acknowledge(oldest.Request);
            }

            _started.Dequeue();
        }

        return null;
    }

    /// <summary>The connection is another one: what the earlier one brought comes again over this, or needs no acknowledgement.</summary>
    public void Connected() => _arrived.Clear();

    private static bool IsOpen(ReceivedRequest request, uint version) => request.Version == version && !request.IsAcknowledged;

    /// <summary>
    /// Whether no handler is free for a request, and the queue has room for all that the server would send besides; or it has waited long.
    /// </summary>
    private static bool IsHeldUpByHandlers(ReceivedRequest request, TimeSpan now) =>
        request.Registration.Queue is { IsBusy: true, IsHalfFull: false } || request.ArrivedAt + After <= now;

    private void Acknowledge(ReceivedRequest request)
    {
        Count++;
        request.Acknowledge();
    }
}
