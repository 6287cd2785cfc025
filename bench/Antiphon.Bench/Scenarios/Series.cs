using Antiphon.Bench.Brokers;
using Antiphon.Bench.Results;

namespace Antiphon.Bench.Scenarios;

/// <summary>
/// All brokers in one scenario. Each runs in a process that lasts for the scenario.
/// The repetitions go round the brokers in turn and begin with another one each time,
/// so that whatever else the machine does falls on all alike.
/// </summary>
internal static class Series
{
    public static IReadOnlyList<Row> Run(Scenario scenario, Settings settings, Action<string> report)
    {
        var rows = settings.Brokers.Select(broker => new Row(broker.Name)).ToArray();
        if (scenario.Kind == Kind.Idle)
        {
            RunIdle(scenario, settings, rows, report);
        }
        else
        {
            RunLoad(scenario, settings, rows, report);
        }

        return rows;
    }

    private static void RunLoad(Scenario scenario, Settings settings, Row[] rows, Action<string> report)
    {
        var processes = new BrokerProcess?[rows.Length];
        var runs = new LoadRun?[rows.Length];
        try
        {
            for (var repetition = 0; repetition < settings.Repeat; repetition++)
            {
                for (var turn = 0; turn < rows.Length; turn++)
                {
                    var i = (repetition + turn) % rows.Length;
                    Try(rows[i], scenario, settings, report, () =>
                    {
                        processes[i] ??= BrokerProcess.Start(settings.Brokers[i], settings.Cores, settings.Interrupted);
                        runs[i] ??= new LoadRun(scenario, processes[i]!, settings);
                        var measured = runs[i]!.Measure();
                        rows[i].Runs.Add(measured);
                        return $"{Spread.Short(measured.BrokerMicroseconds)} µs per {scenario.Unit}, {Spread.Short(measured.PerSecond)}/s";
                    });
                }
            }
        }
        finally
        {
            foreach (var process in processes)
            {
                process?.Dispose();
            }
        }
    }

    /// <summary>Memory is measured in a process that has done nothing else.</summary>
    private static void RunIdle(Scenario scenario, Settings settings, Row[] rows, Action<string> report)
    {
        if (IdleRun.Obstacle(scenario) is { } obstacle)
        {
            report($"{scenario.Name}: {obstacle}");
            Array.ForEach(rows, row => row.Failure = obstacle);
            return;
        }

        for (var repetition = 0; repetition < settings.Repeat; repetition++)
        {
            for (var i = 0; i < rows.Length; i++)
            {
                Try(rows[i], scenario, settings, report, () =>
                {
                    using var process = BrokerProcess.Start(settings.Brokers[i], settings.Cores, settings.Interrupted);
                    var measured = new IdleRun(scenario, process, settings).Measure();
                    rows[i].IdleRuns.Add(measured);
                    return $"{measured.IdleBytes / 1e6:F1} MB idle, {measured.BytesPerConnection:F0} B per connection";
                });
            }
        }
    }

    private static void Try(Row row, Scenario scenario, Settings settings, Action<string> report, Func<string> measure)
    {
        if (row.Failure is not null)
        {
            return;
        }

        try
        {
            report($"{scenario.Name}  {row.Broker}: {measure()}");
        }
        catch (BenchException failure)
        {
            if (settings.Interrupted())
            {
                // Ctrl-C reaches the brokers too.
                throw new OperationCanceledException();
            }

            row.Failure = failure.Message;
            report($"{scenario.Name}  {row.Broker}: failed: {failure.Message}");
        }
    }
}
