namespace Antiphon.Conformance.Hostile;

/// <summary>A broker's clock that stands still until it is turned. Safe from any thread. The broker looks at it in its next turn.</summary>
internal sealed class HandClock : TimeProvider
{
    private long _ticks = TimeSpan.TicksPerDay;

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override long GetTimestamp() => Volatile.Read(ref _ticks);

    public override DateTimeOffset GetUtcNow() => DateTimeOffset.UnixEpoch.AddTicks(Volatile.Read(ref _ticks));

    public void Turn(TimeSpan span) => Interlocked.Add(ref _ticks, span.Ticks);
}
