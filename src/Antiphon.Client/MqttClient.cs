using Antiphon.Client.Connections;
using Antiphon.Client.Logging;
using Antiphon.Client.Publishing;
using Antiphon.Client.Receiving;
using Antiphon.Client.Sessions;
using Antiphon.Protocol;
using Antiphon.Protocol.Packets;
using Antiphon.Protocol.Properties;
using Antiphon.Protocol.Topics;
using Antiphon.Protocol.Wire;
using Microsoft.Extensions.Logging;

namespace Antiphon.Client;

/// <summary>
/// An MQTT client, version 5 or 3.1.1, that heals itself: it reconnects,
/// sends again what was not acknowledged and subscribes again where the Session is gone.
/// All members are safe from any thread and from within handlers.
/// </summary>
public sealed class MqttClient : IAsyncDisposable
{
    private readonly ClientSession _session;
    private readonly PublishWaiters _publishes;
    private readonly ConnectionLoop _loop;

    private MqttClient(MqttClientOptions options, bool stopOnFirstFailure)
    {
        ArgumentNullException.ThrowIfNull(options);
        options.Validate();
        var logger = new GuardedLogger(options.LoggerFactory.CreateLogger<MqttClient>());
        _session = new ClientSession(options, logger);
        _publishes = new PublishWaiters(_session);
        _loop = new ConnectionLoop(_session, options, logger, stopOnFirstFailure, change => StateChanged?.Invoke(this, change));
        _session.Hurry = _loop.Hurry;
        _loop.Start();
    }

    /// <summary>Raised after each change of <see cref="State"/>, in order, one at a time, never on the thread of a caller.</summary>
    public event EventHandler<ConnectionStateChange>? StateChanged;

    /// <summary>The Client Identifier in use: the one that the server assigned, once it has (MQTT 5 §3.2.2.3.7).</summary>
    public string ClientId => _loop.ClientId;

    /// <summary>Where the client stands.</summary>
    public ConnectionState State => _loop.State;

    /// <summary>What the server said in its last CONNACK; <c>null</c> before the first.</summary>
    public ServerLimits? Server => _loop.Server;

    /// <summary>The version that this client speaks.</summary>
    public ProtocolVersion ProtocolVersion => _session.ProtocolVersion;

    /// <summary>What has been counted so far.</summary>
    public MqttClientCounters Counters => _session.Counters;

    /// <summary>
    /// Makes a client that connects in the background and keeps trying until it is disposed or <see cref="ConnectionState.Stopped"/>.
    /// </summary>
    /// <param name="options">Where and how to connect.</param>
    /// <exception cref="ArgumentException">
    /// The options are not valid; all mistakes are named. Or the <see cref="MqttClientOptions.SessionStore"/> holds another Session.
    /// </exception>
    /// <exception cref="SessionStoreException">The <see cref="MqttClientOptions.SessionStore"/> cannot be read or written.</exception>
    public static MqttClient Start(MqttClientOptions options) => new(options, stopOnFirstFailure: false);

