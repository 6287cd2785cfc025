namespace Antiphon.Broker;

/// <summary>
/// What a broker has done since it started, at one moment. Each figure is exact; together they may be a few messages apart.
/// </summary>
public readonly record struct BrokerCounters
{
    /// <summary>Network Connections that are open.</summary>
    public long Connections { get; init; }

    /// <summary>Sessions, of clients connected and away.</summary>
    public long Sessions { get; init; }

    /// <summary>Subscriptions, those to own response topics included.</summary>
    public long Subscriptions { get; init; }

    /// <summary>Bytes received, of all packets.</summary>
    public long BytesReceived { get; init; }

    /// <summary>Bytes sent, of all packets.</summary>
    public long BytesSent { get; init; }

    /// <summary>PUBLISH packets received.</summary>
    public long MessagesReceived { get; init; }

    /// <summary>PUBLISH packets sent, repetitions included.</summary>
    public long MessagesSent { get; init; }

    /// <summary>Messages that no subscription matched.</summary>
    public long MessagesWithoutSubscriber { get; init; }

    /// <summary>QoS 0 messages dropped because their receiver reads too slowly.</summary>
    public long DroppedSlowReader { get; init; }

    /// <summary>QoS 0 messages dropped because the client of the Session is away.</summary>
    public long DroppedAway { get; init; }

    /// <summary>
    /// QoS 1 and QoS 2 messages dropped because the Session's queue was full;
    /// the newest or the oldest, as <see cref="BrokerOptions.QueueOverflow"/> says.
    /// </summary>
    public long DroppedQueueFull { get; init; }

    /// <summary>
    /// QoS 1 and QoS 2 messages dropped because their client is away and what waits for such clients takes half of
    /// <see cref="BrokerOptions.MaximumBufferBytes"/>.
    /// </summary>
    public long DroppedMemoryShort { get; init; }

    /// <summary>QoS 1 and QoS 2 messages that ended with the Session that they were for.</summary>
    public long DroppedWithSession { get; init; }

    /// <summary>Messages that went to another member of a share group because the first one left (MQTT 5 §4.8.2).</summary>
    public long Redispatched { get; init; }

    /// <summary>
    /// Requests that a member of a share group was sent and had not acknowledged when its Session ended:
    /// they may have been executed, and go to no other member.
    /// </summary>
    public long UncertainRequests { get; init; }

    /// <summary>Messages that expired before they could be sent.</summary>
    public long Expired { get; init; }

    /// <summary>Messages not sent because they exceed the receiver's Maximum Packet Size [MQTT-3.1.2-25].</summary>
    public long TooLargeForReceiver { get; init; }

    /// <summary>Acknowledgements of a Packet Identifier that nothing waits for.</summary>
    public long UnknownAcknowledgements { get; init; }

    /// <summary>Exchanges on own response topics that may still be answered.</summary>
    public long OpenExchanges { get; init; }

    /// <summary>
    /// Messages to an own response topic from clients that hold no permission to answer there: late, uninvited or more than asked for.
    /// </summary>
    public long UninvitedResponses { get; init; }

    /// <summary>Requests refused because their exchange could not be tracked.</summary>
    public long UntrackedRequests { get; init; }

    /// <summary>
    /// Exchanges that nobody had answered and that were closed before their deadline, because
    /// <see cref="BrokerOptions.MaximumExchangeBytes"/> was reached and their requester had the most.
    /// </summary>
    public long EvictedExchanges { get; init; }

    /// <summary>
    /// Acknowledgements that publishers are waiting for because memory is short, a commit is not done, or they were too fast.
    /// </summary>
    public long WithheldAcknowledgements { get; init; }

    /// <summary>Connections that are left unread because memory is short.</summary>
    public long PausedConnections { get; init; }

    /// <summary>Connections closed because of what their peer sent or failed to send.</summary>
    public long Refusals { get; init; }

    /// <summary>Connections closed as soon as they came, because the process may not open another file descriptor.</summary>
    public long TurnedAway { get; init; }

    /// <summary>
    /// Clients refused with 0x97, or 0x89, because <see cref="BrokerOptions.MaximumConnections"/>,
    /// <see cref="BrokerOptions.MaximumSessions"/> or a bound of <see cref="BrokerOptions.MaximumSessionBytes"/> was reached.
    /// </summary>
    public long RefusedClients { get; init; }

    /// <summary>
    /// Connections refused with 0x97, or closed as soon as they came, because their address has
    /// <see cref="BrokerOptions.MaximumConnectionsPerAddress"/> already.
    /// </summary>
    public long RefusedByAddress { get; init; }

    /// <summary>
    /// Connections refused with 0x9F: beyond <see cref="BrokerOptions.MaximumConnectsPerSecond"/> or
    /// <see cref="BrokerOptions.MaximumConnectsPerSecondPerAddress"/>.
    /// </summary>
    public long RefusedByConnectRate { get; init; }

    /// <summary>
    /// Connections closed because more than <see cref="BrokerOptions.MaximumPendingConnections"/> had not sent CONNECT, and they were the
    /// oldest.
    /// </summary>
    public long DroppedPending { get; init; }

    /// <summary>
    /// Packets longer than <see cref="BrokerOptions.MaximumPacketSize"/>, or before CONNACK than
    /// <see cref="BrokerOptions.MaximumConnectBytes"/>; each ended its connection with 0x95.
    /// </summary>
    public long OversizedPackets { get; init; }

    /// <summary>
    /// Packets refused because their topic is longer than <see cref="BrokerOptions.MaximumTopicLength"/>, has more levels than
    /// <see cref="BrokerOptions.MaximumTopicLevels"/>, or they have more User Properties than they may. PUBLISH with QoS 0 is dropped.
    /// </summary>
    public long OverMessageLimits { get; init; }

    /// <summary>
    /// Subscriptions refused because their Session has as many as it may, there is no memory for them, or their Topic Filter is too long or
    /// has too many levels.
    /// </summary>
    public long RefusedSubscriptions { get; init; }

    /// <summary>QoS 0 messages dropped because their publisher was faster than it may be.</summary>
    public long DroppedOverRate { get; init; }

    /// <summary>Acknowledgements that were withheld for a while because their publisher was faster than it may be.</summary>
    public long DelayedOverRate { get; init; }

    /// <summary>
    /// Clients that came or went without an event below <c>$SYS/clients</c>: too many events waited to be told, or a Client Identifier was
    /// too long for a topic.
    /// </summary>
    public long DroppedPresenceEvents { get; init; }

    /// <summary>Retained messages, those below <c>$SYS</c> included.</summary>
    public long RetainedMessages { get; init; }

    /// <summary>Bytes of memory that retained messages take, their topics included.</summary>
    public long RetainedBytes { get; init; }

    /// <summary>
    /// QoS 0 messages and Wills that were passed on, but not retained as they asked for, because the bound of retained messages was
    /// reached.
    /// </summary>
    public long NotRetained { get; init; }

    /// <summary>
    /// Messages of clients to <c>$SYS</c> and below, which were refused, and Wills of bridges there, without which they were let in.
    /// </summary>
    public long RefusedSystemMessages { get; init; }

    /// <summary>
    /// Messages of clients, Wills among them, that the access rules or the authorizer did not allow, or that said what only the broker
    /// says. Nobody got them.
    /// </summary>
    public long DeniedMessages { get; init; }

    /// <summary>
    /// Subscriptions that the access rules or the authorizer did not allow: refused, or taken away when other rules came into force.
    /// </summary>
    public long DeniedSubscriptions { get; init; }

    /// <summary>
    /// How often <see cref="BrokerOptions.Authorizer"/> has thrown, or taken too long. What it was asked about was refused.
    /// </summary>
    public long FailedAuthorizations { get; init; }

    /// <summary>
    /// Exceptions that should not have been, of the broker's own code and of what its host gave it: authenticators, streams, the log,
    /// the observer of exchanges. Each is logged, unless it was the log's or the observer's, and ends one connection at most.
    /// </summary>
    public long Defects { get; init; }
}
