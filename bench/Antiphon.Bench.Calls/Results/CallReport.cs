using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Antiphon.Bench.Calls.Peers;
using Antiphon.Bench.Results;

namespace Antiphon.Bench.Calls.Results;

/// <summary>The results as Markdown for people and JSON for programs.</summary>
/// <param name="Commit">What was measured.</param>
/// <param name="CommandLine">How to do it again.</param>
/// <param name="At">When.</param>
/// <param name="Settings">How it was run.</param>
/// <param name="Tables">What it came to.</param>
internal sealed record CallReport(
    string Commit,
    string CommandLine,
    DateTimeOffset At,
    CallSettings Settings,
    IReadOnlyList<(CallScenario Scenario, IReadOnlyList<CallRow> Rows)> Tables)
{
    private static readonly JsonSerializerOptions Json = new()
    {
        WriteIndented = true,
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        NewLine = "\n",
    };

    /// <summary>On which processors this process may run, and with it those that it starts: <c>taskset</c> changes that.</summary>
    private static string Processors { get; } = File.ReadLines("/proc/self/status")
        .First(line => line.StartsWith("Cpus_allowed_list:", StringComparison.Ordinal))
        .Split(':')[1]
        .Trim();

    /// <summary>Antiphon as built from this tree, and from other checkouts.</summary>
    private IEnumerable<string> Suffixes => Settings.Peers.Where(peer => peer.Library == Peer.Antiphon).Select(peer => peer.Suffix);

    /// <summary>A share of failed calls; what is not nothing does not look like nothing.</summary>
    public static string Share(double share) => share switch
    {
        0 => "0",
        < 0.001 => "< 0.1 %",
        _ => string.Create(CultureInfo.InvariantCulture, $"{100 * share:F1} %"),
    };

    public string ToMarkdown()
    {
        var text = new StringBuilder();
        var machine = Machine.Here;
        Line($"# Bench of calls, {At:yyyy-MM-dd}, commit {Commit}");
        Line($"");
        Line($"- {machine.Processor}, {machine.Processors} processors, Linux {machine.Kernel}, {machine.Runtime}");
        Line($"- requester, broker and responder are processes of their own, wherever the system puts them among processors {Processors}");
        Line($"- {CallScenario.Payload} B there and back");
        Line($"- {Settings.Repeat} interleaved repetitions of {Settings.Duration.TotalSeconds} s");
        Line($"- warm-up: {Settings.WarmUp.TotalSeconds} s before a peer's first run in a scenario, at most 1 s before the next");
        Line($"- `{CommandLine}`");
        Line($"");
        Line($"Each outstanding call is a closed loop: it asks again when it has its answer. So latency is what a caller waits with");
        Line($"that many calls under way; it says nothing of a given rate of calls.");
        Line($"CPU is in µs per answered call, first summed, then of requester + responder + broker. Bytes are what requester + responder");
        Line($"allocate per answered call. Medians, with least–greatest in brackets.");
        foreach (var (scenario, rows) in Tables)
        {
            Line($"");
            Line($"## {scenario.Name}: {scenario.Outstanding:N0} outstanding, QoS {scenario.Quality}");
            Line($"");
            Line($"| peer | CPU µs | of each process | × echo | × nats | calls/s | p50 µs | p99 µs | p99.9 µs | bytes a call | failed |");
            Line($"|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|");
            foreach (var row in rows)
            {
                if (row.Failure is { } failure)
                {
                    Line($"| {row.Peer.Name} | {failure.Replace('|', '/').Replace('\n', ' ')} | | | | | | | | | |");
                    continue;
                }

                Line($"| {string.Join(" | ", Cells(row, rows))} |");
            }

            foreach (var row in rows.Where(row => row.Failed > 0 && row.Failure is null))
            {
                Line($"");
                Line($"{row.Peer.Name}: {Share(row.FailedShare)} of the calls failed, so that its figures cannot be compared.");
                Line($"The first failure: {row.Runs[^1].FirstFailure?.ReplaceLineEndings(" ")}");
            }
        }

        foreach (var suffix in Suffixes)
        {
            Line($"");
            Line($"## Goals of {Peer.Antiphon}{suffix}");
            Line($"");
            Line($"| goal | measured | met |");
            Line($"|---|--:|---|");
            foreach (var goal in Goal.All(Tables, suffix))
            {
                Line($"| {goal.Text} | {goal.Measured} | {goal.IsMet switch { true => "yes", false => "**no**", null => "" }} |");
            }
        }

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
            Processors,
            Settings.Repeat,
            Seconds = Settings.Duration.TotalSeconds,
            WarmUpSeconds = Settings.WarmUp.TotalSeconds,
            Scenarios = Tables.Select(table => new
            {
                table.Scenario.Name,
                table.Scenario.Outstanding,
                table.Scenario.Quality,
                Peers = table.Rows.Select(row => new { row.Peer.Name, row.Failure, row.Runs }),
            }),
            Goals = Suffixes.Select(suffix => new { Peer = Peer.Antiphon + suffix, Goals = Goal.All(Tables, suffix) }),
        },
        Json) + "\n";

    private static IEnumerable<string> Cells(CallRow row, IReadOnlyList<CallRow> rows)
    {
        yield return row.Peer.Name;
        yield return row.Of(run => run.Microseconds).ToString();
        var broker = row.Peer.Broker is null ? "none" : Short(run => run.BrokerMicroseconds);
        yield return $"{Short(run => run.RequesterMicroseconds)} + {Short(run => run.ResponderMicroseconds)} + {broker}";
        yield return Ratio(Peer.Echo + row.Peer.Suffix);
        yield return Ratio(Peer.Nats);
        yield return Short(run => run.PerSecond);
        yield return Short(run => run.P50Microseconds);
        yield return Short(run => run.P99Microseconds);
        yield return Short(run => run.P999Microseconds);
        yield return $"{Short(run => run.RequesterBytes)} + {Short(run => run.ResponderBytes)}";
        yield return row.Failed == 0 ? "0" : $"**{Share(row.FailedShare)}**";

        string Short(Func<CallMeasurement, double> number) => Spread.Short(row.Median(number));

        string Ratio(string name) => rows.FirstOrDefault(other => other.Peer.Name == name && other.HasFigures) is { } other
            ? Spread.Short(row.Median(run => run.Microseconds) / other.Median(run => run.Microseconds))
            : "";
    }
}
