using Antiphon.Broker;
using Antiphon.Broker.Timing;
using Antiphon.Simulation.Running;

namespace Antiphon.Simulation.Ends;

/// <summary>The broker's engine with the clock of the run. A restart loses all that it knows, since nothing of it is on a disk.</summary>
internal sealed class SimulatedBroker
{
    private readonly BrokerOptions _options;
    private readonly Chance _chance;
    private readonly Trace _trace;
    private TimeSpan _started;

    public SimulatedBroker(BrokerOptions options, SimulatedClock clock, Chance chance, Trace trace)
    {
        _options = options;
        _chance = chance;
        _trace = trace;
        Clock = clock;
        _started = clock.Now;
        Engine = new BrokerEngine(options, chance.Fill);
    }

    public SimulatedClock Clock { get; }

    public BrokerEngine Engine { get; private set; }

    /// <summary>How often it has been started, less one.</summary>
    public int Restarts { get; private set; }

    public Instant Now => new(Clock.Now - _started);

    /// <summary>Whether a turn of its loop would do something.</summary>
    public bool HasWork => Engine.HasWork || Engine.NextDeadline <= Now;

    /// <summary>When it has something to do by the clock.</summary>
    public TimeSpan? NextDue => Engine.NextDeadline == Instant.Never ? null : _started + Engine.NextDeadline.Elapsed;

    /// <summary>The end of a turn of its loop: does what is due and sends what there is.</summary>
    public void Turn()
    {
        _trace.Add("turns", "broker");
        Engine.Advance(Now);
        Engine.Flush(Now);
    }

    /// <summary>Begins anew without memory. Whoever calls it has told the links.</summary>
    public void Restart()
    {
        _trace.Add("restarts", "broker");
        Restarts++;
        _started = Clock.Now;
        Engine = new BrokerEngine(_options, _chance.Fill);
    }
}
