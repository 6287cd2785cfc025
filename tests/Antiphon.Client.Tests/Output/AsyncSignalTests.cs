using Antiphon.Client.Output;
using Antiphon.Client.Sessions;

namespace Antiphon.Client.Tests.Output;

public sealed class AsyncSignalTests
{
    private readonly Queued _scheduler = new();
    private readonly AsyncSignal _signal;
    private int _turns;

    public AsyncSignalTests() => _signal = new AsyncSignal(_scheduler);

    [Fact]
    public void Setting_wakes_the_waiter_behind_what_waits_already_and_only_once()
    {
        _ = WaitAsync();

        _signal.Set();
        _signal.Set();
        Assert.Equal(0, _turns);

        _scheduler.RunOne();
        Assert.Equal(2, _turns);
        Assert.Equal(0, _scheduler.Count);
    }

    [Fact]
    public void A_borrowed_thread_runs_the_waiter_at_once()
    {
        _ = WaitAsync();

        _signal.SetAndRun();

        Assert.Equal(1, _turns);
        Assert.Equal(0, _scheduler.Count);
    }

    [Fact]
    public void A_waiter_with_more_to_do_gives_a_borrowed_thread_back()
    {
        var rest = 3;
        var loop = LoopAsync();

        // As a receive loop whose batch has brought output, while publishers bring more and more.
        _signal.SetAndRun();
        Assert.Equal(1, _turns);
        Assert.Equal(1, _scheduler.Count);

        _scheduler.RunOne();
        Assert.True(loop.IsCompletedSuccessfully);
        Assert.Equal(4, _turns);

        async Task LoopAsync()
        {
            await _signal.WaitAsync();
            _turns++;
            while (rest-- > 0)
            {
                await _signal.LeaveThreadAsync();
                _turns++;
            }
        }
    }

    private async Task WaitAsync()
    {
        while (_turns < 10)
        {
            await _signal.WaitAsync();
            _turns++;
        }
    }

    private sealed class Queued : Scheduler
    {
        private readonly Queue<IThreadPoolWorkItem> _work = new();

        public int Count => _work.Count;

        public override void Queue(IThreadPoolWorkItem work) => _work.Enqueue(work);

        public void RunOne() => _work.Dequeue().Execute();
    }
}
