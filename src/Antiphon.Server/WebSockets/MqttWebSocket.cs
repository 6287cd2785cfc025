using System.Net;
using Antiphon.Broker;
using Antiphon.Server.Listening;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http;

namespace Antiphon.Server.WebSockets;

/// <summary>Takes HTTP requests that ask for a WebSocket with MQTT in it (MQTT 5 §6).</summary>
internal static class MqttWebSocket
{
    private const string Subprotocol = "mqtt";

    /// <summary>MQTT has a Keep Alive of its own.</summary>
    public static WebSocketOptions Options => new() { KeepAliveInterval = Timeout.InfiniteTimeSpan };

    /// <summary>Serves a request at one of the server's own listeners.</summary>
    public static Task ServeAsync(HttpContext context, BrokerHost broker, BrokerOptions options)
    {
        var listener = context.Features.Get<TerminatedListener>()!.Configured;
        return context.Request.Path == listener.Path
            ? ServeAsync(context, listener.Name, broker, options)
            : RefuseAsync(context, StatusCodes.Status404NotFound, $"MQTT is at {listener.Path}.");
    }

    /// <summary>Serves a request.</summary>
    /// <param name="context">The request.</param>
    /// <param name="listener">What the origin says as the listener.</param>
    /// <param name="broker">The broker.</param>
    /// <param name="options">Its options.</param>
    public static async Task ServeAsync(HttpContext context, string listener, BrokerHost broker, BrokerOptions options)
    {
        if (!context.WebSockets.IsWebSocketRequest)
        {
            await RefuseAsync(context, StatusCodes.Status426UpgradeRequired, "This is an address for MQTT over WebSocket.");
            return;
        }

        if (!context.WebSockets.WebSocketRequestedProtocols.Contains(Subprotocol))
        {
            await RefuseAsync(
                context, StatusCodes.Status400BadRequest, "The client has to offer the subprotocol mqtt [MQTT-6.0.0-3].");
            return;
        }

        var origin = ConnectionOrigins.Of(listener, RemoteEndPoint(context.Connection), context.Features);
        var abort = AbortOf(context);

        // No compression: it is off unless asked for, and what is secret must not be measured by its length.
        using var socket = await context.WebSockets.AcceptWebSocketAsync(new WebSocketAcceptContext { SubProtocol = Subprotocol });
        await using var stream = new WebSocketConnectionStream(socket);
        await Handover.RunAsync(broker, stream, origin, context.Features, abort, options);
        await stream.SayGoodbyeAsync();
    }

    private static async Task RefuseAsync(HttpContext context, int status, string sentence)
    {
        context.Response.StatusCode = status;
        if (status == StatusCodes.Status426UpgradeRequired)
        {
            context.Response.Headers.Upgrade = "websocket";
        }

        await context.Response.WriteAsync(sentence, context.RequestAborted);
    }

    private static IPEndPoint? RemoteEndPoint(ConnectionInfo connection) =>
        connection.RemoteIpAddress is { } address ? new IPEndPoint(address, connection.RemotePort) : null;

    /// <summary>
    /// An upgraded connection of HTTP/1.1 is this WebSocket's alone and can be aborted even after its request;
    /// a stream of HTTP/2 shares its connection, and its context is used again.
    /// </summary>
    private static Action AbortOf(HttpContext context) =>
        HttpProtocol.IsHttp11(context.Request.Protocol) && context.Features.Get<IConnectionLifetimeFeature>() is { } connection
            ? connection.Abort
            : () => { };
}
