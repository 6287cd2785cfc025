using System.Net;

namespace Antiphon.Server;

/// <summary>An address that a server listens on. Immutable.</summary>
/// <param name="Listener">The listener.</param>
/// <param name="Address">Address and port; where port 0 was asked for, the one that was found.</param>
public sealed record ServerEndPoint(ServerListener Listener, IPEndPoint Address)
{
    /// <summary>Where clients connect to, such as <c>mqtts://192.0.2.1:8883</c>.</summary>
    public string Url => Listener.Url(Address);
}
