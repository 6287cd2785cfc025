using System.Globalization;
using System.Text;
using Antiphon.Cli.Output;

namespace Antiphon.Cli.Loads;

/// <summary>What came out of a load, as a line of JSON; times in milliseconds, left out where nothing was done.</summary>
internal sealed record LoadResult(
    string Load,
    int Clients,
    int Concurrency,
    double Seconds,
    int Completed,
    double PerSecond,
    double? P50Ms,
    double? P90Ms,
    double? P99Ms,
    double? P999Ms,
    double? LongestMs,
    IReadOnlyDictionary<string, int> Failures)
{
    public static LoadResult From(
        string load, int clients, int concurrency, TimeSpan elapsed, ResponseTimes times, IReadOnlyDictionary<string, int> failures)
    {
        var count = times.Count;
        return new LoadResult(
            load,
            clients,
            concurrency,
            Math.Round(elapsed.TotalSeconds, 3),
            count,
            Math.Round(count / elapsed.TotalSeconds, 1),
            At(0.5),
            At(0.9),
            At(0.99),
            At(0.999),
            At(1),
            failures);

        double? At(double share) => count == 0 ? null : Math.Round(times.At(share), 3);
    }

    /// <summary>The result for people, on one line; <paramref name="unit"/> is what was counted.</summary>
    public string Describe(string unit)
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"{Completed} {unit} in {Seconds:0.00} s ({PerSecond:0} a second");
        if (Completed > 0)
        {
            text.Append(
                CultureInfo.InvariantCulture,
                $"; p50 {P50Ms:0.00} ms, p90 {P90Ms:0.00} ms, p99 {P99Ms:0.00} ms, p99.9 {P999Ms:0.00} ms, longest {LongestMs:0.00} ms");
        }

        text.Append(CultureInfo.InvariantCulture, $"), {Failures.Values.Sum()} failures");
        foreach (var (name, count) in Failures)
        {
            text.Append(CultureInfo.InvariantCulture, $", {count} {name}");
        }

        return text.ToString();
    }
}