    /// <summary>
    /// Makes a client and waits until the server has accepted its first connection; from then on it reconnects by itself.
    /// </summary>
    /// <param name="options">Where and how to connect.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="ArgumentException">
    /// The options are not valid; all mistakes are named. Or the <see cref="MqttClientOptions.SessionStore"/> holds another Session.
    /// </exception>
    /// <exception cref="SessionStoreException">The <see cref="MqttClientOptions.SessionStore"/> cannot be read or written.</exception>
    /// <exception cref="ConnectionException">The first try failed: no connection, no CONNACK in time, or a refusal.</exception>
    /// <exception cref="OperationCanceledException">Given up.</exception>
    public static async Task<MqttClient> ConnectAsync(MqttClientOptions options, CancellationToken cancellationToken = default)
    {
        var client = new MqttClient(options, stopOnFirstFailure: true);
        try
        {
            await client.WaitUntilConnectedAsync(cancellationToken).ConfigureAwait(false);
            return client;
        }
        catch
        {
            await client.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>As <see cref="ConnectAsync(MqttClientOptions, CancellationToken)"/> with default options.</summary>
    /// <param name="host">Name or address of the server.</param>
    /// <param name="port">TCP port, 1 to 65,535.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public static Task<MqttClient> ConnectAsync(string host, int port = 1883, CancellationToken cancellationToken = default) =>
        ConnectAsync(new MqttClientOptions { Host = host, Port = port }, cancellationToken);

    /// <summary>Completes at once when connected, else with the next connection.</summary>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="ConnectionException">The client has stopped.</exception>
    public Task WaitUntilConnectedAsync(CancellationToken cancellationToken = default) => _loop.WaitUntilConnectedAsync(cancellationToken);

    /// <summary>
    /// Publishes a message. QoS 0 completes when it is in the connection's output, QoS 1 when the server has acknowledged it,
    /// QoS 2 when the server has completed its delivery (PUBCOMP); the result is then what PUBREC said.
    /// Without a connection, or beyond the server's Receive Maximum or <see cref="MqttClientOptions.MaximumQueuedBytes"/>, it waits.
    /// What was unacknowledged when a connection was lost is sent again over the next, with DUP,
    /// if the server still has the Session (MQTT 5 §4.4); else QoS 1 is sent as new,
    /// while QoS 2 ends with <see cref="ConnectionException"/>, since sending it as new could deliver it twice.
    /// Time spent waiting counts against the Message Expiry Interval, and what has expired is not sent, nor sent again.
    /// </summary>
    /// <param name="message">The message; it is copied before the call returns.</param>
    /// <param name="cancellationToken">
    /// Withdraws the message if it is still waiting to be written; afterwards it only ends the wait.
    /// </param>
    /// <returns>How it went; await it once.</returns>
    /// <exception cref="ArgumentException">The message has no form on the wire; in MQTT 3.1.1 also one with properties.</exception>
    /// <exception cref="RefusedException">
    /// The server refused it, or it is beyond the server's limits: Maximum QoS (0x9B), Maximum Packet Size (0x95), Retain Available (0x9A).
    /// </exception>
    /// <exception cref="SessionStoreException">The message could not be stored, and has not been sent.</exception>
    /// <exception cref="QueueFullException">
    /// Too many messages wait already (<see cref="MqttClientOptions.MaximumQueuedMessages"/>), or too many bytes
    /// (<see cref="MqttClientOptions.MaximumWaitingBytes"/>).
    /// </exception>
    /// <exception cref="ConnectionException">
    /// The client has stopped, the message expired before there was a connection to send it, or to send it again,
    /// or the server has lost the Session while a QoS 2 message was on its way;
    /// <see cref="ConnectionException.Sent"/> tells whether its outcome is unknown.
    /// What had been sent when a client with a <see cref="MqttClientOptions.SessionStore"/> stopped,
    /// the next client of that store sends again.
    /// </exception>
    /// <exception cref="OperationCanceledException">The wait has been ended.</exception>
    public ValueTask<PublishResult> PublishAsync(ApplicationMessage message, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(message);
        if (message.QoS > QualityOfService.ExactlyOnce)
        {
            throw new ArgumentException($"The message has QoS {(int)message.QoS}; there are 0 to 2 (MQTT 5 §3.3.1.2).", nameof(message));
        }

        if (message.ResponseTopic is not null)
        {
            TopicName.ThrowIfInvalid(message.ResponseTopic, nameof(message));
        }

        var properties = new PropertyWriter(stackalloc byte[256], PacketSet.Publish);
        var topic = new WireWriter(stackalloc byte[256]);
        try
        {
            topic.WriteUtf8(message.Topic, TopicName.Check(message.Topic, nameof(message)));
            MessageProperties.Add(ref properties, message);
            if (ProtocolVersion == ProtocolVersion.V311 && properties.Length > 0)
            {
                throw new ArgumentException(
                    $"The message to «{message.Topic}» has properties, which MQTT 3.1.1 has no place for; connect with "
                    + "MQTT 5 to send them.", nameof(message));
            }

            return _publishes.PublishAsync(
                new PublishContent
                {
                    Topic = topic.Written,
                    Payload = message.Payload.Span,
                    Properties = properties.Written,
                    QoS = message.QoS,
                    Retain = message.Retain,
                },
                cancellationToken);
        }
        finally
        {
            properties.Dispose();
            topic.Dispose();
        }
    }

    /// <summary>What requesters and responders stand on.</summary>
    internal ClientSession Session => _session;

    /// <summary>Publishes from bytes that are there already; allocates nothing in steady state.</summary>
    internal PublishWaiters Publishes => _publishes;

    /// <summary>
    /// Subscribes; completes when the server has granted it. A QoS 1 or 2 message is acknowledged after its handler;
    /// an exception of the handler is logged, counted, and the message acknowledged.
    /// When a reconnect finds the Session gone, the client subscribes again by itself.
    /// </summary>
    /// <remarks>
    /// Acknowledgements leave in the order in which the messages arrived [MQTT-4.6.0-2], those of all subscriptions of the client. So a
    /// handler that takes long holds up all that comes behind its message: at <see cref="MqttClientOptions.ReceiveMaximum"/> the server
    /// sends no more QoS 1 and 2 messages, the responses to calls over this client included. Work that takes long belongs behind the
    /// handler, or on a client of its own.
    /// </remarks>
    /// <param name="topicFilter">The Topic Filter, <c>$share/NAME/…</c> for a shared subscription.</param>
    /// <param name="handler">
    /// Called for each message, in order and one at a time unless <see cref="SubscribeOptions.MaximumConcurrency"/> says otherwise;
    /// its token fires when the client stops.
    /// </param>
    /// <param name="options">How to subscribe; <c>null</c>: the defaults.</param>
    /// <param name="cancellationToken">Gives the subscription up.</param>
    /// <exception cref="ArgumentException">The filter or the options are not valid.</exception>
    /// <exception cref="InvalidOperationException">
    /// This client has a subscription with that filter; a second one would replace it at the server [MQTT-3.8.4-3].
    /// </exception>
    /// <exception cref="RefusedException">The server refused it, or has said that it has no such subscriptions.</exception>
    /// <exception cref="ConnectionException">The client has stopped.</exception>
    public Task<Subscription> SubscribeAsync(
        string topicFilter,
        Func<ReceivedMessage, CancellationToken, ValueTask> handler,
        SubscribeOptions? options = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(handler);
        var subscription = Subscription.Create(_session, topicFilter, options, null);
        subscription.Queue = new HandlerQueue(_session, subscription, handler);
        return _session.SubscribeAsync(subscription, cancellationToken);
    }

    /// <summary>
    /// As <see cref="SubscribeAsync"/> for a handler that reads messages straight from the receive buffer and acknowledges them itself.
    /// </summary>
    /// <param name="topicFilter">The Topic Filter, <c>$share/NAME/…</c> for a shared subscription.</param>
    /// <param name="handler">
    /// Called on the receive loop; must not block. An exception is logged, counted, and the message acknowledged.
    /// </param>
    /// <param name="options">How to subscribe; <c>null</c>: the defaults.</param>
    /// <param name="cancellationToken">Gives the subscription up.</param>
    /// <exception cref="ArgumentException">The filter or the options are not valid.</exception>
    /// <exception cref="InvalidOperationException">This client has a subscription with that filter.</exception>
    /// <exception cref="RefusedException">The server refused it, or has said that it has no such subscriptions.</exception>
    /// <exception cref="ConnectionException">The client has stopped.</exception>
    public Task<Subscription> SubscribeRawAsync(
        string topicFilter,
        RawMessageHandler handler,
        SubscribeOptions? options = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(handler);
        return _session.SubscribeAsync(Subscription.Create(_session, topicFilter, options, handler), cancellationToken);
    }

    /// <summary>
    /// Authenticates again over the connection that there is (MQTT 5 §4.12.1),
    /// with a new exchange of <see cref="MqttClientOptions.Authentication"/>: before a token ends, or when rights have changed.
    /// Messages go on meanwhile. If either side is not content, the connection ends; the next one is authenticated anyway.
    /// </summary>
    /// <param name="cancellationToken">Ends the wait, not the exchange.</param>
    /// <exception cref="InvalidOperationException">
    /// There is no <see cref="MqttClientOptions.Authentication"/>, it gave another method than before [MQTT-4.12.1-1],
    /// or an exchange is under way.
    /// </exception>
    /// <exception cref="ConnectionException">There is no connection, or it has ended before the exchange had.</exception>
    /// <exception cref="OperationCanceledException">The wait has been ended.</exception>
    public async Task ReauthenticateAsync(CancellationToken cancellationToken = default) =>
        await _loop.ReauthenticateAsync(cancellationToken).ConfigureAwait(false);

    /// <summary>
    /// Sends what has been handed to the output, then DISCONNECT, and closes. What still waits ends with <see cref="ConnectionException"/>.
    /// Final: <see cref="State"/> is Stopped.
    /// </summary>
    /// <param name="reason">
    /// What to tell the server; Success or one of DISCONNECT's codes (MQTT 5 §3.14.2.1). All but Success have the Will published.
    /// </param>
    /// <param name="cancellationToken">Closes at once.</param>
    /// <exception cref="ArgumentException">A client's DISCONNECT does not allow the code; MQTT 3.1.1 allows Success only.</exception>
    public async Task DisconnectAsync(ReasonCode reason = ReasonCode.Success, CancellationToken cancellationToken = default)
    {
        if (!DisconnectPacket.ClientMaySay(reason))
        {
            throw new ArgumentException(
                $"A client's DISCONNECT has no Reason Code 0x{(byte)reason:X2} (MQTT 5 §3.14.2.1).", nameof(reason));
        }

        if (ProtocolVersion == ProtocolVersion.V311 && reason != ReasonCode.Success)
        {
            throw new ArgumentException(
                $"DISCONNECT of MQTT 3.1.1 has no Reason Codes, so that 0x{(byte)reason:X2} cannot be said (MQTT 3.1.1 §3.14).",
                nameof(reason));
        }

        _loop.RequestStop(reason);
        await using (cancellationToken.UnsafeRegister(static loop => ((ConnectionLoop)loop!).Abort(), _loop).ConfigureAwait(false))
        {
            await _loop.Completion.ConfigureAwait(false);
        }
    }

    /// <summary>
    /// Disconnects, ends every pending operation with <see cref="ConnectionException"/> and waits for handlers that run,
    /// unless it is called from within one. May be called more than once.
    /// </summary>
    public async ValueTask DisposeAsync()
    {
        _loop.RequestStop(ReasonCode.Success);
        await _loop.Completion.ConfigureAwait(false);
        if (!CallbackScope.IsWithin(_session))
        {
            await _session.Callbacks.WhenIdleAsync().ConfigureAwait(false);
        }

        _session.Close();
    }
}
