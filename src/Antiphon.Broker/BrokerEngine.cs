using System.Diagnostics.CodeAnalysis;
using System.Net;
using Antiphon.Broker.Access;
using Antiphon.Broker.Authentication;
using Antiphon.Broker.Buffers;
using Antiphon.Broker.Connections;
using Antiphon.Broker.Exchanges;
using Antiphon.Broker.Limits;
using Antiphon.Broker.Listing;
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

namespace Antiphon.Broker;

/// <summary>
/// The broker without its sockets: plain single-threaded code that owns every Session, subscription and message.
/// It is told that a connection opened, that bytes arrived, that a connection ended, that time has passed;
/// it answers by appending bytes to connections' outputs, which <see cref="Flush"/> hands to their links.
/// It never waits, locks, logs or reads a clock.
/// </summary>
internal sealed class BrokerEngine
{
    /// <summary>
    /// So many deadlines are met in one turn; many that fall together, such as the expiry of a crowd of Sessions, take several.
    /// </summary>
    internal const int DeadlinesPerTurn = 512;

    /// <summary>So many are looked at in one turn, those included that are not due yet though their tick has come round.</summary>
    internal const int DeadlinesLookedAt = 4096;

    /// <summary>Searching so many messages for expired ones takes as long as a deadline.</summary>
    private const int MessagesPerDeadline = 64;

    private readonly OptionsInForce _options;
    private readonly MemoryAccount _account = new();
    private readonly BufferPool _buffers;
    private readonly MessagePool _messages;
    private readonly AccessControl _access;
    private readonly AccessReview _review;
    private readonly Authorizations? _authorizations;
    private readonly FlushList _flushList = new();
    private readonly MemoryPressure _pressure;
    private readonly AcknowledgementGate _gate;
    private readonly Arrivals _arrivals;
    private readonly PublishRates _rates;
    private readonly PresenceEvents _presence;
    private readonly TimingWheel _wheel = new();
    private readonly List<Connection> _connections = [];
    private readonly SessionMemory _sessionMemory;
    private readonly SessionTable _sessions;
    private readonly FanOuts _fanOuts;
    private readonly Redispatch _redispatch;
    private readonly EndedSessions _ended;
    private readonly GroupMembers _groupMembers = new();
    private readonly ExchangeTable _exchanges;
    private readonly RetainedStore _retained;
    private readonly RetainedWalks _walks;
    private readonly Sender _sender;
    private readonly Receiver _receiver;
    private readonly Closer _closer;
    private readonly Identification _identification;
    private readonly Handshake _handshake;
    private readonly Input _input;
    private bool _isBehind;

