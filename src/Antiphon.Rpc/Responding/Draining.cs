using Antiphon.Client.Sessions;

namespace Antiphon.Rpc.Responding;

/// <summary>
/// How many requests of a registration are not dealt with yet, and who waits until none is left. Plain single-threaded state.
/// </summary>
internal sealed class Draining(Scheduler scheduler)
{
    private ScheduledCompletion<ValueTuple>? _drained;
    private int _active;

    /// <summary>Whether all that came has been dealt with.</summary>
    public bool IsDrained => _active == 0;

    public void Began() => _active++;

    public void Ended()
    {
        if (--_active == 0)
        {
            _drained?.TrySetResult(default);
            _drained = null;
        }
    }

    /// <summary>Completes when none is left. Its continuations do not run on the thread that finds that.</summary>
    public Task WhenDrained() =>
        _active == 0 ? Task.CompletedTask : (_drained ??= new ScheduledCompletion<ValueTuple>(scheduler)).Task;
}
