using System.Text;
using Antiphon.Protocol.Topics;

namespace Antiphon.Broker.Subscriptions;

/// <summary>
/// Remembers the matches of repeated Topic Names. A change of subscriptions outdates only the branch it touches:
/// changes are counted per beginning of a topic (up to three levels, hashed into buckets),
/// so a client that subscribes per call to a topic of its own outdates nobody else's match.
/// </summary>
internal sealed class MatchCache
{
    private const int Depth = 3;
    private const int Buckets = 4096;
    private const int MaximumTopics = 8192;
    private const int MaximumTopicLength = 256;
    private const int MaximumSubscriptions = 1_000_000;

    private readonly SubscriptionTree _tree;
    private readonly Utf8Comparer _comparer;
    private readonly Dictionary<byte[], Entry> _entries;
    private readonly Dictionary<byte[], Entry>.AlternateLookup<ReadOnlySpan<byte>> _lookup;
    private readonly uint[] _changes = new uint[Buckets];
    private uint _wildcardChanges;
    private int _subscriptions;

    public MatchCache(SubscriptionTree tree, Utf8Comparer comparer)
    {
        _tree = tree;
        _comparer = comparer;
        _entries = new Dictionary<byte[], Entry>(comparer);
        _lookup = _entries.GetAlternateLookup<ReadOnlySpan<byte>>();
    }

    /// <summary>Whom a message to that Topic Name goes to.</summary>
    public Match Match(ReadOnlySpan<byte> topic)
    {
        var steps = int.MaxValue;
        return TryMatch(topic, ref steps)!;
    }

    /// <summary>Whom a message to that Topic Name goes to, if that is remembered or found soon.</summary>
    /// <param name="topic">The Topic Name.</param>
    /// <param name="steps">How many levels and subscriptions may be looked at, and what was left of them.</param>
    /// <returns><c>null</c>: it takes more.</returns>
    public Match? TryMatch(ReadOnlySpan<byte> topic, ref int steps)
    {
        if (_lookup.TryGetValue(topic, out var entry) && entry.Changes == Changes(entry.First, entry.Second, entry.Third))
        {
            return entry.Match;
        }

        var match = _tree.TryMatch(topic, ref steps);
        if (match is not null && topic.Length <= MaximumTopicLength)
        {
            Remember(topic, match);
        }

        return match;
    }

    /// <summary>The number of the subscription that was added last.</summary>
    public long LastNumber => _tree.LastNumber;

    /// <summary>Begins to find whom a message goes to, for a walk that takes as long as it likes and is not remembered.</summary>
    /// <param name="newest">The number of the last subscription that may be found.</param>
    public MatchWalk BeginWalk(long newest) => _tree.BeginWalk(newest);

    /// <summary>A subscription with that filter was added, changed or removed.</summary>
    public void Outdate(TopicFilter filter)
    {
        var pattern = Encoding.UTF8.GetBytes(filter.Pattern);
        var literal = pattern.AsSpan();
        var wildcard = literal.IndexOfAny((byte)'+', (byte)'#');
        if (wildcard == 0)
        {
            _wildcardChanges++;
            return;
        }

        // The levels before the wildcard, without the slash in front of it.
        literal = wildcard > 0 ? literal[..(wildcard - 1)] : literal;
        _changes[Bucket(Beginning(literal, Depth))]++;
    }

    private void Remember(ReadOnlySpan<byte> topic, Match match)
    {
        if (_entries.Count >= MaximumTopics || _subscriptions + match.Subscriptions > MaximumSubscriptions)
        {
            _entries.Clear();
            _subscriptions = 0;
        }

        var first = Bucket(Beginning(topic, 1));
        var second = Bucket(Beginning(topic, 2));
        var third = Bucket(Beginning(topic, Depth));
        _subscriptions += match.Subscriptions;
        _lookup[topic] = new Entry(match, first, second, third, Changes(first, second, third));
    }

    /// <summary>Counts only ever grow, so equal sums mean that none of them has changed.</summary>
    private ulong Changes(int first, int second, int third) =>
        (ulong)_wildcardChanges + _changes[first] + _changes[second] + _changes[third];

    private int Bucket(ReadOnlySpan<byte> beginning) => _comparer.GetHashCode(beginning) & (Buckets - 1);

    /// <summary>The first so many levels; all, if there are fewer.</summary>
    private static ReadOnlySpan<byte> Beginning(ReadOnlySpan<byte> topic, int levels)
    {
        var end = 0;
        while (true)
        {
            var slash = topic[end..].IndexOf((byte)'/');
            if (slash < 0)
            {
                return topic;
            }

            end += slash;
            if (--levels == 0)
            {
                return topic[..end];
            }

            end++;
        }
    }

    private readonly record struct Entry(Match Match, int First, int Second, int Third, ulong Changes);
}