    /// <summary>Sets an engine up.</summary>
    /// <param name="options">Valid options.</param>
    /// <param name="fillRandom">Fills a span with bytes that no peer can guess.</param>
    public BrokerEngine(BrokerOptions options, Action<Span<byte>> fillRandom)
    {
        _options = new OptionsInForce(options);
        var seed = new byte[sizeof(ulong)];
        fillRandom(seed);
        var comparer = new Utf8Comparer(BitConverter.ToUInt64(seed));

        _buffers = new BufferPool(_account);
        _messages = new MessagePool(_buffers);
        _access = new AccessControl(_options);
        var tree = new SubscriptionTree(comparer);
        var cache = new MatchCache(tree, comparer);
        var responseTopics = new OwnResponseTopics(comparer, fillRandom);
        _pressure = new MemoryPressure(_options, _account, Counters);
        _gate = new AcknowledgementGate(_pressure, _flushList, Counters);
        _arrivals = new Arrivals(_options, Counters);
        _rates = new PublishRates(_options, _gate, _account, _wheel, Counters);
        var limits = new MessageLimits(_options, Counters);
        var watch = options.ExchangeObserver is { } observer ? new ExchangeWatch(observer, Counters) : null;
        _exchanges = new ExchangeTable(_options, comparer, _wheel, watch, Counters);
        _sessionMemory = new SessionMemory(_options);
        _sender = new Sender(
            _options,
            _account,
            new MessageWriter(comparer, _sessionMemory, _flushList, Counters),
            _messages,
            _exchanges,
            _pressure,
            _wheel,
            _flushList,
            Counters);
        _retained = new RetainedStore(_options, comparer, _messages, _wheel, Counters);
        _walks = new RetainedWalks(_retained, _sender, _sessionMemory);
        _fanOuts = new FanOuts(cache, _exchanges, _sender, _messages, _flushList, Counters);
        var router = new Router(_fanOuts, responseTopics, _exchanges, _retained, _sender, _messages, Counters);
        var stamp = options.StampCaller ? new CallerStamp(_access) : null;
        _authorizations = options.Authorizer is null ? null : new Authorizations(_options, comparer, _wheel, Counters, Events);
        var publishRules = new PublishRules(_access, _authorizations, stamp, Counters);
        _receiver = new Receiver(
            publishRules,
            router,
            watch,
            _sender,
            _gate,
            limits,
            _rates,
            new BrokerReplies(_sender),
            _pressure,
            _sessionMemory,
            _flushList,
            Events,
            Counters);
        var subscriptions = new SubscriptionTable(_options, tree, cache, _walks, _access, limits, _sessionMemory, Counters);
        var systemFigures = new SystemFigures(_options, subscriptions, router, _wheel, Counters);
        _presence = new PresenceEvents(_options, _access, subscriptions, tree, _sender, _messages, Counters);
        _redispatch = new Redispatch(_sender, _exchanges, _messages, Counters);
        _ended = new EndedSessions(subscriptions, _redispatch, _exchanges, _sessionMemory);
        _sessions = new SessionTable(
            responseTopics,
            router,
            _sender,
            _redispatch,
            _ended,
            _groupMembers,
            _sessionMemory,
            new QueueMemory(_account),
            _access,
            stamp,
            _wheel,
            Counters);
        var unfinished = new UnfinishedPackets(_options, _wheel);
        _closer = new Closer(
            _options, _connections, unfinished, _arrivals, _sessions, _pressure, _presence, _wheel, _flushList, Counters, Events);
        _review = new AccessReview(_access, _sessions, subscriptions, _closer, Counters);
        _identification = new Identification(_options, _closer, _wheel, _flushList, Counters);
        _handshake = new Handshake(
            _options,
            _sessions,
            responseTopics,
            _arrivals,
            new ConnectRules(_options, _sessions, _identification, limits, Counters),
            publishRules,
            _review,
            _identification,
            _sender,
            _closer,
            _sessionMemory,
            _wheel,
            _flushList,
            Counters,
            Events,
            _presence,
            fillRandom);
        var clientPackets = new ClientPackets(
            _receiver,
            subscriptions,
            systemFigures,
            _walks,
            limits,
            _identification,
            _authorizations,
            _handshake,
            _closer,
            _flushList,
            Events);
        _input = new Input(_options, _handshake, clientPackets, unfinished, _arrivals, _closer, Counters);
        Listing = new EngineListing(_connections, _sessions, _retained);
    }

    public EngineCounters Counters { get; } = new();

    /// <summary>Lists what there is, for operators.</summary>
    public EngineListing Listing { get; }

    /// <summary>What happened to connections, for the log.</summary>
    public ConnectionEvents Events { get; } = new();

    /// <summary>The options that it goes by at the moment.</summary>
    public BrokerOptions Options => _options.Current;

    /// <summary>What messages and buffers of all clients take at the moment, in bytes.</summary>
    public long BufferBytes => _account.Bytes;

    /// <summary>What Sessions take beside their messages, in bytes.</summary>
    public long SessionBytes => _sessionMemory.Bytes;

    /// <summary>Whether <see cref="Flush"/> has something to do.</summary>
    public bool HasOutput => !_flushList.IsEmpty;

    /// <summary>Whether there is something to do although nothing happens.</summary>
    public bool HasWork =>
        HasOutput
            || _isBehind
            || _fanOuts.IsReady
            || _groupMembers.IsReady
            || _redispatch.IsReady
            || _ended.IsReady
            || _walks.IsReady
            || _exchanges.IsReady
            || _review.IsReady
            || _pressure.IsReady
            || _gate.IsReady
            || HasPresence
            || _authorizations is { HasAsked: true };

