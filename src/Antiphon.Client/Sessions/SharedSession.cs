using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Text;
using Antiphon.Client.Connections;
using Antiphon.Client.Publishing;
using Antiphon.Client.Subscriptions;
using Antiphon.Protocol;
using Antiphon.Protocol.Packets;
using Antiphon.Protocol.Topics;
using Microsoft.Extensions.Logging;

namespace Antiphon.Client.Sessions;

/// <summary>
/// The client's side of the Session (MQTT 5 §4.1) behind its one lock: what callers ask for, what the connection brings, and the output that both append to. No sockets in here; the clock is read only to pass the time on.
/// </summary>
[SuppressMessage("Design", "CA1001", Justification = "The one source to dispose has no timer, and handlers may hold its token for longer.")]
internal sealed partial class SharedSession
{
    private const int StackTopic = 256;

    // For the process.
    private readonly Lock _lock = new();
    private readonly ILogger _logger;
    private readonly TimeProvider _clock;
    private readonly CancellationTokenSource _stopping = new();
    private Func<bool, ConnectionException>? _stopped;

    // For the Session; guarded by the lock.
    private readonly PacketIdentifiers _identifiers = new();
    private readonly OutgoingPublishes _publishes;
    private readonly SubscriptionTable _subscriptions;

    // For the Network Connection; guarded by the lock.
    private readonly ConnectionOutput _output;
    private readonly InboundAcknowledgements _inbound;
    private uint _connection;
    private bool _accepted;

    // Enhanced authentication has begun: until CONNACK, AUTH and DISCONNECT may be sent, and nothing else [MQTT-3.1.2-30].
    private bool _authenticating;

    // The thread that handles a batch of received packets, 0 between batches: what it writes is sent at the batch's end.
    private int _batchThread;

    public SharedSession(MqttClientOptions options, ILogger logger)
    {
        _logger = logger;
        _clock = options.TimeProvider;
        _output = new ConnectionOutput(options.MaximumQueuedBytes);
        _publishes = new OutgoingPublishes(this, _identifiers, _output);
        _subscriptions = new SubscriptionTable(_identifiers, _output);
        _inbound = new InboundAcknowledgements(options.ReceiveMaximum);
        Stopping = _stopping.Token;
    }

    public Counting Counting { get; } = new();

    public RunningCallbacks Callbacks { get; } = new();

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
        if (message.QoS > QualityOfService.AtLeastOnce)
        {
            throw new ArgumentException($"QoS {(int)message.QoS} is not supported yet; publish with QoS 0 or 1.", nameof(message));
        }

        TopicName.ThrowIfInvalid(message.Topic, nameof(message));
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

    /// <summary>A handler has dealt with a message.</summary>
    public void Complete(uint connection, uint sequence, int handler, ReasonCode code)
    {
        lock (_lock)
        {
            if (connection != _connection || !_accepted)
            {
                return;
            }

            _inbound.Complete(sequence, handler, code, _output.Filling);
        }

        Signal();
    }

    /// <summary>A handler threw.</summary>
    public void HandlerFailed(Exception failure, Subscription subscription)
    {
        // The peer may have caused it: one error a client, the rest is a counter.
        if (Counting.HandlerFailed() == 1)
        {
            LogHandlerFailed(failure, subscription.TopicFilter);
        }
        else
        {
            LogHandlerFailedAgain(failure, subscription.TopicFilter);
        }
    }

    /// <summary>A Network Connection is there; CONNECT is the first packet [MQTT-3.1.0-1].</summary>
    public void BeginConnection(ConnectPacket connect)
    {
        lock (_lock)
        {
            _connection++;
            _authenticating = connect.AuthenticationMethod is not null;
            connect.WriteTo(_output.Filling, ProtocolVersion.V5);
        }

        Signal();
    }

