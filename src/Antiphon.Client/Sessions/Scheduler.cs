namespace Antiphon.Client.Sessions;

/// <summary>
/// Where work goes that must not run on the thread which found it: loops, handlers, the code behind an awaited completion. In programs that is the thread pool;
/// a simulation puts a queue of its own in its place, so that everything runs on one thread in one order.
/// </summary>
internal abstract class Scheduler
{
    /// <summary>The thread pool of the process.</summary>
    public static Scheduler ThreadPool { get; } = new PoolScheduler();

    /// <summary>Queues work behind what waits already. Safe from any thread.</summary>
    public abstract void Queue(IThreadPoolWorkItem work);

    private sealed class PoolScheduler : Scheduler
    {
        public override void Queue(IThreadPoolWorkItem work) => System.Threading.ThreadPool.UnsafeQueueUserWorkItem(work, preferLocal: false);
    }
}
