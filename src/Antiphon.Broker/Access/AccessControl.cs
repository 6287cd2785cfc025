using System.Text;
using Antiphon.Broker.ResponseTopics;
using Antiphon.Broker.Sessions;
using Antiphon.Protocol.Packets;

namespace Antiphon.Broker.Access;

/// <summary>The access rules in force, asked by the engine about each Session. Owned by the engine's thread.</summary>
internal sealed class AccessControl(BrokerOptions options)
{
    /// <summary>The rules; <c>null</c>: there is none, and everybody may do everything.</summary>
    public AccessRules? Rules { get; private set; } = InForce(options.AccessRules);

    /// <summary>Other rules hold from now on.</summary>
    public void Replace(AccessRules? rules) => Rules = InForce(rules);

    /// <summary>Whether a client may publish a message, or have it published as its Will.</summary>
    public bool MayPublish(Session publisher, in PublishView publish) =>
        Rules is null
        || OwnResponseTopics.Includes(publish.Topic)
        || AccessOf(publisher).MayPublish(publish.Topic, publish.ResponseTopic.IsEmpty ? Permissions.Publish : Permissions.Request);

    /// <summary>Whether a client may connect with that Will.</summary>
    /// <param name="clientId">Its Client Identifier.</param>
    /// <param name="user">Who it is.</param>
    /// <param name="will">The Will; <c>null</c>: none.</param>
    public bool MayLeave(string clientId, ClientUser? user, Will? will) =>
        Rules is null
        || will is not { Message: var message }
        || new ClientAccess(Rules, new ClientIdentity(clientId, user)).Decide(
            message.ResponseTopic is null ? Permissions.Publish : Permissions.Request, Encoding.UTF8.GetBytes(message.Topic), out _);

    /// <summary>Whether a client may subscribe.</summary>
    /// <param name="session">Its Session.</param>
    /// <param name="pattern">The Topic Filter without <c>$share/NAME/</c>.</param>
    public bool MaySubscribe(Session session, ReadOnlySpan<byte> pattern) =>
        Rules is null || OwnResponseTopics.Includes(pattern) || AccessOf(session).MaySubscribe(pattern);

    private static AccessRules? InForce(AccessRules? rules) => rules is { Rules.Count: > 0 } ? rules : null;

    private ClientAccess AccessOf(Session session)
    {
        if (session.Access is not { } access || access.Rules != Rules)
        {
            session.Access = access = new ClientAccess(Rules!, new ClientIdentity(session.ClientId, session.User));
        }

        return access;
    }
}