    /// <summary>The server has accepted the connection: subscriptions first, so that no answer to what follows is missed.</summary>
    public void Accepted(ServerLimits limits)
    {
        lock (_lock)
        {
            _accepted = true;
            _subscriptions.Connected(limits);
            _publishes.Connected(limits, Now());
            LogRefusals();
        }

        Signal();
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
                PingReqPacket.Instance.WriteTo(_output.Filling, ProtocolVersion.V5);
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
            if (_accepted || _authenticating)
            {
                farewell?.WriteTo(_output.Filling, ProtocolVersion.V5);
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

    /// <summary>A PUBLISH arrived: which subscriptions are to have it, and what to acknowledge it by.</summary>
    /// <param name="message">The message.</param>
    /// <param name="receivers">Where to add the subscriptions.</param>
    /// <param name="connection">Which connection it came by.</param>
    /// <param name="sequence">Its number among the QoS 1 messages of this connection.</param>
    public Fault Received(in PublishView message, List<Subscription> receivers, out uint connection, out uint sequence)
    {
        sequence = 0;
        connection = _connection;
        _subscriptions.Collect(message, receivers);
        Counting.MessageReceived();
        if (receivers.Count == 0)
        {
            Counting.Unhandled();
        }

        if (message.QoS == QualityOfService.AtMostOnce)
        {
            return default;
        }

        lock (_lock)
        {
            if (!_accepted)
            {
                // The connection ends; the server will send it again.
                receivers.Clear();
                return default;
            }

            if (!_inbound.TryAdd(message.PacketIdentifier, Math.Max(receivers.Count, 1), out sequence))
            {
                return new Fault(ReasonCode.ReceiveMaximumExceeded, $"More than {_inbound.Count} QoS 1 messages are unacknowledged [MQTT-3.3.4-9].");
            }

            if (receivers.Count == 0)
            {
                _inbound.Complete(sequence, 0, ReasonCode.Success, _output.Filling);
            }
        }

        return default;
    }

    /// <summary>A PUBACK arrived.</summary>
    public Fault Acknowledged(PacketIdentifier identifier, PublishResult result)
    {
        lock (_lock)
        {
            if (_identifiers.Find(identifier) is not PendingPublish pending)
            {
                return Unexpected(PacketType.PubAck, identifier);
            }

            _publishes.Acknowledged(pending, result, Now());
        }

        Signal();
        return default;
    }

    /// <summary>A SUBACK arrived.</summary>
    public Fault Answered(SubAckPacket answer)
    {
        lock (_lock)
        {
            if (_identifiers.Find(answer.PacketIdentifier) is not Subscription subscription || subscription.SubscribePacket != answer.PacketIdentifier)
            {
                return Unexpected(PacketType.SubAck, answer.PacketIdentifier);
            }

            if (answer.ReasonCodes.Count != 1)
            {
                return Fault.Protocol($"The SUBACK has {answer.ReasonCodes.Count} Reason Codes for one Topic Filter [MQTT-3.8.4-6].");
            }

            _subscriptions.Answered(subscription, answer);
            LogRefusals();
        }

        Signal();
        return default;
    }

    /// <summary>An UNSUBACK arrived.</summary>
    public Fault Answered(UnsubAckPacket answer)
    {
        lock (_lock)
        {
            if (_identifiers.Find(answer.PacketIdentifier) is not Subscription subscription || subscription.UnsubscribePacket != answer.PacketIdentifier)
            {
                return Unexpected(PacketType.UnsubAck, answer.PacketIdentifier);
            }

            if (answer.ReasonCodes.Count != 1)
            {
                return Fault.Protocol($"The UNSUBACK has {answer.ReasonCodes.Count} Reason Codes for one Topic Filter [MQTT-3.11.3-1].");
            }

            _subscriptions.Answered(subscription, answer);
            LogRefusals();
        }

        Signal();
        return default;
    }

    /// <summary>The end of the client: every wait ends with a <see cref="ConnectionException"/>, and so does every later call.</summary>
    /// <param name="end">Why.</param>
    public async Task StopAsync(ConnectionEnd end)
    {
        lock (_lock)
        {
            var unacknowledged = _publishes.Unacknowledged;
            _stopped = sent => (end with
            {
                Message = $"The client has stopped. {end.Message}{(sent ? " What had been sent may have arrived or not." : "")}",
            }).ToException(unacknowledged, sent);
            _publishes.Stop(_stopped);
            _subscriptions.Stop(_stopped);
        }

        try
        {
            await _stopping.CancelAsync().ConfigureAwait(false);
        }
        catch (AggregateException failure)
        {
            LogCallbackFailed(failure);
        }
    }

    private static Fault Unexpected(PacketType type, PacketIdentifier identifier) =>
        Fault.Protocol($"{type} has the Packet Identifier {identifier}, which nothing waits for (MQTT 5 §4.3).");

    private ValueTask<PublishResult> Publish(in PublishView view, string topic, CancellationToken cancellationToken)
    {
        var size = PublishEncoder.SizeOf(view, new Delivery { QoS = view.QoS }, ProtocolVersion.V5);
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

            var pending = _publishes.Add(view, size, topic, Now());
            result = pending?.Task ?? new ValueTask<PublishResult>(new PublishResult(ReasonCode.Success));
            pending?.Watch(cancellationToken);
        }

        Signal();
        return result;
    }

    private TimeSpan Now() => _clock.GetElapsedTime(0);

    private void Disconnected()
    {
        _accepted = false;
        _authenticating = false;
        _publishes.Disconnected();
        _subscriptions.Disconnected();
        _inbound.Clear();
    }

    private void Signal()
    {
        if (Environment.CurrentManagedThreadId != _batchThread)
        {
            OutputReady.Set();
        }
    }

    private void LogRefusals()
    {
        while (_subscriptions.Refusals.TryDequeue(out var refused))
        {
            LogRefused(refused.Operation, refused.Topic, refused.ReasonCode);
        }
    }
}
