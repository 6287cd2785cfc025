using Antiphon.Bench.Brokers;
using Antiphon.Bench.Load;
using Antiphon.Bench.Public.Results;

namespace Antiphon.Bench.Public.Strangers;

/// <summary>
/// A requester and a responder with one request open at a time, at QoS 1: first alone, then beside a <see cref="Crowd"/>, in turn.
/// </summary>
internal static class StrangersRun
{
    public static async Task<StrangersRow> RunAsync(
        string name, BrokerSpec spec, Cores cores, PublicSettings settings, int strangers, bool come, Action<string> report)
    {
        var row = new StrangersRow(name);
        using var broker = BrokerProcess.Start(spec, cores, () => settings.Interrupted.IsCancellationRequested);
        using var loop = new LoadLoop(broker.Port, new MqttWire(1, 64), () => settings.Interrupted.IsCancellationRequested);
        loop.Add(Role.Responder).Filter = "req/0";
        var requester = loop.Add(Role.Requester);
        requester.Topic = "req/0";
        requester.ResponseTopic = requester.Filter = "resp/0";
        new Gathering(loop).Open(loop.Connections.Count);
        var work = new RoundTrips(loop, 1);
        work.Begin();
        loop.RunUntil(() => false, settings.WarmUp, work);
        for (var i = 0; i < settings.Repeat; i++)
        {
            row.Alone.Add(Slice(loop, work, broker, settings.Duration));
            await using (var crowd = new Crowd(broker.Port, strangers, come))
            {
                // What their coming has cost is not what is asked about; the half second lets it settle.
                loop.RunUntil(() => false, TimeSpan.FromSeconds(0.5), work);
                row.Beside.Add(Slice(loop, work, broker, settings.Duration));
                await crowd.RestAsync();
                row.Standing.Add(crowd.Standing);
            }

            loop.RunUntil(() => false, TimeSpan.FromSeconds(1), work);
            report($"{name}: p99 {row.Alone[^1].P99:F0} µs alone, {row.Beside[^1].P99:F0} µs beside {row.Standing[^1]:N0} strangers");
        }

        return row;
    }

    private static PairLatency Slice(LoadLoop loop, RoundTrips work, BrokerProcess broker, TimeSpan duration)
    {
        work.Latencies.Clear();
        var (completed, cpu, start) = (work.Completed, broker.CpuTime, LoadLoop.Now);
        loop.RunUntil(() => false, duration, work);
        completed = work.Completed - completed;
        return completed == 0
            ? throw new BenchException("The pair came to a standstill.")
            : new PairLatency(
                completed,
                work.Latencies.Quantile(0.5) / 1e3,
                work.Latencies.Quantile(0.99) / 1e3,
                work.Latencies.Quantile(0.999) / 1e3,
                (broker.CpuTime - cpu) / (double)(LoadLoop.Now - start));
    }
}
