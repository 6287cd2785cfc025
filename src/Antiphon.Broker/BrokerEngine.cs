using System.Diagnostics.CodeAnalysis;
using Antiphon.Broker.Authentication;
using Antiphon.Broker.Buffers;
using Antiphon.Broker.Connections;
using Antiphon.Broker.Exchanges;
using Antiphon.Broker.Messages;
using Antiphon.Broker.Pressure;
using Antiphon.Broker.Publishing;
using Antiphon.Broker.ResponseTopics;
using Antiphon.Broker.Retained;
using Antiphon.Broker.Sessions;
using Antiphon.Broker.Subscriptions;
using Antiphon.Broker.SystemTopics;
using Antiphon.Broker.Timing;
using Antiphon.Protocol;
using Antiphon.Protocol.Packets;
using Antiphon.Protocol.Topics;
using Antiphon.Protocol.Wire;

namespace Antiphon.Broker;

/// <summary>
/// The broker without its sockets: plain single-threaded code that owns every Session, subscription and message. It is told that a connection opened, that bytes
/// arrived, that a connection ended, that time has passed; it answers by appending bytes to connections' outputs, which <see cref="Flush"/> hands to their links.
/// It never waits, locks, logs or reads a clock.
/// </summary>
internal sealed class BrokerEngine
{
    /// <summary>Bytes kept of who is being authenticated; at most one more read is added to them.</summary>
    private const int MaximumHeld = 16 * 1024;

    private readonly BrokerOptions _options;
    private readonly BufferPool _buffers = new();
    private readonly MessagePool _messages;
    private readonly FlushList _flushList = new();
    private readonly MemoryPressure _pressure;
    private readonly TimingWheel _wheel = new();
    private readonly HashSet<Connection> _connections = [];
    private readonly SessionTable _sessions;
    private readonly SubscriptionTable _subscriptions;
    private readonly ExchangeTable _exchanges;
    private readonly RetainedStore _retained;
    private readonly RetainedWalks _walks;
    private readonly SystemFigures _systemFigures;
    private readonly Router _router;
    private readonly Sender _sender;
    private readonly Receiver _receiver;
    private readonly UnfinishedPackets _unfinished;
    private readonly Closer _closer;
    private readonly Admission _admission;
    private readonly Handshake _handshake;

    /// <summary>Sets an engine up.</summary>
    /// <param name="options">Valid options.</param>
    /// <param name="fillRandom">Fills a span with bytes that no peer can guess.</param>
    public BrokerEngine(BrokerOptions options, Action<Span<byte>> fillRandom)
    {
        _options = options;
        var seed = new byte[sizeof(ulong)];
        fillRandom(seed);
        var comparer = new Utf8Comparer(BitConverter.ToUInt64(seed));

        _messages = new MessagePool(_buffers);
        var tree = new SubscriptionTree(comparer);
        var cache = new MatchCache(tree, comparer);
        var responseTopics = new OwnResponseTopics(comparer, fillRandom);
        _pressure = new MemoryPressure(options, _buffers, _flushList, Counters);
        _sender = new Sender(options, new MessageWriter(comparer, _flushList, Counters), _messages, _wheel, _flushList, Counters);
        _exchanges = new ExchangeTable(options, comparer, _wheel, Counters);
        _retained = new RetainedStore(options, comparer, _messages, _wheel, Counters);
        _walks = new RetainedWalks(_retained, _sender);
        _router = new Router(cache, responseTopics, _exchanges, _retained, _sender, _messages, Counters);
        _receiver = new Receiver(options, _router, _sender, _pressure, _flushList, Counters);
        var memory = new SessionMemory(options);
        _subscriptions = new SubscriptionTable(options, tree, cache, _walks, memory, Counters);
        _systemFigures = new SystemFigures(options, _subscriptions, _router, _wheel, Counters);
        var redispatch = new Redispatch(_router, _exchanges, _messages, Counters);
        _sessions = new SessionTable(_subscriptions, responseTopics, _exchanges, _router, _sender, redispatch, memory, _wheel, Counters);
        _unfinished = new UnfinishedPackets(options, _wheel);
        _closer = new Closer(options, _connections, _unfinished, _sessions, _wheel, _flushList, Counters);
        _admission = new Admission(options, _closer, _flushList);
        _handshake = new Handshake(options, _sessions, responseTopics, _admission, _sender, _closer, memory, _wheel, _flushList, Counters, fillRandom);
    }

