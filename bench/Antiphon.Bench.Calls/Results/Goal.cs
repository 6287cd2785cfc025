using Antiphon.Bench.Calls.Peers;
using Antiphon.Bench.Results;

namespace Antiphon.Bench.Calls.Results;

/// <summary>One goal of calls with Antiphon, beside what was measured.</summary>
/// <param name="Text">The goal, in words.</param>
/// <param name="Measured">What was measured, in words.</param>
/// <param name="IsMet">Whether it is met; <c>null</c>: what it needs was not run.</param>
internal sealed record Goal(string Text, string Measured, bool? IsMet)
{
    private const string NotRun = "not run";

    /// <summary>All goals.</summary>
    /// <param name="tables">What was measured.</param>
    /// <param name="suffix">Of which checkout.</param>
    public static IReadOnlyList<Goal> All(IReadOnlyList<(CallScenario Scenario, IReadOnlyList<CallRow> Rows)> tables, string suffix)
    {
        const string Full = "w1024-qos0";
        const string FullAcknowledged = "w1024-qos1";
        const string Some = "w32-qos0";
        const string One = "w1-qos0";
        var echo = Peer.Echo + suffix;
        return
        [
            AtMost($"{Full}: CPU ≤ 10 µs", 10, "µs", Row(Full)),
            Against($"{Full}: CPU ≤ 0.5 × nats", 0.5, Full, Peer.Nats),
            Against($"{Full}: CPU ≤ 2.5 × echo", 2.5, Full, echo),
            Against($"{FullAcknowledged}: CPU ≤ 2.5 × echo", 2.5, FullAcknowledged, echo),
            AtMost($"{Some}: CPU ≤ 20 µs", 20, "µs", Row(Some)),
            AtMost($"{Some}: p99.9 ≤ 10 ms", 10, "ms", Row(Some), run => run.P999Microseconds / 1e3),
            Against($"{One}: CPU ≤ 1 × echo", 1, One, echo),
            Against($"{One}: CPU ≤ 0.6 × nats", 0.6, One, Peer.Nats),
            Everywhere("requester allocates ≤ 128 B a call, in every scenario run", 128, "B", run => run.RequesterBytes),
            Everywhere("responder allocates ≤ 128 B a call, in every scenario run", 128, "B", run => run.ResponderBytes),
            Everywhere("broker: CPU ≤ 2.5 × that in echo, in every scenario run", 2.5, "×", run => run.BrokerMicroseconds, echo),
        ];

        CallRow? Row(string scenario, string? peer = null)
        {
            var rows = tables.FirstOrDefault(table => table.Scenario.Name == scenario).Rows ?? [];
            return rows.FirstOrDefault(row => row.Peer.Name == (peer ?? Peer.Antiphon + suffix) && row.HasFigures);
        }

        Goal Against(string text, double limit, string scenario, string peer)
        {
            var reference = Row(scenario, peer);
            return reference is null
                ? new Goal(text, NotRun, null)
                : AtMost(text, limit, "×", Row(scenario), run => run.Microseconds, reference.Median(run => run.Microseconds));
        }

        Goal Everywhere(string text, double limit, string unit, Func<CallMeasurement, double> number, string? beside = null)
        {
            var figures = (from table in tables
                           let row = Row(table.Scenario.Name)
                           let other = beside is null ? row : Row(table.Scenario.Name, beside)
                           where row is not null && other is not null
                           let reference = beside is null ? 1 : other.Median(number)
                           select (table.Scenario.Name, Row: row, Number: row.Median(number) / reference)).ToArray();
            if (figures.Length == 0)
            {
                return new Goal(text, NotRun, null);
            }

            var worst = figures.MaxBy(figure => figure.Number);
            var isMet = worst.Number <= limit && figures.All(figure => figure.Row.Failed == 0);
            return new Goal(text, $"{Spread.Short(worst.Number)} {unit} in {worst.Name}{Failed(worst.Row)}", isMet);
        }
    }

    private static Goal AtMost(
        string text, double limit, string unit, CallRow? row, Func<CallMeasurement, double>? number = null, double reference = 1)
    {
        if (row is null)
        {
            return new Goal(text, NotRun, null);
        }

        var measured = row.Median(number ?? (run => run.Microseconds)) / reference;
        return new Goal(text, $"{Spread.Short(measured)} {unit}{Failed(row)}", measured <= limit && row.Failed == 0);
    }

    private static string Failed(CallRow row) => row.Failed == 0 ? "" : $" ({CallReport.Share(row.FailedShare)} of its calls failed)";
}
