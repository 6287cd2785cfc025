using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Antiphon.Bench.Load;

namespace Antiphon.Bench.Brokers;

/// <summary>A broker's process. Disposing ends it, by its own process id.</summary>
internal sealed class BrokerProcess : IDisposable
{
    private const int StartLimitSeconds = 20;
    private const int StopLimitMilliseconds = 5000;

    private readonly Process _process;
    private readonly string? _config;
    private readonly StringBuilder _said = new();

    private BrokerProcess(BrokerSpec spec, int port, string? config)
    {
        Spec = spec;
        Port = port;
        _config = config;
        var command = spec.Command
            .Replace("{port}", port.ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal)
            .Replace("{config}", config, StringComparison.Ordinal);
        _process = new Process
        {
            StartInfo = new ProcessStartInfo("/bin/sh", ["-c", "exec " + command])
            {
                RedirectStandardOutput = true,
                RedirectStandardError = true,
                RedirectStandardInput = true,
            },
        };
        _process.OutputDataReceived += (_, line) => Hear(line.Data);
        _process.ErrorDataReceived += (_, line) => Hear(line.Data);
    }

    public BrokerSpec Spec { get; }

    public int Port { get; }

    public int Id => _process.Id;

    /// <summary>CPU time of all its threads so far, in nanoseconds.</summary>
    public long CpuTime => LoadNative.Read(LoadNative.ProcessCpuClock(_process.Id));

    /// <summary>Resident memory, in bytes.</summary>
    public long ResidentBytes
    {
        get
        {
            var line = File.ReadLines($"/proc/{_process.Id}/status")
                .FirstOrDefault(line => line.StartsWith("VmRSS:", StringComparison.Ordinal))
                ?? throw new BenchException($"{Spec.Name} has ended.");
            return 1024 * long.Parse(line.AsSpan("VmRSS:".Length).Trim().ToString().Split(' ')[0], CultureInfo.InvariantCulture);
        }
    }

    /// <summary>Starts it and waits until it accepts connections.</summary>
    /// <param name="spec">What to start.</param>
    /// <param name="cores">Gives it a core of its own; <c>null</c>: it runs wherever the system lets it.</param>
    /// <param name="interrupted">Whether the bench is to end.</param>
    public static BrokerProcess Start(BrokerSpec spec, Cores? cores, Func<bool> interrupted)
    {
        var port = FreePort();
        string? config = null;
        if (spec.Config is { } text)
        {
            config = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName());
            File.WriteAllText(config, text.Replace("{port}", port.ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal));
        }

        var broker = new BrokerProcess(spec, port, config);
        try
        {
            // A child runs where the thread that started it was allowed to run.
            if (cores is null)
            {
                broker._process.Start();
            }
            else
            {
                cores.OnBrokerCore(() => broker._process.Start());
            }

            broker._process.BeginOutputReadLine();
            broker._process.BeginErrorReadLine();
            broker.AwaitListening(interrupted);
            return broker;
        }
        catch
        {
            broker.Dispose();
            throw;
        }
    }

    public void Dispose()
    {
        try
        {
            _ = LoadNative.Kill(_process.Id, LoadNative.SIGTERM);
            if (!_process.WaitForExit(StopLimitMilliseconds))
            {
                _process.Kill();
                _process.WaitForExit();
            }
        }
        catch (InvalidOperationException)
        {
            // It was never started.
        }

        _process.Dispose();
        if (_config is not null)
        {
            File.Delete(_config);
        }
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    private void AwaitListening(Func<bool> interrupted)
    {
        var end = LoadLoop.Now + StartLimitSeconds * 1_000_000_000L;
        while (LoadLoop.Now < end)
        {
            if (interrupted())
            {
                throw new OperationCanceledException();
            }

            if (_process.WaitForExit(20))
            {
                _process.WaitForExit();
                throw new BenchException(
                    $"{Spec.Name} ended with {_process.ExitCode} before it listened. It said: {_said.ToString().Trim()}");
            }

            using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            try
            {
                socket.Connect(IPAddress.Loopback, Port);
                return;
            }
            catch (SocketException)
            {
                // Not yet.
            }
        }

        throw new BenchException(
            $"{Spec.Name} did not listen on its port within {StartLimitSeconds} s. It said: {_said.ToString().Trim()}");
    }

    private void Hear(string? line)
    {
        lock (_said)
        {
            if (line is not null && _said.Length < 4000)
            {
                _said.AppendLine(line);
            }
        }
    }
}
