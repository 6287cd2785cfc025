using Antiphon.Protocol.Packets;

namespace Antiphon.Protocol.Aliases;

/// <summary>What the peer's Topic Aliases stand for on one connection (MQTT 5 §3.3.2.3.4).</summary>
/// <param name="maximum">The Topic Alias Maximum that the peer has been told; 0: it may use none.</param>
/// <param name="rule">The label of the statement that binds the peer to it, for the sentence about a higher alias.</param>
internal sealed class IncomingAliases(ushort maximum, string rule)
{
    private const int PlaceSize = 16;

    private AliasedTopic[] _topics = [];
    private long _topicBytes;

    /// <summary>What it takes in memory, in bytes.</summary>
    public long Bytes => _topicBytes + (long)PlaceSize * _topics.Length;

    /// <summary>Puts the Topic Name in the place of an alias, or remembers what it stands for [MQTT-3.3.2-10, MQTT-3.3.2-12].</summary>
    /// <param name="publish">A PUBLISH with a Topic Name, an alias or both. A topic from this table is valid until the next call.</param>
    /// <returns>Why the connection has to end, if it has to.</returns>
    public Fault Resolve(ref PublishView publish)
    {
        if (publish.TopicAlias is not { } alias)
        {
            return default;
        }

        if (alias > maximum)
        {
            return TooHigh(alias);
        }

        if (_topics.Length < alias)
        {
            Array.Resize(ref _topics, Math.Min(maximum, Math.Max(alias, 2 * _topics.Length)));
        }

        ref var known = ref _topics[alias - 1];
        if (!publish.Topic.IsEmpty)
        {
            _topicBytes -= known.Size;
            known.Set(publish.Topic);
            _topicBytes += known.Size;
            return default;
        }

        publish.Topic = known.Name;
        return publish.Topic.IsEmpty ? StandsForNothing(alias) : default;
    }

    // Sentences are put together out of the way: room for that in the frame of a method is cleared at each call.
    private Fault TooHigh(ushort alias) =>
        new(ReasonCode.TopicAliasInvalid, $"The Topic Alias is {alias}; the Topic Alias Maximum of this end is {maximum} [{rule}].");

    private static Fault StandsForNothing(ushort alias) =>
        Fault.Protocol($"The Topic Alias {alias} stands for no Topic Name on this connection (MQTT 5 §3.3.2.3.4).");
}
