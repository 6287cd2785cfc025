using Antiphon.Broker;
using Antiphon.Protocol;

namespace Antiphon.Server.Configuration;

/// <summary>The settings below <c>limits</c>, each a property of <see cref="BrokerOptions"/>.</summary>
internal static class LimitSettings
{
    private const double Day = 86_400;

    /// <summary>A session may outlive its connection by as many seconds as MQTT can say.</summary>
    private const double LongestExpiry = uint.MaxValue;

    /// <summary>A second has as many microseconds.</summary>
    private const long FastestRate = 1_000_000;

    public static Shape<BrokerOptions> Shape { get; } = new(
        new BrokerOptions(),
        check: null,
        required: [],
        Whole("connections", "How many clients may be connected.",
            1, int.MaxValue, o => o.MaximumConnections, (o, v) => o with { MaximumConnections = (int)v }),
        Whole("connectionsPerAddress", "How many connections of one address there may be; 0: no bound.",
            0, int.MaxValue, o => o.MaximumConnectionsPerAddress, (o, v) => o with { MaximumConnectionsPerAddress = (int)v }),
        Whole("connectsPerSecond", "How many connections a second may come, and ten times as many at once; 0: no bound.",
            0, FastestRate, o => o.MaximumConnectsPerSecond, (o, v) => o with { MaximumConnectsPerSecond = (int)v }),
        Whole("connectsPerSecondPerAddress",
            "How many connections a second may come from one address, and ten times as many at once; 0: no bound.",
            0,
            FastestRate,
            o => o.MaximumConnectsPerSecondPerAddress,
            (o, v) => o with { MaximumConnectsPerSecondPerAddress = (int)v }),
        Whole("pendingConnections", "How many connections may not have sent CONNECT yet; for one more the oldest is closed.",
            1, int.MaxValue, o => o.MaximumPendingConnections, (o, v) => o with { MaximumPendingConnections = (int)v }),
        Whole("connectBytes", "The longest CONNECT, in bytes.",
            64, uint.MaxValue, o => o.MaximumConnectBytes, (o, v) => o with { MaximumConnectBytes = (uint)v }),
        Whole("sessions", "How many Sessions there may be, of clients connected and away.",
            1, int.MaxValue, o => o.MaximumSessions, (o, v) => o with { MaximumSessions = (int)v }),
        Whole("sessionBytes", "Bytes that Sessions may take beside their messages.",
            1024 * 1024, long.MaxValue, o => o.MaximumSessionBytes, (o, v) => o with { MaximumSessionBytes = v }),
        Seconds("sessionExpiry", "How many seconds a Session may outlive its connection.",
            0, LongestExpiry, o => o.MaximumSessionExpiry, (o, v) => o with { MaximumSessionExpiry = v }),
        Whole("clientIdLength", "The longest Client Identifier, in bytes.",
            23, ushort.MaxValue, o => o.MaximumClientIdLength, (o, v) => o with { MaximumClientIdLength = (int)v }),
        Whole("packetSize", "The longest packet, in bytes.",
            64, uint.MaxValue, o => o.MaximumPacketSize, (o, v) => o with { MaximumPacketSize = (uint)v }),
        new Setting<BrokerOptions, ProtocolVersion>(
            "oldestProtocol",
            "The oldest version of MQTT that clients may speak.",
            new WordKind<ProtocolVersion>(("3.1.1", ProtocolVersion.V311), ("5", ProtocolVersion.V5)),
            o => o.MinimumProtocolVersion,
            (o, v) => o with { MinimumProtocolVersion = v }),
        Whole("qos", "The highest QoS to publish with.",
            0, 2, o => (long)o.MaximumQoS, (o, v) => o with { MaximumQoS = (QualityOfService)v }),
        Whole("receiveMaximum", "How many QoS 1 and QoS 2 messages of one client may be unfinished.",
            1, ushort.MaxValue, o => o.ReceiveMaximum, (o, v) => o with { ReceiveMaximum = (ushort)v }),
        Whole("inflight", "How many QoS 1 and QoS 2 messages are sent to one client before it acknowledges the first.",
            1, ushort.MaxValue, o => o.MaximumInflight, (o, v) => o with { MaximumInflight = (ushort)v }),
        Whole("publishPerSecond", "How many messages a second one client may publish; 0: no bound.",
            0, FastestRate, o => o.MaximumPublishesPerSecond, (o, v) => o with { MaximumPublishesPerSecond = (int)v }),
        Whole("publishBurst", "How many messages a client may publish at once before publishPerSecond holds; 0: a second's worth.",
            0, int.MaxValue, o => o.MaximumPublishBurst, (o, v) => o with { MaximumPublishBurst = (int)v }),
        Whole("publishBytesPerSecond", "How many bytes a second one client may publish; 0: no bound.",
            0, int.MaxValue, o => o.MaximumPublishBytesPerSecond, (o, v) => o with { MaximumPublishBytesPerSecond = (int)v }),
        Whole("topicLength", "The longest Topic Name or Topic Filter, in bytes.",
            1, ushort.MaxValue, o => o.MaximumTopicLength, (o, v) => o with { MaximumTopicLength = (int)v }),
        Whole("topicLevels", "How many levels a topic may have.",
            1, 128, o => o.MaximumTopicLevels, (o, v) => o with { MaximumTopicLevels = (int)v }),
        Whole("userProperties", "How many User Properties a packet may have.",
            0, int.MaxValue, o => o.MaximumUserProperties, (o, v) => o with { MaximumUserProperties = (int)v }),
        Whole("userPropertyBytes", "How many bytes the User Properties of a packet may have together.",
            0, int.MaxValue, o => o.MaximumUserPropertyBytes, (o, v) => o with { MaximumUserPropertyBytes = (int)v }),
        Whole("topicAliases", "How many Topic Aliases a client may use.",
            0, ushort.MaxValue, o => o.TopicAliasMaximum, (o, v) => o with { TopicAliasMaximum = (ushort)v }),
        Whole("outgoingTopicAliases", "How many Topic Aliases the broker uses towards one client.",
            0, ushort.MaxValue, o => o.MaximumOutgoingTopicAliases, (o, v) => o with { MaximumOutgoingTopicAliases = (ushort)v }),
        new Setting<BrokerOptions, TimeSpan?>(
            "keepAlive",
            "The longest Keep Alive, in seconds; a client that asks for more, or for none, is given this.",
            new OptionalSeconds(1, ushort.MaxValue),
            o => o.MaximumKeepAlive,
            (o, v) => o with { MaximumKeepAlive = v }),
        Seconds("connectTimeout", "How many seconds a new connection may take to send its CONNECT and to be authenticated.",
            0.001, Day, o => o.ConnectTimeout, (o, v) => o with { ConnectTimeout = v }),
        Seconds("packetTimeout", "How many seconds a packet may take from its first byte to its last.",
            0.001, Day, o => o.PacketTimeout, (o, v) => o with { PacketTimeout = v }),
        Seconds("closeTimeout", "How many seconds a client may take to close after the last packet to it.",
            0.001, Day, o => o.CloseTimeout, (o, v) => o with { CloseTimeout = v }),
        Whole("concurrentAuthentications", "How many clients are asked at once who they are.",
            1, int.MaxValue, o => o.MaximumConcurrentAuthentications, (o, v) => o with { MaximumConcurrentAuthentications = (int)v }),
        Whole("concurrentAuthorizations", "How many connections' packets an application's authorizer is asked about at once.",
            1, int.MaxValue, o => o.MaximumConcurrentAuthorizations, (o, v) => o with { MaximumConcurrentAuthorizations = (int)v }),
        Seconds("authorizationTimeout", "How many seconds a packet may wait for an application's authorizer.",
            0.001, Day, o => o.AuthorizationTimeout, (o, v) => o with { AuthorizationTimeout = v }),
        Whole("subscriptions", "How many subscriptions one Session may have.",
            1, int.MaxValue, o => o.MaximumSubscriptions, (o, v) => o with { MaximumSubscriptions = (int)v }),
        Whole("outputBytes", "Bytes that may wait to be written to one connection.",
            4096, int.MaxValue, o => o.MaximumOutputBytes, (o, v) => o with { MaximumOutputBytes = (int)v }),
        Whole("queuedMessages", "How many QoS 1 and QoS 2 messages may wait in one Session.",
            1, int.MaxValue, o => o.MaximumQueuedMessages, (o, v) => o with { MaximumQueuedMessages = (int)v }),
        Whole("queuedBytes", "Bytes of QoS 1 and QoS 2 messages that may wait in one Session.",
            1, long.MaxValue, o => o.MaximumQueuedBytes, (o, v) => o with { MaximumQueuedBytes = v }),
        new Setting<BrokerOptions, QueueOverflow>(
            "queueOverflow",
            "Which message is dropped when a Session's queue is full.",
            new WordKind<QueueOverflow>(("newest", QueueOverflow.DiscardNewest), ("oldest", QueueOverflow.DiscardOldest)),
            o => o.QueueOverflow,
            (o, v) => o with { QueueOverflow = v }),
        new Setting<BrokerOptions, bool>(
            "retain", "Whether messages are retained.", new BooleanKind(),
            o => o.RetainAvailable, (o, v) => o with { RetainAvailable = v }),
        Whole("retainedMessages", "How many messages may be retained.",
            0, int.MaxValue, o => o.MaximumRetainedMessages, (o, v) => o with { MaximumRetainedMessages = (int)v }),
        Whole("retainedBytes", "Bytes of memory that retained messages may take.",
            0, long.MaxValue, o => o.MaximumRetainedBytes, (o, v) => o with { MaximumRetainedBytes = v }),
        Whole("bufferBytes", "Bytes that messages and buffers of all clients together may take.",
            1024 * 1024, long.MaxValue, o => o.MaximumBufferBytes, (o, v) => o with { MaximumBufferBytes = v }),
        Seconds("exchangeTimeout", "How many seconds a request without Message Expiry Interval may be answered for.",
            0.001, Day, o => o.ExchangeTimeout, (o, v) => o with { ExchangeTimeout = v }),
        Seconds("longestExchange", "How many seconds a request may be answered for at most, whatever its Message Expiry Interval.",
            0.001, Day, o => o.LongestExchange, (o, v) => o with { LongestExchange = v }),
        Whole("exchangeBytes", "Bytes that open exchanges may take.",
            0, long.MaxValue, o => o.MaximumExchangeBytes, (o, v) => o with { MaximumExchangeBytes = v }),
        Whole("replies", "How many Response Messages of each responder a request may ask for.",
            1, int.MaxValue, o => o.MaximumReplies, (o, v) => o with { MaximumReplies = (int)v }),
        Seconds("systemTopicsInterval", "How often, in seconds, the figures below $SYS are published; 0: never.",
            0, Day, o => o.SystemTopicsInterval, (o, v) => o with { SystemTopicsInterval = v }),
        new Setting<BrokerOptions, bool>(
            "presenceEvents",
            "Whether who comes and goes is said below $SYS/clients although there are no rules about who may read it.",
            new BooleanKind(),
            o => o.PresenceEvents,
            (o, v) => o with { PresenceEvents = v }));

    private static Setting<BrokerOptions, long> Whole(
        string name,
        string description,
        long minimum,
        long maximum,
        Func<BrokerOptions, long> get,
        Func<BrokerOptions, long, BrokerOptions> with) => new(name, description, new WholeKind(minimum, maximum), get, with);

    private static Setting<BrokerOptions, TimeSpan> Seconds(
        string name,
        string description,
        double minimum,
        double maximum,
        Func<BrokerOptions, TimeSpan> get,
        Func<BrokerOptions, TimeSpan, BrokerOptions> with) => new(name, description, new SecondsKind(minimum, maximum), get, with);

    /// <summary>A time in seconds where no time at all is possible too, by leaving the setting out.</summary>
    private sealed class OptionalSeconds(double minimum, double maximum) : Kind<TimeSpan?>
    {
        private readonly SecondsKind _seconds = new(minimum, maximum);

        public override bool TryRead(Node node, ReadingContext context, out TimeSpan? value)
        {
            var isRead = _seconds.TryRead(node, context, out var seconds);
            value = seconds;
            return isRead;
        }

        public override void WriteSchema(System.Text.Json.Utf8JsonWriter schema) => _seconds.WriteSchema(schema);
    }
}
