using System.Globalization;
using System.Text;
using Antiphon.Cli.Output;

namespace Antiphon.Cli.Requests;

/// <summary>Counts outcomes and response times. Safe from any thread.</summary>
internal sealed class Summary
{
    private readonly Lock _lock = new();
    private readonly ResponseTimes _answered = new();

    // Guarded by _lock.
    private readonly SortedDictionary<string, int> _failures = new(StringComparer.Ordinal);

    public void Answered(TimeSpan elapsed) => _answered.Add(elapsed);

    public void Failed(string name)
    {
        lock (_lock)
        {
            _failures[name] = _failures.GetValueOrDefault(name) + 1;
        }
    }

    /// <summary>How far a run is.</summary>
    public string DescribeProgress(int count, TimeSpan elapsed)
    {
        lock (_lock)
        {
            var failed = _failures.Values.Sum();
            return string.Create(
                CultureInfo.InvariantCulture,
                $"{elapsed.TotalSeconds:0} s: {_answered.Count + failed} of {count} requests done, {failed} failed");
        }
    }

    /// <summary>
    /// One line: how many, in which time, the response times (all percentiles if <paramref name="inFull"/>), and the failures by name.
    /// </summary>
    public string Describe(TimeSpan total, bool inFull)
    {
        lock (_lock)
        {
            var text = new StringBuilder();
            var count = _answered.Count;
            text.Append(CultureInfo.InvariantCulture, $"{count} answered in {total.TotalSeconds:0.00} s");
            if (count > 0)
            {
                text.Append(CultureInfo.InvariantCulture, $" ({count / total.TotalSeconds:0} a second; {_answered.Describe(inFull)})");
            }

            foreach (var (name, failures) in _failures)
            {
                text.Append(CultureInfo.InvariantCulture, $", {failures} {name}");
            }

            return text.ToString();
        }
    }
}
