using Antiphon.Bench.Calls.Results;
using Antiphon.Bench.Results;

namespace Antiphon.Bench.Calls.Conducting;

/// <summary>
/// All peers in one scenario. Their processes last for the scenario; the repetitions go round the peers in turn, beginning with another
/// one each time, so that whatever else the machine does falls on all alike.
/// </summary>
internal static class CallSeries
{
    public static async Task<IReadOnlyList<CallRow>> RunAsync(
        CallScenario scenario, CallSettings settings, Action<string> report, CancellationToken interrupted)
    {
        var rows = settings.Peers
            .Where(peer => scenario.Quality == 0 || peer.HasQuality)
            .Select(peer => new CallRow(peer) { Failure = peer.Obstacle is { } obstacle ? $"left out: {obstacle}" : null })
            .ToArray();
        var runs = new PeerRun?[rows.Length];
        try
        {
            for (var repetition = 0; repetition < settings.Repeat; repetition++)
            {
                for (var turn = 0; turn < rows.Length; turn++)
                {
                    var i = (repetition + turn) % rows.Length;
                    if (rows[i].Failure is not null)
                    {
                        continue;
                    }

                    try
                    {
                        runs[i] ??= await PeerRun.StartAsync(rows[i].Peer, scenario, interrupted);
                        var measured = await runs[i]!.MeasureAsync(settings, interrupted);
                        rows[i].Runs.Add(measured);
                        report($"{scenario.Name}  {rows[i].Peer.Name}: {InShort(measured)}");
                    }
                    catch (BenchException failure)
                    {
                        // Ctrl-C reaches the peers' processes too.
                        interrupted.ThrowIfCancellationRequested();
                        rows[i].Failure = $"failed: {failure.Message}";
                        report($"{scenario.Name}  {rows[i].Peer.Name}: failed: {failure.Message}");
                    }
                }
            }
        }
        finally
        {
            Array.ForEach(runs, run => run?.Dispose());
        }

        return rows;
    }

    private static string InShort(CallMeasurement measured)
    {
        var failed = measured.Failed == 0 ? "" : $", {CallReport.Share(measured.FailedShare)} FAILED: {measured.FirstFailure}";
        return $"{Spread.Short(measured.Microseconds)} µs per call, {Spread.Short(measured.PerSecond)}/s{failed}";
    }
}
