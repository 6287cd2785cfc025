namespace Antiphon.Bench.Load;

/// <summary>
/// Publishers that each keep a window of messages on their way. A message is on its way until all its subscribers have it.
/// </summary>
/// <param name="loop">The loop.</param>
/// <param name="window">Messages of a publisher that are on their way.</param>
/// <param name="publishers">Whose messages a subscriber gets, by the subscriber's index.</param>
/// <param name="fanOut">How many subscribers get each message.</param>
internal sealed unsafe class Stream(LoadLoop loop, int window, LoadConnection?[] publishers, int fanOut) : IWork
{
    private readonly Wire _wire = loop.Wire;
    private readonly long[] _underWay = new long[publishers.Length];
    private bool _ceased;

    public Histogram Latencies { get; } = new();

    /// <summary>Deliveries, that is messages times the subscribers that got them.</summary>
    public long Completed { get; private set; }

    public long Outstanding { get; private set; }

    public void Begin()
    {
        foreach (var publisher in loop.Connections)
        {
            for (var i = 0; i < window && publisher.Role == Role.Publisher; i++)
            {
                Publish(publisher, LoadLoop.Now);
            }
        }
    }

    public void Cease() => _ceased = true;

    public void Ready(LoadConnection connection)
    {
    }

    public void Received(LoadConnection connection, in Incoming message, long now)
    {
        Completed++;
        Outstanding--;
        Latencies.Record(now - *(long*)message.Mark);
        var publisher = publishers[connection.Index]!;
        if (--_underWay[publisher.Index] <= (window - 1) * fanOut && !_ceased)
        {
            Publish(publisher, now);
        }
    }

    public void Ended(LoadConnection connection) => throw new BenchException("The broker closed a connection.");

    private void Publish(LoadConnection publisher, long now)
    {
        _underWay[publisher.Index] += fanOut;
        Outstanding += fanOut;
        _wire.Publish(publisher, now);
        loop.Mark(publisher);
    }
}
