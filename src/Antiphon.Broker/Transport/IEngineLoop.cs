using System.Net;

namespace Antiphon.Broker.Transport;

/// <summary>A loop that owns an engine and listens: on epoll, or on what every system has.</summary>
internal interface IEngineLoop : IDisposable
{
    EngineShell Shell { get; }

    /// <summary>Where it listens, in the order of the listeners.</summary>
    IReadOnlyList<IPEndPoint> EndPoints { get; }

    /// <summary>Runs, on a thread of its own, until it was stopped and every connection is closed.</summary>
    void Run();

    /// <summary>Stops listening and says goodbye to everyone. On the loop's thread.</summary>
    void Stop();
}
