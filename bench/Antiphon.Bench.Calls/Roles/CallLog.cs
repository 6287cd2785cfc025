using Antiphon.Bench.Load;

namespace Antiphon.Bench.Calls.Roles;

/// <summary>Counts calls and their latencies. Safe from any thread: each records into a histogram of its own.</summary>
internal sealed class CallLog
{
    [ThreadStatic]
    private static Histogram? _threadLatencies;

    private readonly Lock _lock = new();
    private readonly List<Histogram> _all = [];
    private long _failed;
    private string? _firstFailure;
    private volatile bool _goesOn;

    /// <summary>The time, in nanoseconds from some beginning.</summary>
    public static long Now => LoadLoop.Now;

    /// <summary>Whether a loop is to begin another call.</summary>
    public bool GoesOn
    {
        get => _goesOn;
        set => _goesOn = value;
    }

    public long Failed => Interlocked.Read(ref _failed);

    /// <summary>Why the first one failed; <c>null</c>: none did.</summary>
    public string? FirstFailure => Volatile.Read(ref _firstFailure);

    /// <summary>A call that began at <paramref name="start"/> has its own answer.</summary>
    public void Answered(long start) => (_threadLatencies ?? Enter()).Record(Now - start);

    /// <summary>A call has ended in another way.</summary>
    public void HasFailed(string reason)
    {
        Interlocked.Increment(ref _failed);
        Interlocked.CompareExchange(ref _firstFailure, reason, null);
    }

    /// <summary>All latencies so far.</summary>
    public Histogram Latencies()
    {
        var sum = new Histogram();
        lock (_lock)
        {
            _all.ForEach(sum.Add);
        }

        return sum;
    }

    private Histogram Enter()
    {
        _threadLatencies = new Histogram();
        lock (_lock)
        {
            _all.Add(_threadLatencies);
        }

        return _threadLatencies;
    }
}
