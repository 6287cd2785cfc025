using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace Antiphon.Client.Tests.Peers;

/// <summary>Debian's mosquitto on a free port of this machine, for as long as a test needs it.</summary>
internal sealed class Mosquitto : IAsyncDisposable
{
    private const string Path = "/usr/sbin/mosquitto";

    private readonly Process _process;
    private readonly string _configuration;

    private Mosquitto(Process process, string configuration, int port)
    {
        _process = process;
        _configuration = configuration;
        Port = port;
    }

    public int Port { get; }

    public MqttClientOptions Options =>
        new() { Host = "127.0.0.1", Port = Port, ReconnectDelay = TimeSpan.Zero, MaximumReconnectDelay = TimeSpan.FromMilliseconds(50) };

    /// <summary>Starts it, or skips the test where it is not installed; where CI is set, its absence is a failure.</summary>
    /// <param name="port">Where to listen; 0: any free port.</param>
    /// <param name="listener">Settings of the listener, a line each.</param>
    /// <param name="address">What it binds, of this machine alone.</param>
    public static async Task<Mosquitto> StartAsync(int port = 0, string listener = "", string address = "127.0.0.1")
    {
        if (!File.Exists(Path))
        {
            const string Absent = $"{Path} is not installed (Debian: apt-get install mosquitto).";
            Assert.SkipUnless(Environment.GetEnvironmentVariable("CI") == "true", Absent);
            Assert.Fail(Absent);
        }

        for (var tries = 1; ; tries++)
        {
            if (await TryStartAsync(port == 0 ? FreePort() : port, listener, address) is { } started)
            {
                return started;
            }

            Assert.True(tries < 10, "mosquitto did not start; somebody takes every port before it can.");
        }
    }

    public async ValueTask DisposeAsync()
    {
        _process.Kill();
        await _process.WaitForExitAsync().InTime();
        _process.Dispose();
        File.Delete(_configuration);
    }

    private static async Task<Mosquitto?> TryStartAsync(int port, string listener, string address)
    {
        var configuration = System.IO.Path.GetTempFileName();
        await File.WriteAllTextAsync(
            configuration,
            $"listener {port} {address}\n{listener}\nuser root\nallow_anonymous true\nlog_dest stderr\nlog_type all\n"
            + "set_tcp_nodelay true\nmax_inflight_messages 0\nmax_queued_messages 0\n",
            Limit.Token);
        var process = new Process { StartInfo = new ProcessStartInfo(Path, ["-c", configuration]) { RedirectStandardError = true } };
        var running = new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously);
        process.ErrorDataReceived += (_, line) =>
        {
            if (line.Data is null || line.Data.EndsWith(" running", StringComparison.Ordinal))
            {
                running.TrySetResult(line.Data is not null);
            }
        };
        process.Start();
        process.BeginErrorReadLine();
        var mosquitto = new Mosquitto(process, configuration, port);
        if (await running.Task.InTime())
        {
            return mosquitto;
        }

        await mosquitto.DisposeAsync();
        return null;
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
