namespace Antiphon.Simulation.Running;

/// <summary>
/// The one clock of a run. It stands still until it is turned;
/// what is due then fires one by one, in order, on the simulation's thread.
/// </summary>
internal sealed class SimulatedClock(SimulationThread thread) : TimeProvider
{
    private readonly PriorityQueue<Alarm, (long Due, long Order)> _alarms = new();
    private long _order;
    private long _now;

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public TimeSpan Now => new(_now);

    /// <summary>When the next alarm is due; <c>null</c>: none is set.</summary>
    public TimeSpan? NextDue
    {
        get
        {
            while (_alarms.TryPeek(out var alarm, out var key))
            {
                if (!alarm.IsOver)
                {
                    return new TimeSpan(key.Due);
                }

                _alarms.Dequeue();
            }

            return null;
        }
    }

    public override long GetTimestamp()
    {
        thread.Check();
        return _now;
    }

    public override DateTimeOffset GetUtcNow() => DateTimeOffset.UnixEpoch.AddYears(50) + new TimeSpan(GetTimestamp());

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
        CreateTimer(callback, state, dueTime, period, static () => true);

    /// <summary>A timer of a program that may be killed: then it never fires again.</summary>
    public ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period, Func<bool> isAlive)
    {
        thread.Check();
        var timer = new SimulatedTimer(this, callback, state, isAlive);
        timer.Change(dueTime, period);
        return timer;
    }

    /// <summary>Turns the clock, but not beyond what is due.</summary>
    public void TurnTo(TimeSpan time)
    {
        if (NextDue is { } due && due < time)
        {
            time = due;
        }

        _now = Math.Max(_now, time.Ticks);
    }

    /// <summary>Fires the next timer if it is due.</summary>
    public bool TryFire()
    {
        if (NextDue is not { } due || due > Now)
        {
            return false;
        }

        _alarms.Dequeue().Fire();
        return true;
    }

    /// <summary>One setting of a timer; setting it again makes another.</summary>
    private sealed class Alarm(SimulatedTimer timer)
    {
        public bool IsOver => timer.Alarm != this || !timer.IsAlive;

        public void Fire() => timer.Fire();
    }

    private sealed class SimulatedTimer(SimulatedClock clock, TimerCallback callback, object? state, Func<bool> isAlive) : ITimer
    {
        private TimeSpan _period;

        public Alarm? Alarm { get; private set; }

        public bool IsAlive => isAlive();

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            _period = period;
            Alarm = null;
            if (dueTime != Timeout.InfiniteTimeSpan)
            {
                ArgumentOutOfRangeException.ThrowIfLessThan(dueTime, TimeSpan.Zero);
                Alarm = new Alarm(this);

                // Timers count whole milliseconds, as those of the runtime do.
                var due = clock.GetTimestamp() + ((long)dueTime.TotalMilliseconds * TimeSpan.TicksPerMillisecond);
                clock._alarms.Enqueue(Alarm, (due, clock._order++));
            }

            return true;
        }

        public void Fire()
        {
            Alarm = null;
            if (_period > TimeSpan.Zero)
            {
                Change(_period, _period);
            }

            callback(state);
        }

        public void Dispose() => Alarm = null;

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
