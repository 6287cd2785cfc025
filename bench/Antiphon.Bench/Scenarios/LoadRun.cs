using Antiphon.Bench.Brokers;
using Antiphon.Bench.Load;
using Antiphon.Bench.Results;

namespace Antiphon.Bench.Scenarios;

/// <summary>One broker under one load: connect, warm up, measure, come to rest.</summary>
internal sealed class LoadRun(Scenario scenario, BrokerProcess broker, Settings settings)
{
    private static readonly TimeSpan LongestWarmUp = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan Slice = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan RestLimit = TimeSpan.FromSeconds(5);

    /// <summary>
    /// The broker still gets faster as long as a slice of the warm-up costs less than this share of the best one before.
    /// </summary>
    private const double Falling = 0.95;

    private bool _isWarm;

    /// <summary>
    /// Measures once. The first time the broker is warmed up at length.
    /// Later it is warmed up for half a second only, so that the new connections settle.
    /// </summary>
    public Measurement Measure()
    {
        Wire wire = broker.Spec.IsRelay
            ? new RelayWire(scenario.Quality, scenario.Payload)
            : new MqttWire(scenario.Quality, scenario.Payload);
        using var loop = new LoadLoop(broker.Port, wire, settings.Interrupted);
        var work = Prepare(loop);
        work.Begin();
        WarmUp(loop, work);

        work.Latencies.Clear();
        var completed = work.Completed;
        var brokerCpu = broker.CpuTime;
        var loadCpu = LoadNative.Read(LoadNative.CLOCK_THREAD_CPUTIME_ID);
        var start = LoadLoop.Now;
        loop.RunUntil(() => work.Completed - completed >= settings.MaximumWork, settings.Duration, work);
        var nanoseconds = LoadLoop.Now - start;
        loadCpu = LoadNative.Read(LoadNative.CLOCK_THREAD_CPUTIME_ID) - loadCpu;
        brokerCpu = broker.CpuTime - brokerCpu;
        completed = work.Completed - completed;
        if (completed == 0)
        {
            throw new BenchException($"Nothing was completed within {settings.Duration.TotalSeconds} s.");
        }

        var measurement = new Measurement(
            completed,
            nanoseconds / 1e9,
            brokerCpu / 1e3 / completed,
            loadCpu / 1e3 / completed,
            work.Latencies.Quantile(0.5) / 1e3,
            work.Latencies.Quantile(0.99) / 1e3,
            broker.ResidentBytes);
        Rest(loop, work);
        return measurement;
    }

    /// <summary>
    /// The first time the warm-up lasts as long as was asked for, and does as much work as was asked for.
    /// It also goes on until the broker's CPU time per unit of work falls no more,
    /// since nobody knows when a just-in-time compiler is done; on a busy machine it takes longer.
    /// </summary>
    private void WarmUp(LoadLoop loop, IWork work)
    {
        if (_isWarm)
        {
            loop.RunUntil(() => false, Slice, work);
            return;
        }

        var longest = LoadLoop.Now + (long)LongestWarmUp.TotalNanoseconds;
        loop.RunUntil(() => false, settings.WarmUp, work);
        loop.RunUntil(() => work.Completed >= settings.WarmUpWork, LongestWarmUp, work);
        var best = double.MaxValue;
        for (var settled = 0; settled < 3 && LoadLoop.Now < longest; settled++)
        {
            var (before, cpu) = (work.Completed, broker.CpuTime);
            loop.RunUntil(() => false, Slice, work);
            var each = (broker.CpuTime - cpu) / (double)Math.Max(1, work.Completed - before);
            if (each < Falling * best)
            {
                settled = -1;
            }

            best = Math.Min(best, each);
        }

        _isWarm = true;
    }

    /// <summary>Whatever is under way has to come to its end, so that a broker that loses messages does not pass for a fast one.</summary>
    private static void Rest(LoadLoop loop, IWork work)
    {
        work.Cease();
        if (!loop.RunUntil(() => work.Outstanding == 0, RestLimit, work))
        {
            throw new BenchException($"{work.Outstanding} were still under way {RestLimit.TotalSeconds} s after the last was begun: lost.");
        }
    }

    private IWork Prepare(LoadLoop loop)
    {
        switch (scenario.Kind)
        {
            case Kind.RoundTrips:
                AddRequestersAndResponders(loop);
                new Gathering(loop).Open(loop.Connections.Count);
                return new RoundTrips(loop, scenario.Window);
            case Kind.Stream:
                var publishers = AddPublishersAndSubscribers(loop);
                new Gathering(loop).Open(loop.Connections.Count);
                return new Load.Stream(loop, scenario.Window, publishers, scenario.Receivers / scenario.Senders);
            case Kind.Churn:
                for (var i = 0; i < scenario.Senders; i++)
                {
                    loop.Add(Role.Bystander).Filter = $"churn/{i}";
                }

                return new Churn(loop);
            default:
                throw new InvalidOperationException($"{scenario.Kind} is no load.");
        }
    }

    private void AddRequestersAndResponders(LoadLoop loop)
    {
        for (var i = 0; i < scenario.Receivers; i++)
        {
            loop.Add(Role.Responder).Filter = scenario.Shared ? "$share/bench/req/all" : $"req/{i}";
        }

        for (var i = 0; i < scenario.Senders; i++)
        {
            var requester = loop.Add(Role.Requester);
            var responder = i % scenario.Receivers;
            requester.Topic = scenario.Shared ? "req/all" : $"req/{responder}";
            requester.ResponseTopic = requester.Filter = $"resp/{i}";
            requester.AsksForResponseTopic = settings.ResponseInformation;
            requester.Target = RelayWire.NumberOf(scenario.Shared ? 0 : responder);
            requester.GroupSize = scenario.Shared ? scenario.Receivers : 0;
        }
    }

    /// <returns>By a subscriber's index: whose messages it gets.</returns>
    private LoadConnection?[] AddPublishersAndSubscribers(LoadLoop loop)
    {
        var fanOut = scenario.Receivers / scenario.Senders;
        var publishers = new LoadConnection?[scenario.Receivers + scenario.Senders];
        for (var i = 0; i < scenario.Receivers; i++)
        {
            loop.Add(Role.Subscriber).Filter = $"news/{i / fanOut}";
        }

        for (var i = 0; i < scenario.Senders; i++)
        {
            var publisher = loop.Add(Role.Publisher);
            publisher.Topic = $"news/{i}";
            publisher.Target = RelayWire.NumberOf(i * fanOut);
            publisher.TargetCount = fanOut;
            Array.Fill(publishers, publisher, i * fanOut, fanOut);
        }

        return publishers;
    }
}
