using Antiphon.Bench.Brokers;
using Antiphon.Bench.Scenarios;

namespace Antiphon.Bench;

/// <summary>What is to be run, and how.</summary>
internal sealed record Settings
{
    public required IReadOnlyList<BrokerSpec> Brokers { get; init; }

    public required IReadOnlyList<Scenario> Scenarios { get; init; }

    public required Cores Cores { get; init; }

    /// <summary>How often each measurement is made.</summary>
    public required int Repeat { get; init; }

    /// <summary>How long one measurement lasts at most.</summary>
    public required TimeSpan Duration { get; init; }

    /// <summary>How long a broker is warmed up at least before its first measurement in a scenario.</summary>
    public required TimeSpan WarmUp { get; init; }

    /// <summary>How much work it does at least while being warmed up.</summary>
    public long WarmUpWork { get; init; } = 20_000;

    /// <summary>How much work one measurement counts at most.</summary>
    public long MaximumWork { get; init; } = 5_000_000;

    /// <summary>Whether requesters ask the broker for response topics of their own.</summary>
    public required bool ResponseInformation { get; init; }

    /// <summary>Whether the bench is to end.</summary>
    public required Func<bool> Interrupted { get; init; }
}
