using Antiphon.Broker.Access;
using Antiphon.Broker.Listing;
using Antiphon.Broker.Retained;
using Antiphon.Broker.Sessions;
using Antiphon.Protocol;
using Antiphon.Protocol.Packets;

namespace Antiphon.Broker.Subscriptions;

/// <summary>One subscription of one Session (MQTT 5 §3.8).</summary>
/// <param name="session">Whose it is.</param>
/// <param name="topicFilter">The filter as the client wrote it.</param>
internal sealed class Subscription(Session session, string topicFilter) : IPlaced
{
    public Session Session { get; } = session;

    public string TopicFilter { get; } = topicFilter;

    /// <summary>The filter in UTF-8 without <c>$share/NAME/</c>, for those that no tree holds; else <c>null</c>.</summary>
    public byte[]? Pattern { get; init; }

    /// <summary>
    /// Whether who has it counts as a responder: it says so in SUBSCRIBE, with the User Property <c>antiphon-respond: 1</c>, or its filter
    /// does not begin with a wildcard. A logger on <c>#</c> is none; see <see cref="MayAnswer"/>.
    /// </summary>
    public bool IsResponder { get; set; }

    /// <summary>
    /// Whether who has it may answer the requests that it gets: where there are rules, that takes the permission to respond.
    /// </summary>
    public bool MayAnswer { get; set; } = true;

    /// <summary>What the application's authorizer has decided about it; <c>null</c>: it was not asked.</summary>
    public SubscribeAnswers? Authorized { get; set; }

    /// <summary>Whether its filter is <c>$SYS</c> or lies below it.</summary>
    public bool IsToSystemTopics { get; init; }

    /// <summary>The how many-th it is in its tree: what was published before it does not concern it.</summary>
    public long Number { get; set; }

    /// <summary>Where it stands in the list that holds it, so that leaving a long one costs no more than leaving a short one.</summary>
    public int Place { get; set; }

    /// <summary>Where it stands in the list of its Session.</summary>
    public int PlaceInSession { get; set; }

    /// <summary>Whether it has been removed: nothing is delivered through it any more.</summary>
    public bool HasEnded { get; set; }

    /// <summary>The group, if it is a shared subscription.</summary>
    public ShareGroup? Group { get; set; }

    /// <summary>Whether it stands among the members of <see cref="Group"/> whose clients are away.</summary>
    public bool IsAway { get; set; }

    /// <summary>Whether it has left <see cref="Group"/>, with its Session, and is still to be taken out of the tree.</summary>
    public bool HasLeft { get; set; }

    /// <summary>Its way through the retained messages, while that lasts.</summary>
    public LinkedListNode<RetainedWalk>? Walk { get; set; }

    public SubscriptionOptions Options { get; set; }

    /// <summary>The granted QoS.</summary>
    public QualityOfService QoS => Options.MaximumQoS;

    /// <summary>None or one Subscription Identifier.</summary>
    public uint[] Identifiers { get; set; } = [];

    public SubscriptionSnapshot TakeSnapshot() => new()
    {
        ClientId = Session.ClientId,
        TopicFilter = TopicFilter,
        QoS = QoS,
        IsResponder = IsResponder,
        IsConnected = Session.Connection is not null,
    };
}
