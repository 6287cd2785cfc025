using System.Net;
using System.Net.Security;
using Antiphon.Server.Tls;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Logging;

namespace Antiphon.Server.Listening;

/// <summary>A listener whose connections Kestrel takes, with the certificates that it shows at this moment.</summary>
internal sealed partial class TerminatedListener(ServerListener configured, ListenerCertificates? certificates, ILogger logger)
{
    private static readonly SslApplicationProtocol Mqtt = new("mqtt");

    // Swapped by a reload, read by each handshake.
    private volatile ListenerCertificates? _certificates = certificates;

    public ServerListener Configured { get; } = configured;

    /// <summary>Where it listens, once it does.</summary>
    public IPEndPoint EndPoint => Bound!.IPEndPoint!;

    /// <summary>Kestrel's own options of it, which know the port that was found.</summary>
    public ListenOptions? Bound { get; set; }

    /// <summary>What the handshake of a connection is to be like.</summary>
    public SslServerAuthenticationOptions Handshake(string? serverName, ConnectionContext connection) => _certificates!.OptionsFor(
        serverName,
        Configured.IsWebSocket ? SslApplicationProtocol.Http11 : Mqtt,
        why => LogNoHandshake(logger, connection.RemoteEndPoint, Configured.Name, why));

    /// <summary>Connections from now on see these; those that stand are not touched.</summary>
    public void Renew(ListenerCertificates? certificates) => _certificates = certificates;

    [LoggerMessage(EventId = 2001, Level = LogLevel.Information, Message = "Turned away {RemoteEndPoint} at {Listener}: {Why}.")]
    private static partial void LogNoHandshake(ILogger logger, EndPoint? remoteEndPoint, string listener, string why);
}
