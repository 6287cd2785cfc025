using Antiphon.Broker.Connections;
using Antiphon.Broker.Retained;
using Antiphon.Broker.Sessions;
using Antiphon.Broker.Timing;

namespace Antiphon.Broker.Listing;

/// <summary>
/// What there is, a slice a turn, so that no listing holds anybody up. Lists are gone through from their end:
/// who leaves has its place taken by the last, which was listed already, so nobody is left out who stays. Owned by the engine's thread.
/// </summary>
internal sealed class EngineListing(List<Connection> connections, SessionTable sessions, RetainedStore retained)
{
    /// <summary>How many rows one turn makes: some tenths of a millisecond.</summary>
    internal const int RowsPerTurn = 256;

    /// <summary>How many levels of topics, or Sessions without a subscription, one turn passes for that.</summary>
    internal const int StepsPerTurn = 2048;

    /// <summary>How many subscriptions of one client are shown with it.</summary>
    internal const int SubscriptionsShown = 1000;

    public Slice<ConnectionSnapshot, int> Connections(int? before, Instant now) =>
        Take(connections, before, connection => connection.TakeSnapshot(now));

    public Slice<SessionSnapshot, int> Sessions(int? before, Instant now) =>
        Take(sessions.All, before, session => session.TakeSnapshot(now));

    public Slice<SubscriptionSnapshot, SubscriptionPlace> Subscriptions(SubscriptionPlace? from)
    {
        var all = sessions.All;
        var rows = new List<SubscriptionSnapshot>();
        var place = Math.Min(from?.Session ?? int.MaxValue, all.Count - 1);
        var skipped = from is { } begun && begun.Session == place ? begun.Skipped : 0;
        var steps = StepsPerTurn;
        while (place >= 0 && steps-- > 0)
        {
            var session = all[place];
            var before = rows.Count;
            foreach (var one in session.Subscriptions.Page(skipped, RowsPerTurn - before))
            {
                rows.Add(one.TakeSnapshot());
            }

            if (rows.Count == RowsPerTurn)
            {
                return new(rows, new SubscriptionPlace(place, skipped + rows.Count - before));
            }

            place--;
            skipped = 0;
        }

        return new(rows, place < 0 ? null : new SubscriptionPlace(place, 0));
    }

    /// <summary>Begins to list the retained messages; it has to be ended.</summary>
    public RetainedListing Retained() => new(retained);

    /// <summary>One client; <c>null</c>: it has no Session.</summary>
    public ClientSnapshot? Find(string clientId, Instant now) => sessions.Find(clientId) is not { } session ? null : new ClientSnapshot
    {
        Session = session.TakeSnapshot(now),
        Connection = session.Connection?.TakeSnapshot(now),
        Subscriptions = [.. session.Subscriptions.Page(0, SubscriptionsShown).ToArray().Select(one => one.TakeSnapshot())],
    };

    private static Slice<TRow, int> Take<T, TRow>(IReadOnlyList<T> all, int? before, Func<T, TRow> row)
    {
        var end = Math.Min(before ?? int.MaxValue, all.Count);
        var begin = Math.Max(0, end - RowsPerTurn);
        var rows = new List<TRow>(end - begin);
        for (var i = end - 1; i >= begin; i--)
        {
            rows.Add(row(all[i]));
        }

        return new(rows, begin == 0 ? null : begin);
    }
}

/// <summary>How far a listing of subscriptions has come.</summary>
/// <param name="Session">The place of the Session that it is at.</param>
/// <param name="Skipped">How many of its subscriptions are listed already.</param>
internal readonly record struct SubscriptionPlace(int Session, int Skipped);
