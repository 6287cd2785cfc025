using System.Globalization;
using Antiphon.Broker.Access;
using Antiphon.Broker.Authentication;
using Antiphon.Broker.Limits;
using Antiphon.Broker.Publishing;
using Antiphon.Broker.ResponseTopics;
using Antiphon.Broker.Sessions;
using Antiphon.Broker.SystemTopics;
using Antiphon.Broker.Timing;
using Antiphon.Protocol;
using Antiphon.Protocol.Packets;
using Antiphon.Protocol.Properties;
using Antiphon.Protocol.Wire;

namespace Antiphon.Broker.Connections;

/// <summary>CONNECT and CONNACK (MQTT 5 §3.1, §3.2; MQTT 3.1.1 §3.1, §3.2): who is it, which Session, under which limits.</summary>
internal sealed class Handshake(
    BrokerOptions options,
    SessionTable sessions,
    OwnResponseTopics responseTopics,
    Arrivals arrivals,
    ConnectRules rules,
    PublishRules publishRules,
    AccessReview review,
    Identification identification,
    Sender sender,
    Closer closer,
    SessionMemory memory,
    TimingWheel wheel,
    FlushList flushList,
    EngineCounters counters,
    ConnectionEvents events,
    PresenceEvents presence,
    Action<Span<byte>> fillRandom)
{
    private const uint NeverExpires = uint.MaxValue;

    /// <summary>Tells the client that what only a broker of this kind says is said by one.</summary>
    private static readonly UserProperty[] IsAntiphon = [new(BrokerPropertyName.Broker, "1")];

    /// <summary>A packet that comes before CONNACK: the first one, or one of enhanced authentication.</summary>
    public void Receive(Connection connection, in Frame frame, Instant now)
    {
        if (connection.Phase == ConnectionPhase.Authenticating)
        {
            ReceiveAuth(connection, frame, now);
        }
        else
        {
            ReceiveConnect(connection, frame, now);
        }
    }

    /// <summary>Accepts the CONNECT that waits on this connection; who the client is, is known.</summary>
    /// <param name="connection">The connection.</param>
    /// <param name="authenticationData">The last data of enhanced authentication.</param>
    /// <param name="now">The current instant.</param>
    public void Accept(Connection connection, ReadOnlyMemory<byte>? authenticationData, Instant now)
    {
        var inquiry = connection.Inquiry!;
        var connect = inquiry.TakePending();
        if (inquiry.Method is null)
        {
            // It will not be asked again.
            connection.Inquiry = null;
        }

        Accept(connection, new PendingConnect(connect, ClientIdOf(connect), authenticationData), now);
    }

    private void ReceiveAuth(Connection connection, in Frame frame, Instant now)
    {
        if (!PacketDecoder.TryDecode(frame, connection.Version, out var packet, out var fault))
        {
            closer.Refuse(connection, fault, now);
            return;
        }

        switch (packet)
        {
            case AuthPacket auth:
                fault = identification.ReceiveAuth(connection, auth);
                break;
            case DisconnectPacket disconnect:
                closer.Close(connection, Closer.Farewell(disconnect), now);
                return;
            default:
                fault = Fault.Protocol(
                    $"{packet.Type} before CONNACK: during enhanced authentication only AUTH and DISCONNECT may come [MQTT-3.1.2-30].");
                break;
        }

        if (fault.Exists)
        {
            closer.Refuse(connection, fault, now);
        }
    }

    private void ReceiveConnect(Connection connection, in Frame frame, Instant now)
    {
        Arrivals.Heard(connection);
        if (frame.Type != PacketType.Connect)
        {
            closer.Reject(connection, Fault.Protocol($"The first packet is {frame.Type}; it has to be CONNECT [MQTT-3.1.0-1]."), now);
            return;
        }

        var level = ConnectPacket.PeekProtocolLevel(frame.Body);
        if (level is null)
        {
            closer.Reject(connection, Fault.Malformed("The CONNECT does not begin with the protocol name MQTT [MQTT-3.1.2-1]."), now);
            return;
        }

        connection.Version = VersionToAnswerIn(level.Value);
        if (level < (byte)options.MinimumProtocolVersion)
        {
            var spoken = new Fault(
                ReasonCode.UnsupportedProtocolVersion,
                $"The client speaks protocol level {level}; spoken here is {(byte)options.MinimumProtocolVersion} or above "
                    + "[MQTT-3.1.2-2].");
            closer.Refuse(connection, spoken, now);
            return;
        }

        if (!PacketDecoder.TryDecode(frame, connection.Version, out var packet, out var fault))
        {
            if (fault.Code == ReasonCode.UnsupportedProtocolVersion)
            {
                // Such as «MQIsdp» with the level of MQTT 5.
                connection.Version = ProtocolVersion.V311;
            }

            closer.Refuse(connection, fault, now);
            return;
        }

        var connect = (ConnectPacket)packet;
        connection.ClientId = connect.ClientId;
        connection.IsBridge = connect.IsBridge;
        connection.MaximumPacketSize = connect.MaximumPacketSize ?? uint.MaxValue;
        fault = arrivals.Explain(connection);
        if (!fault.Exists)
        {
            fault = rules.Check(connect);
        }

        if (fault.Exists)
        {
            closer.Refuse(connection, fault, now);
            return;
        }

        if (!identification.TryBegin(connection, connect))
        {
            Accept(connection, new PendingConnect(connect, ClientIdOf(connect), AuthenticationData: null), now);
        }
    }

    /// <summary>
    /// A CONNECT that goes wrong in its fixed header. Its version stands behind that, and says in whose words to refuse it,
    /// if so much of it has come.
    /// </summary>
    public void RefuseFrame(Connection connection, ReadOnlySpan<byte> start, Fault fault, Instant now)
    {
        // The header takes 2 to 5 bytes.
        for (var header = 2; header <= Math.Min(5, start.Length); header++)
        {
            if (ConnectPacket.PeekProtocolLevel(start[header..]) is { } level)
            {
                connection.Version = VersionToAnswerIn(level);
                break;
            }
        }

        closer.Refuse(connection, fault, now);
    }

    /// <summary>
    /// Whatever is not MQTT 5 is answered in the words of MQTT 3.1.1, which MQTT 3.1 shares. Nobody knows those of a later version.
    /// </summary>
    private static ProtocolVersion VersionToAnswerIn(byte level) =>
        level == (byte)ProtocolVersion.V5 ? ProtocolVersion.V5 : ProtocolVersion.V311;

    /// <summary>Accepts a CONNECT, unless something stands against it, or its Will has to be judged first.</summary>
    public void Accept(Connection connection, PendingConnect pending, Instant now)
    {
        var (connect, clientId, authenticationData) = pending;
        var session = sessions.Find(clientId);
        if (session is not null && session.UserName != connection.UserName)
        {
            closer.Refuse(
                connection,
                new Fault(ReasonCode.NotAuthorized, "The Session with this Client Identifier belongs to another user (MQTT 5 §5.4.2)."),
                now);
            return;
        }

        var client = new ClientIdentity(clientId, connection.User);
        if (!publishRules.TryCheckWill(connection, client, WillOf(connect), pending, now, out var refusal, out var isWillAuthorized))
        {
            return;
        }

        if (refusal.Exists)
        {
            closer.Refuse(connection, refusal, now);
            return;
        }

        var room = rules.CheckRoom(session);
        if (room.Exists)
        {
            closer.Refuse(connection, room, now);
            return;
        }

        if (session?.Connection is { } older)
        {
            closer.Disconnect(
                older, new Fault(ReasonCode.SessionTakenOver, "Another connection uses the same Client Identifier [MQTT-3.1.4-3]."), now);
            session = sessions.Find(clientId);
        }

        if (session is not null && connect.CleanStart)
        {
            sessions.End(session, now);
            session = null;
        }

        var present = session is not null;
        if (!present && counters.Sessions >= options.MaximumSessions)
        {
            counters.RefusedClients++;
            closer.Refuse(
                connection,
                new Fault(
                    ReasonCode.QuotaExceeded,
                    $"There are {options.MaximumSessions} Sessions, which is as many as may be (MQTT 5 §3.2.2.2)."),
                now);
            return;
        }

        var willBytes = SessionMemory.SizeOf(connect.Will);
        if (!memory.HasRoom(session, willBytes - (session?.WillBytes ?? -SessionMemory.SizeOf(clientId))))
        {
            counters.RefusedClients++;
            closer.Refuse(
                connection, new Fault(ReasonCode.QuotaExceeded, "There is no memory for the Session and its Will (MQTT 5 §3.2.2.2)."), now);
            return;
        }

        session ??= sessions.Begin(clientId, connection.User);
        memory.Add(session, willBytes - session.WillBytes);
        session.WillBytes = willBytes;
        sessions.Attach(session, connection);
        if (present)
        {
            review.Start(session);
        }

        connection.ClientId = clientId;

        var expiry = ExpiryAskedFor(connect);
        session.ExpiryInterval = LimitExpiry(expiry);
        session.Will = WillOf(connect);
        session.IsWillAuthorized = isWillAuthorized;
        if (session.Will != connect.Will)
        {
            counters.RefusedSystemMessages++;
            events.Add(ConnectionEventKind.WillLeftOut, connection);
        }

        connection.ReceiveMaximum = Math.Min(connect.ReceiveMaximum ?? ushort.MaxValue, options.MaximumInflight);
        connection.OutgoingAliasMaximum = Math.Min(connect.TopicAliasMaximum ?? 0, options.MaximumOutgoingTopicAliases);
        connection.WantsProblemInformation = connect.RequestProblemInformation ?? true;
        connection.Phase = ConnectionPhase.Connected;

        var keepAlive = LimitKeepAlive(connect);
        connection.Patience = TimeSpan.FromSeconds(1.5 * keepAlive);
        if (keepAlive > 0)
        {
            wheel.Set(connection.Deadline, now + connection.Patience);
        }
        else
        {
            wheel.Cancel(connection.Deadline);
        }

        var granted = ExpirySeconds(session.ExpiryInterval);
        var accepted = new ConnAckPacket
        {
            SessionPresent = present,
            SessionExpiryInterval = granted == expiry ? null : granted,
            ReceiveMaximum = options.ReceiveMaximum,
            MaximumQoS = options.MaximumQoS == QualityOfService.ExactlyOnce ? null : options.MaximumQoS,
            RetainAvailable = options.RetainAvailable ? null : false,
            MaximumPacketSize = options.MaximumPacketSize,
            TopicAliasMaximum = options.TopicAliasMaximum == 0 ? null : options.TopicAliasMaximum,
            AssignedClientIdentifier = connect.ClientId.Length > 0 ? null : clientId,
            ServerKeepAlive = keepAlive == connect.KeepAlive ? null : keepAlive,
            ResponseInformation = connect.RequestResponseInformation == true ? responseTopics.Grant(session) : null,
            AuthenticationMethod = connection.Inquiry?.Method?.Name,
            AuthenticationData = authenticationData,
            UserProperties = IsAntiphon,
        };
        if (!connection.TryWrite(accepted) && !connection.TryWrite(accepted with { UserProperties = [] }))
        {
            // It has not connected: nothing is to be said of its end [MQTT-3.1.2-7].
            session.Will = null;
            closer.Reject(
                connection,
                new Fault(
                    ReasonCode.PacketTooLarge,
                    $"CONNACK is larger than the client's Maximum Packet Size of {connection.MaximumPacketSize} bytes [MQTT-3.1.2-24]."),
                now);
            return;
        }

        events.Add(present ? ConnectionEventKind.Resumed : ConnectionEventKind.Connected, connection);
        presence.Note(connection, isConnected: true, now);
        flushList.Mark(connection);
        sender.Resume(session, connection, now);
    }

    /// <summary>What the broker grants of a Session Expiry Interval, in CONNECT or DISCONNECT.</summary>
    public TimeSpan LimitExpiry(uint seconds)
    {
        var asked = seconds == NeverExpires ? TimeSpan.MaxValue : TimeSpan.FromSeconds(seconds);
        return asked < options.MaximumSessionExpiry ? asked : options.MaximumSessionExpiry;
    }

    /// <summary>
    /// Clean Session of MQTT 3.1.1 says both how the Session begins and when it ends:
    /// with the connection, or not at all (MQTT 3.1.1 §3.1.2.4).
    /// </summary>
    private static uint ExpiryAskedFor(ConnectPacket connect) => connect.ProtocolVersion == ProtocolVersion.V5
        ? connect.SessionExpiryInterval ?? 0
        : connect.CleanStart ? 0 : NeverExpires;

    private static uint ExpirySeconds(TimeSpan expiry) => expiry.TotalSeconds >= NeverExpires ? NeverExpires : (uint)expiry.TotalSeconds;

    /// <summary>A client of MQTT 3.1.1 cannot be told another value than its own.</summary>
    private ushort LimitKeepAlive(ConnectPacket connect)
    {
        var asked = connect.KeepAlive;
        return options.MaximumKeepAlive is { } maximum
            && connect.ProtocolVersion == ProtocolVersion.V5
            && (asked == 0 || asked > maximum.TotalSeconds)
            ? (ushort)maximum.TotalSeconds
            : asked;
    }

    /// <summary>Bridges of mosquitto have a Will about their own state, on a topic that is the broker's. It is not published.</summary>
    private static Will? WillOf(ConnectPacket connect) =>
        connect.Will is { } will && SystemTopic.IsOfBridge(will.Message.Topic) ? null : connect.Will;

    private string ClientIdOf(ConnectPacket connect) => connect.ClientId.Length > 0 ? connect.ClientId : NewClientId();

    private string NewClientId()
    {
        Span<byte> random = stackalloc byte[12];
        fillRandom(random);
        return string.Create(CultureInfo.InvariantCulture, $"antiphon-{Convert.ToHexStringLower(random)}");
    }
}
