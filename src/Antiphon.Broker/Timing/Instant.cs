namespace Antiphon.Broker.Timing;

/// <summary>A point on the engine's own clock, which begins at zero when the broker starts and never runs backwards.</summary>
/// <param name="Elapsed">The time since the broker started.</param>
internal readonly record struct Instant(TimeSpan Elapsed) : IComparable<Instant>
{
    public static Instant Never => new(TimeSpan.MaxValue);

    public static Instant operator +(Instant instant, TimeSpan span) =>
        span >= TimeSpan.MaxValue - instant.Elapsed ? Never : new Instant(instant.Elapsed + span);

    public static TimeSpan operator -(Instant later, Instant earlier) => later.Elapsed - earlier.Elapsed;

    public static bool operator <(Instant left, Instant right) => left.Elapsed < right.Elapsed;

    public static bool operator >(Instant left, Instant right) => left.Elapsed > right.Elapsed;

    public static bool operator <=(Instant left, Instant right) => left.Elapsed <= right.Elapsed;

    public static bool operator >=(Instant left, Instant right) => left.Elapsed >= right.Elapsed;

    public static Instant Earlier(Instant left, Instant right) => left <= right ? left : right;

    public int CompareTo(Instant other) => Elapsed.CompareTo(other.Elapsed);
}
