using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Antiphon.Bench.Brokers;
using Antiphon.Bench.Scenarios;

namespace Antiphon.Bench.Results;

/// <summary>The results as Markdown for people and JSON for programs.</summary>
/// <param name="Commit">What was measured.</param>
/// <param name="CommandLine">How to do it again.</param>
/// <param name="At">When.</param>
/// <param name="Settings">How it was run.</param>
/// <param name="Tables">What it came to.</param>
internal sealed record Report(
    string Commit,
    string CommandLine,
    DateTimeOffset At,
    Settings Settings,
    IReadOnlyList<(Scenario Scenario, IReadOnlyList<Row> Rows)> Tables)
{
    private static readonly JsonSerializerOptions Json = new()
    {
        WriteIndented = true,
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        NewLine = "\n",
    };

    public string ToMarkdown()
    {
        var text = new StringBuilder();
        var machine = Machine.Here;
        Line($"# Bench of {At:yyyy-MM-dd}, commit {Commit}");
        Line($"");
        Line($"- {machine.Processor}, {machine.Processors} processors, Linux {machine.Kernel}, {machine.Runtime}");
        text.Append(
            CultureInfo.InvariantCulture,
            $"- broker on processor {Settings.Cores.Broker}, load generator on processor {Settings.Cores.Load}"
            + $"{(Settings.Cores.AreDifferent ? "" : " (the same: times say little)")}\n");
        text.Append(
            CultureInfo.InvariantCulture,
            $"- {Settings.Repeat} interleaved repetitions of {Settings.Duration.TotalSeconds} s; "
            + $"warm-up {Settings.WarmUp.TotalSeconds} s and {Settings.WarmUpWork:N0} round trips or more, "
            + $"until the CPU time per round trip falls no more\n");
        Line($"- response topics: {(Settings.ResponseInformation ? "the broker's own, where it gives any" : "the requesters' choice")}");
        Line($"- `{CommandLine}`");
        Line($"");
        text.Append(
            "Medians, with least–greatest in brackets. CPU in µs of the broker's process per round trip, delivery or connection; "
            + "busy: share of its core that the broker / the load generator used.\n");
        foreach (var (scenario, rows) in Tables)
        {
            Line($"");
            Line($"## {scenario.Name}");
            Line($"");
            Line($"{scenario.Description}");
            Line($"");
            if (scenario.Kind == Kind.Idle)
            {
                AppendIdle(rows);
            }
            else
            {
                AppendLoad(rows);
            }
        }

        return text.ToString();

        void Line(FormattableString line) => text.Append(line.ToString(CultureInfo.InvariantCulture)).Append('\n');

        void AppendIdle(IReadOnlyList<Row> rows)
        {
            Line($"| broker | bytes per connection | idle broker, MB |");
            Line($"|---|--:|--:|");
            foreach (var row in rows)
            {
                Line(row.Failure is { } failure
                    ? $"| {row.Broker} | {failure} | |"
                    : (FormattableString)$"| {row.Broker} | {Of(run => run.BytesPerConnection)} | {Of(run => run.IdleBytes / 1e6)} |");

                Spread? Of(Func<IdleMeasurement, double> number) => Spread.Of(row.IdleRuns.Select(number));
            }
        }

        void AppendLoad(IReadOnlyList<Row> rows)
        {
            Line($"| broker | CPU µs | × relay | × mosquitto | per second | p50 µs | p99 µs | RSS MB | busy % | load's CPU µs |");
            Line($"|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|");
            var relay = Cpu(rows, BrokerSpec.RelayName);
            var mosquitto = Cpu(rows, BrokerSpec.MosquittoName);
            foreach (var row in rows)
            {
                if (row.Failure is { } failure)
                {
                    Line($"| {row.Broker} | {failure} | | | | | | | | |");
                    continue;
                }

                var cpu = Of(run => run.BrokerMicroseconds);
                text.Append(
                    CultureInfo.InvariantCulture,
                    $"| {row.Broker} | {cpu} | {Ratio(cpu, relay)} | {Ratio(cpu, mosquitto)} "
                    + $"| {Of(run => run.PerSecond)} | {Of(run => run.P50Microseconds)} | {Of(run => run.P99Microseconds)} "
                    + $"| {Spread.Short(Median(run => run.ResidentBytes / 1e6))} "
                    + $"| {100 * Median(run => run.BrokerBusy):F0} / {100 * Median(run => run.LoadBusy):F0} "
                    + $"| {Spread.Short(Median(run => run.LoadMicroseconds))} |\n");

                Spread? Of(Func<Measurement, double> number) => Spread.Of(row.Runs.Select(number));

                double Median(Func<Measurement, double> number) => Of(number)!.Value.Median;
            }
        }
    }

    public string ToJson() => JsonSerializer.Serialize(
        new
        {
            Commit,
            At,
            CommandLine,
            Machine = Machine.Here,
            BrokerProcessor = Settings.Cores.Broker,
            LoadProcessor = Settings.Cores.Load,
            Settings.Repeat,
            Seconds = Settings.Duration.TotalSeconds,
            WarmUpSeconds = Settings.WarmUp.TotalSeconds,
            Settings.WarmUpWork,
            Settings.MaximumWork,
            Settings.ResponseInformation,
            Scenarios = Tables.Select(
                table => new { table.Scenario.Name, table.Scenario.Description, Brokers = table.Rows.Select(ToObject) }),
        },
        Json) + "\n";

    private static object ToObject(Row row) => new
    {
        row.Broker,
        row.Failure,
        Runs = row.Runs.Count > 0 ? row.Runs : null,
        IdleRuns = row.IdleRuns.Count > 0 ? row.IdleRuns : null,
    };

    private static double? Cpu(IReadOnlyList<Row> rows, string broker) =>
        rows.FirstOrDefault(row => row.Broker == broker && row.Failure is null) is { } row
            ? Spread.Of(row.Runs.Select(run => run.BrokerMicroseconds))?.Median
            : null;

    private static string Ratio(Spread? cpu, double? reference) =>
        cpu is { } own && reference is { } other ? Spread.Short(own.Median / other) : "";
}