    /// <summary>Whether <see cref="TellPresence"/> has something to do.</summary>
    public bool HasPresence => _presence.IsReady;

    /// <summary>Connections that have not sent CONNECT yet.</summary>
    public int PendingConnections => _arrivals.Pending;

    /// <summary>Addresses that are remembered because of their connections.</summary>
    public int RememberedAddresses => _arrivals.Addresses;

    /// <summary>When <see cref="Advance"/> has to be called at the latest.</summary>
    public Instant NextDeadline => _wheel.NextVisit();

    /// <summary>The Session of a client; <c>null</c>: it has none.</summary>
    public Session? FindSession(string clientId) => _sessions.Find(clientId);

    /// <summary>
    /// A Network Connection is about to be opened. Where its address has far more than it may, it is not: it is closed without a word.
    /// </summary>
    /// <param name="remote">The address of the other end; <c>null</c>: it has none, or a proxy will say it.</param>
    public bool MayOpen(EndPoint? remote) => _arrivals.MayOpen(remote);

    /// <summary>A Network Connection was opened.</summary>
    /// <param name="link">What carries its bytes.</param>
    /// <param name="origin">Where it comes from.</param>
    /// <param name="now">The current instant.</param>
    /// <param name="isProxied">Whether a header of the PROXY protocol comes before everything else.</param>
    public Connection Open(ILink link, ConnectionOrigin origin, Instant now, bool isProxied = false)
    {
        var connection = new Connection(link, origin, _options.Current, _buffers, _messages, now);
        if (isProxied)
        {
            connection.Phase = ConnectionPhase.AwaitingProxyHeader;
        }

        _connections.Join(connection);
        Counters.Connections++;
        _wheel.Set(connection.Deadline, now + _options.Current.ConnectTimeout);
        _arrivals.Open(connection);
        if (!isProxied)
        {
            // It was asked about before.
            _ = _arrivals.TryIdentify(connection, now);
        }

        while (_arrivals.IsExcessive(out var oldest) && oldest != connection)
        {
            Counters.DroppedPending++;
            Abort(oldest, new Fault(ReasonCode.ServerBusy, "Too many connections have not sent CONNECT; this was the oldest."), now);
        }

        return connection;
    }

    /// <summary>Bytes arrived.</summary>
    public void Receive(Connection connection, ReadOnlySpan<byte> bytes, Instant now) => _input.Receive(connection, bytes, now);

    /// <summary>
    /// Takes the next step of an authentication that is to be run on another thread;
    /// what comes of it returns through <see cref="Authenticated"/>.
    /// </summary>
    public bool TryTakeStep([NotNullWhen(true)] out AuthenticationStep? step) => _identification.TryTakeStarted(out step);

    /// <summary>A step of an authentication has run. If its connection has ended since, nothing comes of it.</summary>
    public void Authenticated(AuthenticationStep step, AuthenticationResult result, Instant now)
    {
        var connection = step.Connection;
        if (_identification.TryIdentify(step, result, now))
        {
            _handshake.Accept(connection, result.Data, now);
            if (connection.Phase == ConnectionPhase.Connected)
            {
                // What came before CONNACK is done now (MQTT 5 §3.1.4).
                connection.EndHold();
                Receive(connection, [], now);
            }
        }
        else if (result.ReasonCode == ReasonCode.Success && connection is { Phase: ConnectionPhase.Connected, Session: { } session })
        {
            // It has authenticated again, perhaps into other groups.
            connection.Authorized = null;
            _review.Start(session);
        }
    }

    /// <summary>
    /// Takes the next question to the application's authorizer, which is to be asked on another thread;
    /// it returns through <see cref="Authorized"/>.
    /// </summary>
    public bool TryTakeQuestion([NotNullWhen(true)] out AuthorizationQuestion? question)
    {
        question = null;
        return _authorizations?.TryTakeAsked(out question) == true;
    }

