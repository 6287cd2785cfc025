using System.Net;
using System.Net.Sockets;
using Antiphon.Broker;
using Antiphon.Broker.Transport;
using Antiphon.Server.WebSockets;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Antiphon.Server.Listening;

/// <summary>A Kestrel server of our own that terminates TLS and WebSocket and hands the connections to the broker.</summary>
internal sealed class KestrelListeners : IAsyncDisposable
{
    private readonly WebApplication _server;
    private readonly BrokerHost _broker;
    private readonly BrokerOptions _options;
    private readonly ILogger _logger;
    private readonly ListenerLogs _logs;
    private readonly PendingHandshakes _pending;

    private KestrelListeners(IReadOnlyList<TerminatedListener> listeners, BrokerHost broker, BrokerOptions options, ILogger logger)
    {
        _broker = broker;
        _options = options;
        _logger = logger;
        _logs = new ListenerLogs(options.LoggerFactory);
        _pending = new PendingHandshakes(broker);
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Services.AddSingleton<ILoggerFactory>(_logs);
        builder.Services.AddSingleton<IHostLifetime, ForeignLifetime>();
        builder.Services.Configure<SocketTransportOptions>(
            sockets => sockets.CreateBoundListenSocket = endPoint => Open(endPoint, listeners));
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.RequestHeadersTimeout = options.ConnectTimeout;

            // It holds for a connection on which nothing has come yet, and not for a WebSocket.
            kestrel.Limits.KeepAliveTimeout = options.ConnectTimeout;
            kestrel.Limits.MaxRequestBodySize = 0;
            foreach (var listener in listeners)
            {
                var configured = listener.Configured;
                kestrel.Listen(configured.Bind, configured.Port, endPoint => Configure(endPoint, listener));
            }
        });
        _server = builder.Build();
        _server.UseWebSockets(MqttWebSocket.Options);
        _server.Run(context => MqttWebSocket.ServeAsync(context, _broker, options));
    }

    /// <summary>Starts to listen on all of them, or on none.</summary>
    /// <exception cref="BrokerStartException">An address or port cannot be had.</exception>
    public static async Task<KestrelListeners> StartAsync(
        IReadOnlyList<TerminatedListener> listeners,
        BrokerHost broker,
        BrokerOptions options,
        ILogger logger,
        CancellationToken cancellationToken)
    {
        var kestrel = new KestrelListeners(listeners, broker, options, logger);
        try
        {
            await kestrel._server.StartAsync(cancellationToken);
            kestrel._logs.Start();
            return kestrel;
        }
        catch
        {
            await kestrel._server.DisposeAsync();
            throw;
        }
    }

    /// <summary>Listens no more, and waits until its connections have ended; the broker has told them to.</summary>
    /// <param name="cancellationToken">Ends those that are left.</param>
    public Task StopAsync(CancellationToken cancellationToken) => _server.StopAsync(cancellationToken);

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    /// <summary>Opens a socket as Kestrel does, and knows which listener it is for, should that not be possible.</summary>
    private static Socket Open(EndPoint endPoint, IReadOnlyList<TerminatedListener> listeners)
    {
        Socket? socket = null;
        try
        {
            socket = SocketTransportOptions.CreateDefaultBoundListenSocket(endPoint);

            // Some refusals come only now. Kestrel says it again, with the backlog that it wants.
            socket.Listen();
            return socket;
        }
        catch (SocketException refused)
        {
            socket?.Dispose();
            var listener = listeners.First(one => endPoint.Equals(new IPEndPoint(one.Configured.Bind, one.Configured.Port)));
            throw ListeningSocket.Refusal(listener.Configured.Name, endPoint, refused);
        }
    }

    private void Configure(ListenOptions endPoint, TerminatedListener listener)
    {
        listener.Bound = endPoint;

        // An HTTP/2 WebSocket shares its connection with others; MQTT has one of its own.
        endPoint.Protocols = HttpProtocols.Http1;
        endPoint.Use(next => connection =>
        {
            connection.Features.Set(listener);
            return next(connection);
        });
        if (listener.Configured.ProxyProtocol)
        {
            endPoint.Use(next => ProxiedConnection.Unwrap(next, _options.ConnectTimeout, _options.TimeProvider, _logger));
        }

        endPoint.Use(_pending.Bound);
        if (listener.Configured.IsEncrypted)
        {
            endPoint.UseHttps(new TlsHandshakeCallbackOptions
            {
                HandshakeTimeout = _options.ConnectTimeout,
                OnConnection = handshake =>
                    ValueTask.FromResult(listener.Handshake(handshake.ClientHelloInfo.ServerName, handshake.Connection)),
            });
        }

        if (!listener.Configured.IsWebSocket)
        {
            endPoint.Run(connection => ServeAsync(connection, listener));
        }
    }

    private async Task ServeAsync(ConnectionContext connection, TerminatedListener listener)
    {
        var tls = connection.Features.Get<ISslStreamFeature>()!.SslStream;
        var origin = ConnectionOrigins.Of(listener.Configured.Name, connection.RemoteEndPoint, connection.Features);
        await using var stream = new TlsConnectionStream(tls);
        await Handover.RunAsync(_broker, stream, origin, connection.Features, connection.Abort, _options);
    }
}
