using System.Globalization;
using System.Text;
using System.Text.Json;
using Antiphon.Bench.Brokers;
using Antiphon.Bench.Public.Strangers;
using Antiphon.Bench.Results;

namespace Antiphon.Bench.Public.Results;

/// <summary>The results as Markdown for people and JSON for programs.</summary>
internal sealed record PublicReport(
    string Commit,
    string CommandLine,
    DateTimeOffset At,
    Cores Cores,
    PublicSettings Settings,
    IReadOnlyList<TlsRow> Tls,
    IReadOnlyList<StrangersRow> Strangers)
{
    private static readonly JsonSerializerOptions Json = new()
    {
        WriteIndented = true,
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        NewLine = "\n",
    };

    /// <summary>What else the machine did when the report was written: runnable threads over one and five minutes.</summary>
    private static string Busy { get; } = string.Join(", ", File.ReadAllText("/proc/loadavg").Split(' ').Take(2));

    public string ToMarkdown()
    {
        var text = new StringBuilder();
        var machine = Machine.Here;
        Line($"# Bench of a public address of {At:yyyy-MM-dd}, commit {Commit}");
        Line($"");
        Line($"- {machine.Processor}, {machine.Processors} processors, Linux {machine.Kernel}, {machine.Runtime}");
        Line($"- broker on processor {Cores.Broker}, load generator on processor {Cores.Load}");
        Line($"- load of the machine at the end of the run: {Busy}");
        Line($"- {Settings.Repeat} repetitions of {Settings.Duration.TotalSeconds} s in turn; warm-up {Settings.WarmUp.TotalSeconds} s");
        Line($"- `{CommandLine}`");
        Line($"");
        Line($"Medians, with least–greatest in brackets.");
        WriteTls(Line);
        WriteStrangers(Line);
        return text.ToString();

        void Line(FormattableString line) => text.Append(line.ToString(CultureInfo.InvariantCulture)).Append('\n');
    }

    public string ToJson() => JsonSerializer.Serialize(
        new
        {
            Commit,
            At,
            CommandLine,
            Machine = Machine.Here,
            Settings.Repeat,
            Seconds = Settings.Duration.TotalSeconds,
            WarmUpSeconds = Settings.WarmUp.TotalSeconds,
            Tls,
            Strangers,
        },
        Json) + "\n";

    private static string Of<T>(IEnumerable<T> runs, Func<T, double> value) => $"{Spread.Of(runs.Select(value))}";

    private static double MedianOfP99(IEnumerable<PairLatency> runs) => Spread.Of(runs.Select(run => run.P99))!.Value.Median;

    private void WriteTls(Action<FormattableString> line)
    {
        foreach (var scenario in Tls.GroupBy(row => row.Scenario))
        {
            line($"");
            line($"## {scenario.Key}");
            line($"");
            line($"| broker | CPU µs | per second | p50 µs | p99 µs | busy broker / load | TLS |");
            line($"|---|--:|--:|--:|--:|--:|---|");
            foreach (var row in scenario)
            {
                string[] cells =
                [
                    row.Broker,
                    Of(row.Runs, run => run.BrokerMicroseconds),
                    Of(row.Runs, run => run.PerSecond),
                    Of(row.Runs, run => run.P50Microseconds),
                    Of(row.Runs, run => run.P99Microseconds),
                    $"{Of(row.Runs, run => run.BrokerBusy)} / {Of(row.Runs, run => run.LoadBusy)}",
                    row.Agreed ?? "none",
                ];
                line($"| {string.Join(" | ", cells)} |");
            }
        }
    }

    private void WriteStrangers(Action<FormattableString> line)
    {
        if (Strangers.Count == 0)
        {
            return;
        }

        line($"");
        line($"## A pair beside strangers");
        line($"");
        line($"One request open at a time at QoS 1, 64 B. Beside it half-open connections, and a reader that does not read what");
        line($"a publisher sends it, {Crowd.PerSecond} messages of {Crowd.Payload} B a second at QoS 0.");
        line($"");
        line($"| broker | half-open | p50 µs alone | beside | p99 µs alone | beside | ratio of p99 | broker busy alone | beside |");
        line($"|---|--:|--:|--:|--:|--:|--:|--:|--:|");
        foreach (var row in Strangers)
        {
            var ratio = MedianOfP99(row.Beside) / MedianOfP99(row.Alone);
            string[] cells =
            [
                row.Name,
                $"{row.Standing.Min():N0}",
                Of(row.Alone, run => run.P50),
                Of(row.Beside, run => run.P50),
                Of(row.Alone, run => run.P99),
                Of(row.Beside, run => run.P99),
                $"{ratio:F2}",
                Of(row.Alone, run => run.BrokerBusy),
                Of(row.Beside, run => run.BrokerBusy),
            ];
            line($"| {string.Join(" | ", cells)} |");
        }
    }
}
