using Antiphon.Broker;
using Antiphon.Client;
using Antiphon.Simulation.Ends;
using Antiphon.Simulation.Network;
using Antiphon.Simulation.Running;

namespace Antiphon.Simulation;

/// <summary>
/// Programs, a broker and the network between them, on one thread and one clock. Each step is one of the things that
/// may happen next, picked by the seed. What the programs are about, and what must hold, is the scenario's.
/// </summary>
internal sealed class World
{
    private readonly List<Action> _possible = [];

    public World(int seed, BrokerOptions options)
    {
        Chance = new Chance(seed);
        Clock = new SimulatedClock(Thread);
        Trace = new Trace(Clock);
        Broker = new SimulatedBroker(options, Clock, Chance, Trace);
        Network = new SimulatedNetwork(Broker, Chance, Trace);
    }

    public SimulationThread Thread { get; } = new();

    public SimulatedClock Clock { get; }

    public Chance Chance { get; }

    public Trace Trace { get; }

    public SimulatedBroker Broker { get; }

    public SimulatedNetwork Network { get; }

    /// <summary>The programs that are alive.</summary>
    public List<SimulatedProcess> Processes { get; } = [];

    public SimulatedProcess StartProcess(string name)
    {
        Trace.Add("starts", name);
        var process = new SimulatedProcess(name, Thread, Clock, Network, Chance);
        Processes.Add(process);
        return process;
    }

    public void Kill(SimulatedProcess process)
    {
        Trace.Add("killed", process.Name);
        process.Kill();
        Processes.Remove(process);
    }

    /// <summary>Has the broker begin anew, without its Sessions.</summary>
    public void RestartBroker()
    {
        Network.DisconnectAll();
        Broker.Restart();
    }

    /// <summary>
    /// Whether a client and the broker hold nothing for each other any more:
    /// no Packet Identifier, no place of a Receive Maximum, no message that waits.
    /// </summary>
    public bool IsFree(MqttClient client) =>
        client.Session.IdentifiersInUse == 0
        && client.Session.Inbound.Unacknowledged == 0
        && Broker.Engine.FindSession(client.ClientId) is { Unacknowledged: 0, HasWaiting: false, HasUnsent: false, Received.Unfinished: 0 };

    /// <summary>Nothing goes wrong from now on; what fell silent stays so until its ends notice.</summary>
    public void Heal()
    {
        Trace.Add("heals");
        Network.Refusals = 0;
        foreach (var link in Network.Links)
        {
            link.LetGo();
        }
    }

    /// <summary>Something goes wrong in the network.</summary>
    public void DisturbNetwork()
    {
        Network.Refusals = Chance.Happens(0.3) ? 0.5 : 0;
        Link[] links = [.. Network.Links.Where(static link => !link.IsCut)];
        if (links.Length == 0)
        {
            return;
        }

        var link = Chance.Of(links);
        switch (Chance.Index(10))
        {
            case 0:
                link.FallSilent();
                break;
            case < 5:
                link.Hold(Chance.Duration(TimeSpan.FromSeconds(5)));
                break;
            default:
                link.Cut();
                break;
        }
    }

    /// <summary>
    /// Does one of the things that may happen, most often one that needs no time to pass. Where only time is left to pass, it passes.
    /// </summary>
    /// <param name="patience">How far the clock may be turned at most.</param>
    public void Step(TimeSpan patience)
    {
        Thread.ThrowIfLeft();
        _possible.Clear();
        foreach (var process in Processes)
        {
            if (!process.Scheduler.IsEmpty)
            {
                _possible.Add(() =>
                {
                    Trace.Add("works", process.Name);
                    process.Scheduler.RunOne(Chance);
                });
            }
        }

        foreach (var link in Network.Links)
        {
            AddPossible(link);
        }

        if (Broker.HasWork)
        {
            _possible.Add(Broker.Turn);
        }

        if (Clock.NextDue <= Clock.Now)
        {
            _possible.Add(FireTimer);
        }

        if (_possible.Count == 0 || Chance.Happens(0.02))
        {
            Turn(patience);
        }
        else
        {
            Chance.Of(_possible)();
        }

        Network.Sweep();
        Thread.ThrowIfLeft();
    }

    /// <summary>Steps until something has come about.</summary>
    /// <exception cref="InvalidOperationException">It does not, within ten minutes of the run.</exception>
    public void Until(Func<bool> condition, string what)
    {
        var start = Clock.Now;
        while (!condition())
        {
            if (Clock.Now - start > TimeSpan.FromMinutes(10))
            {
                throw new InvalidOperationException($"It does not come about that {what}.");
            }

            Step(TimeSpan.FromMilliseconds(200));
        }
    }

    /// <summary>Steps until so much time has passed.</summary>
    public void Pass(TimeSpan time)
    {
        var end = Clock.Now + time;
        Until(() => Clock.Now >= end, "time passes");
    }

    private void AddPossible(Link link)
    {
        if (link.CanAccept)
        {
            _possible.Add(link.Accept);
        }

        if (link.CanReachBroker)
        {
            _possible.Add(link.DeliverToBroker);
        }

        if (link.CanReachClient)
        {
            _possible.Add(link.DeliverToClient);
        }
    }

    private void FireTimer()
    {
        Trace.Add("fires a timer");
        Clock.TryFire();
    }

    private void Turn(TimeSpan patience)
    {
        var next = Clock.Now + patience;
        next = Earlier(next, Clock.NextDue);
        next = Earlier(next, Broker.NextDue);
        foreach (var link in Network.Links)
        {
            next = Earlier(next, link.HeldUntil);
        }

        // While other things may happen, only part of the time passes.
        if (_possible.Count > 0 && next > Clock.Now)
        {
            next = Clock.Now + Chance.Duration(next - Clock.Now);
        }

        Clock.TurnTo(next);
    }

    private static TimeSpan Earlier(TimeSpan time, TimeSpan? other) => other is { } sooner && sooner < time ? sooner : time;
}
