namespace Antiphon.Broker;

/// <summary>The figures behind <see cref="BrokerCounters"/>. Written by the engine's thread; other threads read them one by one.</summary>
internal sealed class EngineCounters
{
    public long Connections;
    public long Sessions;
    public long Subscriptions;
    public long ConnectedClients;
    public long MaximumConnectedClients;
    public long BytesReceived;
    public long BytesSent;
    public long MessagesReceived;
    public long MessagesSent;
    public long MessagesWithoutSubscriber;
    public long DroppedSlowReader;
    public long DroppedAway;
    public long DroppedQueueFull;
    public long DroppedMemoryShort;
    public long DroppedWithSession;
    public long Redispatched;
    public long UncertainRequests;
    public long Expired;
    public long TooLargeForReceiver;
    public long UnknownAcknowledgements;
    public long OpenExchanges;
    public long UninvitedResponses;
    public long UntrackedRequests;
    public long EvictedExchanges;
    public long WithheldAcknowledgements;
    public long PausedConnections;
    public long Refusals;
    public long TurnedAway;
    public long RefusedClients;
    public long RefusedByAddress;
    public long RefusedByConnectRate;
    public long DroppedPending;
    public long OversizedPackets;
    public long OverMessageLimits;
    public long RefusedSubscriptions;
    public long DroppedOverRate;
    public long DelayedOverRate;
    public long DroppedPresenceEvents;
    public long RetainedMessages;
    public long RetainedBytes;
    public long NotRetained;
    public long RefusedSystemMessages;
    public long DeniedMessages;
    public long DeniedSubscriptions;
    public long FailedAuthorizations;

    // Of any thread.
    private long _defects;

    /// <summary>Something was thrown that should not have been, by the broker's own code or by the host's. Safe from any thread.</summary>
    public void AddDefect() => Interlocked.Increment(ref _defects);

    public BrokerCounters Read() => new()
    {
        Connections = Volatile.Read(ref Connections),
        Sessions = Volatile.Read(ref Sessions),
        Subscriptions = Volatile.Read(ref Subscriptions),
        BytesReceived = Volatile.Read(ref BytesReceived),
        BytesSent = Volatile.Read(ref BytesSent),
        MessagesReceived = Volatile.Read(ref MessagesReceived),
        MessagesSent = Volatile.Read(ref MessagesSent),
        MessagesWithoutSubscriber = Volatile.Read(ref MessagesWithoutSubscriber),
        DroppedSlowReader = Volatile.Read(ref DroppedSlowReader),
        DroppedAway = Volatile.Read(ref DroppedAway),
        DroppedMemoryShort = Volatile.Read(ref DroppedMemoryShort),
        DroppedQueueFull = Volatile.Read(ref DroppedQueueFull),
        DroppedWithSession = Volatile.Read(ref DroppedWithSession),
        Redispatched = Volatile.Read(ref Redispatched),
        UncertainRequests = Volatile.Read(ref UncertainRequests),
        Expired = Volatile.Read(ref Expired),
        TooLargeForReceiver = Volatile.Read(ref TooLargeForReceiver),
        UnknownAcknowledgements = Volatile.Read(ref UnknownAcknowledgements),
        OpenExchanges = Volatile.Read(ref OpenExchanges),
        UninvitedResponses = Volatile.Read(ref UninvitedResponses),
        UntrackedRequests = Volatile.Read(ref UntrackedRequests),
        EvictedExchanges = Volatile.Read(ref EvictedExchanges),
        WithheldAcknowledgements = Volatile.Read(ref WithheldAcknowledgements),
        PausedConnections = Volatile.Read(ref PausedConnections),
        Refusals = Volatile.Read(ref Refusals),
        TurnedAway = Volatile.Read(ref TurnedAway),
        RefusedClients = Volatile.Read(ref RefusedClients),
        RefusedByAddress = Volatile.Read(ref RefusedByAddress),
        RefusedByConnectRate = Volatile.Read(ref RefusedByConnectRate),
        DroppedPending = Volatile.Read(ref DroppedPending),
        OversizedPackets = Volatile.Read(ref OversizedPackets),
        OverMessageLimits = Volatile.Read(ref OverMessageLimits),
        RefusedSubscriptions = Volatile.Read(ref RefusedSubscriptions),
        DroppedOverRate = Volatile.Read(ref DroppedOverRate),
        DelayedOverRate = Volatile.Read(ref DelayedOverRate),
        DroppedPresenceEvents = Volatile.Read(ref DroppedPresenceEvents),
        RetainedMessages = Volatile.Read(ref RetainedMessages),
        RetainedBytes = Volatile.Read(ref RetainedBytes),
        NotRetained = Volatile.Read(ref NotRetained),
        RefusedSystemMessages = Volatile.Read(ref RefusedSystemMessages),
        DeniedMessages = Volatile.Read(ref DeniedMessages),
        DeniedSubscriptions = Volatile.Read(ref DeniedSubscriptions),
        FailedAuthorizations = Volatile.Read(ref FailedAuthorizations),
        Defects = Volatile.Read(ref _defects),
    };
}
