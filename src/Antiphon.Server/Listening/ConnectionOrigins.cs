using System.Net;
using Antiphon.Broker;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http.Features;

namespace Antiphon.Server.Listening;

/// <summary>What Kestrel knows of where a connection comes from, in the broker's words.</summary>
internal static class ConnectionOrigins
{
    /// <param name="listener">The listener's name.</param>
    /// <param name="remote">The address of the other end.</param>
    /// <param name="features">What the layers below have found out.</param>
    public static ConnectionOrigin Of(string listener, EndPoint? remote, IFeatureCollection features) => new()
    {
        Listener = listener,
        RemoteEndPoint = remote,
        ProxyEndPoint = features.Get<ProxiedConnection>()?.Proxy,
        TlsVersion = features.Get<ITlsHandshakeFeature>()?.Protocol,
        ClientCertificate = features.Get<ITlsConnectionFeature>()?.ClientCertificate,
    };
}
