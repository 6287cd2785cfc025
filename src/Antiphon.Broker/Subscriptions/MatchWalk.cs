using System.Runtime.InteropServices;

namespace Antiphon.Broker.Subscriptions;

/// <summary>
/// The way through the <see cref="SubscriptionTree"/> that finds whom a Topic Name concerns, in steps: a level looked at, or a subscription
/// found. Both can be very many: n levels have 2^n beginnings made of names and <c>+</c>, which may lead nowhere.
/// It may stop after every step and go on later; the tree may change meanwhile.
/// </summary>
/// <remarks>
/// A subscription that stands all the time is found: the levels down to it stand as long as it does.
/// A level that has gone has nothing below it any more.
/// Lists are gone through from their end. Who leaves is replaced by the last, which may be met twice then, and never is missed.
/// What was added after the walk has begun is left out.
/// </remarks>
internal sealed class MatchWalk
{
    /// <summary>In the place of an offset: all levels of the Topic Name are matched.</summary>
    private const int End = -1;

    // Branches to be gone into, each with the offset in the Topic Name of what is to be matched below it.
    private readonly Stack<(SubscriptionLevel Level, int Offset)> _branches = new();

    // Levels that match, whose subscriptions are to be taken; of the first of them so many are left.
    private readonly Stack<SubscriptionLevel> _matched = new();
    private int _subscriptionsLeft;
    private int _groupsLeft;

    private readonly FoundSessions _places = new();
    private readonly List<FoundSession> _sessions = [];
    private readonly List<ShareGroup> _groups = [];
    private readonly HashSet<ShareGroup> _metGroups = [];
    private SubscriptionLevel? _root;
    private long _newest;
    private int _subscriptions;

    /// <summary>Those whom subscriptions of their own concern, each once.</summary>
    public ReadOnlySpan<FoundSession> Sessions => CollectionsMarshal.AsSpan(_sessions);

    public ReadOnlySpan<ShareGroup> Groups => CollectionsMarshal.AsSpan(_groups);

    /// <summary>Begins at the root.</summary>
    /// <param name="root">The root of the tree.</param>
    /// <param name="newest">The number of the last subscription that may be found.</param>
    public void Begin(SubscriptionLevel root, long newest)
    {
        _root = root;
        _newest = newest;
        _branches.Push((root, 0));
    }

    /// <summary>Goes on.</summary>
    /// <param name="topic">The Topic Name, the same each time.</param>
    /// <param name="steps">How many steps it may take, and what was left of them.</param>
    /// <returns>Whether everything has been found; <c>false</c>: there were too few steps.</returns>
    public bool Go(ReadOnlySpan<byte> topic, ref int steps)
    {
        while (TryTake(ref steps))
        {
            if (_branches.Count == 0)
            {
                return true;
            }

            if (steps <= 0)
            {
                return false;
            }

            steps--;
            Visit(_branches.Pop(), topic);
        }

        return false;
    }

    /// <summary>What was found, once everything has been.</summary>
    public Match ToMatch()
    {
        if (_sessions.Count == 0 && _groups.Count == 0)
        {
            return Match.Nobody;
        }

        var sessions = new MatchedSession[_sessions.Count];
        for (var i = 0; i < sessions.Length; i++)
        {
            sessions[i] = new MatchedSession(_sessions[i].Session, _sessions[i].ToArray());
        }

        return new Match(sessions, [.. _groups], _subscriptions + _groups.Count);
    }

    /// <summary>Makes it ready for another topic.</summary>
    public void Clear()
    {
        _branches.Clear();
        _matched.Clear();
        _places.Clear();
        _sessions.Clear();
        _groups.Clear();
        _metGroups.Clear();
        _subscriptions = 0;
    }

    private void Visit((SubscriptionLevel Level, int Offset) branch, ReadOnlySpan<byte> topic)
    {
        var (level, offset) = branch;
        if (offset == End)
        {
            // The last level of the Topic Name: its own subscriptions, and those to «…/#», which matches its parent too (§4.7.1.2).
            Meet(level);
            Meet(level.Multi);
            return;
        }

        var name = topic[offset..];
        var length = name.IndexOf((byte)'/');
        var below = length < 0 ? End : offset + length + 1;
        name = length < 0 ? name : name[..length];

        // Wildcards at the root match no topic that begins with $ [MQTT-4.7.2-1].
        if (level != _root || topic[0] != (byte)'$')
        {
            Meet(level.Multi);
            if (level.Single is { } single)
            {
                _branches.Push((single, below));
            }
        }

        if (level.TryGetChild(name, out var child))
        {
            _branches.Push((child, below));
        }
    }

    private void Meet(SubscriptionLevel? level)
    {
        if (level is { Subscriptions.Count: > 0 } or { Groups.Count: > 0 })
        {
            _matched.Push(level);
            _subscriptionsLeft = _groupsLeft = int.MaxValue;
        }
    }

    /// <summary>Takes the subscriptions and groups of the levels that match.</summary>
    /// <returns><c>false</c>: there were too few steps.</returns>
    private bool TryTake(ref int steps)
    {
        while (_matched.TryPeek(out var level))
        {
            if (level.Subscriptions is { } subscriptions)
            {
                // What has gone since may have shortened the list.
                for (_subscriptionsLeft = Math.Min(_subscriptionsLeft, subscriptions.Count); _subscriptionsLeft > 0; steps--)
                {
                    if (steps <= 0)
                    {
                        return false;
                    }

                    Take(subscriptions[--_subscriptionsLeft]);
                }
            }

            if (level.Groups is { } groups)
            {
                for (_groupsLeft = Math.Min(_groupsLeft, groups.Count); _groupsLeft > 0; steps--)
                {
                    if (steps <= 0)
                    {
                        return false;
                    }

                    _groupsLeft--;
                    if (_metGroups.Add(groups[_groupsLeft]))
                    {
                        _groups.Add(groups[_groupsLeft]);
                    }
                }
            }

            _matched.Pop();
            _subscriptionsLeft = _groupsLeft = int.MaxValue;
        }

        return true;
    }

    private void Take(Subscription subscription)
    {
        if (subscription.Number > _newest)
        {
            return;
        }

        if (!_places.TryGet(subscription.Session, out var place))
        {
            _places.Add(subscription.Session, _sessions.Count);
            _sessions.Add(new FoundSession(subscription));
            _subscriptions++;
            return;
        }

        // Of one level a Session has one subscription at most. So one that is met again because another left is the last one found.
        ref var found = ref CollectionsMarshal.AsSpan(_sessions)[place];
        if (found.Last != subscription)
        {
            found.Add(subscription);
            _subscriptions++;
        }
    }
}
