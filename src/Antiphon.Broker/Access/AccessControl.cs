using System.Text;
using Antiphon.Broker.ResponseTopics;
using Antiphon.Broker.Sessions;
using Antiphon.Broker.SystemTopics;
using Antiphon.Protocol;
using Antiphon.Protocol.Packets;

namespace Antiphon.Broker.Access;

/// <summary>The access rules in force, asked by the engine about each Session. Owned by the engine's thread.</summary>
internal sealed class AccessControl(OptionsInForce options)
{
    // Where there is no rule, there may be groups.
    private AccessRules? _all = options.Current.AccessRules;

    /// <summary>The rules; <c>null</c>: there is none, and everybody may do everything.</summary>
    public AccessRules? Rules { get; private set; } = InForce(options.Current.AccessRules);

    /// <summary>Other rules hold from now on.</summary>
    public void Replace(AccessRules? rules)
    {
        _all = rules;
        Rules = InForce(rules);
    }

    /// <summary>Whether a client may publish a message, or have it published as its Will.</summary>
    public bool MayPublish(Session publisher, in PublishView publish) =>
        Rules is null || StandsOutside(publish.Topic) || AccessOf(publisher).MayPublish(publish.Topic, PermissionFor(publish));

    /// <summary>Whether a client may connect with that Will.</summary>
    /// <param name="client">The client.</param>
    /// <param name="will">The message of the Will.</param>
    public bool MayLeave(ClientIdentity client, ApplicationMessage will) =>
        Rules is null
        || new ClientAccess(Rules, client).Decide(
            will.ResponseTopic is null ? Permissions.Publish : Permissions.Request, Encoding.UTF8.GetBytes(will.Topic), out _);

    /// <summary>Whether a client may subscribe.</summary>
    /// <param name="session">Its Session.</param>
    /// <param name="pattern">The Topic Filter without <c>$share/NAME/</c>.</param>
    /// <param name="answers">What the authorizer has decided; <c>null</c>: it was not asked.</param>
    /// <param name="mayAnswer">Whether it may answer the requests that it gets there.</param>
    public bool MaySubscribe(Session session, ReadOnlySpan<byte> pattern, SubscribeAnswers? answers, out bool mayAnswer)
    {
        mayAnswer = (Rules is null && answers is null)
            || OwnResponseTopics.Includes(pattern)
            || May(session, Permissions.Respond, pattern, answers?.Respond);
        return mayAnswer || May(session, Permissions.Subscribe, pattern, answers?.Subscribe);
    }

    /// <summary>Whether a client is in a group that speaks for others.</summary>
    public bool IsBridge(ClientIdentity client) =>
        options.Current.BridgeGroups.Count > 0
        && client.User is { } user
        && (options.Current.BridgeGroups.Any(user.Groups.Contains)
            || (_all is not null && options.Current.BridgeGroups.Intersect(_all.GroupsOf(user.Name), StringComparer.Ordinal).Any()));

    /// <inheritdoc cref="IsBridge(ClientIdentity)"/>
    public bool IsBridge(Session session) => options.Current.BridgeGroups.Count > 0 && IsBridge(IdentityOf(session));

    /// <summary>What is said of a client to those that its requests reach.</summary>
    public Caller CallerOf(ClientIdentity client) => new(client, _all, options.Current.BridgeGroups, IsBridge(client));

    /// <inheritdoc cref="CallerOf(ClientIdentity)"/>
    public Caller CallerOf(Session session)
    {
        if (session.Caller is not { } caller || caller.Rules != _all || caller.BridgeGroups != options.Current.BridgeGroups)
        {
            session.Caller = caller = CallerOf(IdentityOf(session));
        }

        return caller;
    }

    /// <summary>Own response topics are guarded by exchanges; in <c>$SYS</c> nobody but the broker publishes, whatever rules say.</summary>
    public static bool StandsOutside(ReadOnlySpan<byte> topic) =>
        topic.StartsWith("$"u8) && (OwnResponseTopics.Includes(topic) || SystemTopic.Includes(topic));

    private static AccessRules? InForce(AccessRules? rules) => rules is { Rules.Count: > 0 } ? rules : null;

    private static Permissions PermissionFor(in PublishView publish) =>
        publish.ResponseTopic.IsEmpty ? Permissions.Publish : Permissions.Request;

    private static ClientIdentity IdentityOf(Session session) => new(session.ClientId, session.User);

    private bool May(Session session, Permissions permission, ReadOnlySpan<byte> pattern, AuthorizationResult? answer) =>
        answer?.Decision switch
        {
            AuthorizationDecision.Allowed => true,
            AuthorizationDecision.Denied => false,
            _ => Rules is null || AccessOf(session).Decide(permission, pattern, out _),
        };

    private ClientAccess AccessOf(Session session)
    {
        if (session.Access is not { } access || access.Rules != Rules)
        {
            session.Access = access = new ClientAccess(Rules!, IdentityOf(session));
        }

        return access;
    }
}
