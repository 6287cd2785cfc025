using Antiphon.Broker.Access;
using Antiphon.Broker.Sessions;
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
/// <param name="stamp">Stamps requests; <c>null</c>: nobody does.</param>
/// <param name="counters">Where refusals are counted.</param>
internal sealed class PublishRules(AccessControl access, CallerStamp? stamp, EngineCounters counters)
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

    /// <summary>A message has come. Why it is refused is counted.</summary>
    /// <param name="publisher">Who publishes it.</param>
    /// <param name="publish">The message; a request may be stamped.</param>
    /// <returns>Why it is refused; default: it may go on.</returns>
    public Fault Check(Session publisher, ref PublishView publish)
    {
        var refusal = default(Fault);
        if (publish.HasBrokerProperty && !access.IsBridge(publisher))
        {
            refusal = BrokersWord;
        }
        else if (!access.MayPublish(publisher, publish))
        {
            refusal = publish.ResponseTopic.IsEmpty ? NoRuleForMessage : NoRuleForRequest;
        }
        else if (stamp is not null && !publish.ResponseTopic.IsEmpty)
        {
            refusal = stamp.Stamp(publisher, ref publish);
        }

        counters.DeniedMessages += refusal.Exists ? 1 : 0;
        return refusal;
    }

    /// <summary>A client wants to connect with that Will. Why it is refused is counted.</summary>
    /// <param name="client">The client.</param>
    /// <param name="will">The Will; <c>null</c>: none.</param>
    /// <returns>Why CONNECT is refused; default: it may go on.</returns>
    public Fault CheckWill(ClientIdentity client, Will? will)
    {
        if (will is not { Message: var message })
        {
            return default;
        }

        var refusal = default(Fault);
        if (message.UserProperties.Any(IsBrokers) && !access.IsBridge(client))
        {
            refusal = BrokersWord;
        }
        else if (!access.MayLeave(client, message))
        {
            refusal = new Fault(
                ReasonCode.NotAuthorized,
                $"The access rules do not allow a Will on «{Utf8Text.Excerpt(message.Topic)}» (MQTT 5 §3.1.3.3).");
        }
        else if (stamp is not null)
        {
            refusal = stamp.CheckWill(client, message);
        }

        counters.DeniedMessages += refusal.Exists ? 1 : 0;
        return refusal;
    }

    private static bool IsBrokers(UserProperty property) => BrokerPropertyName.Includes(System.Text.Encoding.UTF8.GetBytes(property.Name));
}
