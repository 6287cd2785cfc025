using System.Diagnostics.CodeAnalysis;
using Antiphon.Client.Sessions;
using Antiphon.Protocol;
using Antiphon.Protocol.Packets;
using Microsoft.Extensions.Logging;

namespace Antiphon.Client.Connections;

/// <summary>
/// Keeps one connection alive after the other until the client stops. Its lock guards the state that callers see;
/// it is never held while another is taken.
/// </summary>
[SuppressMessage("Design", "CA1001", Justification = "The one source to dispose has no timer, and RequestStop may come at any time.")]
internal sealed partial class ConnectionLoop
{
    private readonly ClientSession _session;
    private readonly MqttClientOptions _options;
    private readonly ILogger _logger;
    private readonly StateNotifier _notifier;
    private readonly ReconnectSchedule _schedule;
    private readonly UnansweredConnects _unanswered;
    private readonly bool _stopOnFirstFailure;
    private readonly CancellationTokenSource _stopRequested = new();
    private readonly Lock _lock = new();

    private readonly bool _ownsSession;

    // Written under the lock, read without it.
    private volatile ConnectionState _state;
    private volatile ServerLimits? _server;

    // Guarded by the lock.
    private NetworkConnection? _connection;
    private ScheduledCompletion<ValueTuple>? _connected;
    private ConnectionEnd? _stop;
    private ConnectionEnd? _stopped;
    private Pause? _pause;
    private bool _everConnected;
    private string _clientId;
    private long _acceptedAt;

    // Whether the Session at the server may not be the one that this client has had last.
    private bool _startsAnew;

    /// <summary>Prepares the loop.</summary>
    /// <param name="session">The Session that the connections serve.</param>
    /// <param name="options">Checked options.</param>
    /// <param name="logger">Where to log.</param>
    /// <param name="stopOnFirstFailure">Whether to stop when the very first try fails.</param>
    /// <param name="raise">Tells of a change of state.</param>
    public ConnectionLoop(
        ClientSession session, MqttClientOptions options, ILogger logger, bool stopOnFirstFailure, Action<ConnectionStateChange> raise)
    {
        _session = session;
        _options = options;
        _logger = logger;
        _stopOnFirstFailure = stopOnFirstFailure;
        _notifier = new StateNotifier(session, raise, LogCallbackFailed);
        _unanswered = new UnansweredConnects(options.ConnectTimeout);
        _ownsSession = options.ClientId is null;
        lock (options.Random)
        {
            // The source may be shared by the clients that are made of the same options; it need not be safe from several threads.
            _schedule = new ReconnectSchedule(options.ReconnectDelay, options.MaximumReconnectDelay, new Random(options.Random.Next()));
            _clientId = options.ClientId ?? $"antiphon-{options.Random.NextInt64():x16}";
        }
    }

    public string ClientId
    {
        get
        {
            lock (_lock)
            {
                return _clientId;
            }
        }
    }

    public ConnectionState State => _state;

    public ServerLimits? Server => _server;

    /// <summary>Ends when the client has stopped; never fails.</summary>
    public Task Completion { get; private set; } = Task.CompletedTask;

    public void Start() => Completion = _options.Scheduler.Run(RunAsync);