    public EngineCounters Counters { get; } = new();

    /// <summary>Whether <see cref="Flush"/> has something to do.</summary>
    public bool HasOutput => !_flushList.IsEmpty;

    /// <summary>Whether there is something to do although nothing happens.</summary>
    public bool HasWork => HasOutput || _walks.IsReady;

    /// <summary>When <see cref="Advance"/> has to be called at the latest.</summary>
    public Instant NextDeadline => _wheel.NextVisit();

    /// <summary>Messages fill an output to its bound and at most one packet beyond it; the rest is room for answers.</summary>
    private long MaximumUnread => 2L * _options.MaximumOutputBytes + _options.MaximumPacketSize;

    /// <summary>A Network Connection was opened.</summary>
    public Connection Open(ILink link, Instant now)
    {
        var connection = new Connection(link, _buffers, _messages, now);
        _connections.Add(connection);
        Counters.Connections++;
        _wheel.Set(connection.Deadline, now + _options.ConnectTimeout);
        return connection;
    }

    /// <summary>Bytes arrived.</summary>
    public void Receive(Connection connection, ReadOnlySpan<byte> bytes, Instant now)
    {
        Counters.BytesReceived += bytes.Length;
        if (connection.Output.Backlog > MaximumUnread)
        {
            // It asks and asks and reads no answer. Messages alone never fill an output that far.
            Counters.Refusals++;
            Abort(connection, new Fault(ReasonCode.QuotaExceeded, $"{connection.Output.Backlog} bytes of output wait to be read."), now);
            return;
        }

        var consumed = 0;
        if (connection.IsOnHold)
        {
            Hold(connection, bytes);
        }
        else if (connection.Partial.IsEmpty)
        {
            consumed = ReceivePackets(connection, bytes, now);
            if (IsOpen(connection))
            {
                Hold(connection, bytes[consumed..]);
            }
        }
        else
        {
            connection.Partial.Append(bytes);
            consumed = ReceivePackets(connection, connection.Partial.Bytes, now);
            if (IsOpen(connection))
            {
                connection.Partial.Consume(consumed);
            }
        }

        if (consumed > 0)
        {
            connection.LastHeard = now;
        }

        if (IsOpen(connection) && (!connection.Partial.IsEmpty || connection.Unfinished is not null))
        {
            _unfinished.Note(connection, consumed > 0, now);
            while (_unfinished.IsExcessive(out var oldest))
            {
                var age = now - oldest.Partial.Began;
                EndUnfinished(oldest, new Fault(ReasonCode.QuotaExceeded, $"Too much memory is taken by packets that have begun and not ended; this one began {age.TotalSeconds} s ago."), now);
            }
        }
    }

    /// <summary>Takes the next step of an authentication that is to be run on another thread; what comes of it returns through <see cref="Authenticated"/>.</summary>
    public bool TryTakeStep([NotNullWhen(true)] out AuthenticationStep? step) => _admission.TryTakeStarted(out step);

    /// <summary>A step of an authentication has run. If its connection has ended since, nothing comes of it.</summary>
    public void Authenticated(AuthenticationStep step, AuthenticationResult result, Instant now)
    {
        var connection = step.Connection;
        if (_admission.TryAdmit(step, result, now))
        {
            _handshake.Accept(connection, result.Data, now);
            if (connection.Phase == ConnectionPhase.Connected)
            {
                // What came before CONNACK is done now (MQTT 5 §3.1.4).
                connection.EndHold();
                Receive(connection, [], now);
            }
        }
    }

