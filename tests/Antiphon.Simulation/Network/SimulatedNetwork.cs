using Antiphon.Simulation.Ends;

namespace Antiphon.Simulation.Network;

/// <summary>All connections between programs and the broker. Between two of them there is no order.</summary>
internal sealed class SimulatedNetwork(SimulatedBroker broker, Chance chance, Trace trace)
{
    private readonly List<(SimulatedProcess Process, Link Link)> _links = [];
    private int _dials;

    /// <summary>The probability that a connection is refused, 0 to 1.</summary>
    public double Refusals { get; set; }

    /// <summary>The connections that are not over.</summary>
    public IEnumerable<Link> Links => _links.Select(one => one.Link);

    /// <summary>The connection of a program, the last one where there are several.</summary>
    public Link LinkOf(SimulatedProcess process) => _links.Last(one => one.Process == process).Link;

    /// <summary>Opens a connection, or fails to.</summary>
    public async ValueTask<Stream> DialAsync(SimulatedProcess process, CancellationToken cancellationToken)
    {
        process.Thread.Check();
        cancellationToken.ThrowIfCancellationRequested();
        await WaitAsync(process);
        if (chance.Happens(Refusals))
        {
            trace.Add("refused", process.Name);
            throw new IOException("Connection refused.");
        }

        var link = new Link(process, broker, chance, trace, ++_dials);
        trace.Add("dials", link.Name);
        _links.Add((process, link));
        return link.Stream;
    }

    /// <summary>Forgets the connections that are over.</summary>
    public void Sweep() => _links.RemoveAll(static one => one.Link.IsOver);

    /// <summary>A program is dead, and with it its ends of connections.</summary>
    public void Disconnect(SimulatedProcess process)
    {
        foreach (var (owner, link) in _links)
        {
            if (owner == process)
            {
                link.ClientHasClosed();
            }
        }
    }

    /// <summary>The broker is dead, and with it its ends of all connections.</summary>
    public void DisconnectAll()
    {
        foreach (var link in Links)
        {
            link.BrokerHasDied();
        }
    }

    /// <summary>Now or behind what else the program has to do.</summary>
    private Task WaitAsync(SimulatedProcess process)
    {
        if (chance.Happens(0.5))
        {
            return Task.CompletedTask;
        }

        var later = new TaskCompletionSource();
        process.Scheduler.Queue(later.SetResult);
        return later.Task;
    }
}
