using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Text;
using Antiphon.Client.Connections;
using Antiphon.Client.Output;
using Antiphon.Client.Publishing;
using Antiphon.Client.Receiving;
using Antiphon.Client.Stores;
using Antiphon.Client.Subscribing;
using Antiphon.Protocol;
using Antiphon.Protocol.Packets;
using Antiphon.Protocol.Topics;
using Microsoft.Extensions.Logging;

namespace Antiphon.Client.Sessions;

/// <summary>
/// The client's side of the Session (MQTT 5 §4.1) behind its one lock: what callers ask for, what the connection brings, and the output that both append to. No sockets in here; the clock is read only to pass the time on.
/// </summary>
[SuppressMessage("Design", "CA1001", Justification = "The one source to dispose has no timer, and handlers may hold its token for longer.")]
internal sealed class ClientSession
{
    private const int StackTopic = 256;

    // For the process.
    private readonly Lock _lock = new();
    private readonly MqttClientOptions _options;
    private readonly CancellationTokenSource _stopping = new();
    private Func<bool, ConnectionException>? _stopped;

    // For the Session; guarded by the lock.
    private readonly PacketIdentifiers _identifiers = new();
    private readonly SessionJournal _journal;
    private readonly OutgoingPublishes _publishes;
    private readonly SubscriptionTable _subscriptions;

