using System.Net;
using System.Net.Sockets;
using Antiphon.Tests.Running;

namespace Antiphon.Interop.Mosquitto;

/// <summary>Debian's mosquitto as a broker on a free port of 127.0.0.1, for one test.</summary>
internal sealed class MosquittoBroker : IAsyncDisposable
{
    /// <summary>Its Receive Maximum: MQTT.js keeps to none, and mosquitto's own is 20.</summary>
    public const int ReceiveMaximum = 1000;

    private readonly ProgramRun _run;
    private readonly string _settings;

    private MosquittoBroker(ProgramRun run, string settings, int port)
    {
        _run = run;
        _settings = settings;
        Port = port;
    }

    public int Port { get; }

    /// <param name="further">Lines of its configuration beside those that every test needs.</param>
    public static async Task<MosquittoBroker> StartAsync(string further = "")
    {
        // mosquitto cannot choose a free port itself; somebody else may take the one found here before it does.
        for (var attempt = 1; ; attempt++)
        {
            var port = FindFreePort();
            var settings = Path.GetTempFileName();
            await File.WriteAllTextAsync(
                settings,
                $"listener {port} 127.0.0.1\nallow_anonymous true\npersistence false\nlog_dest stderr\n"
                + $"max_inflight_messages {ReceiveMaximum}\n{further}");
            var broker = new MosquittoBroker(Peer.Start("mosquitto", "-c", settings), settings, port);
            try
            {
                await broker._run.ErrorLineAsync("running");
                return broker;
            }
            catch (InvalidOperationException) when (attempt < 5)
            {
                await broker.DisposeAsync();
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _run.DisposeAsync();
        File.Delete(_settings);
    }

    private static int FindFreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
