using System.Net;
using Antiphon.Broker.Access;
using Antiphon.Broker.Authentication;
using Antiphon.Broker.Exchanges;
using Antiphon.Broker.Limits;
using Antiphon.Broker.Transport;
using Antiphon.Protocol;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Antiphon.Broker;

/// <summary>How a broker is to run. Immutable; checked once, when the broker starts, and all mistakes are reported together.</summary>
public sealed record BrokerOptions
{
    /// <summary>
    /// The address to listen on, where there are no <see cref="Listeners"/>; 127.0.0.1 unless said otherwise.
    /// 0.0.0.0 is all addresses of IPv4, <c>::</c> all of IPv6 and IPv4.
    /// </summary>
    public IPAddress Bind { get; init; } = IPAddress.Loopback;

    /// <summary>
    /// The TCP port, 0 to 65,535, where there are no <see cref="Listeners"/>; 0 takes a free one. 1883 unless said otherwise.
    /// </summary>
    public int Port { get; init; } = 1883;

    /// <summary>
    /// All addresses to listen on, for more than one; <c>null</c>, as unless said otherwise:
    /// one with the name <c>tcp</c>, at <see cref="Bind"/> and <see cref="Port"/>. Empty:
    /// none, and connections come through <see cref="BrokerHost.Accept"/> and <see cref="BrokerHost.ConnectInProcess"/> only.
    /// </summary>
    public IReadOnlyList<Listener>? Listeners { get; init; }

    /// <summary>How the broker reads and writes its sockets; <see cref="BrokerTransport.Automatic"/> unless said otherwise.</summary>
    public BrokerTransport Transport { get; init; }

    /// <summary>
    /// Whether clients that say nothing of who they are may connect although there is an <see cref="Authenticator"/>,
    /// which is asked about them too and may refuse them or give them a name, or there are <see cref="AuthenticationMethods"/>.
    /// Without these everybody is let in, and this is what allows an address other than a loopback one to be bound.
    /// </summary>
    public bool AllowAnonymous { get; init; }

    /// <summary>
    /// Judges clients by user name and password, such as <see cref="CredentialList.Passwords"/>,
    /// and may send any of them to another server (§4.11); <c>null</c>: nobody does, and neither is looked at.
    /// </summary>
    public IAuthenticator? Authenticator { get; init; }

    /// <summary>
    /// Methods of enhanced authentication (MQTT 5 §4.12), such as <see cref="CredentialList.ScramSha256"/>, each name once;
    /// none unless said otherwise.
    /// </summary>
    public IReadOnlyList<IAuthenticationMethod> AuthenticationMethods { get; init; } = [];

    /// <summary>
    /// Who may do what; <c>null</c>, as unless said otherwise, or without a rule: everybody may do everything.
    /// <see cref="BrokerHost.ReplaceAccessRulesAsync"/> puts others in force.
    /// </summary>
    public AccessRules? AccessRules { get; init; }

    /// <summary>
    /// Decides what clients may do, before or instead of <see cref="AccessRules"/>; <c>null</c>, as unless said otherwise: the rules do.
    /// </summary>
    public IAuthorizer? Authorizer { get; init; }

    /// <summary>
    /// How many connections' packets <see cref="Authorizer"/> is asked about at once, 1 or more; 32 unless said otherwise. The others wait.
    /// </summary>
    public int MaximumConcurrentAuthorizations { get; init; } = 32;

    /// <summary>
    /// How long a packet may wait for <see cref="Authorizer"/>, more than zero and at most a day; 5 seconds unless said otherwise.
    /// Then what it has not allowed is refused. A CONNECT with a Will may wait so long beyond <see cref="ConnectTimeout"/>.
    /// </summary>
    public TimeSpan AuthorizationTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>
    /// Whether requests, which are messages with a Response Topic, get the User Property <c>antiphon-caller</c> from the broker: who has
    /// published them. Not unless said otherwise, since a server is to change no User Properties [MQTT-3.3.2-17]. A request is then refused
    /// with 0x87 whose <c>__srcId</c> is not its publisher's Client Identifier.
    /// </summary>
    public bool StampCaller { get; init; }

