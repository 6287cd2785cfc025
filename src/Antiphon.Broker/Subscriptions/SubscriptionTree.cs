using System.Text;
using Antiphon.Broker.Listing;
using Antiphon.Broker.Sessions;
using Antiphon.Protocol.Topics;

namespace Antiphon.Broker.Subscriptions;

/// <summary>
/// All subscriptions but those to own response topics, as a tree of topic levels in UTF-8 (MQTT 5 §4.7).
/// Share groups are part of what a match gives.
/// </summary>
/// <param name="comparer">How levels are compared.</param>
internal sealed class SubscriptionTree(Utf8Comparer comparer)
{
    /// <summary>What a level takes in memory beside its name, in bytes: the object, and its place among its parent's children.</summary>
    private const int LevelSize = 144;

    /// <summary>What a level takes more that has children.</summary>
    private const int ChildrenSize = 216;

    private readonly Level _root = new(null, []);

    // For one match: what has been found, by Session.
    private readonly Dictionary<Session, List<Subscription>> _found = [];
    private readonly List<ShareGroup> _foundGroups = [];

    public Utf8Comparer Comparer => comparer;

    public int Count { get; private set; }

    /// <summary>What its levels take in memory, in bytes.</summary>
    public long Bytes { get; private set; }

    public void Add(Subscription subscription, TopicFilter filter)
    {
        Count++;
        var level = _root;
        foreach (var part in Levels(filter))
        {
            var had = level.HasChildren;
            level = level.Child(part, comparer, out var isNew);
            if (isNew)
            {
                Bytes += SizeOf(level) + (level.Parent!.HasChildren == had ? 0 : ChildrenSize);
            }
        }

        if (filter.ShareName is null)
        {
            level.Subscriptions.Join(subscription);
            return;
        }

        if (!level.Groups.TryGetValue(filter.ShareName, out var group))
        {
            group = new ShareGroup(filter.ShareName);
            level.Groups.Add(group.Name, group);
        }

        group.Add(subscription);
        subscription.Group = group;
    }

    public void Remove(Subscription subscription, TopicFilter filter)
    {
        Count--;
        var level = _root;
        foreach (var part in Levels(filter))
        {
            level = level.Find(part) ?? throw new InvalidOperationException($"The subscription «{filter}» is not in the tree.");
        }

        if (subscription.Group is { } group)
        {
            group.Remove(subscription);

            // Who has left before it was taken out of the tree may be the last of a group that has begun anew since.
            if (group.IsEmpty && level.Groups.TryGetValue(group.Name, out var held) && held == group)
            {
                level.Groups.Remove(group.Name);
            }
        }
        else
        {
            level.Subscriptions.Leave(subscription);
        }

        for (; level.Parent is not null && level.IsEmpty; level = level.Parent)
        {
            Bytes -= SizeOf(level) + (level.HasChildren ? ChildrenSize : 0);
            level.Parent.RemoveChild(level.Name);
        }
    }

    /// <summary>Finds who gets a message to that Topic Name.</summary>
    public Match Match(ReadOnlySpan<byte> topic)
    {
        Collect(_root, topic, wildcardsMatch: topic[0] != (byte)'$');
        if (_found.Count == 0 && _foundGroups.Count == 0)
        {
            return Subscriptions.Match.Nobody;
        }

        var match = new Match([.. _found.Select(found => new MatchedSession(found.Key, [.. found.Value]))], [.. _foundGroups]);
        _found.Clear();
        _foundGroups.Clear();
        return match;
    }

    private static int SizeOf(Level level) => LevelSize + level.Name.Length;

    private static IEnumerable<byte[]> Levels(TopicFilter filter) => filter.Pattern.Split('/').Select(Encoding.UTF8.GetBytes);

