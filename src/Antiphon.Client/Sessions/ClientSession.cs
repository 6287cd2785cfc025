using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using Antiphon.Client.Connections;
using Antiphon.Client.Output;
using Antiphon.Client.Publishing;
using Antiphon.Client.Receiving;
using Antiphon.Client.Stores;
using Antiphon.Client.Subscribing;
using Antiphon.Protocol;
using Antiphon.Protocol.Packets;
using Antiphon.Protocol.Windows;
using Microsoft.Extensions.Logging;

namespace Antiphon.Client.Sessions;

/// <summary>
/// The client's side of the Session (MQTT 5 §4.1) behind its one gate:
/// what callers ask for, what the connection brings, and the output that both append to. No sockets in here;
/// the clock is read only to pass the time on. The gate guards the requesters and responders on this client too,
/// so that a call costs one entry to begin and one to end. No code of the application runs within it:
/// what that has to hear is deferred (<see cref="Defer"/>).
/// </summary>
[SuppressMessage("Design", "CA1001", Justification = "The one source to dispose has no timer, and handlers may hold its token for longer.")]
internal sealed class ClientSession
{
    // For the process.
    private readonly MqttClientOptions _options;
    private readonly CancellationTokenSource _stopping = new();
    private readonly DeferredWork _deferred;
    private readonly List<ISessionWatcher> _watchers = [];
    private Func<bool, ConnectionException>? _stopped;

    // For the Session; guarded by the gate.
    private readonly PacketIdentifiers<object> _identifiers = new();
    private readonly SessionJournal _journal;
    private readonly PublishFlow _publishes;
    private readonly SubscriptionTable _subscriptions;

    // For the Network Connection; guarded by the gate.
    private readonly ConnectionOutput _output;
    private uint _connection;
    private bool _accepted;

    // Enhanced authentication has begun: until CONNACK, AUTH and DISCONNECT may be sent, and nothing else [MQTT-3.1.2-30].
    private bool _authenticating;

    // The thread that handles a batch of received packets, 0 between batches: what it writes is sent at the batch's end.
    private int _batchThread;

    public ClientSession(MqttClientOptions options, ILogger logger)
    {
        _options = options;
        Callbacks = new RunningCallbacks(options.Scheduler);
        Failures = new SessionFailures(logger, Counting, options.ReceiveMaximum);
        _deferred = new DeferredWork(Failures.CallbackFailed);
        _output = new ConnectionOutput(options.MaximumQueuedBytes);
        _journal = new SessionJournal(options.SessionStore, Failures.StoreFailed);
        _publishes = new PublishFlow(this, _identifiers, _output, _journal, options);
        _subscriptions = new SubscriptionTable(_identifiers, _output, options);
        Inbound = new InboundMessages(this, options, _subscriptions, _output, _journal);
        Stopping = _stopping.Token;
        OutputReady = new AsyncSignal(options.Scheduler);
        Restore();
    }

    /// <summary>
    /// Whether this client has a Session that the server may have too;
    /// without a store, a program without Clean Start vouches for it [MQTT-3.2.2-4].
    /// </summary>
    public bool HasSession { get; private set; } = true;

    /// <summary>The time, on the clock that messages age by.</summary>
    public TimeSpan Now => _options.TimeProvider.GetElapsedTime(0);

    /// <summary>The one lock of the client and of all that stands on it.</summary>
    public Lock Gate { get; } = new();

    /// <summary>What the server said when it accepted the connection that there is; <c>null</c>: there is none. Within the gate.</summary>
    public ServerLimits? Server { get; private set; }

    /// <summary>The messages that the server sends.</summary>
    public InboundMessages Inbound { get; }

    public Counting Counting { get; } = new();

    public SessionFailures Failures { get; }

    public RunningCallbacks Callbacks { get; }

    /// <summary>Where loops, handlers and continuations run.</summary>
    public Scheduler Scheduler => _options.Scheduler;

    /// <summary>A number that no peer can guess.</summary>
    public ulong NextSecret()
    {
        Span<byte> bytes = stackalloc byte[sizeof(ulong)];
        _options.FillRandom(bytes);
        return BitConverter.ToUInt64(bytes);
    }

