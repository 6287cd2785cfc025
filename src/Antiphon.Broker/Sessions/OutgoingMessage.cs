using Antiphon.Broker.Exchanges;
using Antiphon.Broker.Messages;
using Antiphon.Broker.Subscriptions;
using Antiphon.Protocol;

namespace Antiphon.Broker.Sessions;

/// <summary>A message on its way to one Session, with what belongs to this one delivery.</summary>
/// <param name="message">The message; this is one of its holders.</param>
/// <param name="qos">QoS of the delivery.</param>
/// <param name="retain">RETAIN of the delivery.</param>
/// <param name="subscriptionIdentifiers">The identifiers of the subscriptions that matched; empty: none.</param>
/// <param name="group">The share group on whose behalf the Session gets it; <c>null</c>: it is the Session's own.</param>
/// <param name="recipient">What the Session is in the exchange of the request; <c>null</c>: nobody that may answer.</param>
internal readonly struct OutgoingMessage(
    Message message,
    QualityOfService qos,
    bool retain,
    uint[] subscriptionIdentifiers,
    ShareGroup? group = null,
    Recipient? recipient = null)
{
    /// <summary>What it takes in memory, in bytes.</summary>
    public const int Size = 40;

    private readonly Recipient? _recipient = recipient;
    private readonly int _recipientVersion = recipient?.Version ?? 0;

    public Message Message { get; } = message;

    public uint[] SubscriptionIdentifiers { get; } = subscriptionIdentifiers;

    public ShareGroup? Group { get; } = group;

    public QualityOfService QoS { get; } = qos;

    public bool Retain { get; } = retain;

    /// <summary>The recipient, while its exchange is open.</summary>
    public Recipient? Recipient =>
        _recipient is { IsOpen: true } recipient && recipient.Version == _recipientVersion ? recipient : null;
}
