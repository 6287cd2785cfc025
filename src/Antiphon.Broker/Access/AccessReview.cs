using System.Text;
using Antiphon.Broker.Connections;
using Antiphon.Broker.Sessions;
using Antiphon.Broker.Subscriptions;
using Antiphon.Broker.Timing;
using Antiphon.Protocol;
using Antiphon.Protocol.Topics;
using Antiphon.Protocol.Wire;

namespace Antiphon.Broker.Access;

/// <summary>
/// Goes through the Sessions once other rules are in force, or users are gone, and through one whose client is back, perhaps in other
/// groups: takes subscriptions away that are not allowed any more, and ends the Sessions of who is gone.
/// It works in slices, since there may be millions. Owned by the engine's thread.
/// </summary>
internal sealed class AccessReview(
    AccessControl access, SessionTable sessions, SubscriptionTable subscriptions, Closer closer, EngineCounters counters)
{
    /// <summary>How many subscriptions, and Sessions, are looked at in one turn.</summary>
    internal const int StepsPerTurn = 1024;

    private readonly HashSet<string> _gone = new(StringComparer.Ordinal);
    private readonly Queue<Session> _returned = new();
    private IEnumerator<Session>? _sessions;
    private Session? _session;
    private Subscription[] _left = [];
    private int _next;

    /// <summary>Whether <see cref="Continue"/> has something to do.</summary>
    public bool IsReady => _sessions is not null || _returned.Count > 0 || _next < _left.Length;

    /// <summary>Begins anew. What an earlier review has not looked at, this one does.</summary>
    /// <param name="gone">The names of users that are no more.</param>
    public void Start(IEnumerable<string> gone)
    {
        _gone.UnionWith(gone);
        _sessions = sessions.ToList().GetEnumerator();
        _session = null;
        _left = [];
        _next = 0;
    }

    /// <summary>A client has come back to its Session, or has authenticated again. It may be allowed less than before.</summary>
    public void Start(Session session)
    {
        if (access.Rules is not null && session.Subscriptions.Count > 0)
        {
            _returned.Enqueue(session);
        }
    }

    /// <summary>Goes on for one turn.</summary>
    public void Continue(Instant now)
    {
        for (var steps = StepsPerTurn; steps > 0 && IsReady; steps--)
        {
            if (_next < _left.Length)
            {
                Look(_session!, _left[_next++]);
            }
            else if (_returned.TryDequeue(out var returned))
            {
                Begin(returned, now);
            }
            else if (_sessions!.MoveNext())
            {
                Begin(_sessions.Current, now);
            }
            else
            {
                _sessions = null;
                _gone.Clear();
                _session = null;
                _left = [];
                _next = 0;
            }
        }
    }

    /// <summary>Ends a client's connection.</summary>
    /// <param name="session">Its Session.</param>
    /// <param name="withSession">Whether the Session ends too.</param>
    /// <param name="reason">Why, for the client to read.</param>
    /// <param name="now">The current instant.</param>
    public void Dismiss(Session session, bool withSession, string reason, Instant now)
    {
        if (withSession)
        {
            session.ExpiryInterval = TimeSpan.Zero;
        }

        if (session.Connection is { } connection)
        {
            closer.Disconnect(connection, new Fault(ReasonCode.AdministrativeAction, reason), now);
        }
        else if (withSession)
        {
            sessions.End(session, now);
        }
    }

    private void Begin(Session session, Instant now)
    {
        _session = session;
        _next = 0;
        _left = [];
        if (sessions.Find(session.ClientId) != session)
        {
            return;
        }

        if (session.UserName is { } user && _gone.Contains(user))
        {
            Dismiss(session, withSession: true, $"The user «{Utf8Text.Excerpt(user)}» is no more.", now);
        }
        else
        {
            _left = [.. session.Subscriptions.All];
        }
    }

    private void Look(Session session, Subscription subscription)
    {
        // The Session, or the subscription, may have ended meanwhile.
        if (!session.Subscriptions.TryGet(subscription.TopicFilter, out var held)
            || held != subscription
            || sessions.Find(session.ClientId) != session)
        {
            return;
        }

        var pattern = Encoding.UTF8.GetBytes(TopicFilter.Parse(subscription.TopicFilter).Pattern);
        if (access.MaySubscribe(session, pattern, subscription.Authorized, out var mayAnswer))
        {
            subscriptions.Permit(subscription, mayAnswer);
        }
        else
        {
            counters.DeniedSubscriptions++;
            subscriptions.Unsubscribe(session, subscription.TopicFilter);
        }
    }
}