    public ProtocolVersion ProtocolVersion => _options.ProtocolVersion;

    /// <summary>Fires when the client stops.</summary>
    public CancellationToken Stopping { get; }

    /// <summary>Set when there is output to send.</summary>
    public AsyncSignal OutputReady { get; }

    /// <summary>Packet Identifiers that something still holds.</summary>
    public int IdentifiersInUse
    {
        get
        {
            lock (Gate)
            {
                return _identifiers.Count;
            }
        }
    }

    public MqttClientCounters Counters
    {
        get
        {
            lock (Gate)
            {
                return Counting.Snapshot(_publishes.Written);
            }
        }
    }

    /// <summary>
    /// Runs what was deferred within the gate and wakes the writer; to be called by who has left it.
    /// On the receive loop both wait for the batch's end.
    /// </summary>
    public void AfterGate()
    {
        if (HasOutputAfterDeferred())
        {
            OutputReady.Set();
        }
    }

    /// <summary>
    /// As <see cref="AfterGate"/>, for who knows that nothing more comes soon: writes on this thread, where nobody else is writing.
    /// </summary>
    public void AfterGateAndWrite()
    {
        if (HasOutputAfterDeferred())
        {
            OutputReady.SetAndRun();
        }
    }

    /// <summary>Puts work off until the gate has been left. Within the gate.</summary>
    public void Defer(IDeferred work, uint version) => _deferred.Add(work, version, Environment.CurrentManagedThreadId == _batchThread);

    /// <summary>Tells somebody of what becomes of the Session from now on. Within the gate.</summary>
    public void Watch(ISessionWatcher watcher) => _watchers.Add(watcher);

    /// <summary>Ends <see cref="Watch"/>. Within the gate.</summary>
    public void Unwatch(ISessionWatcher watcher) => _watchers.Remove(watcher);

    /// <summary>Brings the next try to connect forward, since somebody waits for it. Set once, before the client is given away.</summary>
    public Action Hurry { get; set; } = static () => { };

    /// <summary>Messages wait for an earlier one to be dealt with. Within the gate.</summary>
    public void HeldUp(int half)
    {
        foreach (var watcher in _watchers)
        {
            watcher.HeldUp(half);
        }
    }

    /// <summary>Why nothing can be asked for any more; <c>null</c>: the client has not stopped. Within the gate.</summary>
    public ConnectionException? Stopped => _stopped?.Invoke(false);

    /// <summary>Takes a PUBLISH: writes it, or lets it wait for a connection or for room. Within the gate.</summary>
    /// <param name="content">The message; copied.</param>
    /// <param name="sink">Who is told of its end; <c>null</c>: nobody.</param>
    /// <param name="version">What to tell the sink with.</param>
    public PublishStart Publish(in PublishContent content, IPublishSink? sink, uint version)
    {
        if (_stopped is not null)
        {
            return PublishStart.Failed(_stopped(false));
        }

        var view = new PublishView
        {
            Topic = content.Topic,
            Payload = content.Payload,
            Properties = content.Properties,
            QoS = content.QoS,
            Retain = content.Retain,
        };
        if (Server is null)
        {
            Hurry();
        }

        return _publishes.Begin(view, sink, version, content.IsForSinkOnly, content.HasReservedPlace);
    }

    /// <summary>Whoever waits for a PUBLISH does so no longer; its sink is not told. Within the gate.</summary>
    /// <returns>Whether it had not been written, and never will be.</returns>
    /// <param name="handle">The PUBLISH.</param>
    /// <param name="abandon">Whether it is not to be sent again either, if it has been written.</param>
    public bool Withdraw(in PublishHandle handle, bool abandon = false) => _publishes.Withdraw(handle, abandon, Now);

    /// <summary>Subscribes for a sink, which is told of the answer. Within the gate.</summary>
    /// <exception cref="ArgumentException">The filter or the options are not valid.</exception>
    /// <exception cref="InvalidOperationException">The client has a subscription with that filter.</exception>
    public Subscription Subscribe(string topicFilter, IMessageSink sink, SubscribeOptions options)
    {
        var subscription = Subscription.Create(this, topicFilter, options, rawHandler: null, sink);
        Add(subscription);
        return subscription;
    }

