using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using Antiphon.Bench.Brokers;
using Antiphon.Bench.Load;
using Antiphon.Bench.Results;
using Antiphon.Bench.Scenarios;

namespace Antiphon.Bench.Public.Tls;

/// <summary>One broker under one load of round trips, over TLS or not, with the same client.</summary>
internal sealed class TlsRun(Scenario scenario, BrokerProcess broker, X509Certificate2? certificate, PublicSettings settings)
{
    private static readonly TimeSpan RestLimit = TimeSpan.FromSeconds(10);

    private readonly List<System.IO.Stream> _streams = [];
    private readonly List<StreamConnection> _connections = [];
    private readonly List<Task> _running = [];
    private bool _isWarm;

    /// <summary>The version and the cipher that broker and client have agreed on; <c>null</c>: no TLS.</summary>
    public string? Agreed { get; private set; }

    public async Task<Measurement> MeasureAsync()
    {
        using var end = new CancellationTokenSource();
        try
        {
            await OpenAsync(end.Token);
            await PassAsync(_isWarm ? TimeSpan.FromMilliseconds(500) : settings.WarmUp);
            _isWarm = true;
            _connections.ForEach(connection => connection.TakeLatencies());
            var (completed, brokerCpu, loadCpu, start) = (Completed(), broker.CpuTime, LoadCpu(), LoadLoop.Now);
            await PassAsync(settings.Duration);
            var nanoseconds = LoadLoop.Now - start;
            (completed, brokerCpu, loadCpu) = (Completed() - completed, broker.CpuTime - brokerCpu, LoadCpu() - loadCpu);
            var latencies = new Histogram();
            _connections.ForEach(connection => latencies.Add(connection.TakeLatencies()));
            await RestAsync();
            return completed == 0
                ? throw new BenchException("Nothing was completed.")
                : new Measurement(
                    completed,
                    nanoseconds / 1e9,
                    brokerCpu / 1e3 / completed,
                    loadCpu / 1e3 / completed,
                    latencies.Quantile(0.5) / 1e3,
                    latencies.Quantile(0.99) / 1e3,
                    broker.ResidentBytes);
        }
        finally
        {
            await end.CancelAsync();
            await Task.WhenAll(_running).ContinueWith(
                ended => ended.Exception, CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
            foreach (var stream in _streams)
            {
                await stream.DisposeAsync();
            }

            _streams.Clear();
            _connections.Clear();
            _running.Clear();
        }
    }

    private static long LoadCpu() => LoadNative.Read(LoadNative.ProcessCpuClock(Environment.ProcessId));

    private long Completed() => _connections.Sum(connection => connection.Completed);

    private async Task OpenAsync(CancellationToken end)
    {
        var wire = new MqttWire(scenario.Quality, scenario.Payload);
        for (var i = 0; i < scenario.Receivers; i++)
        {
            await OpenAsync(new LoadConnection(_connections.Count, Role.Responder) { Filter = $"req/{i}" }, wire, 0, end);
        }

        for (var i = 0; i < scenario.Senders; i++)
        {
            var requester = new LoadConnection(_connections.Count, Role.Requester)
            {
                Topic = $"req/{i % scenario.Receivers}",
                ResponseTopic = $"resp/{i}",
                Filter = $"resp/{i}",
            };
            await OpenAsync(requester, wire, scenario.Window, end);
        }
    }

    private async Task OpenAsync(LoadConnection state, MqttWire wire, int window, CancellationToken end)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(IPAddress.Loopback, broker.Port, end);
        System.IO.Stream stream = new NetworkStream(socket, ownsSocket: true);
        if (certificate is not null)
        {
            var policy = new X509ChainPolicy
            {
                TrustMode = X509ChainTrustMode.CustomRootTrust,
                RevocationMode = X509RevocationMode.NoCheck,
            };
            policy.CustomTrustStore.Add(certificate);
            var encrypted = new SslStream(stream);
            stream = encrypted;
            await encrypted.AuthenticateAsClientAsync(new() { TargetHost = "localhost", CertificateChainPolicy = policy }, end);
            Agreed = $"{encrypted.SslProtocol}, {encrypted.NegotiatedCipherSuite}";
        }

        var connection = new StreamConnection(stream, state, wire, window);
        _streams.Add(stream);
        _connections.Add(connection);
        _running.Add(connection.RunAsync(end));
        await await Task.WhenAny(connection.Ready, _running[^1]);
    }

    /// <summary>Lets time pass, unless a connection fails or Ctrl-C is pressed.</summary>
    private async Task PassAsync(TimeSpan time)
    {
        using var passed = new CancellationTokenSource(time, TimeProvider.System);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(passed.Token, settings.Interrupted);
        var failure = Task.WhenAny(_running);
        try
        {
            await (await failure.WaitAsync(either.Token));
        }
        catch (OperationCanceledException)
        {
            settings.Interrupted.ThrowIfCancellationRequested();
        }
    }

    /// <summary>Whatever is under way has to come to its end, so that a broker that loses messages does not pass for a fast one.</summary>
    private async Task RestAsync()
    {
        _connections.ForEach(connection => connection.Cease());
        var start = LoadLoop.Now;
        while (_connections.Sum(connection => connection.Outstanding) is var outstanding and > 0)
        {
            if (LoadLoop.Now - start > RestLimit.TotalNanoseconds)
            {
                throw new BenchException($"{outstanding} were still under way {RestLimit.TotalSeconds} s after the last was begun: lost.");
            }

            await PassAsync(TimeSpan.FromMilliseconds(10));
        }
    }
}
