using System.Globalization;
using System.Text;

namespace Antiphon.Cli.Requests;

/// <summary>Counts outcomes and response times. Safe from any thread.</summary>
internal sealed class Summary
{
    private readonly Lock _lock = new();
    private readonly List<TimeSpan> _elapsed = [];
    private readonly SortedDictionary<string, int> _failures = new(StringComparer.Ordinal);

    public void Answered(TimeSpan elapsed)
    {
        lock (_lock)
        {
            _elapsed.Add(elapsed);
        }
    }

    public void Failed(string name)
    {
        lock (_lock)
        {
            _failures[name] = _failures.GetValueOrDefault(name) + 1;
        }
    }

    /// <summary>One line: how many, in which time, the response times, and the failures by name.</summary>
    public string Describe(TimeSpan total)
    {
        lock (_lock)
        {
            var text = new StringBuilder();
            text.Append(CultureInfo.InvariantCulture, $"{_elapsed.Count} answered in {total.TotalSeconds:0.00} s");
            if (_elapsed.Count > 0)
            {
                _elapsed.Sort();
                text.Append(CultureInfo.InvariantCulture, $" ({_elapsed.Count / total.TotalSeconds:0} a second");
                text.Append(CultureInfo.InvariantCulture, $"; p50 {At(0.5):0.00} ms, p99 {At(0.99):0.00} ms, longest {At(1):0.00} ms)");
            }

            foreach (var (name, count) in _failures)
            {
                text.Append(CultureInfo.InvariantCulture, $", {count} {name}");
            }

            return text.ToString();
        }
    }

    private double At(double share) => _elapsed[(int)Math.Min(_elapsed.Count - 1, share * _elapsed.Count)].TotalMilliseconds;
}