    public async Task<Subscription> SubscribeAsync(Subscription subscription, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        lock (Gate)
        {
            Add(subscription);
        }

        AfterGate();
        try
        {
            return await subscription.Granted.Task.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            _ = UnsubscribeAsync(subscription);
            throw;
        }
    }

    /// <summary>Gives a subscription up; the task never fails.</summary>
    public Task<RefusedException?> UnsubscribeAsync(Subscription subscription)
    {
        Task<RefusedException?> left;
        lock (Gate)
        {
            left = _subscriptions.Leave(subscription);
        }

        AfterGate();
        return left;
    }

    /// <summary>A Network Connection is there; CONNECT is the first packet [MQTT-3.1.0-1].</summary>
    public void BeginConnection(ConnectPacket connect)
    {
        lock (Gate)
        {
            _connection++;
            _authenticating = connect.AuthenticationMethod is not null;
            connect.WriteTo(_output.Filling, _options.ProtocolVersion);
        }

        AfterGate();
    }

    /// <summary>The server has accepted the connection: subscriptions first, so that no answer to what follows is missed.</summary>
    public void Accepted(ServerLimits limits)
    {
        lock (Gate)
        {
            _accepted = true;
            HasSession = true;
            Server = limits;
            _watchers.ForEach(watcher => watcher.Connected(limits));
            Inbound.Connected(_connection, limits.SessionPresent);
            _subscriptions.Connected(limits);
            _publishes.Connected(limits, Now);
            Failures.Refused(_subscriptions.Refusals);
        }

        AfterGate();
    }

    /// <summary>The server has a Session that this client knows nothing of: what has been stored of it is nothing.</summary>
    public void ForgetSession()
    {
        lock (Gate)
        {
            _journal.Clear();
        }
    }

    /// <summary>Sends AUTH, as long as the connection lasts.</summary>
    public void Authenticate(ReadOnlySpan<byte> packet)
    {
        lock (Gate)
        {
            if (_accepted || _authenticating)
            {
                _output.Filling.Write(packet);
            }
        }

        AfterGate();
    }

    public void Ping()
    {
        lock (Gate)
        {
            if (_accepted)
            {
                PingReqPacket.Instance.WriteTo(_output.Filling, _options.ProtocolVersion);
            }
        }

        AfterGate();
    }

    /// <summary>The connection is about to end; nothing is appended after this [MQTT-3.14.4-1].</summary>
    /// <param name="farewell">The DISCONNECT to end with, if the server is to be told.</param>
    public void EndConnection(DisconnectPacket? farewell)
    {
        lock (Gate)
        {
            // MQTT 3.1.1 has no word for a bad end; a DISCONNECT would call the Will off.
            var canSay = _options.ProtocolVersion == ProtocolVersion.V5 || farewell?.ReasonCode == ReasonCode.Success;
            if ((_accepted || _authenticating) && canSay)
            {
                farewell?.WriteTo(_output.Filling, _options.ProtocolVersion);
            }

            Disconnected();
        }

        AfterGate();
    }

    /// <summary>
    /// The connection has ended, and so have both of its loops; the receive loop may have been at its last packet meanwhile.
    /// </summary>
    public void ConnectionClosed()
    {
        lock (Gate)
        {
            Disconnected();
            Counting.Dropped(_output.Reset());
        }

        AfterGate();
    }

    /// <summary>Whether anything waits to be sent; others may change that at any time.</summary>
    public bool HasOutput => !_output.IsEmpty;

    /// <summary>Hands everything that waits to be sent to the writer.</summary>
    /// <returns>Whether there is anything; if so, <see cref="Sent"/> has to follow.</returns>
    public bool TryTakeOutput(out ReadOnlyMemory<byte> bytes)
    {
        lock (Gate)
        {
            bytes = _output.IsEmpty ? default : _output.Take();
            return !bytes.IsEmpty;
        }
    }

