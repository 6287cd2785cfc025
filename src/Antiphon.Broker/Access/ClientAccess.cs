using Antiphon.Protocol.Topics;
using Antiphon.Protocol.Wire;

namespace Antiphon.Broker.Access;

/// <summary>
/// The rules as they are for one client. What it may publish is remembered for the topics that it uses,
/// so that a PUBLISH costs one look-up. Owned by the engine's thread.
/// </summary>
internal sealed class ClientAccess
{
    /// <summary>How many topics are remembered at most; of two that fall on one place, the last.</summary>
    private const int MaximumRemembered = 16;

    /// <summary>Longer topics, in bytes, are judged anew each time.</summary>
    private const int LongestRemembered = 256;

    private readonly Line[] _lines;
    private Remembered[] _remembered = new Remembered[1];

    public ClientAccess(AccessRules rules, ClientIdentity client)
    {
        Rules = rules;
        var lines = new List<Line>();
        foreach (var rule in rules.For(client))
        {
            byte[][] topics = [.. rule.Topics.Select(topic => topic.For(client)).OfType<byte[]>()];
            if (topics.Length > 0)
            {
                lines.Add(new Line(rule.Rule, topics));
            }
        }

        _lines = [.. lines];
    }

    /// <summary>The rules that it was made from.</summary>
    public AccessRules Rules { get; }

    /// <summary>Whether the client may publish to a topic.</summary>
    /// <param name="topic">The Topic Name.</param>
    /// <param name="permission"><see cref="Permissions.Publish"/> or <see cref="Permissions.Request"/>.</param>
    public bool MayPublish(ReadOnlySpan<byte> topic, Permissions permission)
    {
        if (topic.Length > LongestRemembered)
        {
            return Decide(permission, topic, out _);
        }

        var hash = Utf8Hash.Of(0, topic);
        ref var place = ref _remembered[hash & (_remembered.Length - 1)];
        if (!place.Is(topic))
        {
            if (place.Length > 0 && _remembered.Length < MaximumRemembered)
            {
                Grow();
                place = ref _remembered[hash & (_remembered.Length - 1)];
            }

            place.Begin(topic);
        }

        if ((place.Known & permission) == 0)
        {
            place.Known |= permission;
            place.Allowed |= Decide(permission, topic, out _) ? permission : Permissions.None;
        }

        return (place.Allowed & permission) != 0;
    }

    /// <summary>The first rule decides that is about the permission and the topic.</summary>
    /// <param name="permission">One permission.</param>
    /// <param name="topic">A Topic Name to publish to, or the Topic Filter of a subscription without <c>$share/NAME/</c>.</param>
    /// <param name="rule">The rule; <c>null</c>: none is about it, so it is refused.</param>
    public bool Decide(Permissions permission, ReadOnlySpan<byte> topic, out AccessRule? rule)
    {
        foreach (var line in _lines)
        {
            if ((line.Rule.Permissions & permission) == 0)
            {
                continue;
            }

            foreach (var pattern in line.Topics)
            {
                if (IsAbout(line.Rule, pattern, permission, topic))
                {
                    rule = line.Rule;
                    return rule.Allows;
                }
            }
        }

        rule = null;
        return false;
    }

    /// <summary>A rule is about a Topic Filter if it allows all that the filter matches, or denies any of it.</summary>
    private static bool IsAbout(AccessRule rule, byte[] pattern, Permissions permission, ReadOnlySpan<byte> topic) =>
        permission is Permissions.Publish or Permissions.Request ? TopicFilter.Matches(pattern, topic)
        : rule.Allows ? TopicFilter.Covers(pattern, topic)
        : TopicFilter.Overlap(pattern, topic);

    private void Grow()
    {
        var larger = new Remembered[_remembered.Length * 2];
        foreach (ref var place in _remembered.AsSpan())
        {
            if (place.Length > 0)
            {
                larger[Utf8Hash.Of(0, place.Topic.AsSpan(0, place.Length)) & (larger.Length - 1)] = place;
            }
        }

        _remembered = larger;
    }

    private readonly record struct Line(AccessRule Rule, byte[][] Topics);

    /// <summary>What is known of one topic.</summary>
    private struct Remembered
    {
        public byte[] Topic;
        public int Length;
        public Permissions Known;
        public Permissions Allowed;

        public readonly bool Is(ReadOnlySpan<byte> topic) => Length == topic.Length && topic.SequenceEqual(Topic.AsSpan(0, Length));

        public void Begin(ReadOnlySpan<byte> topic)
        {
            if (Topic is null || Topic.Length < topic.Length)
            {
                Topic = new byte[topic.Length];
            }

            topic.CopyTo(Topic);
            Length = topic.Length;
            Known = Allowed = Permissions.None;
        }
    }
}
