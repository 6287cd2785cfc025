using System.Numerics;

namespace Antiphon.Broker.Exchanges;

/// <summary>
/// Open exchanges of one kind, unanswered or answered, by requester. The requesters stand in ranks by what their exchanges take:
/// each rank is twice as much as the one below, so one with the most, or nearly, is found at once.
/// </summary>
internal sealed class RequesterShares
{
    private readonly LinkedList<RequesterShare>[] _ranks =
        [.. Enumerable.Range(0, 64).Select(_ => new LinkedList<RequesterShare>())];

    /// <summary>What they take together, in bytes.</summary>
    public long Bytes { get; private set; }

    /// <summary>
    /// The oldest exchange of a requester that takes more than half of what any other takes; <c>null</c>: nobody takes anything.
    /// </summary>
    public Exchange? OldestOfTheGreediest
    {
        get
        {
            for (var rank = _ranks.Length - 1; rank >= 0; rank--)
            {
                if (_ranks[rank].First is { } place)
                {
                    return place.Value.Oldest;
                }
            }

            return null;
        }
    }

    /// <summary>A share has changed.</summary>
    /// <param name="place">The share's place in its rank.</param>
    /// <param name="before">What it took before, in bytes.</param>
    /// <param name="after">What it takes now.</param>
    public void Rank(LinkedListNode<RequesterShare> place, long before, long after)
    {
        Bytes += after - before;
        if (before > 0 && after > 0 && BitOperations.Log2((ulong)before) == BitOperations.Log2((ulong)after))
        {
            return;
        }

        place.List?.Remove(place);
        if (after > 0)
        {
            _ranks[BitOperations.Log2((ulong)after)].AddFirst(place);
        }
    }
}
