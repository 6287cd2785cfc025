using System.Net;

namespace Antiphon.Broker;

/// <summary>Where a connection to the broker comes from. Immutable.</summary>
public sealed record ConnectionOrigin
{
    /// <summary>The <see cref="Broker.Listener.Name"/> of the listener that took it, or the name of whatever else handed it in.</summary>
    public required string Listener { get; init; }

    /// <summary>The address of the other end; <c>null</c>: it has none, as a connection within the process.</summary>
    public EndPoint? RemoteEndPoint { get; init; }
}
