using Antiphon.Client.Sessions;

namespace Antiphon.Client.Tests.Sessions;

public sealed class DeferredWorkTests
{
    private readonly List<Exception> _failures = [];
    private readonly List<uint> _done = [];
    private readonly Lock _gate = new();
    private readonly DeferredWork _work;

    public DeferredWorkTests() => _work = new DeferredWork(_failures.Add);

    [Fact]
    public void A_batch_runs_its_own_work_in_order_and_what_that_brings()
    {
        _work.Add(new Work(_ => _work.Add(new Work(_done.Add), 3, ofBatch: true)), 1, ofBatch: true);
        _work.Add(new Work(_done.Add), 2, ofBatch: true);
        _work.Add(new Work(_done.Add), 9, ofBatch: false);

        _work.RunBatch();
        Assert.Equal([2u, 3u], _done);

        _work.RunBatch();
        _work.RunOthers(_gate);
        Assert.Equal([2u, 3u, 9u], _done);
    }

    [Fact]
    public void Work_that_throws_is_told_and_keeps_nothing_from_running()
    {
        foreach (var ofBatch in (bool[])[true, false])
        {
            _work.Add(new Work(_ => throw new InvalidOperationException("no")), 1, ofBatch);
            _work.Add(new Work(_done.Add), 2, ofBatch);
        }

        _work.RunBatch();
        _work.RunOthers(_gate);

        Assert.Equal([2u, 2u], _done);
        Assert.Equal(2, _failures.Count);
    }

    private sealed class Work(Action<uint> run) : IDeferred
    {
        public void Run(uint version) => run(version);
    }
}
