namespace Antiphon.Server.Tests.Peers;

/// <summary>The system's clock, which leaps ahead when the test says so; timers that run already do not notice.</summary>
internal sealed class LeapingTime : TimeProvider
{
    private long _leap;

    public void Leap(TimeSpan time) => Interlocked.Add(ref _leap, time.Ticks);

    public override DateTimeOffset GetUtcNow() => base.GetUtcNow().AddTicks(Interlocked.Read(ref _leap));

    public override long GetTimestamp() =>
        base.GetTimestamp() + (long)(TimestampFrequency * TimeSpan.FromTicks(Interlocked.Read(ref _leap)).TotalSeconds);
}
