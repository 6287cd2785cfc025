namespace Antiphon.Client.Tests.Time;

/// <summary>A clock that moves only when it is told to; timers fire on the thread that moves it.</summary>
internal sealed class ManualTimeProvider : TimeProvider
{
    private readonly Lock _lock = new();
    private readonly List<ManualTimer> _timers = [];
    private readonly List<(Predicate<TimeSpan> Condition, TaskCompletionSource<TimeSpan> Source)> _waiters = [];
    private TimeSpan _now;

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override long GetTimestamp()
    {
        lock (_lock)
        {
            return _now.Ticks;
        }
    }

    public override DateTimeOffset GetUtcNow() => DateTimeOffset.UnixEpoch + new TimeSpan(GetTimestamp());

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new ManualTimer(this, callback, state);
        timer.Change(dueTime, period);
        return timer;
    }

    public void Advance(TimeSpan by)
    {
        TimeSpan target;
        lock (_lock)
        {
            target = _now + by;
        }

        while (Next(target) is { } timer)
        {
            timer.Fire();
        }
    }

    /// <summary>Waits until a timer is set whose wait meets the condition.</summary>
    public Task<TimeSpan> WhenTimerAsync(Predicate<TimeSpan> condition)
    {
        lock (_lock)
        {
            foreach (var timer in _timers)
            {
                if (timer.Due is { } due && condition(due - _now))
                {
                    return Task.FromResult(due - _now);
                }
            }

            var source = new TaskCompletionSource<TimeSpan>(TaskCreationOptions.RunContinuationsAsynchronously);
            _waiters.Add((condition, source));
            return source.Task.WaitAsync(TimeSpan.FromSeconds(30));
        }
    }

    private ManualTimer? Next(TimeSpan target)
    {
        lock (_lock)
        {
            var next = _timers.Where(timer => timer.Due <= target).MinBy(timer => timer.Due);
            _now = next is { Due: { } due } ? (due > _now ? due : _now) : target;
            next?.Disarm();
            return next;
        }
    }

    private void Set(ManualTimer timer, TimeSpan dueTime)
    {
        lock (_lock)
        {
            _timers.Remove(timer);
            if (dueTime == Timeout.InfiniteTimeSpan)
            {
                return;
            }

            timer.Due = _now + dueTime;
            _timers.Add(timer);
            foreach (var (condition, source) in _waiters)
            {
                if (condition(dueTime))
                {
                    source.TrySetResult(dueTime);
                }
            }
        }
    }

    private sealed class ManualTimer(ManualTimeProvider clock, TimerCallback callback, object? state) : ITimer
    {
        public TimeSpan? Due { get; set; }

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            Assert.Equal(Timeout.InfiniteTimeSpan, period);
            clock.Set(this, dueTime);
            return true;
        }

        public void Disarm() => clock._timers.Remove(this);

        public void Fire() => callback(state);

        public void Dispose() => clock.Set(this, Timeout.InfiniteTimeSpan);

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