    /// <summary>A question to the authorizer has run. If its connection has ended since, nothing comes of it.</summary>
    public void Authorized(AuthorizationQuestion question, Instant now)
    {
        if (_authorizations!.TryAnswer(question))
        {
            GoOn(question, now);
        }
    }

    /// <summary>The peer will send no more, but may still read what is on its way, for a limited time.</summary>
    public void EndedByPeer(Connection connection, Instant now)
    {
        if (!TryPutOff(connection, PeerEnd.Sending) && connection.IsOpen)
        {
            _closer.Close(connection, connection.CloseReason, now);
        }
    }

    /// <summary>The connection was ended by the peer or the network. What is left to send is of no use any more.</summary>
    public void Ended(Connection connection, Instant now)
    {
        if (!TryPutOff(connection, PeerEnd.Gone))
        {
            _closer.Ended(connection, now);
        }
    }

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
        var left = DeadlinesPerTurn;
        var looks = DeadlinesLookedAt;
        for (; left > 0 && _wheel.TryTakeDue(now, ref looks) is { } deadline; left--)
        {
            switch (deadline.Owner)
            {
                case Session session:
                    left -= _sessions.OnDeadline(session, now) / MessagesPerDeadline;
                    break;
                case Exchange exchange:
                    _exchanges.Close(exchange, ExchangeEnd.Expired, now);
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
                case ProofExpiry proof:
                    _identification.Expire(proof.Connection, now);
                    break;
                case AuthorizationQuestion question:
                    _authorizations!.GiveUp(question);
                    GoOn(question, now);
                    break;
                case Pace pace:
                    _rates.OnDeadline(pace, now);
                    break;
                case UnfinishedPackets:
                    _input.OnDeadline(now);
                    break;
                default:
                    throw new InvalidOperationException($"A deadline belongs to {deadline.Owner}, which has none.");
            }
        }

        _isBehind = left <= 0 || looks <= 0;
        _fanOuts.Continue(now);
        while (_fanOuts.TryTakeFinished(out var fanOut))
        {
            Finish(fanOut, now);
        }

