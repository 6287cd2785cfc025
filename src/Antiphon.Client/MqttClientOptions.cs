using System.Security.Cryptography;
using System.Text;
using Antiphon.Client.Sessions;
using Antiphon.Protocol;
using Antiphon.Protocol.Packets;
using Antiphon.Protocol.Properties;
using Antiphon.Protocol.Wire;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Antiphon.Client;

/// <summary>How a <see cref="MqttClient"/> connects. Immutable; checked when a client is made of it.</summary>
public sealed record MqttClientOptions
{
    /// <summary>
    /// MQTT 5, or MQTT 3.1.1 for a server that has nothing else. Version 3.1.1 has no properties and no Reason Codes:
    /// what only they could say is refused with an argument exception, never left out. It has no Session expiry either:
    /// <see cref="CleanStart"/> there means that every connection begins with a new Session, which ends with it;
    /// without it the server keeps the Session for as long as it likes.
    /// </summary>
    public ProtocolVersion ProtocolVersion { get; init; } = ProtocolVersion.V5;

    /// <summary>Name or address of the server.</summary>
    public string Host { get; init; } = "localhost";

    /// <summary>
    /// TCP port, 1 to 65,535; <c>null</c>: 1883, or 8883 with <see cref="Tls"/>; with <see cref="WebSocket"/> 80 and 443.
    /// </summary>
    public int? Port { get; init; }

    /// <summary>
    /// Encrypts the connection and authenticates the server; <c>null</c>: neither.
    /// A certificate that is not accepted fails that try to connect like any other failure: the next may meet a better one.
    /// </summary>
    public TlsOptions? Tls { get; init; }

    /// <summary>Connects by WebSocket; <c>null</c>: without.</summary>
    public WebSocketOptions? WebSocket { get; init; }

    /// <summary>
    /// Opens each Network Connection in place of TCP to <see cref="Host"/> and <see cref="Port"/>:
    /// to a broker in this process, through a tunnel. The client closes the stream; reading it gives 0 once the server has closed.
    /// What it throws counts as a connection that could not be made. <c>null</c>: TCP.
    /// </summary>
    public Func<CancellationToken, ValueTask<Stream>>? OpenStream { get; init; }

    /// <summary>
    /// The Client Identifier, at most 65,535 bytes in UTF-8; empty: the server assigns one. <c>null</c>:
    /// <c>antiphon-</c> and 16 random characters, kept for the life of the client;
    /// nobody can come back to such a Session, so that it ends when the client disconnects.
    /// </summary>
    public string? ClientId { get; init; }

    /// <summary>
    /// Whether the first connection begins with a new Session; every reconnect resumes it (MQTT 5 §3.1.2.4).
    /// Without it and without a <see cref="SessionStore"/> the program vouches that it has nothing left to do for the Session
    /// that the server may have.
    /// </summary>
    public bool CleanStart { get; init; } = true;

    /// <summary>
    /// Where this client's side of the Session is kept, so that it survives the end of the program; <c>null</c>: in memory.
    /// Without <see cref="CleanStart"/> a new client takes up what an earlier one has left behind:
    /// QoS 1 and 2 messages without an end, which are sent again, and what has been received with QoS 2. With it, that is thrown away.
    /// Needs a <see cref="ClientId"/>.
    /// </summary>
    public ISessionStore? SessionStore { get; init; }

