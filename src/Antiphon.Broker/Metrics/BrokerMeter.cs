using System.Diagnostics.Metrics;

namespace Antiphon.Broker.Metrics;

/// <summary>
/// A broker's figures as observable instruments: whoever collects them reads the counters that the engine keeps anyway,
/// so they cost the engine nothing.
/// </summary>
internal sealed class BrokerMeter : IDisposable
{
    internal const string Name = "Antiphon.Broker";

    private readonly BrokerEngine _engine;

    public BrokerMeter(BrokerEngine engine)
    {
        _engine = engine;
        Meter = new Meter(Name);
        AddWhatThereIs();
        AddTraffic();
        AddExchanges();
        AddRefusals();
    }

    public Meter Meter { get; }

    private BrokerCounters Counters => _engine.Counters.Read();

    public void Dispose() => Meter.Dispose();

    private void AddWhatThereIs()
    {
        Gauge("antiphon.connections", "{connection}", "Network Connections that are open.", () => Counters.Connections);
        Gauge("antiphon.connections.paused", "{connection}", "Connections left unread because memory is short.",
            () => Counters.PausedConnections);
        Gauge("antiphon.connections.pending", "{connection}", "Connections that have not sent CONNECT.", () => _engine.PendingConnections);
        Gauge("antiphon.clients", "{client}", "Clients that are connected.", () => Volatile.Read(ref _engine.Counters.ConnectedClients));
        Gauge("antiphon.sessions", "{session}", "Sessions, of clients connected and away.", () => Counters.Sessions);
        Gauge("antiphon.subscriptions", "{subscription}", "Subscriptions, those to own response topics included.",
            () => Counters.Subscriptions);
        Gauge("antiphon.retained", "{message}", "Retained messages, those below $SYS included.", () => Counters.RetainedMessages);
        Gauge("antiphon.retained.size", "By", "Memory that retained messages take, their topics included.", () => Counters.RetainedBytes);
        Gauge("antiphon.buffers.size", "By", "Memory that messages and buffers of all clients take.", () => _engine.BufferBytes);
        Gauge("antiphon.sessions.size", "By", "Memory that Sessions take beside their messages.", () => _engine.SessionBytes);
        Gauge("antiphon.acknowledgements.withheld", "{acknowledgement}",
            "Acknowledgements that publishers wait for because memory is short, a commit is not done, or they were too fast.",
            () => Counters.WithheldAcknowledgements);
    }

    private void AddTraffic()
    {
        Counter("antiphon.network.received", "By", "Bytes received, of all packets.", () => Counters.BytesReceived);
        Counter("antiphon.network.sent", "By", "Bytes sent, of all packets.", () => Counters.BytesSent);
        Counter("antiphon.messages.received", "{message}", "PUBLISH packets received.", () => Counters.MessagesReceived);
        Counter("antiphon.messages.sent", "{message}", "PUBLISH packets sent, repetitions included.", () => Counters.MessagesSent);
        Counter("antiphon.messages.unmatched", "{message}", "Messages that no subscription matched.",
            () => Counters.MessagesWithoutSubscriber);
        Counter("antiphon.messages.redispatched", "{message}",
            "Messages that went to another member of a share group because the first one left.", () => Counters.Redispatched);
        Counter("antiphon.messages.not_retained", "{message}",
            "Messages passed on but not retained, because the bound of retained messages was reached.", () => Counters.NotRetained);
        Counter("antiphon.acknowledgements.unknown", "{acknowledgement}",
            "Acknowledgements of a Packet Identifier that nothing waits for.", () => Counters.UnknownAcknowledgements);
        Meter.CreateObservableCounter(
            "antiphon.messages.dropped", Dropped, "{message}", "Messages that a receiver did not get, by the reason.");
    }

    private void AddExchanges()
    {
        Gauge("antiphon.exchanges", "{exchange}", "Exchanges on own response topics that may still be answered.",
            () => Counters.OpenExchanges);
        Counter("antiphon.exchanges.evicted", "{exchange}", "Exchanges that nobody had answered, closed because there was no room.",
            () => Counters.EvictedExchanges);
        Counter("antiphon.requests.untracked", "{request}", "Requests refused because their exchange could not be tracked.",
            () => Counters.UntrackedRequests);
        Counter("antiphon.requests.uncertain", "{request}",
            "Requests that a member of a share group was sent and had not acknowledged when its Session ended.",
            () => Counters.UncertainRequests);
        Counter("antiphon.responses.uninvited", "{response}", "Responses refused because they were late, uninvited or one too many.",
            () => Counters.UninvitedResponses);
    }

    private void AddRefusals()
    {
        Counter("antiphon.connections.refused", "{connection}", "Connections closed because of what their peer sent or failed to send.",
            () => Counters.Refusals);
        Counter("antiphon.connections.turned_away", "{connection}",
            "Connections closed as soon as they came, because no file descriptor was left.", () => Counters.TurnedAway);
        Counter("antiphon.messages.denied", "{message}", "Messages that the access rules or the authorizer did not allow.",
            () => Counters.DeniedMessages);
        Meter.CreateObservableCounter(
            "antiphon.limits.exceeded", OverLimits, "{occurrence}", "What was refused, delayed or left out at a limit, by the limit.");
        Counter("antiphon.messages.denied_system", "{message}", "Messages of clients to $SYS and below, which were refused.",
            () => Counters.RefusedSystemMessages);
        Counter("antiphon.subscriptions.denied", "{subscription}", "Subscriptions that the access rules or the authorizer did not allow.",
            () => Counters.DeniedSubscriptions);
        Counter("antiphon.authorizations.failed", "{failure}", "How often the application's authorizer has thrown, or taken too long.",
            () => Counters.FailedAuthorizations);
        Counter("antiphon.defects", "{defect}", "Exceptions that should not have been; each is in the log.", () => Counters.Defects);
    }

    private IEnumerable<Measurement<long>> Dropped()
    {
        var counters = Counters;
        return
        [
            Of("slow-reader", counters.DroppedSlowReader),
            Of("away", counters.DroppedAway),
            Of("queue-full", counters.DroppedQueueFull),
            Of("memory-short", counters.DroppedMemoryShort),
            Of("session-ended", counters.DroppedWithSession),
            Of("expired", counters.Expired),
            Of("too-large", counters.TooLargeForReceiver),
            Of("publish-rate", counters.DroppedOverRate),
        ];

        static Measurement<long> Of(string reason, long value) => new(value, new KeyValuePair<string, object?>("reason", reason));
    }

    private IEnumerable<Measurement<long>> OverLimits()
    {
        var counters = Counters;
        return
        [
            Of("clients", counters.RefusedClients),
            Of("connections-of-address", counters.RefusedByAddress),
            Of("connect-rate", counters.RefusedByConnectRate),
            Of("pending-connections", counters.DroppedPending),
            Of("packet-size", counters.OversizedPackets),
            Of("topic-or-user-properties", counters.OverMessageLimits),
            Of("subscriptions", counters.RefusedSubscriptions),
            Of("publish-rate", counters.DelayedOverRate),
            Of("presence-events", counters.DroppedPresenceEvents),
        ];

        static Measurement<long> Of(string limit, long value) => new(value, new KeyValuePair<string, object?>("limit", limit));
    }

    private void Gauge(string name, string unit, string description, Func<long> read) =>
        Meter.CreateObservableUpDownCounter(name, read, unit, description);

    private void Counter(string name, string unit, string description, Func<long> read) =>
        Meter.CreateObservableCounter(name, read, unit, description);
}