        _groupMembers.Continue();
        _redispatch.Continue(now);
        _ended.Continue(now);
        _walks.Continue(now);
        _exchanges.Continue(now);
        _review.Continue(now);
    }

    /// <summary>Other options hold from now on; what CONNACK says of them, for who connects from now on.</summary>
    /// <param name="options">Valid options that differ in nothing but what can change while the broker runs.</param>
    public void ReplaceOptions(BrokerOptions options) => _options.Replace(options);

    /// <summary>Tells who subscribes to it a turn's share of who came and went.</summary>
    /// <param name="time">What a clock on the wall shows.</param>
    /// <param name="now">The current instant.</param>
    public void TellPresence(DateTimeOffset time, Instant now) => _presence.Publish(time, now);

    /// <summary>
    /// Other access rules hold from now on. Subscriptions that they do not allow are taken away in the turns that follow.
    /// </summary>
    public void ReplaceAccessRules(AccessRules? rules)
    {
        _access.Replace(rules);
        _review.Start([]);
    }

    /// <summary>
    /// These users are no more: their connections end with 0x98, and their Sessions with them, in the turns that follow.
    /// Who is about to connect as one of them does not come in.
    /// </summary>
    public void EndUsers(IReadOnlyCollection<string> userNames, Instant now)
    {
        _identification.EndUsers(_connections, userNames, now);
        _review.Start(userNames);
    }

    /// <summary>Ends a client's connection with 0x98 Administrative action (MQTT 5 §3.14.2.1).</summary>
    /// <param name="clientId">The Client Identifier.</param>
    /// <param name="withSession">Whether its Session ends too; also if the client is away.</param>
    /// <param name="now">The current instant.</param>
    /// <returns>Whether there was anything to end.</returns>
    public bool Dismiss(string clientId, bool withSession, Instant now)
    {
        if (_sessions.Find(clientId) is not { } session || (session.Connection is null && !withSession))
        {
            return false;
        }

        _review.Dismiss(session, withSession, "The operator has ended the connection.", now);
        return true;
    }

    /// <summary>Hands the output of this wake-up to the links, each connection once.</summary>
    /// <param name="now">The current instant.</param>
    public void Flush(Instant now)
    {
        _pressure.Relieve(now);
        _gate.Release();
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
            else if (connection.IsOpen)
            {
                Abort(connection, reason, now);
            }
        }
    }

    /// <summary>What there is at this moment; other threads may keep it.</summary>
    /// <param name="maximumConnections">How many connections are listed at most.</param>
    /// <param name="now">The current instant.</param>
    public BrokerSnapshot TakeSnapshot(int maximumConnections, Instant now) => new()
    {
        Uptime = now.Elapsed,
        Counters = Counters.Read(),
        Connections = [.. _connections.Take(maximumConnections).Select(connection => connection.TakeSnapshot(now))],
    };

    /// <summary>A message has been delivered to all whom it concerns: its publisher goes on.</summary>
    private void Finish(FanOut fanOut, Instant now)
    {
        _receiver.Finish(fanOut, now);
        if (fanOut.Publisher?.Connection is not { IsOnHold: false } connection)
        {
            return;
        }

        connection.LastHeard = now;
        connection.EndHold();
        Receive(connection, [], now);
        EndAsPeerDid(connection, isOver: !connection.IsOnHold, now);
    }

    /// <summary>A packet has its answer, or no more patience: it goes on, and with it what was held behind it.</summary>
    private void GoOn(AuthorizationQuestion question, Instant now)
    {
        var connection = question.Connection;
        if (question.Pending is { } pending)
        {
            _handshake.Accept(connection, pending, now);
            if (connection.Phase != ConnectionPhase.Connected)
            {
                return;
            }
        }

        connection.EndHold();
        Receive(connection, [], now);

        // Who has gone is not waited for again where the authorizer takes its time.
        EndAsPeerDid(connection, !connection.IsOnHold || (question.IsLate && !connection.IsFanningOut), now);
    }

    /// <summary>The input of a connection that the peer has ended meanwhile has been done.</summary>
    private void EndAsPeerDid(Connection connection, bool isOver, Instant now)
    {
        switch (connection.PeerEnd)
        {
            case PeerEnd.Gone when isOver:
                _closer.Ended(connection, now);
                break;
            case PeerEnd.Sending when isOver && connection.IsOpen:
                _closer.Close(connection, connection.CloseReason, now);
                break;
            default:
                break;
        }
    }

    /// <summary>What a client sent before it went is done first, its DISCONNECT among it.</summary>
    private static bool TryPutOff(Connection connection, PeerEnd end)
    {
        if (connection is not { Phase: ConnectionPhase.Connected, IsOnHold: true })
        {
            return false;
        }

        connection.PeerEnd = end > connection.PeerEnd ? end : connection.PeerEnd;
        return true;
    }

    private void OnDeadline(Connection connection, Instant now)
    {
        switch (connection.Phase)
        {
            case ConnectionPhase.AwaitingProxyHeader or ConnectionPhase.AwaitingConnect:
                _closer.Blame(connection);
                Abort(connection, Fault.Protocol(
                    $"No {(connection.Phase == ConnectionPhase.AwaitingConnect ? "CONNECT" : "header of the PROXY protocol")} "
                        + $"within {_options.Current.ConnectTimeout.TotalSeconds} s (MQTT 5 §3.1.4)."), now);
                break;
            case ConnectionPhase.Authenticating:
                _identification.TimeOut(connection, now);
                break;
            case ConnectionPhase.Connected when connection.IsPaused || connection.IsOnHold:
                _wheel.Set(connection.Deadline, now + connection.Patience);
                break;
            case ConnectionPhase.Connected when connection.LastHeard + connection.Patience > now:
                _wheel.Set(connection.Deadline, connection.LastHeard + connection.Patience);
                break;
            case ConnectionPhase.Connected:
                Counters.Refusals++;
                var silence = new Fault(
                    ReasonCode.KeepAliveTimeout, $"No packet has come for {connection.Patience.TotalSeconds} s [MQTT-3.1.2-22].");
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
