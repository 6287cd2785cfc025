namespace Antiphon.Bench.Load;

/// <summary>Connects many, a few at a time, and waits until all are ready.</summary>
internal sealed class Gathering(LoadLoop loop) : ITraffic
{
    private const int AtOnce = 64;
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    private int _opened;
    private int _ready;
    private int _wanted;

    /// <summary>Connects until so many stand.</summary>
    public void Open(int count)
    {
        _wanted = count;
        while (_opened < _wanted && _opened - _ready < AtOnce)
        {
            loop.Open(loop.Connections[_opened++]);
        }

        if (!loop.RunUntil(() => _ready == _wanted, Limit, this))
        {
            throw new BenchException($"After {Limit.TotalSeconds} s only {_ready} of {_wanted} connections were accepted.");
        }
    }

    public void Ready(LoadConnection connection)
    {
        _ready++;
        if (_opened < _wanted)
        {
            loop.Open(loop.Connections[_opened++]);
        }
    }

    public void Received(LoadConnection connection, in Incoming message, long now)
    {
    }

    public void Ended(LoadConnection connection) =>
        throw new BenchException("The broker closed a connection while others were being opened.");
}