    /// <summary>The writer has sent what it took: there may be room for publishers that wait.</summary>
    public void Sent()
    {
        lock (Gate)
        {
            _output.Sent();
            _publishes.Advance(Now);
        }

        AfterGate();
    }

    /// <summary>The receive loop begins with what it has received; what is written on its thread meanwhile is sent at the end.</summary>
    public void BeginBatch() => _batchThread = Environment.CurrentManagedThreadId;

    public void EndBatch()
    {
        _deferred.RunBatch();
        _batchThread = 0;
        AfterGateAndWrite();
    }

    /// <summary>A PUBACK, PUBREC, PUBREL or PUBCOMP arrived.</summary>
    public Fault Acknowledged(PacketType type, PacketIdentifier identifier, PublishResult result)
    {
        Fault fault;
        lock (Gate)
        {
            fault = type switch
            {
                PacketType.PubAck => _publishes.Acknowledged(identifier, result, Now),
                PacketType.PubRec => _publishes.Recorded(identifier, result, Now),
                PacketType.PubComp => _publishes.Completed(identifier, result.ReasonCode, Now),
                _ => Inbound.Released(identifier),
            };
        }

        AfterGate();
        return fault;
    }

    /// <summary>A SUBACK or UNSUBACK arrived.</summary>
    public Fault Answered(Packet answer)
    {
        Fault fault;
        lock (Gate)
        {
            fault = answer is SubAckPacket granted ? _subscriptions.Answered(granted) : _subscriptions.Answered((UnsubAckPacket)answer);
            Failures.Refused(_subscriptions.Refusals);
        }

        AfterGate();
        return fault;
    }

    /// <summary>
    /// The end of the client: every wait ends with a <see cref="ConnectionException"/>, and so does every later call.
    /// Runs what handlers have registered for it.
    /// </summary>
    /// <param name="end">Why.</param>
    public void Stop(ConnectionEnd end)
    {
        lock (Gate)
        {
            var unacknowledged = _publishes.Unacknowledged;
            _stopped = sent => (end with
            {
                Message = $"The client has stopped. {end.Message}{(sent ? " What had been sent may have arrived or not." : "")}",
            }).ToException(unacknowledged, sent);
            Inbound.Stop();
            _publishes.Stop(_stopped);
            _subscriptions.Stop(_stopped);
            Server = null;
            _watchers.ForEach(watcher => watcher.Stopped(_stopped));
        }

        AfterGate();
        try
        {
            _stopping.Cancel();
        }
        catch (AggregateException failure)
        {
            Failures.CallbackFailed(failure);
        }
    }

    /// <summary>The client is disposed of: from now on the store may be closed, or another client's.</summary>
    public void Close()
    {
        lock (Gate)
        {
            _journal.Close();
        }
    }

    /// <summary>Runs what was deferred, unless the gate is still held further up, or a batch does it at its end.</summary>
    private bool HasOutputAfterDeferred()
    {
        if (Environment.CurrentManagedThreadId == _batchThread || Gate.IsHeldByCurrentThread)
        {
            return false;
        }

        _deferred.RunOthers(Gate);
        return HasOutput;
    }

    private void Add(Subscription subscription)
    {
        if (_stopped is not null)
        {
            throw _stopped(false);
        }

        if (_subscriptions.Holds(subscription.TopicFilter))
        {
            throw new InvalidOperationException(
                $"This client has a subscription to «{subscription.TopicFilter}» already; a second one would replace it at "
                + "the server [MQTT-3.8.4-3].");
        }

        _subscriptions.Add(subscription);
    }

    /// <summary>Takes up the Session where an earlier client has left it.</summary>
    private void Restore()
    {
        if (_journal.Load(_options) is { } stored)
        {
            _publishes.Restore(stored, Now);
            Inbound.Restore(stored.Received);
        }
        else if (_journal.IsKept)
        {
            HasSession = false;
            _journal.Begin(_options);
        }
    }

    private void Disconnected()
    {
        _accepted = false;
        _authenticating = false;
        Server = null;
        _publishes.Disconnected();
        _subscriptions.Disconnected();
        Inbound.Disconnected();
    }
}
