using Antiphon.Bench.Calls.Conducting;

namespace Antiphon.Bench.Calls;

/// <summary>What is to be run, and how.</summary>
internal sealed record CallSettings
{
    public required IReadOnlyList<CallPeer> Peers { get; init; }

    public required IReadOnlyList<CallScenario> Scenarios { get; init; }

    /// <summary>How often each measurement is made.</summary>
    public required int Repeat { get; init; }

    /// <summary>How long one measurement lasts.</summary>
    public required TimeSpan Duration { get; init; }

    /// <summary>How long a peer's processes are warmed up before their first measurement in a scenario.</summary>
    public required TimeSpan WarmUp { get; init; }

    /// <summary>How long a peer runs before each later measurement, after it has stood still for the others.</summary>
    public TimeSpan SettleTime => TimeSpan.FromTicks(Math.Min(WarmUp.Ticks, TimeSpan.TicksPerSecond));
}
