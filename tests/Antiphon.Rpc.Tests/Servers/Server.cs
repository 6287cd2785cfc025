using Antiphon.Broker;
using Antiphon.Client;

namespace Antiphon.Rpc.Tests.Servers;

/// <summary>Which broker a test runs over.</summary>
public enum Kind
{
    /// <summary>Ours: own Response Topics.</summary>
    Antiphon,

    /// <summary>Debian's mosquitto: no Response Information.</summary>
    Mosquitto,
}

/// <summary>A broker on a free port.</summary>
internal sealed class Server : IAsyncDisposable
{
    private readonly IAsyncDisposable _broker;

    private Server(IAsyncDisposable broker, int port)
    {
        _broker = broker;
        Port = port;
    }

    public int Port { get; }

    /// <summary>
    /// With a Receive Maximum that nothing exceeds:
    /// mosquitto 2.0.11 sends more than a lower one allows when 1,500 requests come at once,
    /// and the client hangs up, as it should.
    /// </summary>
    public MqttClientOptions Options => new()
    {
        Host = "127.0.0.1",
        Port = Port,
        ReceiveMaximum = ushort.MaxValue,
        ReconnectDelay = TimeSpan.Zero,
        MaximumReconnectDelay = TimeSpan.FromMilliseconds(50),
    };

    public static async Task<Server> StartAsync(Kind kind)
    {
        if (kind == Kind.Antiphon)
        {
            var host = BrokerHost.Start(new BrokerOptions { Port = 0 });
            return new Server(host, host.Port);
        }

        var mosquitto = await Mosquitto.StartAsync();
        return new Server(mosquitto, mosquitto.Port);
    }

    public Task<MqttClient> ConnectAsync() => MqttClient.ConnectAsync(Options, Limit.Token);

    public ValueTask DisposeAsync() => _broker.DisposeAsync();
}
