using Antiphon.Broker.Exchanges;
using Antiphon.Broker.Publishing;
using Antiphon.Broker.Subscriptions;
using Antiphon.Broker.Timing;

namespace Antiphon.Broker.Sessions;

/// <summary>
/// Sessions that have ended and of which something is left: subscriptions to be taken out of the tree, messages to go to other members of
/// share groups. It takes time for each, so it is done in slices; what is little is done at once.
/// Nobody finds such a Session any more, and it is given nothing.
/// </summary>
internal sealed class EndedSessions(
    SubscriptionTable subscriptions, Redispatch redispatch, ExchangeTable exchanges, SessionMemory memory)
{
    /// <summary>So many subscriptions and messages in one turn: at most some 2 ms.</summary>
    internal const int StepsPerTurn = 2048;

    private readonly Queue<Session> _sessions = new();
    private int _steps = StepsPerTurn;

    /// <summary>Whether <see cref="Continue"/> has something to do.</summary>
    public bool IsReady => _sessions.Count > 0;

    /// <summary>A Session has ended.</summary>
    public void Add(Session session, Instant now)
    {
        session.HasEnded = true;
        if (IsReady || !TryClear(session, now))
        {
            _sessions.Enqueue(session);
        }
    }

    /// <summary>Does the work of one turn.</summary>
    public void Continue(Instant now)
    {
        while (_sessions.TryPeek(out var session) && TryClear(session, now))
        {
            _sessions.Dequeue();
        }

        _steps = StepsPerTurn;
    }

    private bool TryClear(Session session, Instant now)
    {
        redispatch.SessionEnded(session, ref _steps, now);
        subscriptions.RemoveSome(session, ref _steps);
        if (_steps <= 0)
        {
            return false;
        }

        // After what went to others, since with it went the permission to answer.
        _steps--;
        exchanges.EndSession(session);
        memory.Release(session);
        session.GiveBack();
        return true;
    }
}
