using Antiphon.Broker;
using Antiphon.Server.Administration;
using Antiphon.Server.Auditing;
using Antiphon.Server.Listening;
using Antiphon.Server.Metrics;
using Antiphon.Server.Reloading;
using Antiphon.Server.Users;
using Microsoft.Extensions.Logging;

namespace Antiphon.Server;

/// <summary>
/// A broker with everything that a public address needs: plain MQTT on the broker's own loop, TLS and WebSocket terminated by Kestrel,
/// users from files, tokens and certificates. Safe from any thread.
/// </summary>
/// <example>
/// <code>
/// await using var server = await ServerHost.StartAsync(new ServerOptions
/// {
///     Listeners =
///     [
///         new ServerListener
///         {
///             Name = "public", Protocol = ListenerProtocol.Mqtts, Bind = IPAddress.Any, Port = 8883,
///             Tls = new ListenerTls { Certificate = new CertificateFiles { Certificate = "server.pem", Key = "server.key" } },
///         },
///     ],
///     PasswordFile = "users",
/// });
/// </code>
/// </example>
public sealed partial class ServerHost : IAsyncDisposable
{
    private readonly ReloadableSources _sources;
    private readonly IReadOnlyList<TerminatedListener> _terminated;
    private readonly KestrelListeners? _kestrel;
    private readonly SemaphoreSlim _reloading = new(1, 1);
    private readonly AuditLog? _audit;
    private AdminEndpoint? _admin;
    private volatile bool _isStopping;

    // Guarded by _reloading.
    private ServerOptions _running;

    private ServerHost(
        ServerOptions options,
        BrokerHost broker,
        ReloadableSources sources,
        IReadOnlyList<TerminatedListener> terminated,
        KestrelListeners? kestrel,
        AuditLog? audit)
    {
        _running = options;
        Broker = broker;
        _sources = sources;
        _terminated = terminated;
        _kestrel = kestrel;
        _audit = audit;
        var plain = new Queue<System.Net.IPEndPoint>(broker.EndPoints);
        var others = new Queue<TerminatedListener>(terminated);
        EndPoints =
        [
            .. options.Listeners.Select(listener =>
                new ServerEndPoint(listener, listener.IsTerminated ? others.Dequeue().EndPoint : plain.Dequeue())),
        ];
    }

    /// <summary>The broker: its counters, snapshots, and connections within the process. Stop the server, not the broker.</summary>
    public BrokerHost Broker { get; }

    /// <summary>The addresses that it listens on, in the order of the listeners.</summary>
    public IReadOnlyList<ServerEndPoint> EndPoints { get; }

    /// <summary>Where operators reach it, such as <c>http://127.0.0.1:8081</c>; <c>null</c>: nowhere.</summary>
    public string? AdminUrl => _admin?.Url;

    /// <summary>Whether it takes connections and answers, and is not about to stop.</summary>
    internal bool IsServing => !_isStopping && !Completion.IsCompleted;

    /// <summary>Whether it needs Kestrel, which plain MQTT does not.</summary>
    internal bool HasKestrel => _kestrel is not null;

    /// <summary>Ends when the broker has stopped; fails when it could not go on.</summary>
    public Task Completion => Broker.Completion;

    /// <summary>Starts a server; it listens when this ends. If anything is wrong, nothing is left running.</summary>
    /// <param name="options">How it is to run.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="ArgumentException">Options are wrong; the message names every mistake.</exception>
    /// <exception cref="BrokerStartException">
    /// A file cannot be used, and the message names every one; or an address or port cannot be listened on.
    /// </exception>
    public static async Task<ServerHost> StartAsync(ServerOptions options, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        var files = ServerFiles.Read(options);
        var logger = options.Broker.LoggerFactory.CreateLogger("Antiphon.Server");
        foreach (var warning in files.Warnings)
        {
            LogWarning(logger, warning);
        }

        var sources = new ReloadableSources(options, files);
        TerminatedListener[] terminated =
        [
            .. options.Listeners.Where(listener => listener.IsTerminated)
                .Select(listener => new TerminatedListener(listener, files.Certificates.GetValueOrDefault(listener.Name), logger)),
        ];
        var audit = options.Audit is null ? null : AuditLog.Start(options.Audit, options.Broker.TimeProvider, logger);
        BrokerHost? broker = null;
        KestrelListeners? kestrel = null;
        try
        {
            broker = BrokerHost.Start(BrokerOptionsOf(options, sources, audit));
            kestrel = terminated.Length == 0
                ? null
                : await KestrelListeners.StartAsync(terminated, broker, options.Broker, logger, cancellationToken);
            var server = new ServerHost(options, broker, sources, terminated, kestrel, audit);
            if (options.Admin is { } admin)
            {
                System.Diagnostics.Metrics.Meter[] meters = audit is null ? [broker.Meter] : [broker.Meter, audit.Meter];
                server._admin = await AdminEndpoint.StartAsync(
                    admin, files.Token!, files.AdminCertificates, server, new MeterReader(meters), options.Broker, cancellationToken);
            }

            return server;
        }
        catch (Exception failure)
        {
            await (broker?.DisposeAsync() ?? default);
            await (kestrel?.DisposeAsync() ?? default);
            await (audit?.DisposeAsync() ?? default);
            if (failure is BrokerStartException { ListenerName: { } name }
                && options.Listeners.First(listener => listener.Name == name).Place is { } place)
            {
                throw new BrokerStartException($"{place}: {failure.Message}", failure) { ListenerName = name };
            }

            throw;
        }
    }

