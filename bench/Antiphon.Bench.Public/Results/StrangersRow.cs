namespace Antiphon.Bench.Public.Results;

/// <summary>A pair's latencies in one run, in microseconds.</summary>
/// <param name="Work">Round trips.</param>
/// <param name="P50">The median.</param>
/// <param name="P99">What 99 of 100 do not exceed.</param>
/// <param name="P999">What 999 of 1,000 do not exceed.</param>
/// <param name="BrokerBusy">The share of a processor that the broker used.</param>
internal sealed record PairLatency(long Work, double P50, double P99, double P999, double BrokerBusy);

/// <summary>A pair at one broker, alone and beside strangers.</summary>
internal sealed record StrangersRow(string Name)
{
    public List<PairLatency> Alone { get; } = [];

    public List<PairLatency> Beside { get; } = [];

    /// <summary>How many half-open connections stood at the end of each run.</summary>
    public List<int> Standing { get; } = [];
}
