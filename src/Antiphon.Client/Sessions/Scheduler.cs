using System.Diagnostics.CodeAnalysis;

namespace Antiphon.Client.Sessions;

/// <summary>
/// Where work goes that must not run on the thread which found it: loops, handlers, the code behind an awaited completion.
/// In programs that is the thread pool; a simulation puts a queue of its own in its place,
/// so that everything runs on one thread in one order.
/// </summary>
internal abstract class Scheduler
{
    /// <summary>The thread pool of the process.</summary>
    public static Scheduler ThreadPool { get; } = new PoolScheduler();

    /// <summary>Queues work behind what waits already. Safe from any thread.</summary>
    public abstract void Queue(IThreadPoolWorkItem work);

    /// <summary>Begins a task behind what waits already. Safe from any thread.</summary>
    /// <returns>Ends as the task does.</returns>
    public Task Run(Func<Task> begin)
    {
        var started = new Started(begin, new ScheduledCompletion<ValueTuple>(this));
        Queue(started);
        return started.Completion;
    }

    private sealed class PoolScheduler : Scheduler
    {
        public override void Queue(IThreadPoolWorkItem work) =>
            System.Threading.ThreadPool.UnsafeQueueUserWorkItem(work, preferLocal: false);
    }

    private sealed class Started(Func<Task> begin, ScheduledCompletion<ValueTuple> completion) : IThreadPoolWorkItem
    {
        public Task Completion => completion.Task;

        public void Execute() => _ = RunAsync();

        [SuppressMessage("Design", "CA1031", Justification = "Whatever it is, whoever waits for the task gets it.")]
        private async Task RunAsync()
        {
            try
            {
                await begin().ConfigureAwait(false);
                completion.TrySetResult(default);
            }
            catch (Exception failure)
            {
                completion.TrySetException(failure);
            }
        }
    }
}
