using System.Text;
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

    private readonly SubscriptionLevel _root = new(null, []);

    // For matches that are found in one go.
    private readonly MatchWalk _walk = new();

    public Utf8Comparer Comparer => comparer;

    public int Count { get; private set; }

    /// <summary>The number of the subscription that was added last.</summary>
    public long LastNumber { get; private set; }

    /// <summary>What its levels take in memory, in bytes.</summary>
    public long Bytes { get; private set; }

    public void Add(Subscription subscription, TopicFilter filter)
    {
        Count++;
        subscription.Number = ++LastNumber;
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
            level.Add(subscription);
            return;
        }

        var group = level.Group(filter.ShareName);
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
            if (group.IsEmpty)
            {
                level.Remove(group);
            }
        }
        else
        {
            level.Remove(subscription);
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
        var steps = int.MaxValue;
        return TryMatch(topic, ref steps)!;
    }

    /// <summary>Finds who gets a message to that Topic Name, if that does not take long.</summary>
    /// <param name="topic">The Topic Name.</param>
    /// <param name="steps">How many levels and subscriptions may be looked at, and what was left of them.</param>
    /// <returns><c>null</c>: it takes more.</returns>
    public Match? TryMatch(ReadOnlySpan<byte> topic, ref int steps)
    {
        _walk.Begin(_root, LastNumber);
        var match = _walk.Go(topic, ref steps) ? _walk.ToMatch() : null;
        _walk.Clear();
        return match;
    }

    /// <summary>Begins to find who gets a message, for a walk that takes as long as it likes.</summary>
    /// <param name="newest">The number of the last subscription that may be found.</param>
    public MatchWalk BeginWalk(long newest)
    {
        var walk = new MatchWalk();
        walk.Begin(_root, newest);
        return walk;
    }

    private static int SizeOf(SubscriptionLevel level) => LevelSize + level.Name.Length;

    private static IEnumerable<byte[]> Levels(TopicFilter filter) => filter.Pattern.Split('/').Select(Encoding.UTF8.GetBytes);
}
