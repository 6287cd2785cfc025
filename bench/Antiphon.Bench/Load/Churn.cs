namespace Antiphon.Bench.Load;

/// <summary>Connections that connect, subscribe and leave, again and again.</summary>
internal sealed class Churn(LoadLoop loop) : IWork
{
    private readonly long[] _opened = new long[loop.Connections.Count];
    private bool _ceased;

    public Histogram Latencies { get; } = new();

    public long Completed { get; private set; }

    public long Outstanding { get; private set; }

    public void Begin()
    {
        foreach (var connection in loop.Connections)
        {
            Open(connection);
        }
    }

    public void Cease() => _ceased = true;

    public void Ready(LoadConnection connection) => loop.Leave(connection);

    public void Received(LoadConnection connection, in Incoming message, long now) =>
        throw new BenchException("A message came that nobody sent.");

    public void Ended(LoadConnection connection)
    {
        if (!connection.IsReady)
        {
            throw new BenchException("The broker closed a connection that it had not accepted yet.");
        }

        Completed++;
        Outstanding--;
        Latencies.Record(LoadLoop.Now - _opened[connection.Index]);
        loop.Close(connection);
        if (!_ceased)
        {
            Open(connection);
        }
    }

    private void Open(LoadConnection connection)
    {
        Outstanding++;
        _opened[connection.Index] = LoadLoop.Now;
        loop.Open(connection);
    }
}