    public Task WaitUntilConnectedAsync(CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            if (_stopped is not null)
            {
                return Task.FromException(Stopped(_stopped));
            }

            return _state == ConnectionState.Connected
                ? Task.CompletedTask
                : (_connected ??= new ScheduledCompletion<ValueTuple>(_options.Scheduler)).Task.WaitAsync(cancellationToken);
        }
    }

    /// <summary>Authenticates again over the connection that there is.</summary>
    public Task ReauthenticateAsync(CancellationToken cancellationToken)
    {
        NetworkConnection? connection;
        lock (_lock)
        {
            if (_stopped is not null)
            {
                throw Stopped(_stopped);
            }

            connection = _state == ConnectionState.Connected ? _connection : null;
        }

        return connection?.ReauthenticateAsync(cancellationToken)
            ?? throw new ConnectionException("There is no connection to authenticate again; the next one is authenticated anyway.");
    }

    /// <summary>Asks for the end: flush, DISCONNECT, close.</summary>
    public void RequestStop(ReasonCode reason)
    {
        var end = new ConnectionEnd("It was disconnected by this program.")
        {
            ReasonCode = reason,
            Farewell = new DisconnectPacket
            {
                ReasonCode = reason,

                // Nobody can come back to a Session whose Client Identifier was made up here (MQTT 5 §3.14.2.2.2).
                SessionExpiryInterval = _ownsSession && reason == ReasonCode.Success && _options.SessionExpiry != TimeSpan.Zero ? 0 : null,
            },
        };
        NetworkConnection? connection;
        lock (_lock)
        {
            if (_stop is not null)
            {
                return;
            }

            _stop = end;
            connection = _connection;
        }

        _stopRequested.Cancel();
        connection?.End(end);
    }

    /// <summary>
    /// Somebody waits for a connection: the next try comes a second after the last one has failed, or now if that is past. Safe from any
    /// thread, and cheap while there is a connection.
    /// </summary>
    public void Hurry()
    {
        if (_state == ConnectionState.Reconnecting)
        {
            lock (_lock)
            {
                _pause?.Shorten();
            }
        }
    }

    /// <summary>Closes without waiting for anything; after <see cref="RequestStop"/>.</summary>
    public void Abort()
    {
        NetworkConnection? connection;
        lock (_lock)
        {
            connection = _connection;
        }

        connection?.Abort();
    }

    private static ConnectionException Stopped(ConnectionEnd end) =>
        (end with { Message = $"The client has stopped. {end.Message}" }).ToException();

    [SuppressMessage(
        "Design", "CA1031",
        Justification = "Whatever goes wrong ends this client alone, and those who wait for it have to be told.")]
    private async Task RunAsync()
    {
        ConnectionEnd end;
        try
        {
            end = await KeepConnectedAsync().ConfigureAwait(false);
        }
        catch (Exception failure)
        {
            end = new ConnectionEnd($"It failed: {failure.Message}") { Cause = failure };
        }

        ScheduledCompletion<ValueTuple>? waiting;
        bool asked;
        lock (_lock)
        {
            asked = ReferenceEquals(_stop, end);
            _stopped = end;
            _state = ConnectionState.Stopped;
            waiting = _connected;
            _connected = null;
        }

        // Code of handlers runs in there, which must not run on the thread of whoever stopped the client.
        await _options.Scheduler.Run(() =>
        {
            _session.Stop(end);
            return Task.CompletedTask;
        }).ConfigureAwait(false);
        waiting?.TrySetException(Stopped(end));
        if (asked)
        {
            LogDisconnected();
        }
        else
        {
            LogStopped(end.Text);
        }

        _notifier.Enqueue(
            new ConnectionStateChange(ConnectionState.Stopped, end.ReasonCode, asked ? null : Stopped(end), SessionPresent: false));
    }

    /// <summary>Connects again and again.</summary>
    /// <returns>Why it has to stop.</returns>
    private async Task<ConnectionEnd> KeepConnectedAsync()
    {
        for (var tries = 1; ; tries++)
        {
            var end = await ConnectOnceAsync().ConfigureAwait(false);
            var now = _options.TimeProvider.GetTimestamp();
            TimeSpan connectedFor;
            bool everConnected;
            bool isOwnDoing;
            lock (_lock)
            {
                _connection = null;
                if (_stop is not null)
                {
                    return _stop;
                }

                everConnected = _everConnected;
                connectedFor = _state == ConnectionState.Connected ? _options.TimeProvider.GetElapsedTime(_acceptedAt, now) : TimeSpan.Zero;
                isOwnDoing = _unanswered.Explain(end, connectedFor, out var newSession);
                _startsAnew |= newSession;
            }

            if ((end.IsFinal && !isOwnDoing) || (_stopOnFirstFailure && !everConnected))
            {
                return end;
            }

            var delay = _schedule.Next(connectedFor);
            Lost(end, everConnected, delay);
            await WaitAsync(delay).ConfigureAwait(false);
        }
    }

    /// <summary>
    /// Ends when the time is up, or at once when the client is to stop. Not Task.Delay, which goes to the thread pool when it is cancelled.
    /// </summary>
    private async Task WaitAsync(TimeSpan delay)
    {
        if (delay == TimeSpan.Zero)
        {
            return;
        }

        using var pause = new Pause(_options.Scheduler, _options.TimeProvider, delay);
        lock (_lock)
        {
            _pause = pause;
        }

        using var stop = _stopRequested.Token.UnsafeRegister(static pause => ((Pause)pause!).End(), pause);
        await pause.Over.ConfigureAwait(false);
        lock (_lock)
        {
            _pause = null;
        }
    }

    private async Task<ConnectionEnd> ConnectOnceAsync()
    {
        ConnectPacket connect;
        lock (_lock)
        {
            connect = Connect();
        }

        using var connection = new NetworkConnection(_session, _options, connect, Accepted);
        ConnectionEnd? stop;
        lock (_lock)
        {
            _connection = connection;
            stop = _stop;
        }

        if (stop is not null)
        {
            return stop;
        }

        var end = await connection.RunAsync().ConfigureAwait(false);
        if (connection.IsUnanswered)
        {
            _unanswered.Add(connect.CleanStart);
        }

        return end;
    }

    private ConnectPacket Connect() => new()
    {
        ProtocolVersion = _options.ProtocolVersion,
        ClientId = _clientId,

        // In MQTT 3.1.1 this is Clean Session, which also says how long the Session lasts.
        CleanStart = _startsAnew || (_options.CleanStart && (!_everConnected || _options.ProtocolVersion == ProtocolVersion.V311)),
        KeepAlive = (ushort)_options.KeepAlive.TotalSeconds,
        SessionExpiryInterval = _options.SessionExpiry == TimeSpan.Zero ? null
            : _options.SessionExpiry == Timeout.InfiniteTimeSpan ? uint.MaxValue
            : (uint)_options.SessionExpiry.TotalSeconds,
        ReceiveMaximum = _options.ReceiveMaximum,
        MaximumPacketSize = _options.MaximumPacketSize,
        TopicAliasMaximum = _options.TopicAliasMaximum == 0 ? null : _options.TopicAliasMaximum,
        RequestResponseInformation = _options.RequestResponseInformation ? true : null,
        UserProperties = _options.UserProperties,
        Will = _options.Will,
        UserName = _options.UserName,
        Password = _options.Password,
    };

    /// <summary>The server has accepted; on the receive loop.</summary>
    private void Accepted(ConnAckPacket answer, ServerLimits limits)
    {
        ScheduledCompletion<ValueTuple>? waiting;
        lock (_lock)
        {
            if (_everConnected)
            {
                _session.Counting.Reconnected();
            }

            _everConnected = true;
            _startsAnew = false;
            _acceptedAt = _options.TimeProvider.GetTimestamp();
            _clientId = answer.AssignedClientIdentifier ?? _clientId;
            _server = limits;
            _state = ConnectionState.Connected;
            waiting = _connected;
            _connected = null;
        }

        waiting?.TrySetResult(default);
        LogConnected(_options.Server, limits.SessionPresent);
        _notifier.Enqueue(new ConnectionStateChange(ConnectionState.Connected, answer.ReasonCode, null, limits.SessionPresent));
    }

    private void Lost(ConnectionEnd end, bool everConnected, TimeSpan delay)
    {
        bool changed;
        lock (_lock)
        {
            changed = _state != ConnectionState.Reconnecting;
            _state = ConnectionState.Reconnecting;
        }

        if (changed)
        {
            LogLost(end.Text, delay);
            _notifier.Enqueue(
                new ConnectionStateChange(ConnectionState.Reconnecting, end.ReasonCode, end.ToException(), SessionPresent: false));
        }
        else
        {
            LogFailedAgain(end.Text, delay);
        }
    }
}
