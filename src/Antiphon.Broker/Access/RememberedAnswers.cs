using Antiphon.Broker.Subscriptions;
using Antiphon.Broker.Timing;

namespace Antiphon.Broker.Access;

/// <summary>
/// What the application's authorizer has decided about messages of one connection, for the topics that it uses, so that a PUBLISH costs one
/// look-up. When it is full, all is forgotten. Owned by the engine's thread.
/// </summary>
/// <param name="comparer">Compares topics.</param>
internal sealed class RememberedAnswers(Utf8Comparer comparer)
{
    /// <summary>How many answers are kept.</summary>
    internal const int Maximum = 128;

    /// <summary>QoS, RETAIN, and whether there is a Response Topic.</summary>
    internal const int Kinds = 12;

    /// <summary>What was decided about longer topics, in bytes, is asked each time.</summary>
    private const int LongestTopic = 256;

    private readonly Dictionary<byte[], Remembered>?[] _byKind = new Dictionary<byte[], Remembered>?[Kinds];
    private int _count;

    /// <summary>Looks for what was decided.</summary>
    /// <param name="topic">The Topic Name.</param>
    /// <param name="kind">What else it depends on, less than <see cref="Kinds"/>.</param>
    /// <param name="now">The current instant.</param>
    /// <returns><c>null</c>: nothing is known, or not any more.</returns>
    public AuthorizationResult? Find(ReadOnlySpan<byte> topic, int kind, Instant now) =>
        _byKind[kind] is { } answers
        && answers.GetAlternateLookup<ReadOnlySpan<byte>>().TryGetValue(topic, out var found)
        && found.Until > now
            ? found.Answer
            : null;

    /// <summary>Remembers what was decided.</summary>
    /// <param name="topic">The Topic Name.</param>
    /// <param name="kind">What else it depends on, less than <see cref="Kinds"/>.</param>
    /// <param name="answer">What was decided, for longer than this once.</param>
    /// <param name="now">The current instant.</param>
    public void Add(ReadOnlySpan<byte> topic, int kind, AuthorizationResult answer, Instant now)
    {
        if (topic.Length > LongestTopic)
        {
            return;
        }

        if (_count == Maximum)
        {
            Array.Clear(_byKind);
            _count = 0;
        }

        var answers = _byKind[kind] ??= new Dictionary<byte[], Remembered>(comparer);
        var before = answers.Count;
        answers.GetAlternateLookup<ReadOnlySpan<byte>>()[topic] = new Remembered(answer, now + answer.ValidFor);
        _count += answers.Count - before;
    }

    private readonly record struct Remembered(AuthorizationResult Answer, Instant Until);
}
