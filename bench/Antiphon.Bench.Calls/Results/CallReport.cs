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
    string Commit, string CommandLine, DateTimeOffset At, CallSettings Settings, IReadOnlyList<(CallScenario Scenario, IReadOnlyList<CallRow> Rows)> Tables)
{
    private static readonly JsonSerializerOptions Json = new()
    {
        WriteIndented = true,
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        NewLine = "\n",
    };

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
        Line($"- requester, broker and responder are processes of their own, on whatever processor the system puts them; {CallScenario.Payload} B there and back");
        Line($"- {Settings.Repeat} interleaved repetitions of {Settings.Duration.TotalSeconds} s; warm-up {Settings.WarmUp.TotalSeconds} s");
        Line($"- `{CommandLine}`");
        Line($"");
        Line($"Each slot is a closed loop: it asks again when it has its answer, and latency is counted from there. So latency is what a caller waits at this");
        Line($"number of calls under way, not at a given rate of calls.");
        Line($"CPU in µs and bytes allocated are per answered call; of the sum, requester + responder + broker. Medians, with least–greatest in brackets.");
        foreach (var (scenario, rows) in Tables)
        {
            Line($"");
            Line($"## {scenario.Name}: {scenario.Outstanding:N0} outstanding, QoS {scenario.Quality}");
            Line($"");
            Line($"| peer | CPU µs | requester + responder + broker | × echo | × nats | calls/s | p50 µs | p99 µs | p99.9 µs | bytes a call | failed |");
            Line($"|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|");
            foreach (var row in rows)
            {
                if (row.Failure is { } failure)
                {
                    Line($"| {row.Peer.Name} | {failure.Replace('|', '/').Replace('\n', ' ')} | | | | | | | | | |");
                    continue;
                }

                Line($"| {row.Peer.Name} | {row.Of(run => run.Microseconds)} | {Short(run => run.RequesterMicroseconds)} + {Short(run => run.ResponderMicroseconds)} + {Short(run => run.BrokerMicroseconds)} | {Ratio(Peer.Echo + row.Peer.Suffix)} | {Ratio(Peer.Nats)} | {Short(run => run.PerSecond)} | {Short(run => run.P50Microseconds)} | {Short(run => run.P99Microseconds)} | {Short(run => run.P999Microseconds)} | {Short(run => run.RequesterBytes)} + {Short(run => run.ResponderBytes)} | {(row.Failed == 0 ? "0" : $"**{Share(row.FailedShare)}**")} |");

                string Short(Func<CallMeasurement, double> number) => Spread.Short(row.Median(number));

                string Ratio(string name) => rows.FirstOrDefault(other => other.Peer.Name == name && other.HasFigures) is { } other
                    ? Spread.Short(row.Median(run => run.Microseconds) / other.Median(run => run.Microseconds))
                    : "";
            }

            foreach (var row in rows.Where(row => row.Failed > 0 && row.Failure is null))
            {
                Line($"");
                Line($"{row.Peer.Name}: {Share(row.FailedShare)} of the calls failed, so that its figures cannot be compared. The first said: {row.Runs[^1].FirstFailure?.ReplaceLineEndings(" ")}");
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
                Line($"| {goal.Text} | {goal.Measured} | {(goal.IsMet is { } isMet ? isMet ? "yes" : "**no**" : "")} |");
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
}
