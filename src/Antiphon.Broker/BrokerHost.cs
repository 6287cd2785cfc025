using System.Net;
using System.Security.Cryptography;
using Antiphon.Broker.Transport;
using Antiphon.Broker.Transport.Epoll;
using Antiphon.Broker.Transport.Queued;

namespace Antiphon.Broker;

/// <summary>An MQTT 5 broker in this process. Safe from any thread.</summary>
/// <example>
/// <code>
/// await using var broker = BrokerHost.Start(new BrokerOptions { Port = 0 });
/// Console.WriteLine($"listening on {broker.EndPoint}");
/// </code>
/// </example>
public sealed class BrokerHost : IAsyncDisposable
{
    private readonly BrokerEngine _engine;
    private readonly IEngineLoop _loop;
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _stopping;

    private BrokerHost(BrokerOptions options)
    {
        _engine = new BrokerEngine(options, RandomNumberGenerator.Fill);
        var epoll = options.Transport == BrokerTransport.Epoll || (options.Transport == BrokerTransport.Automatic && OperatingSystem.IsLinux());
        _loop = epoll ? new EpollLoop(_engine, options) : new QueueLoop(_engine, options);
        EndPoint = _loop.EndPoint;
    }

    /// <summary>The address and port that it listens on; with <see cref="BrokerOptions.Port"/> 0 the port that was found.</summary>
    public IPEndPoint EndPoint { get; }

    /// <summary>The TCP port that it listens on.</summary>
    public int Port => EndPoint.Port;

    /// <summary>What it has done so far.</summary>
    public BrokerCounters Counters => _engine.Counters.Read();

    /// <summary>Ends when the broker has stopped; fails when it could not go on.</summary>
    public Task Completion => _ended.Task;

    /// <summary>Starts a broker; it listens when this returns.</summary>
    /// <param name="options">How it is to run.</param>
    /// <exception cref="ArgumentException">Options are wrong; the message names every one.</exception>
    /// <exception cref="BrokerStartException">The address or port cannot be listened on.</exception>
    /// <exception cref="PlatformNotSupportedException"><see cref="BrokerTransport.Epoll"/> was asked for on a system other than Linux.</exception>
    public static BrokerHost Start(BrokerOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        options.Validate();
        if (options.Transport == BrokerTransport.Epoll && !OperatingSystem.IsLinux())
        {
            throw new PlatformNotSupportedException("Transport is Epoll, which only Linux has; leave it Automatic.");
        }

        var host = new BrokerHost(options);
        new Thread(host.Run) { IsBackground = true, Name = "antiphon-broker" }.Start();
        return host;
    }

    /// <summary>Opens a connection to the broker within the process, without a socket: what a client writes into the stream is what it would write to TCP.</summary>
    /// <returns>The client's end; closing it closes the connection.</returns>
    /// <exception cref="InvalidOperationException">The broker has been stopped.</exception>
    public Stream ConnectInProcess()
    {
        if (Volatile.Read(ref _stopping) != 0)
        {
            throw new InvalidOperationException("The broker has been stopped; nothing can connect to it.");
        }

        var (client, broker) = InProcessStream.CreatePair();
        QueuedLink.Open(_loop.Shell, broker, broker.EndSending);
        return client;
    }

    /// <summary>
    /// Stops: accepts no more, sends every client DISCONNECT 0x8B Server shutting down, waits until all have closed, at most <see cref="BrokerOptions.CloseTimeout"/>.
    /// </summary>
    /// <param name="cancellationToken">Ends the wait, not the stopping.</param>
    public Task StopAsync(CancellationToken cancellationToken = default)
    {
        if (Interlocked.Exchange(ref _stopping, 1) == 0)
        {
            _loop.Shell.Post(_loop.Stop);
        }

        return _ended.Task.WaitAsync(cancellationToken);
    }

    /// <summary>Stops, and waits until it has.</summary>
    public async ValueTask DisposeAsync() => await StopAsync().ConfigureAwait(false);

    private void Run()
    {
        try
        {
            _loop.Run();
            _loop.Dispose();
            _ended.SetResult();
        }
        catch (Exception failure)
        {
            _loop.Dispose();
            _ended.SetException(failure);
        }
    }
}
