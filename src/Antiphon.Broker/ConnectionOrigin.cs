using System.Net;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;

namespace Antiphon.Broker;

/// <summary>Where a connection to the broker comes from. Immutable.</summary>
public sealed record ConnectionOrigin
{
    /// <summary>The <see cref="Broker.Listener.Name"/> of the listener that took it, or the name of whatever else handed it in.</summary>
    public required string Listener { get; init; }

    /// <summary>
    /// The address of the other end; <c>null</c>: it has none, as a connection within the process.
    /// Behind a proxy that speaks the PROXY protocol it is the client's address, as the proxy says it.
    /// </summary>
    public EndPoint? RemoteEndPoint { get; init; }

    /// <summary>The address of the proxy that said <see cref="RemoteEndPoint"/>; <c>null</c>: no proxy said it.</summary>
    public EndPoint? ProxyEndPoint { get; init; }

    /// <summary>The version of TLS that protects it up to this machine; <c>null</c>: none does.</summary>
    public SslProtocols? TlsVersion { get; init; }

    /// <summary>The client's certificate, which the listener has checked; <c>null</c>: it showed none, or was not asked for one.</summary>
    public X509Certificate2? ClientCertificate { get; init; }
}
