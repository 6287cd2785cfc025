using System.Net;
using System.Net.Sockets;
using MQTTnet.Server;

namespace Antiphon.Interop.MqttNet;

/// <summary>MQTTnet's server on a free port of 127.0.0.1, for one test.</summary>
internal sealed class MqttNetServer : IDisposable
{
    private readonly MqttServer _server;

    private MqttNetServer(MqttServer server, int port)
    {
        _server = server;
        Port = port;
    }

    public int Port { get; }

    public static async Task<MqttNetServer> StartAsync()
    {
        // It cannot choose a free port itself; somebody else may take the one found here before it does.
        for (var attempt = 1; ; attempt++)
        {
            var port = FindFreePort();

            // It drops messages beyond 250 that wait for a client, unless told otherwise.
            var server = new MqttServerFactory().CreateMqttServer(new MqttServerOptionsBuilder()
                .WithDefaultEndpoint()
                .WithDefaultEndpointPort(port)
                .WithDefaultEndpointBoundIPAddress(IPAddress.Loopback)
                .WithDefaultEndpointBoundIPV6Address(IPAddress.None)
                .WithMaxPendingMessagesPerClient(ushort.MaxValue)
                .Build());
            try
            {
                await server.StartAsync();
                return new MqttNetServer(server, port);
            }
            catch (SocketException) when (attempt < 5)
            {
                server.Dispose();
            }
        }
    }

    public void Dispose() => _server.Dispose();

    private static int FindFreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