    /// <summary>
    /// How long, from the first connection of a client that resumes a Session,
    /// QoS 1 and 2 messages that no subscription of this client matches wait for one, unacknowledged:
    /// the server sends at once what it has kept, the program subscribes when it is connected.
    /// Afterwards they are acknowledged and counted as unhandled. Zero: at once.
    /// </summary>
    public TimeSpan HoldForHandlers { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>
    /// How long the server is asked to keep the Session after the connection ends: whole seconds, up to 4,294,967,294.
    /// Zero ends it with the connection, <see cref="Timeout.InfiniteTimeSpan"/> keeps it for ever (§3.1.2.11.2).
    /// </summary>
    public TimeSpan SessionExpiry { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>
    /// The longest silence towards the server: whole seconds, up to 65,535; zero turns it off. The server may impose its own (§3.1.2.10).
    /// </summary>
    public TimeSpan KeepAlive { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>
    /// How many QoS 1 and 2 messages the server may send unacknowledged, 1 to 65,535 (§3.1.2.11.3).
    /// MQTT 3.1.1 cannot tell it, and has no such limit.
    /// </summary>
    public ushort ReceiveMaximum { get; init; } = 1024;

    /// <summary>
    /// Whether a server that exceeds <see cref="ReceiveMaximum"/> is told so with 0x93 and left (§3.3.4).
    /// It would send the same messages over the next connection, so that by default they are taken and counted instead;
    /// there are never more than 65,535, one for each Packet Identifier.
    /// </summary>
    public bool EnforceReceiveMaximum { get; init; }

    /// <summary>
    /// The highest Topic Alias that the server may use, 0 to 65,535;
    /// each costs the memory of one Topic Name for as long as a connection lasts. Zero: none (§3.1.2.11.5).
    /// </summary>
    public ushort TopicAliasMaximum { get; init; }

    /// <summary>
    /// How many Topic Aliases this client uses at most, 0 to 65,535, within what the server allows:
    /// topics that it publishes to again and again are then sent as two bytes (§3.3.2.3.4). Zero: none.
    /// </summary>
    public ushort MaximumTopicAliases { get; init; } = 16;

    /// <summary>The longest packet accepted, in bytes, 1 or more (§3.1.2.11.4).</summary>
    public uint MaximumPacketSize { get; init; } = 16 * 1024 * 1024;

    /// <summary>User name; <c>null</c>: none.</summary>
    public string? UserName { get; init; }

    /// <summary>Password, at most 65,535 bytes; <c>null</c>: none.</summary>
    public ReadOnlyMemory<byte>? Password { get; init; }

    /// <summary>
    /// Makes the exchange of enhanced authentication (§4.12), a new one for each connection and re-authentication,
    /// for instance a <see cref="ScramSha256Exchange"/>. <c>null</c>: none.
    /// <see cref="UserName"/> and <see cref="Password"/> are sent besides, where they are set.
    /// </summary>
    public Func<IAuthenticationExchange>? Authentication { get; init; }

    /// <summary>What the server publishes when this client is lost; <c>null</c>: nothing.</summary>
    public Will? Will { get; init; }

    /// <summary>User Properties of the CONNECT in their order.</summary>
    public IReadOnlyList<UserProperty> UserProperties { get; init; } = [];

    /// <summary>Whether to ask for Response Information, the base of this client's own Response Topics (§3.1.2.11.6).</summary>
    public bool RequestResponseInformation { get; init; } = true;

    /// <summary>How long one try to connect may take, from the name's look-up to CONNACK; more than zero.</summary>
    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>
    /// The wait before the first try to reconnect, zero or more; it doubles with every failed try. Half of each wait is left to chance.
    /// </summary>
    public TimeSpan ReconnectDelay { get; init; } = TimeSpan.FromMilliseconds(100);

    /// <summary>
    /// The longest wait between two tries, at least <see cref="ReconnectDelay"/>; 30 seconds unless said otherwise. The wait doubles from
    /// one failure to the next and starts anew after a connection that was accepted and lasted for 5 seconds. It is cut to 1 second when
    /// somebody publishes or calls and waits for the connection.
    /// </summary>
    public TimeSpan MaximumReconnectDelay { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How many bytes may wait to be sent, 1 or more; beyond it publishers wait. A single longer packet goes out alone.</summary>
    public int MaximumQueuedBytes { get; init; } = 16 * 1024 * 1024;

    /// <summary>
    /// How many published messages may wait to be written, 1 or more:
    /// without a connection, for the server's Receive Maximum, or for room in <see cref="MaximumQueuedBytes"/>.
    /// Beyond it a publish fails at once with <see cref="QueueFullException"/>.
    /// The error that a responder sends where an answer finds no place has one of <see cref="ReceiveMaximum"/> places besides.
    /// </summary>
    public int MaximumQueuedMessages { get; init; } = 100_000;

    /// <summary>
    /// How many bytes the published messages may have together that wait to be written, 1 or more; a single larger one may wait alone.
    /// Beyond it a publish fails at once with <see cref="QueueFullException"/>.
    /// Each place that is kept free for a responder's errors (<see cref="MaximumQueuedMessages"/>) adds 1 KiB.
    /// </summary>
    public long MaximumWaitingBytes { get; init; } = 256 * 1024 * 1024;

    /// <summary>The clock of every timeout.</summary>
    public TimeProvider TimeProvider { get; init; } = TimeProvider.System;

    /// <summary>The source of jitter and of the random Client Identifier; asked once per client.</summary>
    public Random Random { get; init; } = new();

    /// <summary>Where log messages go; never a payload or password.</summary>
    public ILoggerFactory LoggerFactory { get; init; } = NullLoggerFactory.Instance;

    /// <summary>Where loops, handlers and continuations run.</summary>
    internal Scheduler Scheduler { get; init; } = Scheduler.ThreadPool;

    /// <summary>Fills a span with bytes that no peer can guess.</summary>
    internal Action<Span<byte>> FillRandom { get; init; } = RandomNumberGenerator.Fill;

    internal const uint LongestExpirySeconds = uint.MaxValue - 1;

    /// <summary>Options for a server that is named by a URI; all else has its default, and can be changed with <c>with</c>.</summary>
    /// <param name="uri">
    /// <c>mqtt://host</c>, <c>mqtts://host</c> (TLS), <c>ws://host/path</c> or <c>wss://host/path</c> (WebSocket, without and with TLS),
    /// with <c>:port</c> where it is not the usual one.
    /// Without a path, a WebSocket's is <c>/mqtt</c>. A user name and password before the host are taken too.
    /// </param>
    /// <exception cref="ArgumentException">It is none of these.</exception>
    public static MqttClientOptions FromUri(Uri uri)
    {
        ArgumentNullException.ThrowIfNull(uri);
        if (!uri.IsAbsoluteUri || uri.Scheme is not ("mqtt" or "mqtts" or "ws" or "wss") || uri.Host.Length == 0)
        {
            // It may hold a password.
            throw new ArgumentException(
                "The URI does not name a server: it has to begin with mqtt://, mqtts://, ws:// or wss:// and a host.", nameof(uri));
        }

        var isWebSocket = uri.Scheme is "ws" or "wss";
        if (uri.Fragment.Length > 0 || (!isWebSocket && uri.PathAndQuery.Length > 1))
        {
            throw new ArgumentException(
                $"A URI that begins with {uri.Scheme}:// has no {(isWebSocket ? "fragment" : "path, query or fragment")} behind the host.",
                nameof(uri));
        }

        var colon = uri.UserInfo.IndexOf(':', StringComparison.Ordinal);
        var userName = colon < 0 ? uri.UserInfo : uri.UserInfo[..colon];
        return new MqttClientOptions
        {
            Host = uri.IdnHost,
            Port = uri.IsDefaultPort ? null : uri.Port,
            Tls = uri.Scheme is "mqtts" or "wss" ? new TlsOptions() : null,
            WebSocket = isWebSocket
                ? new WebSocketOptions { Path = uri.PathAndQuery == "/" ? WebSocketOptions.DefaultPath : uri.PathAndQuery }
                : null,
            UserName = userName.Length == 0 ? null : Uri.UnescapeDataString(userName),
            Password = colon < 0
                ? (ReadOnlyMemory<byte>?)null
                : Encoding.UTF8.GetBytes(Uri.UnescapeDataString(uri.UserInfo[(colon + 1)..])),
        };
    }

    /// <summary>Checks everything and reports all mistakes together.</summary>
    /// <exception cref="ArgumentException">What is wrong, one sentence each.</exception>
    internal void Validate()
    {
        var mistakes = new List<string>();
        void Require(bool holds, string otherwise)
        {
            if (!holds)
            {
                mistakes.Add(otherwise);
            }
        }

        static bool IsSeconds(TimeSpan value, uint maximum) =>
            value >= TimeSpan.Zero && value.Ticks % TimeSpan.TicksPerSecond == 0 && value.Ticks / TimeSpan.TicksPerSecond <= maximum;

        Require(!string.IsNullOrWhiteSpace(Host), "Host is empty; it has to be a name or an address.");
        Require(Port is null or (> 0 and <= ushort.MaxValue), $"Port is {Port}; it has to be 1 to 65,535, or null.");
        mistakes.AddRange(Tls?.Mistakes() ?? []);
        mistakes.AddRange(WebSocket?.Mistakes() ?? []);
        RequireText(ClientId, nameof(ClientId), mistakes);
        RequireText(UserName, nameof(UserName), mistakes);
        Require(
            Password is not { Length: > ushort.MaxValue },
            $"Password has {Password?.Length} bytes; at most 65,535 fit (MQTT 5 §3.1.3.6).");
        Require(
            SessionExpiry == Timeout.InfiniteTimeSpan || IsSeconds(SessionExpiry, LongestExpirySeconds),
            $"SessionExpiry is {SessionExpiry}; it has to be whole seconds up to 4,294,967,294, or "
            + "Timeout.InfiniteTimeSpan (MQTT 5 §3.1.2.11.2).");
        Require(
            IsSeconds(KeepAlive, ushort.MaxValue),
            $"KeepAlive is {KeepAlive}; it has to be whole seconds, 0 to 65,535 (MQTT 5 §3.1.2.10).");
        Require(ReceiveMaximum > 0, "ReceiveMaximum is 0; it has to be 1 to 65,535 (MQTT 5 §3.1.2.11.3).");
        Require(MaximumPacketSize > 0, "MaximumPacketSize is 0; it has to be 1 or more (MQTT 5 §3.1.2.11.4).");
        Require(
            SessionStore is null || !string.IsNullOrEmpty(ClientId),
            "SessionStore needs a ClientId; nobody can come back to a Session without one (MQTT 5 §3.1.3.1).");
        Require(
            HoldForHandlers >= TimeSpan.Zero && HoldForHandlers.TotalMilliseconds < uint.MaxValue,
            $"HoldForHandlers is {HoldForHandlers}; it has to be zero to 49 days.");
        Require(ConnectTimeout > TimeSpan.Zero, $"ConnectTimeout is {ConnectTimeout}; it has to be more than zero.");
        Require(ReconnectDelay >= TimeSpan.Zero, $"ReconnectDelay is {ReconnectDelay}; it has to be zero or more.");
        Require(
            MaximumReconnectDelay >= ReconnectDelay,
            $"MaximumReconnectDelay is {MaximumReconnectDelay}, less than ReconnectDelay, {ReconnectDelay}.");
        Require(MaximumQueuedBytes > 0, $"MaximumQueuedBytes is {MaximumQueuedBytes}; it has to be 1 or more.");
        Require(MaximumWaitingBytes > 0, $"MaximumWaitingBytes is {MaximumWaitingBytes}; it has to be 1 or more.");
        Require(MaximumQueuedMessages > 0, $"MaximumQueuedMessages is {MaximumQueuedMessages}; it has to be 1 or more.");
        Require(UserProperties is not null, "UserProperties is null; leave it empty instead.");
        Require(TimeProvider is not null, "TimeProvider is null.");
        Require(Random is not null, "Random is null.");
        Require(LoggerFactory is not null, "LoggerFactory is null.");
        foreach (var property in UserProperties ?? [])
        {
            RequireText(property.Name, nameof(UserProperties), mistakes);
            RequireText(property.Value, nameof(UserProperties), mistakes);
        }

        if (Will is { Message: var message })
        {
            Require(
                message.Payload.Length <= ushort.MaxValue,
                $"The Will has a payload of {message.Payload.Length} bytes; at most 65,535 fit (MQTT 5 §3.1.3.4).");
            Require(message.QoS <= Protocol.QualityOfService.ExactlyOnce, $"The Will has QoS {(int)message.QoS}; there are 0 to 2.");
            RequireTopic(message.Topic, mistakes);
        }

        if (ProtocolVersion == ProtocolVersion.V311)
        {
            Require(Authentication is null, "Authentication cannot be had with MQTT 3.1.1, which has no AUTH (MQTT 5 §4.12).");
            Require(UserProperties is not { Count: > 0 }, "UserProperties cannot be sent with MQTT 3.1.1.");
            Require(Password is null || UserName is not null, "Password without UserName is not allowed in MQTT 3.1.1 (§3.1.2.9).");
            Require(ClientId != "" || CleanStart, "An empty ClientId needs CleanStart in MQTT 3.1.1 (§3.1.3.1).");
            Require(Will is null || HasNoProperties(Will), "The Will has properties, which MQTT 3.1.1 has no place for.");
        }
        else
        {
            Require(ProtocolVersion == ProtocolVersion.V5, $"ProtocolVersion is {(int)ProtocolVersion}; there are V311 (4) and V5 (5).");
        }

        if (mistakes.Count > 0)
        {
            throw new ArgumentException($"The client's options are not valid. {string.Join(' ', mistakes)}");
        }
    }

    /// <summary>The port, or the one that is usual.</summary>
    public int ServerPort => Port ?? (WebSocket, Tls) switch
    {
        (null, null) => 1883,
        (null, _) => 8883,
        (_, null) => 80,
        _ => 443,
    };

    internal Uri WebSocketUri => new($"{(Tls is null ? "ws" : "wss")}://{HostAndPort}{WebSocket?.Path}");

    /// <summary>Whom it connects to, for messages: host and port, or a WebSocket's URI without its query.</summary>
    public string Server =>
        OpenStream is not null ? "The stream" : WebSocket is not null ? WebSocketUri.GetLeftPart(UriPartial.Path) : HostAndPort;

    private string HostAndPort => Host.Contains(':', StringComparison.Ordinal) ? $"[{Host}]:{ServerPort}" : $"{Host}:{ServerPort}";

    private static bool HasNoProperties(Will will) =>
        will is
        {
            DelayInterval: null or 0,
            Message:
            {
                PayloadIsUtf8: null,
                MessageExpiryInterval: null,
                ContentType: null,
                ResponseTopic: null,
                CorrelationData: null,
                UserProperties.Count: 0,
            },
        };

    private static void RequireText(string? text, string name, List<string> mistakes)
    {
        try
        {
            Utf8Text.GetByteCount(text ?? "");
        }
        catch (ArgumentException wrong)
        {
            mistakes.Add($"{name}: {wrong.Message}");
        }
    }

    private static void RequireTopic(string topic, List<string> mistakes)
    {
        try
        {
            Protocol.Topics.TopicName.ThrowIfInvalid(topic, nameof(Will));
        }
        catch (ArgumentException wrong)
        {
            mistakes.Add($"Will: {wrong.Message}");
        }
    }
}
