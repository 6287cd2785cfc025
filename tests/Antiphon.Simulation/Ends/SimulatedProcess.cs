using Antiphon.Client;
using Antiphon.Simulation.Network;
using Antiphon.Simulation.Running;

namespace Antiphon.Simulation.Ends;

/// <summary>A program that runs clients: its thread pool, its timers and its connections, which all end when it is killed.</summary>
internal sealed class SimulatedProcess
{
    private readonly SimulatedNetwork _network;
    private readonly Chance _chance;

    public SimulatedProcess(string name, SimulationThread thread, SimulatedClock clock, SimulatedNetwork network, Chance chance)
    {
        Name = name;
        Thread = thread;
        Scheduler = new RunQueue(thread);
        Clock = new ProcessClock(this, clock);
        _network = network;
        _chance = chance;
    }

    public string Name { get; }

    public SimulationThread Thread { get; }

    public RunQueue Scheduler { get; }

    /// <summary>The clock of the run, with timers that die with the program.</summary>
    public TimeProvider Clock { get; }

    public bool IsAlive { get; private set; } = true;

    /// <summary>Options for a client of this program.</summary>
    public MqttClientOptions Options => new()
    {
        ClientId = Name,
        OpenStream = cancellationToken => _network.DialAsync(this, cancellationToken),
        FillRandom = _chance.Fill,
        Random = _chance.Branch(),
        Scheduler = Scheduler,
        TimeProvider = Clock,
    };

    /// <summary>Ends it between two instructions; nothing of it runs any more.</summary>
    public void Kill()
    {
        IsAlive = false;
        Scheduler.Close();
        _network.Disconnect(this);
    }

    private sealed class ProcessClock(SimulatedProcess process, SimulatedClock clock) : TimeProvider
    {
        public override long TimestampFrequency => clock.TimestampFrequency;

        public override long GetTimestamp() => clock.GetTimestamp();

        public override DateTimeOffset GetUtcNow() => clock.GetUtcNow();

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
            clock.CreateTimer(callback, state, dueTime, period, () => process.IsAlive);
    }
}
