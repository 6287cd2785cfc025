namespace Antiphon.Bench.Results;

/// <summary>What one run came to.</summary>
/// <param name="Work">Round trips, deliveries or connections.</param>
/// <param name="Seconds">How long it took.</param>
/// <param name="BrokerMicroseconds">CPU time of the broker, in microseconds per unit of work.</param>
/// <param name="LoadMicroseconds">CPU time of the load generator's thread, in microseconds per unit of work.</param>
/// <param name="P50Microseconds">The median latency.</param>
/// <param name="P99Microseconds">The latency that 99 of 100 do not exceed.</param>
/// <param name="ResidentBytes">The broker's memory at the end.</param>
internal sealed record Measurement(
    long Work,
    double Seconds,
    double BrokerMicroseconds,
    double LoadMicroseconds,
    double P50Microseconds,
    double P99Microseconds,
    long ResidentBytes)
{
    public double PerSecond => Work / Seconds;

    /// <summary>The share of its core that the broker used.</summary>
    public double BrokerBusy => BrokerMicroseconds * PerSecond / 1e6;

    /// <summary>The share of its core that the load generator used.</summary>
    public double LoadBusy => LoadMicroseconds * PerSecond / 1e6;
}

/// <summary>What idle connections cost.</summary>
/// <param name="IdleBytes">Memory of the broker before the first connection.</param>
/// <param name="BytesPerConnection">Memory per connection.</param>
internal sealed record IdleMeasurement(long IdleBytes, double BytesPerConnection);

/// <summary>What a broker came to in a scenario.</summary>
internal sealed class Row(string broker)
{
    public string Broker => broker;

    public List<Measurement> Runs { get; } = [];

    public List<IdleMeasurement> IdleRuns { get; } = [];

    /// <summary>Why there is nothing more.</summary>
    public string? Failure { get; set; }
}
