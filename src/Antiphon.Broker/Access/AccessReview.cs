using System.Text;
using Antiphon.Broker.Sessions;
using Antiphon.Broker.Subscriptions;
using Antiphon.Protocol.Topics;

namespace Antiphon.Broker.Access;

/// <summary>
/// Takes subscriptions away that the rules do not allow any more, once others are in force. It works in slices, since there may be
/// millions. Owned by the engine's thread.
/// </summary>
internal sealed class AccessReview(AccessControl access, SessionTable sessions, SubscriptionTable subscriptions, EngineCounters counters)
{
    /// <summary>How many subscriptions, and Sessions, are looked at in one turn.</summary>
    internal const int StepsPerTurn = 1024;

    private IEnumerator<Session>? _sessions;
    private Session? _session;
    private Subscription[] _left = [];
    private int _next;

    /// <summary>Whether <see cref="Continue"/> has something to do.</summary>
    public bool IsReady => _sessions is not null;

    /// <summary>Other rules are in force. What an earlier review has not looked at, this one does.</summary>
    public void Start()
    {
        _sessions = sessions.ToList().GetEnumerator();
        _session = null;
        _left = [];
        _next = 0;
    }

    /// <summary>Goes on for one turn.</summary>
    public void Continue()
    {
        for (var steps = StepsPerTurn; steps > 0 && _sessions is not null; steps--)
        {
            if (_next < _left.Length)
            {
                Look(_session!, _left[_next++]);
            }
            else if (_sessions.MoveNext())
            {
                _session = _sessions.Current;
                _left = [.. _session.Subscriptions.All];
                _next = 0;
            }
            else
            {
                _sessions = null;
                _session = null;
                _left = [];
                _next = 0;
            }
        }
    }

    private void Look(Session session, Subscription subscription)
    {
        // The Session, or the subscription, may have ended meanwhile.
        if (session.Subscriptions.TryGet(subscription.TopicFilter, out var held)
            && held == subscription
            && sessions.Find(session.ClientId) == session
            && !access.MaySubscribe(session, Encoding.UTF8.GetBytes(TopicFilter.Parse(subscription.TopicFilter).Pattern)))
        {
            counters.DeniedSubscriptions++;
            subscriptions.Unsubscribe(session, subscription.TopicFilter);
        }
    }
}