    /// <summary>
    /// Takes over what can change while it runs: users, rules, limits and certificates; files are read anew. Clients whose user is no more
    /// are told 0x98 Administrative action, and subscriptions that the rules do not allow any more are taken away. Nobody else is
    /// disconnected.
    /// </summary>
    /// <param name="options">The options as they are to be.</param>
    /// <param name="cancellationToken">Ends the wait for another reload; what has begun is done.</param>
    /// <exception cref="ArgumentException">Options are wrong; the message names every mistake, and nothing has changed.</exception>
    /// <exception cref="BrokerStartException">A file cannot be used; the message names every one, and nothing has changed.</exception>
    /// <exception cref="InvalidOperationException">The server has been stopped.</exception>
    public async Task<ReloadReport> ReloadAsync(ServerOptions options, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        await _reloading.WaitAsync(cancellationToken);
        try
        {
            var files = ServerFiles.Read(options);

            // The listeners stay, and what is asked of clients has to do for them.
            var wanted = options with { Listeners = [.. _running.Listeners.Select(listener => Renewed(listener, options))] };
            if (wanted.Mistakes() is { Count: > 0 } mistakes)
            {
                throw new ArgumentException(string.Join(" ", mistakes));
            }

            return await TakeOverAsync(options, wanted, files);
        }
        finally
        {
            _reloading.Release();
        }
    }

    /// <summary>
    /// Stops: takes no more connections, sends every client DISCONNECT 0x8B Server shutting down, waits until all have closed,
    /// at most <see cref="BrokerOptions.CloseTimeout"/>.
    /// </summary>
    /// <param name="cancellationToken">Ends the wait, not the stopping.</param>
    public async Task StopAsync(CancellationToken cancellationToken = default)
    {
        _isStopping = true;
        await Broker.StopAsync(cancellationToken);
        if (_kestrel is not null)
        {
            await _kestrel.StopAsync(cancellationToken);
        }

        // What watches over the broker sees until the end how it stops.
        if (_admin is not null)
        {
            await _admin.StopAsync(cancellationToken);
        }
    }

    /// <summary>Stops, and waits until it has.</summary>
    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        if (_kestrel is not null)
        {
            await _kestrel.DisposeAsync();
        }

        await (_admin?.DisposeAsync() ?? default);
        await (_audit?.DisposeAsync() ?? default);
    }

    /// <summary>From here on nothing can be wrong any more.</summary>
    private async Task<ReloadReport> TakeOverAsync(ServerOptions options, ServerOptions wanted, ServerFiles files)
    {
        await Broker.ReplaceOptionsAsync(BrokerOptionsOf(wanted, _sources, _audit));
        var gone = _sources.Renew(wanted, files);
        if (gone.Count > 0)
        {
            await Broker.EndUsersAsync(gone);
        }

        if (OptionsDifference.IsOfRules(_running.Broker.AccessRules, wanted.Broker.AccessRules))
        {
            await Broker.ReplaceAccessRulesAsync(wanted.Broker.AccessRules);
        }

        foreach (var listener in _terminated)
        {
            if (files.Certificates.GetValueOrDefault(listener.Configured.Name) is { } certificates && listener.Configured.IsEncrypted)
            {
                listener.Renew(certificates);
            }
        }

        if (files.Token is not null && (files.AdminCertificates is null) == (_running.Admin?.Certificate is null))
        {
            _admin?.Renew(files.Token, files.AdminCertificates);
        }

        if (wanted.Audit is not null)
        {
            _audit?.Renew(wanted.Audit);
        }

        var report = OptionsDifference.Between(_running, options, gone.Count, files.Warnings);
        _running = wanted with
        {
            Broker = wanted.Broker with { StampCaller = _running.Broker.StampCaller },
            Admin = _running.Admin,
            Audit = _running.Audit is { } audit && wanted.Audit is { } audited
                ? audit with { Topics = audited.Topics, Payloads = audited.Payloads }
                : _running.Audit,
            Log = wanted.Log with { Format = _running.Log.Format },
        };
        return report;
    }

    /// <summary>A listener with the certificates that are wanted, and what they say of clients; the rest of it stays.</summary>
    private static ServerListener Renewed(ServerListener running, ServerOptions wanted) =>
        running.Tls is not null && wanted.Listeners.FirstOrDefault(listener => listener.Name == running.Name) is { Tls: { } tls }
            ? running with { Tls = tls }
            : running;

    private static BrokerOptions BrokerOptionsOf(ServerOptions options, ReloadableSources sources, AuditLog? audit)
    {
        var broker = options.Broker with
        {
            ExchangeObserver = audit ?? options.Broker.ExchangeObserver,
            Listeners =
            [
                .. options.Listeners.Where(listener => !listener.IsTerminated).Select(listener => new Listener
                {
                    Name = listener.Name,
                    Bind = listener.Bind,
                    Port = listener.Port,
                    ProxyProtocol = listener.ProxyProtocol,
                }),
            ],
        };
        return sources.AskedBy(broker, options);
    }

    [LoggerMessage(EventId = 2003, Level = LogLevel.Warning, Message = "{Warning}")]
    private static partial void LogWarning(ILogger logger, string warning);
}
