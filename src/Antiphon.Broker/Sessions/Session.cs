using Antiphon.Broker.Access;
using Antiphon.Broker.Buffers;
using Antiphon.Broker.Connections;
using Antiphon.Broker.Exchanges;
using Antiphon.Broker.Limits;
using Antiphon.Broker.Listing;
using Antiphon.Broker.ResponseTopics;
using Antiphon.Broker.Retained;
using Antiphon.Broker.Subscriptions;
using Antiphon.Broker.Timing;
using Antiphon.Protocol.Packets;

namespace Antiphon.Broker.Sessions;

/// <summary>
/// What the broker keeps for a client for as long as its Session lasts, which may be longer than a Network Connection (MQTT 5 §4.1).
/// Owned by the engine's thread.
/// </summary>
/// <param name="clientId">The Client Identifier.</param>
/// <param name="user">Whose it is, and nobody else's; <c>null</c>: nobody's in particular.</param>
/// <param name="memory">Where what waits for it has its room from; <c>null</c>: from an account of its own.</param>
internal sealed class Session(string clientId, ClientUser? user = null, QueueMemory? memory = null) : IPlaced
{
    private readonly QueueMemory _memory = memory ?? new QueueMemory(new MemoryAccount());

    // An idle Session has none of these.
    private SendWindow? _window;
    private ReceiveWindow? _received;
    private MessageQueue? _waiting;
    private LinkedList<RetainedWalk>? _walks;

    // For the Session.
    public string ClientId { get; } = clientId;

    /// <summary>Where it stands in the list of all of them.</summary>
    public int Place { get; set; }

    public string? UserName => User?.Name;

    /// <summary>Whose it is, as the last CONNECT has proved.</summary>
    public ClientUser? User { get; private set; } = user;

    /// <summary>What the access rules let its client do; <c>null</c> until they are asked.</summary>
    public ClientAccess? Access { get; set; }

    /// <summary>How fast its client publishes; <c>null</c>: nobody has to know.</summary>
    public Pace? Pace { get; set; }

    /// <summary>What is said of its client to those that its requests reach; <c>null</c> until somebody asks.</summary>
    public Caller? Caller { get; set; }

    public SubscriptionList Subscriptions { get; } = new();

    /// <summary>
    /// How many of <see cref="Subscriptions"/>, the first ones, are still to tell their groups that the client has come or gone.
    /// </summary>
    public int UntoldSubscriptions { get; set; }

    /// <summary>What the client has not acknowledged.</summary>
    public SendWindow Window => _window ??= new SendWindow(_memory.Account);

    /// <summary>Messages that this connection has been sent and that are not acknowledged in full.</summary>
    public int Unacknowledged => _window?.Unacknowledged ?? 0;

    /// <summary>Whether messages of an earlier connection have still to be sent over this one.</summary>
    public bool HasUnsent => _window is { HasUnsent: true };

    /// <summary>What the client published and was not acknowledged.</summary>
    public ReceiveWindow Received => _received ??= new ReceiveWindow(_memory.Account);

    /// <summary>What waits because the client is away, slow, or has its Receive Maximum of unacknowledged messages.</summary>
    public MessageQueue Waiting => _waiting ??= new MessageQueue(_memory);

    public bool HasWaiting => _waiting is { Count: > 0 };

    /// <summary>How many of its messages are on their way to very many; until they are there, what its client sends has to wait.</summary>
    public int FanOuts { get; set; }

    /// <summary>
    /// The Response Information of this Session, once its client has asked for it: what its own response topics begin with.
    /// </summary>
    public byte[]? ResponseTopicRoot { get; set; }

    /// <summary>Subscriptions at or below <see cref="ResponseTopicRoot"/>; they stand in no tree.</summary>
    public ResponseSubscriptions? ResponseSubscriptions { get; set; }

    /// <summary>The exchanges of others that it may answer, linked with each other.</summary>
    public Recipient? FirstRecipient { get; set; }