    /// <summary>
    /// Groups of users whose clients speak for others, such as bridges; none unless said otherwise. They may write the User Properties that
    /// only brokers write, name others in <c>__srcId</c>, and what their requests have of <c>antiphon-caller</c> stays.
    /// </summary>
    public IReadOnlyList<string> BridgeGroups { get; init; } = [];

    /// <summary>
    /// How many clients <see cref="Authenticator"/> and <see cref="AuthenticationMethods"/> are asked about at once, 1 or more;
    /// 4 unless said otherwise. The others wait.
    /// </summary>
    public int MaximumConcurrentAuthentications { get; init; } = 4;

    /// <summary>
    /// The longest Client Identifier, 23 to 65,535 bytes; 65,535 unless said otherwise. A longer one is refused with 0x85 (§3.1.3.1).
    /// </summary>
    public int MaximumClientIdLength { get; init; } = ushort.MaxValue;

    /// <summary>
    /// How many clients may be connected, 1 or more; 100,000 unless said otherwise.
    /// Further ones are refused with 0x97, unless they come back to a Session that is connected still.
    /// </summary>
    public int MaximumConnections { get; init; } = 100_000;

    /// <summary>
    /// How many connections of one address there may be, zero or more; 1,000 unless said otherwise. Further ones are refused with 0x97,
    /// and closed as soon as they come where there are twice as many. An address of IPv6 is its first 64 bits. Loopback addresses have no
    /// bound: proxies there pass on the connections of many, unless they say whose (<see cref="Listener.ProxyProtocol"/>). Zero: no bound.
    /// </summary>
    public int MaximumConnectionsPerAddress { get; init; } = 1000;

    /// <summary>
    /// How many connections a second may come, 0 to 1,000,000, and ten seconds' worth at once; zero, which is no bound, unless said
    /// otherwise. Further ones are refused with 0x9F (§3.2.2.2).
    /// </summary>
    /// <remarks>Whoever uses it up from many addresses keeps others out: it is for what stands behind the broker, such as a directory of
    /// users.</remarks>
    public int MaximumConnectsPerSecond { get; init; }

    /// <summary>
    /// How many connections a second may come from one address, 0 to 1,000,000, and ten seconds' worth at once; 100 unless said otherwise.
    /// Further ones are refused with 0x9F. Addresses are those of <see cref="MaximumConnectionsPerAddress"/>. Zero: no bound.
    /// </summary>
    public int MaximumConnectsPerSecondPerAddress { get; init; } = 100;

    /// <summary>
    /// How many connections may not have sent CONNECT yet, 1 or more; 4,096 unless said otherwise. For one more the oldest is closed. Those
    /// that their address's bounds refuse go first, and have a quarter of the places.
    /// </summary>
    public int MaximumPendingConnections { get; init; } = 4096;

    /// <summary>
    /// The longest CONNECT, and the longest AUTH before CONNACK, in bytes, 64 or more; 256 KiB unless said otherwise.
    /// A longer one is refused with 0x95. Where <see cref="MaximumPacketSize"/> is less, that holds.
    /// </summary>
    public uint MaximumConnectBytes { get; init; } = 256 * 1024;

    /// <summary>
    /// How many Sessions there may be, of clients connected and away, 1 or more; 100,000 unless said otherwise.
    /// A client that would begin another one is refused with 0x97.
    /// </summary>
    public int MaximumSessions { get; init; } = 100_000;

    /// <summary>
    /// Bytes that Sessions may take beside their messages, that is Client Identifiers, Wills, subscriptions
    /// and the Topic Aliases of who is connected, 1 MiB or more; 1 GiB unless said otherwise.
    /// No Session may take more than a sixteenth of it. Beyond either a CONNECT is refused with 0x97, and so is a subscription;
    /// a new Topic Alias ends the connection with it. A sixteenth, too, may the CONNECTs take together whose clients somebody is being
    /// asked about; beyond it a CONNECT is refused with 0x89.
    /// </summary>
    public long MaximumSessionBytes { get; init; } = 1024 * 1024 * 1024;

    /// <summary>
    /// The oldest version of MQTT that clients may speak; <see cref="ProtocolVersion.V311"/> unless said otherwise.
    /// Older ones are refused in their own words.
    /// </summary>
    public ProtocolVersion MinimumProtocolVersion { get; init; } = ProtocolVersion.V311;

