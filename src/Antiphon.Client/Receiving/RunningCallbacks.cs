using Antiphon.Client.Sessions;

namespace Antiphon.Client.Receiving;

/// <summary>
/// Counts the caller's code that runs in the background, so that disposing can wait for its end.
/// Has a lock of its own, never held while another is taken.
/// </summary>
internal sealed class RunningCallbacks(Scheduler scheduler)
{
    private readonly Lock _lock = new();
    private ScheduledCompletion<ValueTuple>? _idle;
    private int _count;

    public void Enter()
    {
        lock (_lock)
        {
            _count++;
        }
    }

    public void Leave()
    {
        lock (_lock)
        {
            if (--_count == 0)
            {
                _idle?.TrySetResult(default);
                _idle = null;
            }
        }
    }

    public Task WhenIdleAsync()
    {
        lock (_lock)
        {
            return _count == 0 ? Task.CompletedTask : (_idle ??= new ScheduledCompletion<ValueTuple>(scheduler)).Task;
        }
    }
}