    /// <summary>Its open exchanges as requester that nobody has answered in full; <c>null</c> until it has one.</summary>
    public RequesterShare? UnansweredExchanges { get; set; }

    /// <summary>Those that somebody has answered and that are open for others; <c>null</c> until it has one.</summary>
    public RequesterShare? AnsweredExchanges { get; set; }

    /// <summary>What its retained messages refer to; <c>null</c> until it has one.</summary>
    public RetainedPublisher? RetainedAs { get; set; }

    /// <summary>
    /// Subscriptions on their way through the retained messages, one after the other. They go on over the next connection.
    /// </summary>
    public LinkedList<RetainedWalk> Walks => _walks ??= new LinkedList<RetainedWalk>();

    public bool HasWalks => _walks is { Count: > 0 };

    /// <summary>Whether the first walk goes on by itself, because nothing keeps it waiting.</summary>
    public bool IsWalking { get; set; }

    /// <summary>What it takes of the <see cref="SessionMemory"/>, in bytes.</summary>
    public long HeldBytes { get; set; }

    /// <summary>What of <see cref="HeldBytes"/> is for the Will that the last CONNECT brought, whether it is still there or not.</summary>
    public long WillBytes { get; set; }

    /// <summary>How long it outlives its connection; <see cref="TimeSpan.MaxValue"/>: for ever.</summary>
    public TimeSpan ExpiryInterval { get; set; }

    /// <summary>Published unless the client says goodbye (§3.1.2.5).</summary>
    public Will? Will { get; set; }

    /// <summary>Whether the application's authorizer allows the Will, whatever the access rules say.</summary>
    public bool IsWillAuthorized { get; set; }

    /// <summary>When the Will is published, while the client is away.</summary>
    public Instant WillDue { get; set; } = Instant.Never;

    /// <summary>When the Session ends, while the client is away.</summary>
    public Instant Expires { get; set; } = Instant.Never;

    /// <summary>
    /// The earliest of <see cref="WillDue"/>, <see cref="Expires"/> and the expiry of what waits;
    /// <c>null</c> until the client is away for the first time.
    /// </summary>
    public Deadline? Deadline { get; set; }

    /// <summary>Whether it has ended: it is given nothing more, though it may stand in the tree for a while.</summary>
    public bool HasEnded { get; set; }

    // For the Network Connection.
    public Connection? Connection { get; set; }

    /// <summary>When the first message that waits may expire.</summary>
    public Instant NextSearch => _waiting?.NextSearch ?? Instant.Never;

    /// <summary>Messages that it has been given and has not dealt with; by this a share group finds its least busy member.</summary>
    public int Load => Unacknowledged + (_waiting?.Count ?? 0);

    /// <summary>Its user has connected, with other groups and claims perhaps.</summary>
    public void ConnectedBy(ClientUser? user)
    {
        User = user;
        Access = null;
        Caller = null;
    }

    /// <summary>The Network Connection ended: what belonged to it alone is forgotten.</summary>
    public void ConnectionEnded()
    {
        Connection = null;
        _window?.ConnectionEnded();
        _received?.ConnectionEnded();
        Pace?.ConnectionEnded();
    }

    public SessionSnapshot TakeSnapshot(Instant now) => new()
    {
        ClientId = ClientId,
        UserName = UserName,
        IsConnected = Connection is not null,
        Subscriptions = Subscriptions.Count,
        QueuedMessages = _waiting?.Count ?? 0,
        QueuedBytes = _waiting?.Bytes ?? 0,
        UnacknowledgedMessages = Unacknowledged,
        ExpiryInterval = ExpiryInterval == TimeSpan.MaxValue ? null : ExpiryInterval,
        ExpiresIn = Expires == Instant.Never ? null : Expires > now ? Expires - now : TimeSpan.Zero,
        HasWill = Will is not null,
    };

    /// <summary>The Session has ended, and nothing waits for it any more.</summary>
    public void GiveBack()
    {
        _window?.GiveBack();
        _received?.GiveBack();
    }
}
