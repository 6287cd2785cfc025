namespace Antiphon.Rpc.Timing;

/// <summary>
/// The one timer of a requester or responder, and its clock. It is set only when an earlier deadline comes up than the one it is set to;
/// a deadline that was met in the meantime costs one idle tick. <see cref="Arm"/> and <see cref="Fired"/> belong under the owner's lock.
/// </summary>
internal sealed class DeadlineTimer : IDisposable
{
    private static readonly TimeSpan Longest = TimeSpan.FromDays(1);

    private readonly TimeProvider _time;
    private readonly long _origin;
    private readonly ITimer _timer;
    private TimeSpan? _setTo;

    /// <summary>Makes a timer that is not set.</summary>
    /// <param name="time">The clock.</param>
    /// <param name="tick">
    /// Called when a deadline may be due; it calls <see cref="Fired"/>, takes what is due, and <see cref="Arm"/>.
    /// </param>
    public DeadlineTimer(TimeProvider time, Action tick)
    {
        _time = time;
        _origin = time.GetTimestamp();
        _timer = time.CreateTimer(static state => ((Action)state!)(), tick, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Time since this timer was made.</summary>
    public TimeSpan Now => _time.GetElapsedTime(_origin);

    /// <summary>Sees to it that a tick comes at that time or before.</summary>
    public void Arm(TimeSpan? deadline, TimeSpan now)
    {
        if (deadline is not { } due || due >= _setTo)
        {
            return;
        }

        // Timers count whole milliseconds: rounded up, or the tick comes before the deadline and finds nothing due.
        var wait = TimeSpan.FromMilliseconds(Math.Max(0, Math.Ceiling((due - now).TotalMilliseconds)));
        _setTo = due;
        _timer.Change(wait < Longest ? wait : Longest, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Notes that the timer has gone off and is not set any more.</summary>
    public void Fired() => _setTo = null;

    public void Dispose() => _timer.Dispose();
}
