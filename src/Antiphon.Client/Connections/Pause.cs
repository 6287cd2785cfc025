using Antiphon.Client.Sessions;

namespace Antiphon.Client.Connections;

/// <summary>The wait between two tries to connect. The lock of <see cref="ConnectionLoop"/> guards <see cref="Shorten"/>.</summary>
internal sealed class Pause : IDisposable
{
    /// <summary>It is not shortened to less, so that somebody who waits does not have a server asked more often than that.</summary>
    public static readonly TimeSpan Shortest = TimeSpan.FromSeconds(1);

    private readonly TimeProvider _time;
    private readonly long _began;
    private readonly ScheduledCompletion<ValueTuple> _over;
    private readonly ITimer _timer;
    private TimeSpan _length;

    public Pause(Scheduler scheduler, TimeProvider time, TimeSpan length)
    {
        _time = time;
        _began = time.GetTimestamp();
        _length = length;
        _over = new ScheduledCompletion<ValueTuple>(scheduler);
        _timer = time.CreateTimer(static pause => ((Pause)pause!).End(), this, length, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Completes when it is over.</summary>
    public Task Over => _over.Task;

    /// <summary>Ends it at once.</summary>
    public void End() => _over.TrySetResult(default);

    /// <summary>Ends it a second after it has begun, or now if that is past.</summary>
    public void Shorten()
    {
        if (_length <= Shortest)
        {
            return;
        }

        _length = Shortest;
        var left = Shortest - _time.GetElapsedTime(_began);
        _timer.Change(left > TimeSpan.Zero ? left : TimeSpan.Zero, Timeout.InfiniteTimeSpan);
    }

    public void Dispose() => _timer.Dispose();
}
