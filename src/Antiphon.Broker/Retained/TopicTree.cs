using Antiphon.Broker.Subscriptions;

namespace Antiphon.Broker.Retained;

/// <summary>
/// The topic levels of all retained messages, in UTF-8. A child is found in one table of all levels by its parent and name,
/// so that a level with one child costs no table of its own. The table is cut into parts that grow one by one:
/// no turn pays for the growth of a million entries.
/// </summary>
internal sealed class TopicTree
{
    private const int Parts = 256;

    private readonly Utf8Comparer _names;
    private readonly HashSet<TopicLevel>[] _parts;

    public TopicTree(Utf8Comparer names)
    {
        _names = names;
        var byPlace = new PlaceComparer();
        _parts = [.. Enumerable.Range(0, Parts).Select(_ => new HashSet<TopicLevel>(byPlace))];
    }

    /// <summary>Above the first levels; it has no name.</summary>
    public TopicLevel Root { get; } = new(null, [], 0);

    public TopicLevel? Child(TopicLevel parent, ReadOnlySpan<byte> name)
    {
        var place = new Place(parent, name, Hash(parent, name));
        return Part(place.Hash).GetAlternateLookup<Place>().TryGetValue(place, out var child) ? child : null;
    }

    /// <summary>Goes down a Topic Name as far as the tree has it.</summary>
    /// <param name="topic">The Topic Name.</param>
    /// <param name="missing">The levels that the tree does not have.</param>
    /// <returns>The last level that it has; the root if it has none.</returns>
    public TopicLevel Descend(ReadOnlySpan<byte> topic, out Levels missing)
    {
        var level = Root;
        missing = new Levels(topic);
        while (!missing.IsEmpty && Child(level, missing.First) is { } child)
        {
            level = child;
            missing = missing.Rest;
        }

        return level;
    }

    public TopicLevel Add(TopicLevel parent, ReadOnlySpan<byte> name)
    {
        var level = new TopicLevel(parent, name.ToArray(), Hash(parent, name));
        Part(level.Hash).Add(level);
        level.Link();
        return level;
    }

    public void Remove(TopicLevel level)
    {
        level.Unlink();
        Part(level.Hash).Remove(level);
    }

    private HashSet<TopicLevel> Part(int hash) => _parts[hash & (Parts - 1)];

    private int Hash(TopicLevel parent, ReadOnlySpan<byte> name) => HashCode.Combine(parent.Hash, _names.GetHashCode(name));

    private readonly ref struct Place(TopicLevel parent, ReadOnlySpan<byte> name, int hash)
    {
        public TopicLevel Parent { get; } = parent;

        public ReadOnlySpan<byte> Name { get; } = name;

        public int Hash { get; } = hash;
    }

    private sealed class PlaceComparer : IEqualityComparer<TopicLevel>, IAlternateEqualityComparer<Place, TopicLevel>
    {
        public bool Equals(TopicLevel? x, TopicLevel? y) => x == y;

        public bool Equals(Place alternate, TopicLevel other) =>
            alternate.Parent == other.Parent && alternate.Name.SequenceEqual(other.Name);

        public int GetHashCode(TopicLevel obj) => obj.Hash;

        public int GetHashCode(Place alternate) => alternate.Hash;

        public TopicLevel Create(Place alternate) => new(alternate.Parent, alternate.Name.ToArray(), alternate.Hash);
    }
}

/// <summary>The levels of a Topic Name, one after the other.</summary>
internal readonly ref struct Levels
{
    private readonly ReadOnlySpan<byte> _topic;
    private readonly int _end;

    /// <param name="topic">The Topic Name, not empty.</param>
    public Levels(ReadOnlySpan<byte> topic)
    {
        _topic = topic;
        _end = topic.IndexOf((byte)'/');
        Count = topic.Count((byte)'/') + 1;
    }

    private Levels(ReadOnlySpan<byte> topic, int count)
    {
        _topic = topic;
        _end = topic.IndexOf((byte)'/');
        Count = count;
    }

    public int Count { get; }

    public bool IsEmpty => Count == 0;

    public ReadOnlySpan<byte> First => _end < 0 ? _topic : _topic[.._end];

    public Levels Rest => Count == 1 ? default : new Levels(_topic[(_end + 1)..], Count - 1);

    /// <summary>Bytes of all levels, without the slashes between them.</summary>
    public int Length => IsEmpty ? 0 : _topic.Length - (Count - 1);
}
