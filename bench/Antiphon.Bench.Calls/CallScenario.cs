namespace Antiphon.Bench.Calls;

/// <summary>One shape of load.</summary>
/// <param name="Outstanding">
/// How many calls are open at any time, each in a loop of its own that begins the next call when it has the answer.
/// </param>
/// <param name="Quality">QoS of requests and responses, 0 or 1.</param>
internal sealed record CallScenario(int Outstanding, int Quality)
{
    /// <summary>Bytes of a request's payload, and of its answer's.</summary>
    public const int Payload = 64;

    public static IReadOnlyList<CallScenario> All { get; } =
        [.. from quality in (int[])[0, 1] from outstanding in (int[])[1024, 32, 1] select new CallScenario(outstanding, quality)];

    public string Name => $"w{Outstanding}-qos{Quality}";
}