    /// <summary>
    /// The longest packet accepted, in bytes, 64 or more; 1 MiB unless said otherwise. CONNACK says it (MQTT 5 §3.2.2.3.6).
    /// </summary>
    public uint MaximumPacketSize { get; init; } = 1024 * 1024;

    /// <summary>
    /// The highest QoS of what clients publish, their Wills included; <see cref="QualityOfService.ExactlyOnce"/> unless said otherwise.
    /// CONNACK says a lower one (§3.2.2.3.4). More is refused with 0x9B, and subscriptions that ask for more are granted this.
    /// </summary>
    public QualityOfService MaximumQoS { get; init; } = QualityOfService.ExactlyOnce;

    /// <summary>
    /// How many QoS 1 and QoS 2 messages of one client may be unfinished, 1 to 65,535; 1,024 unless said otherwise.
    /// CONNACK says it (§3.2.2.3.3); a client of MQTT 3.1.1, which cannot be told, may have 65,535. More end the connection with 0x93.
    /// </summary>
    public ushort ReceiveMaximum { get; init; } = 1024;

    /// <summary>
    /// The longest Topic Name that clients publish to, and the longest Topic Filter without <c>$share/NAME/</c>, 1 to 65,535 bytes; 65,535
    /// unless said otherwise. Longer ones are refused with 0x90 and 0x8F; with QoS 0 a message is dropped and counted.
    /// </summary>
    public int MaximumTopicLength { get; init; } = ushort.MaxValue;

    /// <summary>
    /// How many levels a topic may have, 1 to 128; 128 unless said otherwise. As with <see cref="MaximumTopicLength"/>.
    /// </summary>
    public int MaximumTopicLevels { get; init; } = MessageLimits.MostLevels;

    /// <summary>
    /// How many User Properties a packet may have, zero or more; 1,000 unless said otherwise. A PUBLISH with more is refused with 0x97, and
    /// with QoS 0 dropped and counted; a CONNECT, SUBSCRIBE or UNSUBSCRIBE with more ends its connection with 0x97.
    /// Those of other packets are read and forgotten.
    /// </summary>
    public int MaximumUserProperties { get; init; } = 1000;

    /// <summary>
    /// How many bytes the names and values of a packet's User Properties may have together, zero or more; 64 KiB unless said otherwise.
    /// As with <see cref="MaximumUserProperties"/>.
    /// </summary>
    public int MaximumUserPropertyBytes { get; init; } = 64 * 1024;

    /// <summary>
    /// How many messages a second one client may publish, 0 to 1,000,000; zero, which is no bound, unless said otherwise. What is more is
    /// acknowledged later with QoS 1 and QoS 2, so that the client's own rate falls; with QoS 0 it is dropped and counted, and a request
    /// that asks with the User Property <c>antiphon-notify: 1</c> is answered with the status 429 on its own response topic.
    /// </summary>
    public int MaximumPublishesPerSecond { get; init; }

    /// <summary>
    /// How many messages a client may publish at once before <see cref="MaximumPublishesPerSecond"/> holds, zero or more.
    /// Zero, as unless said otherwise: a second's worth.
    /// </summary>
    public int MaximumPublishBurst { get; init; }

    /// <summary>
    /// How many bytes a second one client may publish, whole packets counted, 0 to 2,147,483,647; zero, which is no bound, unless said
    /// otherwise. A second's worth may come at once. As with <see cref="MaximumPublishesPerSecond"/>.
    /// </summary>
    public int MaximumPublishBytesPerSecond { get; init; }

    /// <summary>
    /// How many QoS 1 and QoS 2 messages are sent to one client before it acknowledges the first, 1 to 65,535; 4,096 unless said otherwise.
    /// Never more than the client's own Receive Maximum (§3.1.2.11.3). Others wait in its Session.
    /// </summary>
    public ushort MaximumInflight { get; init; } = 4096;

    /// <summary>How many Topic Aliases a client may use, 0 to 65,535; 16 unless said otherwise. CONNACK says it (§3.2.2.3.8).</summary>
    public ushort TopicAliasMaximum { get; init; } = 16;

