using Antiphon.Broker.Publishing;
using Antiphon.Broker.Subscriptions;
using Antiphon.Broker.Timing;

namespace Antiphon.Broker.Retained;

/// <summary>
/// The way of one subscription through the retained messages that match it, in steps:
/// down only into branches that can match, depth first, without a stack. It may stop after every level and go on later;
/// the tree may change meanwhile, since the level where the walk stands is kept for it.
/// What is stored after the walk has begun is left out: the subscription has got it already, as any subscriber.
/// </summary>
internal sealed class RetainedWalk
{
    /// <summary>Sending so many bytes counts as a step more.</summary>
    private const int BytesPerStep = 256;

    private readonly RetainedStore _store;
    private readonly Sender _sender;
    private readonly byte[][] _pattern;
    private readonly bool _hasMulti;

    // Where it stands: a level, how far below the root, and whether its message is dealt with.
    private TopicLevel _level;
    private int _depth;
    private bool _isDone;
    private long _lastNumber;
    private long? _again;

    /// <summary>Begins a walk at the root.</summary>
    /// <param name="store">The retained messages.</param>
    /// <param name="sender">Sends them.</param>
    /// <param name="subscription">Who gets them.</param>
    /// <param name="pattern">Its Topic Filter, level by level.</param>
    public RetainedWalk(RetainedStore store, Sender sender, Subscription subscription, byte[][] pattern)
    {
        _store = store;
        _sender = sender;
        Subscription = subscription;
        _pattern = pattern;
        _hasMulti = IsMulti(pattern[^1]);
        _lastNumber = store.LastNumber;
        _level = store.Tree.Root;
        _level.Walks++;
    }

    public Subscription Subscription { get; }

    /// <summary>What it takes in memory, in bytes.</summary>
    public int Size => SizeOf(_pattern.Length, _pattern.Sum(level => level.Length));

    /// <summary>What a walk takes in memory, in bytes.</summary>
    /// <param name="levels">How many levels its filter has.</param>
    /// <param name="bytes">How many bytes these have together.</param>
    public static int SizeOf(int levels, int bytes) => 200 + 32 * levels + bytes;

    /// <summary>The subscription asks again for all retained messages: they come once more after this walk [MQTT-3.8.4-4].</summary>
    public void AskAgain() => _again = _store.LastNumber;

    /// <summary>Goes back to the root if it was asked to.</summary>
    public bool TryBeginAgain()
    {
        if (_again is not { } lastNumber)
        {
            return false;
        }

        _again = null;
        _lastNumber = lastNumber;
        MoveTo(_store.Tree.Root, 0);
        return true;
    }

    /// <summary>Goes on.</summary>
    /// <param name="steps">How many levels it may look at, and what was left of them.</param>
    /// <param name="now">The current instant.</param>
    public WalkState Go(ref int steps, Instant now)
    {
        while (steps > 0)
        {
            steps--;
            if (!_isDone && !TrySend(ref steps, now))
            {
                return WalkState.Waiting;
            }

            _isDone = true;
            if (!TryMoveOn())
            {
                return WalkState.Finished;
            }
        }

        return WalkState.Ready;
    }

    /// <summary>Ends it, wherever it stands.</summary>
    public void End()
    {
        _level.Walks--;
        _store.Prune(_level);
    }

    /// <returns><c>false</c>: the message has to wait for room.</returns>
    private bool TrySend(ref int steps, Instant now)
    {
        if (!Matches || _level.Message is not { } message || _level.Number > _lastNumber || message.Expires <= now)
        {
            return true;
        }

        if (Subscription.Options.NoLocal && _level.Publisher?.ClientId == Subscription.Session.ClientId)
        {
            // Not to the client that published it, whenever that was [MQTT-3.8.3-3].
            return true;
        }

        if (!_sender.TryDeliverRetained(message, Subscription, now))
        {
            return false;
        }

        steps -= message.Size / BytesPerStep;
        return true;
    }

    /// <summary>Whether the filter matches the Topic Name that ends here; <c>a/#</c> matches <c>a</c> too (§4.7.1.2).</summary>
    private bool Matches => !IsHidden && (_depth == _pattern.Length || (_hasMulti && _depth >= _pattern.Length - 1));

    /// <summary>A wildcard at the beginning does not reach topics that begin with <c>$</c> [MQTT-4.7.2-1].</summary>
    private bool IsHidden => _depth == 1 && IsWildcard(0) && _level.Name is [(byte)'$', ..];

    private bool TryMoveOn()
    {
        if (FirstBelow() is { } below)
        {
            MoveTo(below, _depth + 1);
            return true;
        }

        var depth = _depth;
        for (var level = _level; level.Parent is { } parent; level = parent, depth--)
        {
            if (IsWildcard(depth - 1) && level.Next is { } next)
            {
                MoveTo(next, depth);
                return true;
            }
        }

        return false;
    }

    private TopicLevel? FirstBelow()
    {
        if (IsHidden || (_depth >= _pattern.Length && !_hasMulti))
        {
            return null;
        }

        return IsWildcard(_depth) ? _level.FirstChild : _store.Tree.Child(_level, _pattern[_depth]);
    }

    private void MoveTo(TopicLevel level, int depth)
    {
        var left = _level;
        level.Walks++;
        _level = level;
        _depth = depth;
        _isDone = false;
        left.Walks--;
        _store.Prune(left);
    }

    /// <summary>Whether any name does at that level of the filter.</summary>
    private bool IsWildcard(int depth) => depth >= _pattern.Length || _pattern[depth] is [(byte)'+'] || IsMulti(_pattern[depth]);

    private static bool IsMulti(byte[] name) => name is [(byte)'#'];
}

/// <summary>How a walk stands.</summary>
internal enum WalkState
{
    /// <summary>It can go on.</summary>
    Ready,

    /// <summary>It goes on when its Session has room.</summary>
    Waiting,

    /// <summary>It has seen everything.</summary>
    Finished,
}
