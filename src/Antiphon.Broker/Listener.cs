using System.Net;

namespace Antiphon.Broker;

/// <summary>An address that the broker listens on for TCP connections. Immutable.</summary>
public sealed record Listener
{
    /// <summary>
    /// Its name, not empty and different from those of the others; connections say it as their <see cref="ConnectionOrigin"/>.
    /// </summary>
    public required string Name { get; init; }

    /// <summary>
    /// The address to listen on; 127.0.0.1 unless said otherwise. <see cref="IPAddress.IPv6Any"/>, <c>::</c>, is all addresses of the
    /// machine, those of IPv4 too, unless another listener with an address of IPv4 has the same port; 0.0.0.0 is those of IPv4.
    /// </summary>
    public IPAddress Bind { get; init; } = IPAddress.Loopback;

    /// <summary>The TCP port, 0 to 65,535; 0 takes a free one. 1883 unless said otherwise.</summary>
    public int Port { get; init; } = 1883;

    /// <summary>
    /// Whether each connection begins with a header of the PROXY protocol, version 2, which says the client's address;
    /// one that does not is closed. Only for a port that nobody but the proxy can reach, since whoever reaches it can claim any address.
    /// </summary>
    public bool ProxyProtocol { get; init; }
}
