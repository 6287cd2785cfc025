using System.Collections.Concurrent;
using Antiphon.Client.Sessions;

namespace Antiphon.Rpc.Tests.Timing;

/// <summary>
/// Runs a test, and everything that client, requester and responder would leave to the thread pool, on one thread in one order.
/// So a test does not look again and again whether something has happened: when nothing is left to do, it has.
/// </summary>
internal sealed class OneThread : Scheduler
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private readonly BlockingCollection<Action> _work = [];
    private readonly Context _context;

    public OneThread()
    {
        _context = new Context(this);
    }

    public override void Queue(IThreadPoolWorkItem work) => _work.Add(() => WithoutContext(work.Execute));

    /// <summary>
    /// Runs what is not the test's own as it runs in programs: without the context of the test.
    /// In one, what awaits without it would go on on the pool.
    /// </summary>
    public static void WithoutContext(Action action)
    {
        var context = SynchronizationContext.Current;
        SynchronizationContext.SetSynchronizationContext(null);
        try
        {
            action();
        }
        finally
        {
            SynchronizationContext.SetSynchronizationContext(context);
        }
    }

    /// <summary>Runs a piece of a test to its end.</summary>
    public void RunTest(Func<Task> test)
    {
        var before = SynchronizationContext.Current;
        SynchronizationContext.SetSynchronizationContext(_context);
        try
        {
            var task = test();
            while (!task.IsCompleted)
            {
                // What a caller awaits as a Task comes by way of the pool.
                Assert.True(_work.TryTake(out var work, Patience), "Nothing is left to do, and the test still waits.");
                work();
            }

            task.GetAwaiter().GetResult();
        }
        finally
        {
            SynchronizationContext.SetSynchronizationContext(before);
        }
    }

    /// <summary>Runs until nothing is left to do.</summary>
    public void Settle()
    {
        while (_work.TryTake(out var work))
        {
            work();
        }
    }

    private sealed class Context(OneThread thread) : SynchronizationContext
    {
        public override void Post(SendOrPostCallback callback, object? state) => thread._work.Add(() => callback(state));
    }
}
