using Antiphon.Broker.Sessions;

namespace Antiphon.Broker.Subscriptions;

/// <summary>
/// Tells share groups that the client of a member has come or gone: they give their messages to others first, or to it as well.
/// A Session may be in very many groups, so all but the first of them are told in the turns that follow.
/// </summary>
internal sealed class GroupMembers
{
    /// <summary>So many subscriptions are looked at in one turn, for all Sessions together, and at once for each.</summary>
    internal const int StepsPerTurn = 2048;

    private readonly Queue<Session> _sessions = new();

    /// <summary>Whether <see cref="Continue"/> has something to do.</summary>
    public bool IsReady => _sessions.Count > 0;

    /// <summary>The client of a Session has come or gone.</summary>
    public void Update(Session session)
    {
        var isUnderWay = session.UntoldSubscriptions > 0;
        session.UntoldSubscriptions = session.Subscriptions.Count;
        var steps = StepsPerTurn;
        if (!isUnderWay && !TryFinish(session, ref steps))
        {
            _sessions.Enqueue(session);
        }
    }

    /// <summary>Does the work of one turn.</summary>
    public void Continue()
    {
        var steps = StepsPerTurn;
        while (steps > 0 && _sessions.TryPeek(out var session) && TryFinish(session, ref steps))
        {
            _sessions.Dequeue();
        }
    }

    /// <summary>
    /// From the end: who is removed meanwhile is replaced by the last, which has been told; who is added knows how things stand.
    /// </summary>
    private static bool TryFinish(Session session, ref int steps)
    {
        var all = session.Subscriptions.All;
        var left = Math.Min(session.UntoldSubscriptions, all.Length);
        for (; left > 0 && steps > 0; steps--)
        {
            var subscription = all[--left];
            subscription.Group?.Update(subscription);
        }

        session.UntoldSubscriptions = left;
        return left == 0;
    }
}
