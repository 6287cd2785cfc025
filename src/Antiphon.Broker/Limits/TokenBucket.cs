using Antiphon.Broker.Timing;

namespace Antiphon.Broker.Limits;

/// <summary>
/// How much of a rate has been used: kept as the instant at which all of it is there again, so that nothing has to be filled up by a clock.
/// What it allows at once, and what one use costs, is time at that rate, in nanoseconds.
/// </summary>
internal struct TokenBucket
{
    private long _full;

    /// <summary>Nanoseconds of a second.</summary>
    public const long Second = 1_000_000_000;

    /// <summary>An instant in nanoseconds, as the others here want it.</summary>
    public static long At(Instant now) => now.Elapsed.Ticks * 100;

    /// <summary>Whether there is room for a use. One that costs more than the burst has room where nothing was used before.</summary>
    public readonly bool HasRoom(long now, long burst, long cost) => _full + Math.Min(cost, burst) <= now + burst;

    /// <summary>When there is room for a use; an instant that is over: there is.</summary>
    public readonly Instant RoomAt(long burst, long cost) =>
        new(TimeSpan.FromTicks((Math.Max(_full + Math.Min(cost, burst) - burst, 0) + 99) / 100));

    /// <summary>Whether nothing is left of what was used.</summary>
    public readonly bool IsFull(Instant now) => _full <= At(now);

    /// <summary>Uses some of it, whether there is room or not.</summary>
    public void Take(long now, long cost) => _full = Math.Max(_full, now) + cost;
}