    /// <summary>The peer will send no more, but may still read what is on its way, for a limited time.</summary>
    public void EndedByPeer(Connection connection, Instant now)
    {
        if (IsOpen(connection))
        {
            _closer.Close(connection, connection.CloseReason, now);
        }
    }

    /// <summary>The connection was ended by the peer or the network. What is left to send is of no use any more.</summary>
    public void Ended(Connection connection, Instant now) => _closer.Ended(connection, now);

    /// <summary>Closes a connection at once, for a reason of this side.</summary>
    public void Abort(Connection connection, Fault reason, Instant now)
    {
        connection.CloseReason = reason;
        _closer.Abort(connection, now);
    }

    /// <summary>The connection's output was sent in full: a Session that had to hold back may go on.</summary>
    public void OutputSent(Connection connection, Instant now)
    {
        Counters.BytesSent += connection.Output.TakeSent();
        if (connection.Session is { } session)
        {
            if (session.HasWaiting || session.HasUnsent)
            {
                _sender.SendWaiting(session, now);
            }

            _walks.Resume(session);
        }
    }

    /// <summary>Time has passed: does what is due, and a turn's share of what takes long.</summary>
    public void Advance(Instant now)
    {
        while (_wheel.TryTakeDue(now) is { } deadline)
        {
            switch (deadline.Owner)
            {
                case Session session:
                    _sessions.OnDeadline(session, now);
                    break;
                case Exchange exchange:
                    _exchanges.Close(exchange);
                    break;
                case TopicLevel level:
                    _retained.OnDeadline(level, now);
                    break;
                case SystemFigures figures:
                    figures.OnDeadline(now);
                    break;
                case Connection connection:
                    OnDeadline(connection, now);
                    break;
                case UnfinishedPackets unfinished:
                    while (unfinished.IsOverdue(now, out var late))
                    {
                        EndUnfinished(late, new Fault(ReasonCode.KeepAliveTimeout, $"A packet has begun and not ended within {_options.PacketTimeout.TotalSeconds} s."), now);
                    }

                    break;
                default:
                    throw new InvalidOperationException($"A deadline belongs to {deadline.Owner}, which has none.");
            }
        }

        _walks.Continue(now);
    }

    /// <summary>Hands the output of this wake-up to the links, each connection once.</summary>
    /// <param name="now">The current instant.</param>
    public void Flush(Instant now)
    {
        _pressure.Relieve(now);
        _flushList.FlushAll();
    }

    /// <summary>The broker stops: says goodbye to everyone (MQTT 5 §3.14.2.1, 0x8B).</summary>
    public void DismissAll(Instant now)
    {
        var reason = new Fault(ReasonCode.ServerShuttingDown, "The broker is shutting down.");
        foreach (var connection in _connections.ToArray())
        {
            if (connection.Phase == ConnectionPhase.Connected)
            {
                _closer.Disconnect(connection, reason, now);
            }
            else if (IsOpen(connection))
            {
                Abort(connection, reason, now);
            }
        }
    }

    private static bool IsOpen(Connection connection) => connection.Phase < ConnectionPhase.Closing;

    /// <summary>Keeps what cannot be done yet. Who sends a lot of it before it is known who it is, is left unread.</summary>
    private static void Hold(Connection connection, ReadOnlySpan<byte> bytes)
    {
        connection.Partial.Append(bytes);
        if (connection.IsOnHold && connection.Partial.Bytes.Length > MaximumHeld)
        {
            connection.HoldUp();
        }
    }

