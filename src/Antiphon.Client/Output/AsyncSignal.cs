using System.Threading.Tasks.Sources;
using Antiphon.Client.Sessions;

namespace Antiphon.Client.Output;

/// <summary>
/// Wakes one waiter. Set before the wait, it is remembered; set many times, it wakes once.
/// Setting is safe from any thread and never allocates. The waiter goes to the end of the scheduler's queue, behind what is ready to run:
/// publishers that run meanwhile get into the same send.
/// The state is always exchanged, never only read or stored: a setter's news may be a plain store, which must not be held back behind its
/// look at the state, nor the waiter's look for news be moved before it says that it waits.
/// </summary>
internal sealed class AsyncSignal(Scheduler scheduler) : IValueTaskSource, IThreadPoolWorkItem
{
    private const int Idle = 0;
    private const int Waiting = 1;
    private const int Ready = 2;

    private ManualResetValueTaskSourceCore<bool> _core;
    private int _state;

    // Of the waiter: whether it runs on the thread of who has woken it.
    private bool _isOnBorrowedThread;

    public void Set()
    {
        if (TryWake())
        {
            scheduler.Queue(this);
        }
    }

    /// <summary>As <see cref="Set"/>, but runs the waiter here and now, until it waits again or for something else.</summary>
    public void SetAndRun()
    {
        if (TryWake())
        {
            _isOnBorrowedThread = true;
            _core.SetResult(true);
        }
    }

    /// <summary>
    /// Gives a thread back that was borrowed by <see cref="SetAndRun"/>, and goes on behind what waits in the scheduler's queue.
    /// For the waiter, when it finds more to do than it was woken for:
    /// others may bring more and more, and the receive loop must not be kept from receiving.
    /// </summary>
    public ValueTask LeaveThreadAsync()
    {
        if (!_isOnBorrowedThread)
        {
            return default;
        }

        _isOnBorrowedThread = false;
        _core.Reset();
        scheduler.Queue(this);
        return new ValueTask(this, _core.Version);
    }

    /// <summary>Waits for the next <see cref="Set"/>. One waiter at a time.</summary>
    public ValueTask WaitAsync()
    {
        _isOnBorrowedThread = false;
        if (Interlocked.CompareExchange(ref _state, Idle, Ready) == Ready)
        {
            return default;
        }

        _core.Reset();
        if (Interlocked.CompareExchange(ref _state, Waiting, Idle) == Ready)
        {
            Interlocked.Exchange(ref _state, Idle);
            return default;
        }

        return new ValueTask(this, _core.Version);
    }

    void IThreadPoolWorkItem.Execute() => _core.SetResult(true);

    void IValueTaskSource.GetResult(short token) => _core.GetResult(token);

    ValueTaskSourceStatus IValueTaskSource.GetStatus(short token) => _core.GetStatus(token);

    void IValueTaskSource.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _core.OnCompleted(continuation, state, token, flags);

    private bool TryWake()
    {
        if (Interlocked.Exchange(ref _state, Ready) != Waiting)
        {
            return false;
        }

        Interlocked.Exchange(ref _state, Idle);
        return true;
    }
}
