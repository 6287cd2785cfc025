namespace Antiphon.Server.Tests.Reloading;

/// <summary>A clock whose one timer fires when the test says so; times are the system's.</summary>
internal sealed class LookingClock : TimeProvider
{
    private Action? _look;

    public void Look() => _look!();

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        if (period != TimeSpan.FromSeconds(2))
        {
            return base.CreateTimer(callback, state, dueTime, period);
        }

        _look = () => callback(state);
        return new Timer();
    }

    private sealed class Timer : ITimer
    {
        public bool Change(TimeSpan dueTime, TimeSpan period) => true;

        public void Dispose()
        {
        }

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}
