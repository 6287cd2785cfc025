using Antiphon.Client.Sessions;

namespace Antiphon.Simulation.Running;

/// <summary>The thread pool of a simulated program: work waits here until the run picks it.</summary>
internal sealed class RunQueue(SimulationThread thread) : Scheduler
{
    /// <summary>So many threads a pool is taken to have: any of the first so many may come first.</summary>
    private const int Threads = 4;

    private readonly List<IThreadPoolWorkItem> _waiting = [];
    private readonly ExecutionContext _clean = ExecutionContext.Capture()
        ?? throw new InvalidOperationException("The flow of the execution context is suppressed.");
    private bool _isClosed;

    public bool IsEmpty => _waiting.Count == 0;

    public override void Queue(IThreadPoolWorkItem work)
    {
        thread.Check();
        if (!_isClosed)
        {
            _waiting.Add(work);
        }
    }

    public void Queue(Action action) => Queue(new Item(action));

    /// <summary>Runs one of the first, as a pool does: with nothing left of the one before.</summary>
    public void RunOne(Chance chance)
    {
        var index = chance.Index(Math.Min(Threads, _waiting.Count));
        var work = _waiting[index];
        _waiting.RemoveAt(index);
        ExecutionContext.Run(_clean, static work => ((IThreadPoolWorkItem)work!).Execute(), work);
    }

    /// <summary>The program is dead: what waits is never run.</summary>
    public void Close()
    {
        _isClosed = true;
        _waiting.Clear();
    }

    private sealed class Item(Action action) : IThreadPoolWorkItem
    {
        public void Execute() => action();
    }
}
