using System.Diagnostics.CodeAnalysis;

namespace Antiphon.Client.Sessions;

/// <summary>
/// What was found within the gate of <see cref="ClientSession"/> and has to be done outside it, in its order. The receive loop has a list of its own, which it runs at the end of a batch;
/// everything else is run by who leaves the gate next.
/// </summary>
internal sealed class DeferredWork(Action<Exception> failed)
{
    // Of the thread that handles a batch.
    private readonly List<Item> _batch = [];

    // Guarded by the gate; the count is also read without it.
    private List<Item> _others = [];
    private List<Item>? _spare = [];
    private volatile int _count;

    public void Add(IDeferred work, uint version, bool ofBatch)
    {
        if (ofBatch)
        {
            _batch.Add(new Item(work, version));
        }
        else
        {
            _others.Add(new Item(work, version));
            _count = _others.Count;
        }
    }

    /// <summary>Runs what the batch has brought, on its thread. What that brings in turn is run as well.</summary>
    public void RunBatch()
    {
        for (var i = 0; i < _batch.Count; i++)
        {
            Run(_batch[i]);
        }

        _batch.Clear();
    }

    /// <summary>Runs the rest, on the thread that has left the gate.</summary>
    public void RunOthers(Lock gate)
    {
        while (_count > 0)
        {
            List<Item> items;
            lock (gate)
            {
                items = _others;
                _others = _spare ?? [];
                _spare = null;
                _count = 0;
            }

            foreach (var item in items)
            {
                Run(item);
            }

            items.Clear();
            lock (gate)
            {
                _spare = items;
            }
        }
    }

    [SuppressMessage("Design", "CA1031", Justification = "A continuation may be posted to a context of the application's, which throws what it likes; the loop must go on.")]
    private void Run(in Item item)
    {
        try
        {
            item.Work.Run(item.Version);
        }
        catch (Exception failure)
        {
            failed(failure);
        }
    }

    private readonly record struct Item(IDeferred Work, uint Version);
}
