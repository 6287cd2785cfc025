using System.Text;
using Antiphon.Broker.Access;
using Antiphon.Broker.Connections;
using Antiphon.Broker.Sessions;
using Antiphon.Broker.Timing;
using Antiphon.Protocol;
using Antiphon.Protocol.Packets;
using Antiphon.Protocol.Properties;
using Antiphon.Protocol.Wire;

namespace Antiphon.Broker.Publishing;

/// <summary>
/// What a client may publish, and have published as its Will, before anybody looks for who gets it:
/// nothing that only the broker says, and nothing that it is not allowed to. Requests are stamped here.
/// </summary>
/// <param name="access">Who may publish where.</param>
/// <param name="authorizations">Asks the application's authorizer; <c>null</c>: there is none.</param>
/// <param name="stamp">Stamps requests; <c>null</c>: nobody does.</param>
/// <param name="counters">Where refusals are counted.</param>
internal sealed class PublishRules(AccessControl access, Authorizations? authorizations, CallerStamp? stamp, EngineCounters counters)
{
    private static readonly Fault BrokersWord = new(
        ReasonCode.NotAuthorized,
        "The message has the User Property antiphon-caller, antiphon-reason, antiphon-recipients or antiphon-age-ms, "
            + "which only the broker may write.");

    private static readonly Fault NoRuleForMessage = new(
        ReasonCode.NotAuthorized, "The access rules do not allow this client to publish to that topic.");

    private static readonly Fault NoRuleForRequest = new(
        ReasonCode.NotAuthorized,
        "The access rules do not allow this client to send requests, which have a Response Topic, to that topic.");

    /// <summary>Whether a message may go on as it is because nothing is asked of it; if not, it may be allowed all the same.</summary>
    public bool SurelyAllow(in PublishView publish) =>
        access.Rules is null && authorizations is null && stamp is null && !publish.HasBrokerProperty;

    /// <summary>A message has come. Why it is refused is counted.</summary>
    /// <param name="connection">Over which it came. It is on hold where the answer is not known yet: then nothing has been done.</param>
    /// <param name="publisher">Who publishes it.</param>
    /// <param name="publish">The message; a request may be stamped.</param>
    /// <param name="now">The current instant.</param>
    /// <returns>Why it is refused; default: it may go on, or has to wait.</returns>
    public Fault Check(Connection connection, Session publisher, ref PublishView publish, Instant now)
    {
        var refusal = default(Fault);
        if (publish.HasBrokerProperty && !access.IsBridge(publisher))
        {
            refusal = BrokersWord;
        }
        else if (authorizations is not null && !AccessControl.StandsOutside(publish.Topic))
        {
            var answer = authorizations.Decide(connection, publisher, publish, now);
            if (answer is null)
            {
                return default;
            }

            refusal = answer.Decision switch
            {
                AuthorizationDecision.Allowed => default,
                AuthorizationDecision.Denied => Denied(answer),
                _ => CheckRules(publisher, publish),
            };
        }
        else
        {
            refusal = CheckRules(publisher, publish);
        }

        if (!refusal.Exists && stamp is not null && !publish.ResponseTopic.IsEmpty)
        {
            refusal = stamp.Stamp(publisher, ref publish);
        }

        counters.DeniedMessages += refusal.Exists ? 1 : 0;
        return refusal;
    }

    /// <summary>A client wants to connect with a Will. Why it is refused is counted.</summary>
    /// <param name="connection">Its connection.</param>
    /// <param name="client">The client.</param>
    /// <param name="will">The Will; <c>null</c>: none.</param>
    /// <param name="pending">The CONNECT.</param>
    /// <param name="now">The current instant.</param>
    /// <param name="refusal">Why CONNECT is refused; default: it may go on.</param>
    /// <param name="isAuthorized">Whether the authorizer allows it whatever the rules say, also later.</param>
    /// <returns><c>false</c>: the answer is not known yet, and the connection is on hold.</returns>
    public bool TryCheckWill(
        Connection connection,
        ClientIdentity client,
        Will? will,
        PendingConnect pending,
        Instant now,
        out Fault refusal,
        out bool isAuthorized)
    {
        refusal = default;
        isAuthorized = false;
        if (will is not { Message: var message })
        {
            return true;
        }

        if (message.UserProperties.Any(IsBrokers) && !access.IsBridge(client))
        {
            refusal = BrokersWord;
        }
        else if (authorizations is not null)
        {
            var answer = authorizations.DecideWill(connection, client, message, pending, now);
            if (answer is null)
            {
                return false;
            }

            isAuthorized = answer.Decision == AuthorizationDecision.Allowed;
            refusal = answer.Decision switch
            {
                AuthorizationDecision.Allowed => default,
                AuthorizationDecision.Denied => Denied(answer),
                _ => CheckRules(client, message),
            };
        }
        else
        {
            refusal = CheckRules(client, message);
        }

        if (!refusal.Exists && stamp is not null)
        {
            refusal = stamp.CheckWill(client, message);
        }

        counters.DeniedMessages += refusal.Exists ? 1 : 0;
        return true;
    }

    /// <summary>Whether only the broker, and a bridge, may write a User Property of that name.</summary>
    public static bool IsBrokers(UserProperty property) => BrokerPropertyName.Includes(Encoding.UTF8.GetBytes(property.Name));

    private static Fault Denied(AuthorizationResult answer) =>
        new(ReasonCode.NotAuthorized, answer.ReasonString ?? "This client is not allowed to publish that message to that topic.");

    private Fault CheckRules(Session publisher, in PublishView publish) =>
        access.MayPublish(publisher, publish) ? default : publish.ResponseTopic.IsEmpty ? NoRuleForMessage : NoRuleForRequest;

    private Fault CheckRules(ClientIdentity client, ApplicationMessage will) => access.MayLeave(client, will)
        ? default
        : new Fault(
            ReasonCode.NotAuthorized, $"The access rules do not allow a Will on «{Utf8Text.Excerpt(will.Topic)}» (MQTT 5 §3.1.3.3).");
}