    // For the Network Connection; guarded by the lock.
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
        _output = new ConnectionOutput(options.MaximumQueuedBytes);
        _journal = new SessionJournal(options.SessionStore, Failures.StoreFailed);
        _publishes = new OutgoingPublishes(this, _identifiers, _output, _journal, options);
        _subscriptions = new SubscriptionTable(_identifiers, _output, options);
        Inbound = new InboundMessages(this, _lock, options, _subscriptions, _output, _journal);
        Stopping = _stopping.Token;
        Restore();
    }

    /// <summary>Whether this client has a Session that the server may have too; without a store, a program without Clean Start vouches for it [MQTT-3.2.2-4].</summary>
    public bool HasSession { get; private set; } = true;

    /// <summary>The messages that the server sends.</summary>
    public InboundMessages Inbound { get; }

    public Counting Counting { get; } = new();

    public SessionFailures Failures { get; }

    public RunningCallbacks Callbacks { get; }

    /// <summary>Where loops, handlers and continuations run.</summary>
    public Scheduler Scheduler => _options.Scheduler;

    public ProtocolVersion ProtocolVersion => _options.ProtocolVersion;

    /// <summary>Fires when the client stops.</summary>
    public CancellationToken Stopping { get; }

    /// <summary>Set when there is output to send.</summary>
    public AsyncSignal OutputReady { get; } = new();

    public MqttClientCounters Counters
    {
        get
        {
            lock (_lock)
            {
                return Counting.Snapshot(_publishes.Written);
            }
        }
    }

    public ValueTask<PublishResult> PublishAsync(in OutgoingPublish message, CancellationToken cancellationToken)
    {
        if (message.QoS > QualityOfService.ExactlyOnce)
        {
            throw new ArgumentException($"The message has QoS {(int)message.QoS}; there are 0 to 2 (MQTT 5 §3.3.1.2).", nameof(message));
        }

        TopicName.ThrowIfInvalid(message.Topic, nameof(message));
        if (_options.ProtocolVersion == ProtocolVersion.V311 && !message.Properties.IsEmpty)
        {
            throw new ArgumentException($"The message to «{message.Topic}» has properties, which MQTT 3.1.1 has no place for; connect with MQTT 5 to send them.", nameof(message));
        }

        if (cancellationToken.IsCancellationRequested)
        {
            return ValueTask.FromException<PublishResult>(new PublishWithdrawnException(cancellationToken));
        }

        var longest = Encoding.UTF8.GetMaxByteCount(message.Topic.Length);
        var rented = longest > StackTopic ? ArrayPool<byte>.Shared.Rent(longest) : null;
        var topic = rented ?? stackalloc byte[StackTopic];
        try
        {
            var view = new PublishView
            {
                Topic = topic[..Encoding.UTF8.GetBytes(message.Topic, topic)],
                Payload = message.Payload,
                Properties = message.Properties,
                QoS = message.QoS,
                Retain = message.Retain,
                TopicAliasOffset = -1,
            };
            return Publish(view, message.Topic, cancellationToken);
        }
        finally
        {
            if (rented is not null)
            {
                ArrayPool<byte>.Shared.Return(rented);
            }
        }
    }

    public void Cancel(PendingPublish pending, CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            if (pending.IsWatching(cancellationToken))
            {
                _publishes.Cancel(pending, Now(), cancellationToken);
            }
        }

        Signal();
    }

    public void Recycle(PendingPublish pending)
    {
        lock (_lock)
        {
            _publishes.Recycle(pending);
        }
    }

    public async Task<Subscription> SubscribeAsync(Subscription subscription, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        lock (_lock)
        {
            if (_stopped is not null)
            {
                throw _stopped(false);
            }

            if (_subscriptions.Holds(subscription.TopicFilter))
            {
                throw new InvalidOperationException(
                    $"This client has a subscription to «{subscription.TopicFilter}» already; a second one would replace it at the server [MQTT-3.8.4-3].");
            }

            _subscriptions.Add(subscription);
        }

        Signal();
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
        lock (_lock)
        {
            left = _subscriptions.Leave(subscription);
        }

        Signal();
        return left;
    }

    /// <summary>There may be output to send; at the end of the batch, on the thread that handles one.</summary>
    public void Signal()
    {
        if (Environment.CurrentManagedThreadId != _batchThread)
        {
            OutputReady.Set();
        }
    }

    /// <summary>A Network Connection is there; CONNECT is the first packet [MQTT-3.1.0-1].</summary>
    public void BeginConnection(ConnectPacket connect)
    {
        lock (_lock)
        {
            _connection++;
            _authenticating = connect.AuthenticationMethod is not null;
            connect.WriteTo(_output.Filling, _options.ProtocolVersion);
        }

        Signal();
    }

    /// <summary>The server has accepted the connection: subscriptions first, so that no answer to what follows is missed.</summary>
    public void Accepted(ServerLimits limits)
    {
        lock (_lock)
        {
            _accepted = true;
            HasSession = true;
            Inbound.Connected(_connection, limits.SessionPresent);
            _subscriptions.Connected(limits);
            _publishes.Connected(limits, Now());
            Failures.Refused(_subscriptions.Refusals);
        }

        Signal();
    }

    /// <summary>The server has a Session that this client knows nothing of: what has been stored of it is nothing.</summary>
    public void ForgetSession()
    {
        lock (_lock)
        {
            _journal.Clear();
        }
    }

    /// <summary>Sends AUTH, as long as the connection lasts.</summary>
    public void Authenticate(ReadOnlySpan<byte> packet)
    {
        lock (_lock)
        {
            if (_accepted || _authenticating)
            {
                _output.Filling.Write(packet);
            }
        }

        Signal();
    }

    public void Ping()
    {
        lock (_lock)
        {
            if (_accepted)
            {
                PingReqPacket.Instance.WriteTo(_output.Filling, _options.ProtocolVersion);
            }
        }

        Signal();
    }

    /// <summary>The connection is about to end; nothing is appended after this [MQTT-3.14.4-1].</summary>
    /// <param name="farewell">The DISCONNECT to end with, if the server is to be told.</param>
    public void EndConnection(DisconnectPacket? farewell)
    {
        lock (_lock)
        {
            // MQTT 3.1.1 has no word for a bad end; a DISCONNECT would call the Will off.
            if ((_accepted || _authenticating) && (_options.ProtocolVersion == ProtocolVersion.V5 || farewell?.ReasonCode == ReasonCode.Success))
            {
                farewell?.WriteTo(_output.Filling, _options.ProtocolVersion);
            }

            Disconnected();
        }

        Signal();
    }

    /// <summary>The connection has ended, and so have both of its loops; the receive loop may have been at its last packet meanwhile.</summary>
    public void ConnectionClosed()
    {
        lock (_lock)
        {
            Disconnected();
            Counting.Dropped(_output.Reset());
        }
    }

    /// <summary>Hands everything that waits to be sent to the writer.</summary>
    /// <returns>Whether there is anything; if so, <see cref="Sent"/> has to follow.</returns>
    public bool TryTakeOutput(out ReadOnlyMemory<byte> bytes)
    {
        lock (_lock)
        {
            bytes = _output.IsEmpty ? default : _output.Take();
            return !bytes.IsEmpty;
        }
    }

    /// <summary>The writer has sent what it took: there may be room for publishers that wait.</summary>
    public void Sent()
    {
        lock (_lock)
        {
            _output.Sent();
            _publishes.Advance(Now());
        }
    }

    /// <summary>The receive loop begins with what it has received; what is written on its thread meanwhile is sent at the end.</summary>
    public void BeginBatch() => _batchThread = Environment.CurrentManagedThreadId;

    public void EndBatch()
    {
        _batchThread = 0;
        bool any;
        lock (_lock)
        {
            any = !_output.IsEmpty;
        }

        if (any)
        {
            OutputReady.Set();
        }
    }

    /// <summary>A PUBACK, PUBREC, PUBREL or PUBCOMP arrived.</summary>
    public Fault Acknowledged(PacketType type, PacketIdentifier identifier, PublishResult result)
    {
        Fault fault;
        lock (_lock)
        {
            fault = type switch
            {
                PacketType.PubAck => _publishes.Acknowledged(identifier, result, Now()),
                PacketType.PubRec => _publishes.Recorded(identifier, result, Now()),
                PacketType.PubComp => _publishes.Completed(identifier, result.ReasonCode, Now()),
                _ => Inbound.Released(identifier),
            };
        }

        Signal();
        return fault;
    }

    /// <summary>A SUBACK or UNSUBACK arrived.</summary>
    public Fault Answered(Packet answer)
    {
        Fault fault;
        lock (_lock)
        {
            fault = answer is SubAckPacket granted ? _subscriptions.Answered(granted) : _subscriptions.Answered((UnsubAckPacket)answer);
            Failures.Refused(_subscriptions.Refusals);
        }

        Signal();
        return fault;
    }

    /// <summary>The end of the client: every wait ends with a <see cref="ConnectionException"/>, and so does every later call. Runs what handlers have registered for it.</summary>
    /// <param name="end">Why.</param>
    public void Stop(ConnectionEnd end)
    {
        lock (_lock)
        {
            var unacknowledged = _publishes.Unacknowledged;
            _stopped = sent => (end with
            {
                Message = $"The client has stopped. {end.Message}{(sent ? " What had been sent may have arrived or not." : "")}",
            }).ToException(unacknowledged, sent);
            Inbound.Stop();
            _publishes.Stop(_stopped);
            _subscriptions.Stop(_stopped);
        }

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
        lock (_lock)
        {
            _journal.Close();
        }
    }

    private ValueTask<PublishResult> Publish(in PublishView view, string topic, CancellationToken cancellationToken)
    {
        var size = PublishEncoder.SizeOf(view, new Delivery { QoS = view.QoS }, _options.ProtocolVersion);
        ValueTask<PublishResult> result;
        lock (_lock)
        {
            if (_stopped is not null)
            {
                return ValueTask.FromException<PublishResult>(_stopped(false));
            }

            if (_publishes.Refusal(view.QoS, view.Retain, size) is { } code)
            {
                return ValueTask.FromException<PublishResult>(new RefusedException("PUBLISH", topic, code));
            }

            if (!_publishes.TryAdd(view, size, topic, Now(), out var pending))
            {
                return ValueTask.FromException<PublishResult>(new QueueFullException(topic, _options.MaximumQueuedMessages));
            }

            result = pending?.Task ?? new ValueTask<PublishResult>(new PublishResult(ReasonCode.Success));
            pending?.Watch(cancellationToken);
        }

        Signal();
        return result;
    }

    /// <summary>Takes up the Session where an earlier client has left it.</summary>
    private void Restore()
    {
        if (_journal.Load(_options) is { } stored)
        {
            _publishes.Restore(stored, Now());
            Inbound.Restore(stored.Received);
        }
        else if (_journal.IsKept)
        {
            HasSession = false;
            _journal.Begin(_options);
        }
    }

    private TimeSpan Now() => _options.TimeProvider.GetElapsedTime(0);

    private void Disconnected()
    {
        _accepted = false;
        _authenticating = false;
        _publishes.Disconnected();
        _subscriptions.Disconnected();
        Inbound.Disconnected();
    }
}
