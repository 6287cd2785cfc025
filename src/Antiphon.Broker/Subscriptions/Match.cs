using System.Diagnostics.CodeAnalysis;
using Antiphon.Broker.Sessions;
using Antiphon.Protocol;

namespace Antiphon.Broker.Subscriptions;

/// <summary>
/// Whom a message to one Topic Name goes to: Sessions, each once whatever the number of its subscriptions that match, and share groups.
/// </summary>
/// <param name="Sessions">The Sessions.</param>
/// <param name="Groups">The share groups.</param>
/// <param name="Subscriptions">How many subscriptions and groups that are.</param>
internal sealed record Match(MatchedSession[] Sessions, ShareGroup[] Groups, int Subscriptions)
{
    public static Match Nobody { get; } = new([], [], 0);

    /// <summary>How many deliveries that are at most.</summary>
    public int Count { get; } = Sessions.Length + Groups.Length;

    public bool IsNobody => Count == 0;
}

/// <summary>
/// One Session with all its matching subscriptions folded into one delivery:
/// the highest QoS [MQTT-3.3.4-2], all Subscription Identifiers [MQTT-3.3.4-4].
/// </summary>
internal readonly struct MatchedSession
{
    // What is left without the subscriptions that have No Local: nothing, or one; null: none has it.
    // Made here, so that delivering makes nothing.
    private readonly MatchedSession[]? _withoutNoLocal;

    public MatchedSession(Session session, Subscription[] subscriptions)
    {
        Session = session;
        QoS = subscriptions.Max(subscription => subscription.QoS);
        RetainAsPublished = subscriptions.Any(subscription => subscription.Options.RetainAsPublished);
        Identifiers = subscriptions.Length == 1
            ? subscriptions[0].Identifiers
            : [.. subscriptions.SelectMany(subscription => subscription.Identifiers)];
        MayAnswer = subscriptions.Any(subscription => subscription.MayAnswer);
        IsResponder = subscriptions.Any(subscription => subscription is { IsResponder: true, MayAnswer: true });
        if (subscriptions.Any(subscription => subscription.Options.NoLocal))
        {
            var rest = Array.FindAll(subscriptions, subscription => !subscription.Options.NoLocal);
            _withoutNoLocal = rest.Length == 0 ? [] : [new MatchedSession(session, rest)];
        }
    }

    public Session Session { get; }

    public QualityOfService QoS { get; }

    public bool RetainAsPublished { get; }

    public uint[] Identifiers { get; }

    public bool IsResponder { get; }

    public bool MayAnswer { get; }

    /// <summary>Leaves the subscriptions out that do not want what their own client published [MQTT-3.8.3-3].</summary>
    /// <returns>What is left to deliver: itself, a remainder, or nothing.</returns>
    [UnscopedRef]
    public ReadOnlySpan<MatchedSession> WithoutNoLocal(Session? publisher) =>
        _withoutNoLocal is null || publisher != Session ? new ReadOnlySpan<MatchedSession>(in this) : _withoutNoLocal;
}