    /// <param name="level">Where in the tree.</param>
    /// <param name="topic">The levels of the Topic Name that are still to be matched.</param>
    /// <param name="wildcardsMatch"><c>false</c> at the root for a topic that begins with <c>$</c> [MQTT-4.7.2-1].</param>
    private void Collect(Level level, ReadOnlySpan<byte> topic, bool wildcardsMatch)
    {
        while (true)
        {
            var end = topic.IndexOf((byte)'/');
            var name = end < 0 ? topic : topic[..end];
            if (wildcardsMatch)
            {
                Take(level.Multi);
                if (level.Single is { } single)
                {
                    Descend(single, end, topic);
                }
            }

            if (!level.TryGetChild(name, out var child))
            {
                return;
            }

            if (end < 0)
            {
                TakeWithParentWildcard(child);
                return;
            }

            level = child;
            topic = topic[(end + 1)..];
            wildcardsMatch = true;
        }
    }

    private void Descend(Level single, int end, ReadOnlySpan<byte> topic)
    {
        if (end < 0)
        {
            TakeWithParentWildcard(single);
        }
        else
        {
            Collect(single, topic[(end + 1)..], wildcardsMatch: true);
        }
    }

    /// <summary>
    /// The last level of the Topic Name: its own subscriptions, and those to «…/#», which matches its parent too (§4.7.1.2).
    /// </summary>
    private void TakeWithParentWildcard(Level level)
    {
        Take(level);
        Take(level.Multi);
    }

    private void Take(Level? level)
    {
        if (level is null)
        {
            return;
        }

        foreach (var subscription in level.SubscriptionsOrNone)
        {
            if (!_found.TryGetValue(subscription.Session, out var held))
            {
                _found.Add(subscription.Session, held = new List<Subscription>(1));
            }

            held.Add(subscription);
        }

        if (level.GroupsOrNone is { } groups)
        {
            _foundGroups.AddRange(groups.Values);
        }
    }

    /// <summary>One level of the tree.</summary>
    private sealed class Level(Level? parent, byte[] name)
    {
        private static readonly List<Subscription> NoSubscriptions = [];
        private Dictionary<byte[], Level>? _children;
        private Dictionary<byte[], Level>.AlternateLookup<ReadOnlySpan<byte>> _lookup;
        private List<Subscription>? _subscriptions;
        private Dictionary<string, ShareGroup>? _groups;

        public Level? Parent { get; } = parent;

        public byte[] Name { get; } = name;

        public Level? Single { get; private set; }

        public Level? Multi { get; private set; }

        public List<Subscription> Subscriptions => _subscriptions ??= new List<Subscription>(1);

        /// <summary>By Share Name.</summary>
        public Dictionary<string, ShareGroup> Groups => _groups ??= new Dictionary<string, ShareGroup>(StringComparer.Ordinal);

        public List<Subscription> SubscriptionsOrNone => _subscriptions ?? NoSubscriptions;

        public Dictionary<string, ShareGroup>? GroupsOrNone => _groups;

        public bool IsEmpty =>
            _children is not { Count: > 0 }
                && Single is null
                && Multi is null
                && _subscriptions is not { Count: > 0 }
                && _groups is not { Count: > 0 };

        /// <summary>Whether it has a table of children, which it keeps when they have gone.</summary>
        public bool HasChildren => _children is not null;

        public Level Child(byte[] name, Utf8Comparer comparer, out bool isNew)
        {
            isNew = false;
            if (Find(name) is { } existing)
            {
                return existing;
            }

            isNew = true;
            var child = new Level(this, name);
            if (name is [(byte)'+'])
            {
                Single = child;
            }
            else if (name is [(byte)'#'])
            {
                Multi = child;
            }
            else
            {
                if (_children is null)
                {
                    _children = new Dictionary<byte[], Level>(comparer);
                    _lookup = _children.GetAlternateLookup<ReadOnlySpan<byte>>();
                }

                _children.Add(name, child);
            }

            return child;
        }

        public Level? Find(byte[] name) => name switch
        {
            [(byte)'+'] => Single,
            [(byte)'#'] => Multi,
            _ => TryGetChild(name, out var child) ? child : null,
        };

        public bool TryGetChild(ReadOnlySpan<byte> name, out Level child)
        {
            child = null!;
            return _children is not null && _lookup.TryGetValue(name, out child!);
        }

        public void RemoveChild(byte[] name)
        {
            if (name is [(byte)'+'])
            {
                Single = null;
            }
            else if (name is [(byte)'#'])
            {
                Multi = null;
            }
            else
            {
                _children!.Remove(name);
            }
        }
    }
}
