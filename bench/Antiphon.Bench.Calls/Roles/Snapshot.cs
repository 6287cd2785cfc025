using System.Text.Json;

namespace Antiphon.Bench.Calls.Roles;

/// <summary>What a role's process has counted up to a moment; it goes to the conductor as one line of JSON.</summary>
internal sealed record Snapshot
{
    /// <summary>When, in nanoseconds from some beginning.</summary>
    public long At { get; init; }

    /// <summary>Bytes that the process has allocated.</summary>
    public long Allocated { get; init; }

    /// <summary>Nanoseconds that it stood still for the garbage collector.</summary>
    public long CollectorPause { get; init; }

    /// <summary>CPU time of requester, responder and, where there is one, broker, in nanoseconds; of the requester only.</summary>
    public long[] Cpu { get; init; } = [];

    public long Answered { get; init; }

    public long Failed { get; init; }

    public string? FirstFailure { get; init; }

    /// <summary>Nanoseconds that 50, 99 and 99.9 of 100 calls did not exceed since the snapshot before.</summary>
    public double[] Quantiles { get; init; } = [];

    /// <summary>What the runtime of this process says.</summary>
    public static Snapshot OfRuntime() => new()
    {
        At = CallLog.Now,
        Allocated = GC.GetTotalAllocatedBytes(precise: true),
        CollectorPause = (long)GC.GetTotalPauseDuration().TotalNanoseconds,
    };

    public static Snapshot Parse(string line) =>
        JsonSerializer.Deserialize<Snapshot>(line) ?? throw new BenchException($"«{line}» is no snapshot.");

    public string ToLine() => JsonSerializer.Serialize(this);
}