    /// <summary>
    /// How many Topic Aliases the broker uses towards one client, 0 to 65,535 and never more than the client takes;
    /// 16 unless said otherwise (§3.1.2.11.5). Each takes memory for one Topic Name, of the connections whose clients take aliases;
    /// it counts in <see cref="MaximumSessionBytes"/>, and where there is no room the topic itself is sent.
    /// QoS 2 messages go without.
    /// </summary>
    public ushort MaximumOutgoingTopicAliases { get; init; } = 16;

    /// <summary>
    /// The longest Keep Alive, whole seconds from 1 to 65,535; a client that asks for more, or for none,
    /// is given this as Server Keep Alive (§3.2.2.3.14). <c>null</c>: the client's value holds;
    /// so does that of a client of MQTT 3.1.1, which cannot be told.
    /// </summary>
    public TimeSpan? MaximumKeepAlive { get; init; }

    /// <summary>
    /// How long a Session may outlive its connection at most, zero or more; 1 day unless said otherwise.
    /// CONNACK says it where it is less than asked for (§3.2.2.3.2). A client of MQTT 3.1.1 that connects without Clean Session gets all of
    /// it.
    /// </summary>
    public TimeSpan MaximumSessionExpiry { get; init; } = TimeSpan.FromDays(1);

    /// <summary>
    /// How long a new connection may take to send its CONNECT and to be authenticated, more than zero and at most a day;
    /// 10 seconds unless said otherwise. So long may re-authentication work on one step, too.
    /// </summary>
    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>
    /// How long a packet may take from its first byte to its last, more than zero; 2 minutes unless said otherwise.
    /// It ends half packets also where Keep Alive is off; where it is on, it counts whole packets and may end them sooner (§3.1.2.10).
    /// </summary>
    public TimeSpan PacketTimeout { get; init; } = TimeSpan.FromMinutes(2);

