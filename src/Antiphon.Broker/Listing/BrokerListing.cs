using System.Runtime.CompilerServices;

namespace Antiphon.Broker.Listing;

/// <summary>
/// Lists what a broker holds, for operators. The broker's thread makes the rows between two turns, some hundreds at a time and only as fast
/// as they are read, so that a listing of a million holds nobody up. What comes or goes meanwhile may be listed, once or twice, or not;
/// what is there all the time is listed. Safe from any thread.
/// </summary>
public sealed class BrokerListing
{
    private readonly BrokerHost _host;
    private readonly Func<(EngineListing Engine, Timing.Instant Now)> _engine;

    internal BrokerListing(BrokerHost host, Func<(EngineListing Engine, Timing.Instant Now)> engine)
    {
        _host = host;
        _engine = engine;
    }

    /// <summary>All Network Connections, those among them that have not been accepted yet.</summary>
    /// <param name="cancellationToken">Ends the listing.</param>
    /// <exception cref="InvalidOperationException">The broker has been stopped.</exception>
    public IAsyncEnumerable<ConnectionSnapshot> ConnectionsAsync(CancellationToken cancellationToken = default) =>
        SlicesAsync<ConnectionSnapshot, int>((engine, now, from) => engine.Connections(from, now), cancellationToken);

    /// <summary>All Sessions, of clients connected and away.</summary>
    /// <param name="cancellationToken">Ends the listing.</param>
    /// <exception cref="InvalidOperationException">The broker has been stopped.</exception>
    public IAsyncEnumerable<SessionSnapshot> SessionsAsync(CancellationToken cancellationToken = default) =>
        SlicesAsync<SessionSnapshot, int>((engine, now, from) => engine.Sessions(from, now), cancellationToken);

    /// <summary>All subscriptions, those to own response topics included; all of one client follow each other.</summary>
    /// <param name="cancellationToken">Ends the listing.</param>
    /// <exception cref="InvalidOperationException">The broker has been stopped.</exception>
    public IAsyncEnumerable<SubscriptionSnapshot> SubscriptionsAsync(CancellationToken cancellationToken = default) =>
        SlicesAsync<SubscriptionSnapshot, SubscriptionPlace>((engine, _, from) => engine.Subscriptions(from), cancellationToken);

    /// <summary>All retained messages, those below <c>$SYS</c> included; all that begin with the same levels follow each other.</summary>
    /// <param name="cancellationToken">Ends the listing.</param>
    /// <exception cref="InvalidOperationException">The broker has been stopped.</exception>
    public async IAsyncEnumerable<RetainedSnapshot> RetainedAsync([EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        var listing = await _host.AskAsync(() => _engine().Engine.Retained(), cancellationToken).ConfigureAwait(false);
        try
        {
            var slices = SlicesAsync<RetainedSnapshot, int>((_, now, _) => listing.Next(now), cancellationToken);
            await foreach (var row in slices.ConfigureAwait(false))
            {
                yield return row;
            }
        }
        finally
        {
            _host.Post(listing.End);
        }
    }

    /// <summary>One client.</summary>
    /// <param name="clientId">The Client Identifier.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns><c>null</c>: there is no such Session.</returns>
    /// <exception cref="InvalidOperationException">The broker has been stopped.</exception>
    public Task<ClientSnapshot?> FindAsync(string clientId, CancellationToken cancellationToken = default) => _host.AskAsync(
        () =>
        {
            var (engine, now) = _engine();
            return engine.Find(clientId, now);
        },
        cancellationToken);

    private async IAsyncEnumerable<TRow> SlicesAsync<TRow, TNext>(
        Func<EngineListing, Timing.Instant, TNext?, Slice<TRow, TNext>> take, [EnumeratorCancellation] CancellationToken cancellationToken)
        where TNext : struct
    {
        TNext? from = null;
        do
        {
            var begin = from;
            var slice = await _host.AskAsync(
                () =>
                {
                    var (engine, now) = _engine();
                    return take(engine, now, begin);
                },
                cancellationToken).ConfigureAwait(false);
            foreach (var row in slice.Rows)
            {
                yield return row;
            }

            from = slice.Next;
        }
        while (from is not null);
    }
}
