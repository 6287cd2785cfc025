using System.Numerics;
using Antiphon.Broker.Sessions;

namespace Antiphon.Broker.Exchanges;

/// <summary>
/// The requesters, in ranks by what their open exchanges take: each rank is twice as much as the one below.
/// So one with the most, or nearly, is found at once.
/// </summary>
internal sealed class RequesterShares
{
    private readonly LinkedList<Session>[] _ranks = [.. Enumerable.Range(0, 64).Select(_ => new LinkedList<Session>())];

    /// <summary>A requester that takes more than half of what any other takes; <c>null</c>: nobody takes anything.</summary>
    public Session? Greediest
    {
        get
        {
            for (var rank = _ranks.Length - 1; rank >= 0; rank--)
            {
                if (_ranks[rank].First is { } place)
                {
                    return place.Value;
                }
            }

            return null;
        }
    }

    /// <summary>The exchanges of a requester take so many bytes more; fewer, where it is negative.</summary>
    public void Add(Session requester, long bytes)
    {
        var before = requester.ExchangeBytes;
        var after = requester.ExchangeBytes = before + bytes;
        if (before > 0 && after > 0 && BitOperations.Log2((ulong)before) == BitOperations.Log2((ulong)after))
        {
            return;
        }

        var place = requester.AmongRequesters ??= new LinkedListNode<Session>(requester);
        place.List?.Remove(place);
        if (after > 0)
        {
            _ranks[BitOperations.Log2((ulong)after)].AddFirst(place);
        }
    }
}