    /// <summary>How long a peer may take to close after the last packet to it, more than zero; 2 seconds unless said otherwise.</summary>
    public TimeSpan CloseTimeout { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>
    /// Bytes that may wait to be written to one connection, 4,096 or more; 1 MiB unless said otherwise.
    /// Beyond it QoS 0 messages to that client are dropped and counted, and those of QoS 1 and QoS 2 wait in its Session.
    /// </summary>
    public int MaximumOutputBytes { get; init; } = 1024 * 1024;

    /// <summary>
    /// QoS 1 and QoS 2 messages that may wait in one Session, 1 or more; 10,000 unless said otherwise.
    /// Beyond it one is dropped and counted, as <see cref="QueueOverflow"/> says.
    /// </summary>
    public int MaximumQueuedMessages { get; init; } = 10_000;

    /// <summary>
    /// Bytes of QoS 1 and QoS 2 messages that may wait in one Session, and as many that may wait for its acknowledgement, 1 or more;
    /// 16 MiB unless said otherwise. Beyond it messages are dropped and counted, as <see cref="QueueOverflow"/> says.
    /// </summary>
    public long MaximumQueuedBytes { get; init; } = 16 * 1024 * 1024;

    /// <summary>
    /// Which message is dropped when a Session's queue is full; <see cref="QueueOverflow.DiscardNewest"/> unless said otherwise.
    /// What has expired goes first in any case.
    /// </summary>
    public QueueOverflow QueueOverflow { get; init; }

    /// <summary>
    /// Subscriptions that one Session may have, 1 or more; 10,000 unless said otherwise. Further ones are refused with 0x97 (§3.9.3).
    /// </summary>
    public int MaximumSubscriptions { get; init; } = 10_000;

    /// <summary>
    /// Whether messages are retained; so unless said otherwise. If not, CONNACK says so (§3.2.2.3.5),
    /// and a PUBLISH or a Will with RETAIN ends its connection with 0x9A.
    /// </summary>
    public bool RetainAvailable { get; init; } = true;

    /// <summary>
    /// Retained messages at most, zero or more; 1,000,000 unless said otherwise. One more is refused with 0x97;
    /// with QoS 0, and as a Will, it is passed on without being retained, and counted. Replacing one is always possible.
    /// </summary>
    public int MaximumRetainedMessages { get; init; } = 1_000_000;

    /// <summary>
    /// Bytes of memory that retained messages may take, their topics and the names of their publishers included, zero or more;
    /// 256 MiB unless said otherwise.
    /// They do not count in <see cref="MaximumBufferBytes"/>. Beyond it as beyond <see cref="MaximumRetainedMessages"/>.
    /// </summary>
    public long MaximumRetainedBytes { get; init; } = 256 * 1024 * 1024;

    /// <summary>
    /// How often the broker's figures below <c>$SYS</c> are published while somebody subscribes to them, zero or more;
    /// 10 seconds unless said otherwise. Zero: never.
    /// </summary>
    public TimeSpan SystemTopicsInterval { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>
    /// Whether the broker says who comes and who goes, on <c>$SYS/clients/{client id}/connected</c> and <c>…/disconnected</c>, although
    /// there are no <see cref="AccessRules"/> and everybody may read it; not unless said otherwise. Where there are rules, it is said to
    /// whom they allow to subscribe there. An <see cref="Authorizer"/> alone does not turn it on, since it may leave that to the rules; but
    /// it decides, too, who may subscribe. It is JSON with address, listener and user.
    /// </summary>
    public bool PresenceEvents { get; init; }

    /// <summary>
    /// Bytes that messages and buffers of all clients together may take in memory, 1 MiB or more; 512 MiB unless said otherwise.
    /// Places in queues and of what is unacknowledged count too: some 44 and 56 bytes for each delivery, 120 for each message.
    /// Beyond it acknowledgements to publishers are withheld until a quarter is free again; a quarter beyond it publishers are left unread.
    /// Once half is taken, messages for clients that are away are dropped and counted.
    /// Packets that have begun and not ended may take a quarter; beyond it the connection whose packet began first is closed.
    /// </summary>
    public long MaximumBufferBytes { get; init; } = 512 * 1024 * 1024;

    /// <summary>
    /// How long the receiver of a request may answer on the requester's own response topic when the request has no Message Expiry Interval,
    /// more than zero; 2 minutes unless said otherwise.
    /// </summary>
    public TimeSpan ExchangeTimeout { get; init; } = TimeSpan.FromMinutes(2);

    /// <summary>
    /// How long an exchange is open at most, whatever the Message Expiry Interval of its request, more than zero;
    /// 10 minutes unless said otherwise. An answer that comes later on an own response topic is refused with 0x87.
    /// </summary>
    public TimeSpan LongestExchange { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>
    /// Bytes that open exchanges may take, zero or more; 64 MiB unless said otherwise. Beyond it exchanges are closed for new ones, the
    /// oldest of the requester that takes the most: of those that somebody has answered while these take more than an eighth, else of
    /// the others. Zero: a request with an own response topic is refused with 0x97.
    /// </summary>
    public long MaximumExchangeBytes { get; init; } = 64 * 1024 * 1024;

    /// <summary>
    /// How many Response Messages of each responder a request may ask for with the User Property <c>antiphon-replies</c>, 1 or more;
    /// 1,000 unless said otherwise.
    /// </summary>
    public int MaximumReplies { get; init; } = 1000;

    /// <summary>Is told what clients ask of each other and what comes of it; <c>null</c>, as unless said otherwise: nobody is.</summary>
    public IExchangeObserver? ExchangeObserver { get; init; }

    /// <summary>The clock.</summary>
    public TimeProvider TimeProvider { get; init; } = TimeProvider.System;

    /// <summary>Where the log goes; nowhere unless said otherwise.</summary>
    public ILoggerFactory LoggerFactory { get; init; } = NullLoggerFactory.Instance;

    /// <summary>For tests: what to take for the process's limit of descriptors. <c>null</c>: the system is asked.</summary>
    internal DescriptorLimit? Descriptors { get; init; }

    /// <summary>Whether the broker asks anybody who they are.</summary>
    internal bool IdentifiesClients => Authenticator is not null || AuthenticationMethods.Count > 0;

    /// <summary>The <see cref="Listeners"/>, or the one that <see cref="Bind"/> and <see cref="Port"/> stand for.</summary>
    internal IReadOnlyList<Listener> AllListeners => Listeners ?? [new Listener { Name = "tcp", Bind = Bind, Port = Port }];

    /// <exception cref="ArgumentException">Something is wrong; the message names every mistake.</exception>
    internal void Validate()
    {
        if (Mistakes() is { Count: > 0 } mistakes)
        {
            throw new ArgumentException(string.Join(" ", mistakes));
        }
    }

    /// <summary>All that is wrong, a sentence each.</summary>
    internal IReadOnlyList<string> Mistakes()
    {
        var mistakes = new List<string>();

        void Require(bool holds, string sentence)
        {
            if (!holds)
            {
                mistakes.Add(sentence);
            }
        }

        void RequireRate(int perSecond, string name) =>
            Require(perSecond is >= 0 and <= 1_000_000, $"{name} is {perSecond}; it has to be 0 to 1,000,000.");

        foreach (var listener in AllListeners)
        {
            var which = Listeners is null ? "" : $" of listener «{listener.Name}»";
            Require(listener.Port is >= 0 and <= ushort.MaxValue, $"Port{which} is {listener.Port}; it has to be 0 to 65,535.");
            Require(
                AllowAnonymous || IdentifiesClients || IPAddress.IsLoopback(listener.Bind),
                $"Bind{which} is {listener.Bind}, which other machines can reach, and nobody asks who they are: "
                    + "set an Authenticator or AuthenticationMethods, bind a loopback address, or set AllowAnonymous to let anybody in.");
        }

        Require(
            AllListeners.All(listener => listener.Name.Length > 0)
                && AllListeners.DistinctBy(listener => listener.Name).Count() == AllListeners.Count,
            $"Listeners is {string.Join(", ", AllListeners.Select(listener => $"«{listener.Name}»"))}; "
                + "each has to have a name of its own.");
        Require(Enum.IsDefined(Transport), $"Transport is {Transport}, which does not exist.");
        Require(
            AuthenticationMethods.Select(method => method.Name).Distinct(StringComparer.Ordinal).Count() == AuthenticationMethods.Count,
            $"AuthenticationMethods is {string.Join(", ", AuthenticationMethods.Select(method => method.Name))}; "
                + "each name has to be there once.");
        Require(
            MaximumConcurrentAuthentications >= 1,
            $"MaximumConcurrentAuthentications is {MaximumConcurrentAuthentications}; it has to be 1 or more.");
        Require(
            MaximumConcurrentAuthorizations >= 1,
            $"MaximumConcurrentAuthorizations is {MaximumConcurrentAuthorizations}; it has to be 1 or more.");
        Require(
            AuthorizationTimeout > TimeSpan.Zero && AuthorizationTimeout <= TimeSpan.FromDays(1),
            $"AuthorizationTimeout is {AuthorizationTimeout}; it has to be more than zero and at most a day.");
        Require(
            MaximumClientIdLength is >= 23 and <= ushort.MaxValue,
            $"MaximumClientIdLength is {MaximumClientIdLength} bytes; it has to be 23 to 65,535 [MQTT-3.1.3-5].");
        Require(MaximumConnections >= 1, $"MaximumConnections is {MaximumConnections}; it has to be 1 or more.");
        Require(
            MaximumConnectionsPerAddress >= 0,
            $"MaximumConnectionsPerAddress is {MaximumConnectionsPerAddress}; it has to be zero or more.");
        RequireRate(MaximumConnectsPerSecond, nameof(MaximumConnectsPerSecond));
        RequireRate(MaximumConnectsPerSecondPerAddress, nameof(MaximumConnectsPerSecondPerAddress));
        Require(
            MaximumPendingConnections >= 1, $"MaximumPendingConnections is {MaximumPendingConnections}; it has to be 1 or more.");
        Require(MaximumConnectBytes >= 64, $"MaximumConnectBytes is {MaximumConnectBytes}; it has to be 64 or more.");
        Require(
            MaximumTopicLength is >= 1 and <= ushort.MaxValue,
            $"MaximumTopicLength is {MaximumTopicLength} bytes; it has to be 1 to 65,535 [MQTT-4.7.3-3].");
        Require(
            MaximumTopicLevels is >= 1 and <= MessageLimits.MostLevels,
            $"MaximumTopicLevels is {MaximumTopicLevels}; it has to be 1 to {MessageLimits.MostLevels}.");
        Require(MaximumUserProperties >= 0, $"MaximumUserProperties is {MaximumUserProperties}; it has to be zero or more.");
        Require(
            MaximumUserPropertyBytes >= 0, $"MaximumUserPropertyBytes is {MaximumUserPropertyBytes}; it has to be zero or more.");
        RequireRate(MaximumPublishesPerSecond, nameof(MaximumPublishesPerSecond));
        Require(MaximumPublishBurst >= 0, $"MaximumPublishBurst is {MaximumPublishBurst}; it has to be zero or more.");
        Require(
            MaximumPublishBytesPerSecond >= 0,
            $"MaximumPublishBytesPerSecond is {MaximumPublishBytesPerSecond}; it has to be zero or more.");
        Require(MaximumInflight >= 1, $"MaximumInflight is {MaximumInflight}; it has to be 1 to 65,535.");
        Require(MaximumSessions >= 1, $"MaximumSessions is {MaximumSessions}; it has to be 1 or more.");
        Require(MaximumSessionBytes >= 1024 * 1024, $"MaximumSessionBytes is {MaximumSessionBytes}; it has to be 1 MiB or more.");
        Require(Enum.IsDefined(MinimumProtocolVersion), $"MinimumProtocolVersion is {MinimumProtocolVersion}, which is not spoken here.");
        Require(MaximumPacketSize >= 64, $"MaximumPacketSize is {MaximumPacketSize} bytes; it has to be 64 or more.");
        Require(Enum.IsDefined(MaximumQoS), $"MaximumQoS is {(int)MaximumQoS}; it has to be 0, 1 or 2.");
        Require(ReceiveMaximum > 0, "ReceiveMaximum is 0; it has to be 1 to 65,535 (MQTT 5 §3.2.2.3.3).");
        Require(
            MaximumKeepAlive is not { } keepAlive
                || (keepAlive >= TimeSpan.FromSeconds(1) && keepAlive <= TimeSpan.FromSeconds(ushort.MaxValue)),
            $"MaximumKeepAlive is {MaximumKeepAlive}; it has to be 1 to 65,535 seconds.");
        Require(MaximumSessionExpiry >= TimeSpan.Zero, $"MaximumSessionExpiry is {MaximumSessionExpiry}; it has to be zero or more.");
        Require(
            ConnectTimeout > TimeSpan.Zero && ConnectTimeout <= TimeSpan.FromDays(1),
            $"ConnectTimeout is {ConnectTimeout}; it has to be more than zero and at most a day.");
        Require(PacketTimeout > TimeSpan.Zero, $"PacketTimeout is {PacketTimeout}; it has to be more than zero.");
        Require(CloseTimeout > TimeSpan.Zero, $"CloseTimeout is {CloseTimeout}; it has to be more than zero.");
        Require(MaximumOutputBytes >= 4096, $"MaximumOutputBytes is {MaximumOutputBytes}; it has to be 4,096 or more.");
        Require(MaximumQueuedMessages >= 1, $"MaximumQueuedMessages is {MaximumQueuedMessages}; it has to be 1 or more.");
        Require(MaximumQueuedBytes >= 1, $"MaximumQueuedBytes is {MaximumQueuedBytes}; it has to be 1 or more.");
        Require(Enum.IsDefined(QueueOverflow), $"QueueOverflow is {QueueOverflow}, which does not exist.");
        Require(MaximumBufferBytes >= 1024 * 1024, $"MaximumBufferBytes is {MaximumBufferBytes}; it has to be 1 MiB or more.");
        Require(MaximumRetainedMessages >= 0, $"MaximumRetainedMessages is {MaximumRetainedMessages}; it has to be zero or more.");
        Require(MaximumRetainedBytes >= 0, $"MaximumRetainedBytes is {MaximumRetainedBytes}; it has to be zero or more.");
        Require(SystemTopicsInterval >= TimeSpan.Zero, $"SystemTopicsInterval is {SystemTopicsInterval}; it has to be zero or more.");
        Require(MaximumSubscriptions >= 1, $"MaximumSubscriptions is {MaximumSubscriptions}; it has to be 1 or more.");
        Require(ExchangeTimeout > TimeSpan.Zero, $"ExchangeTimeout is {ExchangeTimeout}; it has to be more than zero.");
        Require(LongestExchange > TimeSpan.Zero, $"LongestExchange is {LongestExchange}; it has to be more than zero.");
        Require(MaximumExchangeBytes >= 0, $"MaximumExchangeBytes is {MaximumExchangeBytes}; it has to be zero or more.");
        Require(MaximumReplies >= 1, $"MaximumReplies is {MaximumReplies}; it has to be 1 or more.");
        return mistakes;
    }
}