    private int ReceivePackets(Connection connection, ReadOnlySpan<byte> bytes, Instant now)
    {
        var consumed = 0;
        while (IsOpen(connection) && !connection.IsOnHold)
        {
            var rest = bytes[consumed..];
            switch (FrameReader.TryRead(rest, _options.MaximumPacketSize, out var frame, out var fault))
            {
                case FrameStatus.Complete:
                    consumed += frame.Length;
                    ReceivePacket(connection, frame, now);
                    break;
                case not FrameStatus.Complete when connection.Phase == ConnectionPhase.AwaitingConnect && !rest.IsEmpty && rest[0] >> 4 != (int)PacketType.Connect:
                    // Whoever does not begin with CONNECT may not even speak MQTT (MQTT 5 §4.13.1): the rest of the packet is not waited for.
                    _closer.Reject(connection, Fault.Protocol($"The first byte is 0x{rest[0]:X2}; the first packet has to be CONNECT [MQTT-3.1.0-1]."), now);
                    break;
                case FrameStatus.NeedMore:
                    return consumed;
                case FrameStatus.Malformed when connection.Phase == ConnectionPhase.AwaitingConnect:
                    _handshake.RefuseFrame(connection, rest, fault, now);
                    break;
                default:
                    _closer.Refuse(connection, fault, now);
                    break;
            }
        }

        if (connection.Phase == ConnectionPhase.Closing)
        {
            _closer.Discard(connection, bytes.Length - consumed, now);
        }

        return consumed;
    }

    private void ReceivePacket(Connection connection, in Frame frame, Instant now)
    {
        if (connection.Phase != ConnectionPhase.Connected)
        {
            _handshake.Receive(connection, frame, now);
            return;
        }

        var session = connection.Session ?? throw new InvalidOperationException("A connection that stands has no Session.");
        Fault fault;
        switch (frame.Type)
        {
            case PacketType.Publish:
                fault = _receiver.ReceivePublish(connection, session, frame, now);
                break;
            case PacketType.PubAck or PacketType.PubRec or PacketType.PubRel or PacketType.PubComp:
                fault = _receiver.ReceiveAcknowledgement(connection, session, frame, now);
                break;
            case PacketType.Connect:
                // Whatever is in it: what CONNACK could say of it, DISCONNECT cannot.
                fault = Fault.Protocol("A second CONNECT on the same connection [MQTT-3.1.0-2].");
                break;
            case PacketType.PingReq:
                fault = ReceivePing(connection, frame);
                break;
            default:
                fault = PacketDecoder.TryDecode(frame, connection.Version, out var packet, out var malformed)
                    ? ReceiveControl(connection, session, packet, now)
                    : malformed;
                break;
        }

        if (fault.Exists)
        {
            _closer.Refuse(connection, fault, now);
        }

        // An acknowledgement may have made room.
        _walks.Resume(session);
    }

    private Fault ReceivePing(Connection connection, in Frame frame)
    {
        if (!frame.Body.IsEmpty)
        {
            return Fault.Malformed("PINGREQ has no body (MQTT 5 §3.12).");
        }

        return Answer(connection, PingRespPacket.Instance);
    }

    private Fault ReceiveControl(Connection connection, Session session, Packet packet, Instant now)
    {
        switch (packet)
        {
            case SubscribePacket subscribe:
                return ReceiveSubscribe(connection, session, subscribe, now);
            case UnsubscribePacket unsubscribe:
                return Answer(connection, new UnsubAckPacket
                {
                    PacketIdentifier = unsubscribe.PacketIdentifier,
                    ReasonCodes = [.. unsubscribe.TopicFilters.Select(filter => _subscriptions.Unsubscribe(session, filter))],
                });
            case DisconnectPacket disconnect:
                return ReceiveDisconnect(connection, session, disconnect, now);
            case AuthPacket auth:
                return _admission.ReceiveAuth(connection, auth);
            default:
                return Fault.Protocol($"A client does not send {packet.Type} (MQTT 5 §2.1.2).");
        }
    }

