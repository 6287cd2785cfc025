namespace Antiphon.Client.Sessions;

/// <summary>
/// A task that is completed by hand, as with <see cref="TaskCompletionSource{TResult}"/>,
/// and whose continuations run where the <see cref="Scheduler"/> says: never on the thread that completes it, which may hold a lock.
/// Safe from any thread.
/// </summary>
/// <typeparam name="T">The result; <see cref="ValueTuple"/> where there is none.</typeparam>
internal sealed class ScheduledCompletion<T> : IThreadPoolWorkItem
{
    private readonly Scheduler _scheduler;
    private readonly TaskCompletionSource<T> _source;
    private int _isSet;
    private T _result = default!;
    private Exception? _failure;

    /// <summary>Makes a task that nobody has completed yet.</summary>
    /// <param name="scheduler">Where its continuations run.</param>
    public ScheduledCompletion(Scheduler scheduler)
    {
        _scheduler = scheduler;
        _source = new TaskCompletionSource<T>(IsOnPool ? TaskCreationOptions.RunContinuationsAsynchronously : TaskCreationOptions.None);
    }

    public Task<T> Task => _source.Task;

    /// <summary>Whether it has a result or a failure; <see cref="Task"/> may learn of it a little later.</summary>
    public bool IsSet => Volatile.Read(ref _isSet) != 0;

    // The pool's own way takes each continuation to a thread of its own, so that one that blocks stops no other.
    private bool IsOnPool => _scheduler == Scheduler.ThreadPool;

    /// <summary>Gives it the result, unless it has one or a failure already.</summary>
    public bool TrySetResult(T result)
    {
        if (!TryBegin())
        {
            return false;
        }

        _result = result;
        End();
        return true;
    }

    /// <summary>Lets it fail, unless it has failed or has a result already.</summary>
    public bool TrySetException(Exception failure)
    {
        if (!TryBegin())
        {
            return false;
        }

        _failure = failure;
        End();
        return true;
    }

    void IThreadPoolWorkItem.Execute() => Complete();

    private bool TryBegin() => Interlocked.Exchange(ref _isSet, 1) == 0;

    private void End()
    {
        if (IsOnPool)
        {
            Complete();
        }
        else
        {
            _scheduler.Queue(this);
        }
    }

    private void Complete()
    {
        if (_failure is null)
        {
            _source.SetResult(_result);
        }
        else
        {
            _source.SetException(_failure);

            // Whoever waits gets it. Where nobody does, any more, that is no failure which the program has overlooked.
            _ = _source.Task.Exception;
        }
    }
}
