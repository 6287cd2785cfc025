namespace Antiphon.Bench.Load;

/// <summary>Work that is counted and timed while it goes on.</summary>
internal interface IWork : ITraffic
{
    Histogram Latencies { get; }

    /// <summary>How much has been done.</summary>
    long Completed { get; }

    /// <summary>How much is under way.</summary>
    long Outstanding { get; }

    /// <summary>Begins, once every connection is ready.</summary>
    void Begin();

    /// <summary>Begins nothing new; what is under way ends.</summary>
    void Cease();
}

/// <summary>Requesters that each keep a window of requests open, and responders that answer.</summary>
internal sealed unsafe class RoundTrips(LoadLoop loop, int window) : IWork
{
    private readonly Wire _wire = loop.Wire;
    private bool _ceased;

    public Histogram Latencies { get; } = new();

    public long Completed { get; private set; }

    public long Outstanding { get; private set; }

    public void Begin()
    {
        var now = LoadLoop.Now;
        foreach (var requester in loop.Connections)
        {
            for (var i = 0; i < window && requester.Role == Role.Requester; i++)
            {
                Outstanding++;
                _wire.Publish(requester, now);
                loop.Mark(requester);
            }
        }
    }

    public void Cease() => _ceased = true;

    public void Ready(LoadConnection connection)
    {
    }

    public void Received(LoadConnection connection, in Incoming message, long now)
    {
        if (connection.Role == Role.Responder)
        {
            _wire.Respond(connection, message);
            return;
        }

        Completed++;
        Latencies.Record(now - *(long*)message.Mark);
        if (_ceased)
        {
            Outstanding--;
        }
        else
        {
            _wire.Publish(connection, now);
        }
    }

    public void Ended(LoadConnection connection) => throw new BenchException("The broker closed a connection.");
}