    private Fault ReceiveSubscribe(Connection connection, Session session, SubscribePacket subscribe, Instant now)
    {
        // All filters are judged before the first takes effect: a packet against the rules changes nothing.
        var filters = new TopicFilter[subscribe.Subscriptions.Count];
        for (var i = 0; i < filters.Length; i++)
        {
            if (!TopicFilter.TryParse(subscribe.Subscriptions[i].TopicFilter, out filters[i], out var fault))
            {
                return fault;
            }
        }

        if (filters.Any(filter => SystemTopic.Includes(filter.Pattern)))
        {
            _systemFigures.Prepare(now);
        }

        uint[] identifiers = subscribe.SubscriptionIdentifier is { } identifier ? [identifier] : [];
        var codes = new ReasonCode[filters.Length];
        for (var i = 0; i < filters.Length; i++)
        {
            var (topicFilter, options) = subscribe.Subscriptions[i];
            codes[i] = _subscriptions.Subscribe(session, topicFilter, filters[i], options, identifiers);
        }

        var answer = new SubAckPacket { PacketIdentifier = subscribe.PacketIdentifier, ReasonCodes = codes };
        var reason = connection.WantsProblemInformation ? SubscriptionTable.Explain(codes) : null;
        if (reason is not null && connection.TryWrite(answer with { ReasonString = reason }))
        {
            _flushList.Mark(connection);
        }
        else if (Answer(connection, answer) is { Exists: true } tooLarge)
        {
            return tooLarge;
        }

        _walks.Start(session, now);
        return default;
    }

    private Fault ReceiveDisconnect(Connection connection, Session session, DisconnectPacket disconnect, Instant now)
    {
        if (disconnect.ServerReference is not null)
        {
            return Fault.Protocol("A client's DISCONNECT has a Server Reference [MQTT-3.14.2-2].");
        }

        if (disconnect.SessionExpiryInterval is { } seconds)
        {
            if (session.ExpiryInterval == TimeSpan.Zero && seconds > 0)
            {
                return Fault.Protocol($"DISCONNECT raises the Session Expiry Interval from 0 to {seconds} (MQTT 5 §3.14.2.2.2).");
            }

            session.ExpiryInterval = _handshake.LimitExpiry(seconds);
        }

        if (disconnect.ReasonCode == ReasonCode.Success)
        {
            session.Will = null;
        }

        _closer.Close(connection, new Fault(disconnect.ReasonCode, disconnect.ReasonString ?? "The client disconnected."), now);
        return default;
    }

    private Fault Answer(Connection connection, Packet packet)
    {
        if (!connection.TryWrite(packet))
        {
            return new Fault(
                ReasonCode.PacketTooLarge, $"{packet.Type} is larger than the client's Maximum Packet Size of {connection.MaximumPacketSize} bytes [MQTT-3.1.2-24].");
        }

        _flushList.Mark(connection);
        return default;
    }

    private void EndUnfinished(Connection connection, Fault reason, Instant now)
    {
        if (connection.Phase == ConnectionPhase.Connected)
        {
            _closer.Refuse(connection, reason, now);
        }
        else
        {
            // Which version would understand an answer may not be known yet.
            _closer.Reject(connection, reason, now);
        }
    }

    private void OnDeadline(Connection connection, Instant now)
    {
        switch (connection.Phase)
        {
            case ConnectionPhase.AwaitingConnect:
                Counters.Refusals++;
                Abort(connection, Fault.Protocol($"No CONNECT within {_options.ConnectTimeout.TotalSeconds} s (MQTT 5 §3.1.4)."), now);
                break;
            case ConnectionPhase.Authenticating:
                _admission.TimeOut(connection, now);
                break;
            case ConnectionPhase.Connected when connection.IsPaused || connection.LastHeard + connection.Patience > now:
                _wheel.Set(connection.Deadline, (connection.IsPaused ? now : connection.LastHeard) + connection.Patience);
                break;
            case ConnectionPhase.Connected:
                Counters.Refusals++;
                var silence = new Fault(ReasonCode.KeepAliveTimeout, $"No packet has come for {connection.Patience.TotalSeconds} s [MQTT-3.1.2-22].");
                _closer.Disconnect(connection, silence, now);
                break;
            case ConnectionPhase.Closing:
                _closer.Abort(connection, now);
                break;
            case ConnectionPhase.Closed:
                break;
            default:
                throw new InvalidOperationException($"Phase {connection.Phase} is unknown.");
        }
    }
}
