using Antiphon.Server.Hosting;
using Antiphon.Server.WebSockets;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace Microsoft.AspNetCore.Builder;

/// <summary>Lets clients reach the broker through the application's own web server.</summary>
public static class AntiphonEndpointExtensions
{
    /// <summary>
    /// Takes MQTT over WebSocket at a path of the application, for the broker of <c>AddAntiphonBroker</c>.
    /// The subprotocol is <c>mqtt</c> [MQTT-6.0.0-3]. What the application demands of the endpoint, such as authorization, holds before.
    /// </summary>
    /// <param name="endpoints">The application.</param>
    /// <param name="pattern">The path, such as <c>/mqtt</c>; it is also the listener that the origin of connections names.</param>
    public static IEndpointConventionBuilder MapAntiphonWebSocket(this IEndpointRouteBuilder endpoints, string pattern = "/mqtt")
    {
        ArgumentNullException.ThrowIfNull(endpoints);
        ArgumentException.ThrowIfNullOrEmpty(pattern);
        var service = endpoints.ServiceProvider.GetService<BrokerService>()
            ?? throw new InvalidOperationException("There is no broker to map: call builder.Services.AddAntiphonBroker(…) first.");
        var pipeline = endpoints.CreateApplicationBuilder();
        pipeline.UseWebSockets(MqttWebSocket.Options);
        pipeline.Run(context => ServeAsync(context, service, pattern));
        return endpoints.Map(pattern, pipeline.Build()).WithDisplayName($"MQTT over WebSocket at {pattern}");
    }

    private static Task ServeAsync(HttpContext context, BrokerService service, string pattern)
    {
        if (service is { Server: { } server, Options: { } options })
        {
            return MqttWebSocket.ServeAsync(context, pattern, server.Broker, options.Broker);
        }

        context.Response.StatusCode = StatusCodes.Status503ServiceUnavailable;
        return Task.CompletedTask;
    }
}
