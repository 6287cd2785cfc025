using Antiphon.Broker.Messages;
using Antiphon.Broker.Subscriptions;
using Antiphon.Protocol;

namespace Antiphon.Broker.Sessions;

/// <summary>A message on its way to one Session, with what belongs to this one delivery.</summary>
/// <param name="Message">The message; this is one of its holders.</param>
/// <param name="QoS">QoS of the delivery.</param>
/// <param name="Retain">RETAIN of the delivery.</param>
/// <param name="SubscriptionIdentifiers">The identifiers of the subscriptions that matched; empty: none.</param>
/// <param name="Group">The share group on whose behalf the Session gets it; <c>null</c>: it is the Session's own.</param>
internal readonly record struct OutgoingMessage(Message Message, QualityOfService QoS, bool Retain, uint[] SubscriptionIdentifiers, ShareGroup? Group = null);
