using Antiphon.Protocol.Wire;

namespace Antiphon.Protocol.Topics;

/// <summary>A Topic Filter taken apart (MQTT 5 §4.7, §4.8.2): what it matches, and the Share Name if it is a shared subscription.</summary>
public readonly record struct TopicFilter
{
    internal const string SharePrefix = "$share/";

    private TopicFilter(string? shareName, string pattern)
    {
        ShareName = shareName;
        Pattern = pattern;
    }

    /// <summary>The Share Name; <c>null</c>: not a shared subscription.</summary>
    public string? ShareName { get; }

    /// <summary>The filter without <c>$share/NAME/</c>.</summary>
    public string Pattern { get; }

    /// <summary>Whether it is a shared subscription.</summary>
    public bool IsShared => ShareName is not null;

    /// <summary>Whether the pattern has a wildcard.</summary>
    public bool HasWildcard => Pattern.AsSpan().ContainsAny('+', '#');

    /// <summary>Whether the pattern begins with a wildcard, so that it matches no topic beginning with <c>$</c> [MQTT-4.7.2-1].</summary>
    public bool BeginsWithWildcard => Pattern[0] is '+' or '#';

    /// <summary>Takes a Topic Filter apart.</summary>
    /// <param name="text">The filter as it stands in SUBSCRIBE.</param>
    /// <param name="filter">The filter, if it is one.</param>
    /// <param name="fault">Otherwise why not, with 0x8F.</param>
    public static bool TryParse(string text, out TopicFilter filter, out Fault fault)
    {
        ArgumentNullException.ThrowIfNull(text);
        filter = default;
        string? shareName = null;
        var pattern = text;
        if (text.StartsWith(SharePrefix, StringComparison.Ordinal))
        {
            var nameEnd = text.IndexOf('/', SharePrefix.Length);
            shareName = nameEnd < 0 ? "" : text[SharePrefix.Length..nameEnd];
            pattern = nameEnd < 0 ? "" : text[(nameEnd + 1)..];
            if (shareName.Length == 0 || shareName.AsSpan().ContainsAny('+', '#'))
            {
                fault = Invalid(text, "a Share Name has one character or more, none of them / + # [MQTT-4.8.2-1, MQTT-4.8.2-2]");
                return false;
            }
        }

        fault = CheckPattern(text, pattern);
        if (fault.Exists)
        {
            return false;
        }

        filter = new TopicFilter(shareName, pattern);
        return true;
    }

    /// <summary>Takes a Topic Filter apart that the caller wants to send.</summary>
    /// <param name="text">The filter, at most 65,535 bytes in UTF-8.</param>
    /// <exception cref="ArgumentException">It is not a Topic Filter; the message says why.</exception>
    public static TopicFilter Parse(string text)
    {
        Utf8Text.GetByteCount(text);
        return TryParse(text, out var filter, out var fault) ? filter : throw new ArgumentException(fault.Message, nameof(text));
    }

    /// <summary>Whether a Topic Name matches the pattern.</summary>
    /// <param name="topic">The Topic Name.</param>
    public bool Matches(string topic) => Matches(Pattern.AsSpan(), topic.AsSpan(), '/', '+', '#', '$');

    /// <summary>Whether a Topic Name matches a pattern, both in UTF-8.</summary>
    /// <param name="pattern">A valid filter without <c>$share/NAME/</c>.</param>
    /// <param name="topic">The Topic Name.</param>
    public static bool Matches(ReadOnlySpan<byte> pattern, ReadOnlySpan<byte> topic) =>
        Matches(pattern, topic, (byte)'/', (byte)'+', (byte)'#', (byte)'$');

    /// <summary>Whether one pattern matches every Topic Name that another matches.</summary>
    /// <param name="wide">A valid filter in UTF-8, without <c>$share/NAME/</c>.</param>
    /// <param name="narrow">The other one.</param>
    public static bool Covers(ReadOnlySpan<byte> wide, ReadOnlySpan<byte> narrow)
    {
        if (BeginsAboveDollar(wide, narrow))
        {
            return false;
        }

        for (var first = true; ; first = false)
        {
            if (wide is [(byte)'#'])
            {
                return true;
            }

            if (narrow is [(byte)'#'])
            {
                // Only at the beginning is there no parent level that # matches and + does not.
                return first && wide.SequenceEqual("+/#"u8);
            }

            var wideLevel = TakeLevel(ref wide, out var wideEnds);
            var narrowLevel = TakeLevel(ref narrow, out var narrowEnds);
            if (wideLevel is not [(byte)'+'] && !wideLevel.SequenceEqual(narrowLevel))
            {
                return false;
            }

            if (wideEnds || narrowEnds)
            {
                return narrowEnds && (wideEnds || wide is [(byte)'#']);
            }
        }
    }

    /// <summary>Whether there is a Topic Name that both patterns match.</summary>
    /// <param name="left">A valid filter in UTF-8, without <c>$share/NAME/</c>.</param>
    /// <param name="right">The other one.</param>
    public static bool Overlap(ReadOnlySpan<byte> left, ReadOnlySpan<byte> right)
    {
        if (BeginsAboveDollar(left, right) || BeginsAboveDollar(right, left))
        {
            return false;
        }

        while (true)
        {
            if (left is [(byte)'#'] || right is [(byte)'#'])
            {
                return true;
            }

            var leftLevel = TakeLevel(ref left, out var leftEnds);
            var rightLevel = TakeLevel(ref right, out var rightEnds);
            if (leftLevel is not [(byte)'+'] && rightLevel is not [(byte)'+'] && !leftLevel.SequenceEqual(rightLevel))
            {
                return false;
            }

            if (leftEnds || rightEnds)
            {
                return (leftEnds || left is [(byte)'#']) && (rightEnds || right is [(byte)'#']);
            }
        }
    }

    /// <inheritdoc/>
    public override string ToString() => IsShared ? $"{SharePrefix}{ShareName}/{Pattern}" : Pattern;

    /// <summary>
    /// Whether a pattern begins with a wildcard,
    /// and so matches nothing of another that begins with <c>$</c> [MQTT-4.7.2-1].
    /// </summary>
    private static bool BeginsAboveDollar(ReadOnlySpan<byte> pattern, ReadOnlySpan<byte> other) =>
        pattern is [(byte)'+' or (byte)'#', ..] && other is [(byte)'$', ..];

    private static ReadOnlySpan<byte> TakeLevel(ref ReadOnlySpan<byte> rest, out bool ends)
    {
        var end = rest.IndexOf((byte)'/');
        ends = end < 0;
        var level = ends ? rest : rest[..end];
        rest = ends ? default : rest[(end + 1)..];
        return level;
    }

    private static bool Matches<T>(ReadOnlySpan<T> pattern, ReadOnlySpan<T> topic, T separator, T single, T multi, T dollar)
        where T : struct, IEquatable<T>
    {
        if (topic.Length > 0 && topic[0].Equals(dollar) && pattern.Length > 0 && (pattern[0].Equals(single) || pattern[0].Equals(multi)))
        {
            return false;
        }

        while (true)
        {
            if (pattern.Length == 1 && pattern[0].Equals(multi))
            {
                return true;
            }

            var patternEnd = pattern.IndexOf(separator);
            var topicEnd = topic.IndexOf(separator);
            var patternLevel = patternEnd < 0 ? pattern : pattern[..patternEnd];
            var topicLevel = topicEnd < 0 ? topic : topic[..topicEnd];
            var any = patternLevel.Length == 1 && patternLevel[0].Equals(single);
            if (!any && !patternLevel.SequenceEqual(topicLevel))
            {
                return false;
            }

            if (patternEnd < 0 || topicEnd < 0)
            {
                // Both end here, or the pattern goes on with «/#», which also matches the parent level (§4.7.1.2).
                var rest = patternEnd < 0 ? default : pattern[(patternEnd + 1)..];
                return topicEnd < 0 && (patternEnd < 0 || (rest.Length == 1 && rest[0].Equals(multi)));
            }

            pattern = pattern[(patternEnd + 1)..];
            topic = topic[(topicEnd + 1)..];
        }
    }

    private static Fault CheckPattern(string text, string pattern)
    {
        if (pattern.Length == 0)
        {
            return Invalid(text, "it has one character or more [MQTT-4.7.3-1]");
        }

        foreach (var range in pattern.AsSpan().Split('/'))
        {
            var level = pattern.AsSpan()[range];
            if (level.Length > 1 && level.ContainsAny('+', '#'))
            {
                return Invalid(text, "a wildcard fills a whole level [MQTT-4.7.1-1, MQTT-4.7.1-2]");
            }

            if (level is "#" && range.End.GetOffset(pattern.Length) != pattern.Length)
            {
                return Invalid(text, "# stands only at the end [MQTT-4.7.1-1]");
            }
        }

        return default;
    }

    private static Fault Invalid(string text, string rule) =>
        new(ReasonCode.TopicFilterInvalid, $"The Topic Filter «{Utf8Text.Excerpt(text)}» is not valid: {rule}.");
}
