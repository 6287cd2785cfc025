using System.Diagnostics.Metrics;
using System.Net;
using System.Security.Cryptography;
using Antiphon.Broker.Access;
using Antiphon.Broker.Listing;
using Antiphon.Broker.Metrics;
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
    private const string HasStopped = "The broker has been stopped; it can be asked nothing any more.";

    private readonly BrokerOptions _started;
    private readonly BrokerEngine _engine;
    private readonly IEngineLoop _loop;
    private readonly BrokerMeter _meter;
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _stopping;

    private BrokerHost(BrokerOptions options)
    {
        _started = options;
        _engine = new BrokerEngine(options, RandomNumberGenerator.Fill);
        var epoll = options.Transport == BrokerTransport.Epoll
            || (options.Transport == BrokerTransport.Automatic && OperatingSystem.IsLinux());
        var limit = options.AllListeners.Count > 0 ? options.Descriptors ?? DescriptorLimit.Raise() : null;
        limit?.ThrowIfTooLow();
        _loop = epoll ? new EpollLoop(_engine, options, limit) : new QueueLoop(_engine, options, limit);
        EndPoints = _loop.EndPoints;
        Listing = new BrokerListing(this, () => (_engine.Listing, _loop.Shell.Now));
        _meter = new BrokerMeter(_engine);
        if (limit is not null)
        {
            _loop.Shell.LogRoom(limit, options.MaximumConnections);
        }
    }

    /// <summary>
    /// The addresses and ports that it listens on, in the order of the listeners; where port 0 was asked for, the port that was found.
    /// </summary>
    public IReadOnlyList<IPEndPoint> EndPoints { get; }

    /// <summary>The first of <see cref="EndPoints"/>.</summary>
    /// <exception cref="InvalidOperationException">It listens nowhere, since <see cref="BrokerOptions.Listeners"/> is empty.</exception>
    public IPEndPoint EndPoint =>
        EndPoints.Count > 0 ? EndPoints[0] : throw new InvalidOperationException("The broker listens nowhere: Listeners is empty.");

    /// <summary>The TCP port of <see cref="EndPoint"/>.</summary>
    /// <exception cref="InvalidOperationException">It listens nowhere, since <see cref="BrokerOptions.Listeners"/> is empty.</exception>
    public int Port => EndPoint.Port;

    /// <summary>What it has done so far.</summary>
    public BrokerCounters Counters => _engine.Counters.Read();

    /// <summary>Lists what it holds.</summary>
    public BrokerListing Listing { get; }

    /// <summary>
    /// Its figures as observable instruments, for metrics; they cost nothing while nobody reads them. Its name is <c>Antiphon.Broker</c>;
    /// of several brokers in a process each has its own. Disposed of when the broker has stopped.
    /// </summary>
    public Meter Meter => _meter.Meter;

    /// <summary>Ends when the broker has stopped; fails when it could not go on.</summary>
    public Task Completion => _ended.Task;

    /// <summary>Starts a broker; it listens when this returns.</summary>
    /// <remarks>On Linux it raises the process's limit of open files to the highest that the process may set.</remarks>
    /// <param name="options">How it is to run.</param>
    /// <exception cref="ArgumentException">Options are wrong; the message names every one.</exception>
    /// <exception cref="BrokerStartException">
    /// The address or port cannot be listened on, or the process may open too few files for a broker's connections.
    /// </exception>
    /// <exception cref="PlatformNotSupportedException">
    /// <see cref="BrokerTransport.Epoll"/> was asked for on a system other than Linux.
    /// </exception>
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

    /// <summary>
    /// Opens a connection to the broker within the process, without a socket:
    /// what a client writes into the stream is what it would write to TCP.
    /// </summary>
    /// <returns>The client's end; closing it closes the connection.</returns>
    /// <exception cref="InvalidOperationException">The broker has been stopped.</exception>
    public Stream ConnectInProcess()
    {
        var (client, broker) = InProcessStream.CreatePair();
        _ = Accept(broker, new ConnectionOrigin { Listener = "in-process" });
        return client;
    }

    /// <summary>
    /// Takes a connection from any stream, such as a TLS stream or a pipe: its other end is a client that speaks MQTT.
    /// It is read and written on other threads than the caller's, and disposed of at the end.
    /// </summary>
    /// <remarks>
    /// The broker's last packet ends the sending side of a <see cref="System.Net.Sockets.NetworkStream"/> and of an
    /// <see cref="IHalfClosable"/>. Other streams have no such end:
    /// they stay open until the client closes, <see cref="BrokerOptions.CloseTimeout"/> at most.
    /// </remarks>
    /// <param name="stream">The connection; it has to be readable and writable at the same time. The broker owns it from now on.</param>
    /// <param name="origin">Where it comes from.</param>
    /// <returns>Ends when the connection has ended and the stream is used no more; it never fails.</returns>
    /// <exception cref="InvalidOperationException">The broker has been stopped.</exception>
    public Task Accept(Stream stream, ConnectionOrigin origin)
    {
        ArgumentNullException.ThrowIfNull(stream);
        ArgumentNullException.ThrowIfNull(origin);
        return Volatile.Read(ref _stopping) == 0
            ? QueuedLink.OpenAsync(_loop.Shell, stream, origin)
            : throw new InvalidOperationException("The broker has been stopped; nothing can connect to it.");
    }

    /// <summary>
    /// What the broker holds at one moment. The broker's own thread makes it between two turns, so it takes as long as that thread is busy.
    /// </summary>
    /// <param name="maximumConnections">
    /// How many connections are listed at most, zero or more. Each takes the broker's thread some tenths of a microsecond.
    /// </param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="maximumConnections"/> is negative.</exception>
    /// <exception cref="InvalidOperationException">The broker has been stopped.</exception>
    public Task<BrokerSnapshot> TakeSnapshotAsync(int maximumConnections = 1000, CancellationToken cancellationToken = default)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(maximumConnections);
        return AskAsync(() => _engine.TakeSnapshot(maximumConnections, _loop.Shell.Now), cancellationToken);
    }

    /// <summary>
    /// Puts other options in force, all of them at once, without ending a connection: limits, and who is asked who clients are.
    /// Where CONNACK says a limit, it holds for who connects from now on, and so does who may come.
    /// What is more than a new bound already stays, and nothing is added to it.
    /// </summary>
    /// <remarks>
    /// These stay as they were at the start: the listeners, <see cref="BrokerOptions.Transport"/>, clock and log,
    /// <see cref="BrokerOptions.StampCaller"/>, <see cref="BrokerOptions.Authorizer"/> and <see cref="BrokerOptions.ExchangeObserver"/>;
    /// and the access rules, which <see cref="ReplaceAccessRulesAsync"/> replaces.
    /// </remarks>
    /// <param name="options">The options as they are to be.</param>
    /// <param name="cancellationToken">Ends the wait, not the change.</param>
    /// <exception cref="ArgumentException">
    /// Options are wrong, also beside what stays; the message names every one, and nothing has changed.
    /// </exception>
    /// <exception cref="InvalidOperationException">The broker has been stopped.</exception>
    public Task ReplaceOptionsAsync(BrokerOptions options, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        var whole = options with
        {
            Bind = _started.Bind,
            Port = _started.Port,
            Listeners = _started.Listeners,
            Transport = _started.Transport,
            AccessRules = _started.AccessRules,
            StampCaller = _started.StampCaller,
            ExchangeObserver = _started.ExchangeObserver,
            Authorizer = _started.Authorizer,
            TimeProvider = _started.TimeProvider,
            LoggerFactory = _started.LoggerFactory,
            Descriptors = _started.Descriptors,
        };
        whole.Validate();
        return AskAsync(
            () =>
            {
                _engine.ReplaceOptions(whole);
                return true;
            },
            cancellationToken);
    }

    /// <summary>
    /// Puts other access rules in force, for clients that are connected as well. Subscriptions that they do not allow are taken away soon
    /// after; no connection is ended.
    /// </summary>
    /// <param name="rules">The rules; <c>null</c>, or without a rule: everybody may do everything.</param>
    /// <param name="cancellationToken">Ends the wait, not the change.</param>
    /// <exception cref="InvalidOperationException">The broker has been stopped.</exception>
    public Task ReplaceAccessRulesAsync(AccessRules? rules, CancellationToken cancellationToken = default) =>
        AskAsync(
            () =>
            {
                _engine.ReplaceAccessRules(rules);
                return true;
            },
            cancellationToken);

    /// <summary>
    /// Users are no more: soon after, the connections of their clients are ended with 0x98 Administrative action, and their Sessions with
    /// them. Whoever authenticates clients has to refuse these users already.
    /// </summary>
    /// <param name="userNames">Their names.</param>
    /// <param name="cancellationToken">Ends the wait, not the change.</param>
    /// <exception cref="InvalidOperationException">The broker has been stopped.</exception>
    public Task EndUsersAsync(IReadOnlyCollection<string> userNames, CancellationToken cancellationToken = default) =>
        AskAsync(
            () =>
            {
                _engine.EndUsers(userNames, _loop.Shell.Now);
                return true;
            },
            cancellationToken);

    /// <summary>Ends the connection of a client, which is told 0x98 Administrative action (MQTT 5 §3.14.2.1).</summary>
    /// <param name="clientId">The Client Identifier.</param>
    /// <param name="dropSession">Whether its Session ends too; also if the client is away.</param>
    /// <param name="cancellationToken">Ends the wait, not the change.</param>
    /// <returns>Whether there was such a client.</returns>
    /// <exception cref="InvalidOperationException">The broker has been stopped.</exception>
    public Task<bool> EndClientAsync(string clientId, bool dropSession = false, CancellationToken cancellationToken = default) =>
        AskAsync(() => _engine.Dismiss(clientId, dropSession, _loop.Shell.Now), cancellationToken);

    /// <summary>
    /// Stops: accepts no more, sends every client DISCONNECT 0x8B Server shutting down, waits until all have closed,
    /// at most <see cref="BrokerOptions.CloseTimeout"/>.
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

    /// <summary>Has the engine's thread do something between two turns.</summary>
    internal void Post(Action command) => _loop.Shell.Post(command);

    /// <summary>The options in force.</summary>
    internal BrokerOptions Options => _engine.Options;

    /// <summary>A connection of an address that has too many has ended before the broker got it.</summary>
    internal void CountRefusedByAddress() => _loop.Shell.Post(() => _engine.Counters.RefusedByAddress++);

    /// <summary>A connection has ended before the broker got it, since too many others were on their way.</summary>
    internal void CountDroppedPending() => _loop.Shell.Post(() => _engine.Counters.DroppedPending++);

    /// <summary>Has the engine's thread answer a question between two turns.</summary>
    /// <exception cref="InvalidOperationException">The broker has been stopped.</exception>
    internal async Task<T> AskAsync<T>(Func<T> question, CancellationToken cancellationToken)
    {
        if (_ended.Task.IsCompleted)
        {
            throw new InvalidOperationException(HasStopped);
        }

        var answer = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        _loop.Shell.Post(() =>
        {
            try
            {
                answer.TrySetResult(question());
            }
            catch (Exception failure) when (failure is not OutOfMemoryException)
            {
                // Whoever asked is told, and waits no longer.
                answer.TrySetException(failure);
            }
        });

        // A broker that ends meanwhile may not get to it.
        await Task.WhenAny(answer.Task, _ended.Task).WaitAsync(cancellationToken).ConfigureAwait(false);
        return answer.Task.IsCompleted
            ? await answer.Task.ConfigureAwait(false)
            : throw new InvalidOperationException(HasStopped);
    }

    private void Run()
    {
        try
        {
            _loop.Run();
            _loop.Dispose();
            _loop.Shell.End();
            _meter.Dispose();
            _ended.SetResult();
        }
        catch (Exception failure)
        {
            _loop.Dispose();
            _meter.Dispose();
            _ended.SetException(failure);
        }
    }
}
