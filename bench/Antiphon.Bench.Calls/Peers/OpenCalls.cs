using Antiphon.Bench.Calls.Roles;

namespace Antiphon.Bench.Calls.Peers;

/// <summary>The slots of a requester that is written by hand, and the one timer for their time limits.</summary>
internal sealed class OpenCalls : IDisposable
{
    /// <summary>How long a call may take: the default of Antiphon's Requester.</summary>
    private const long LimitNanoseconds = 5_000_000_000;

    private readonly OpenCall[] _calls;
    private readonly ITimer _timer;

    public OpenCalls(CallScenario scenario, bool hops)
    {
        _calls = [.. Peer.Payloads(scenario).Select((payload, slot) => new OpenCall(slot, payload, hops))];
        var second = TimeSpan.FromSeconds(1);
        _timer = TimeProvider.System.CreateTimer(_ => Array.ForEach(_calls, call => call.EndIfLate(CallLog.Now)), null, second, second);
    }

    public OpenCall this[int slot] => _calls[slot];

    public static long DeadlineOf(long start) => start + LimitNanoseconds;

    public void End(ReadOnlySpan<byte> correlation, ReadOnlySpan<byte> payload) => OpenCall.End(_calls, correlation, payload);

    public void Dispose() => _timer.Dispose();
}
