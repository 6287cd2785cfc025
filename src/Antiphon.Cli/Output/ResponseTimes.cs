using System.Globalization;

namespace Antiphon.Cli.Output;

/// <summary>Durations and what share of them was shorter than what. Safe from any thread.</summary>
internal sealed class ResponseTimes
{
    private readonly Lock _lock = new();

    // Guarded by _lock.
    private readonly List<TimeSpan> _elapsed = [];
    private bool _isSorted;

    public int Count
    {
        get
        {
            lock (_lock)
            {
                return _elapsed.Count;
            }
        }
    }

    public void Add(TimeSpan elapsed)
    {
        lock (_lock)
        {
            _elapsed.Add(elapsed);
            _isSorted = false;
        }
    }

    /// <summary>
    /// The milliseconds that a share of the durations, 0 to 1, does not exceed; 1 is the longest. There has to be one duration or more.
    /// </summary>
    public double At(double share)
    {
        lock (_lock)
        {
            if (!_isSorted)
            {
                _elapsed.Sort();
                _isSorted = true;
            }

            // The nearest rank: the smallest value that at least so large a share does not exceed.
            var rank = (int)Math.Ceiling(share * _elapsed.Count);
            return _elapsed[Math.Clamp(rank, 1, _elapsed.Count) - 1].TotalMilliseconds;
        }
    }

    /// <summary>The usual percentiles for people.</summary>
    public string Describe(bool inFull) => inFull
        ? string.Create(
            CultureInfo.InvariantCulture,
            $"p50 {At(0.5):0.00} ms, p90 {At(0.9):0.00} ms, p99 {At(0.99):0.00} ms, p99.9 {At(0.999):0.00} ms, longest {At(1):0.00} ms")
        : string.Create(CultureInfo.InvariantCulture, $"p50 {At(0.5):0.00} ms, p99 {At(0.99):0.00} ms, longest {At(1):0.00} ms");
}
