using Antiphon.Broker.Subscriptions;

namespace Antiphon.Broker.Connections;

/// <summary>
/// The Topic Aliases that one client is sent (MQTT 5 §3.3.2.3.4). A Topic Name has one place, found by its hash, and the number of the place is its alias. It gets the
/// place when it is met there twice in a row, so that topics which never come back, such as response topics, displace nothing and cost no byte.
/// </summary>
/// <param name="comparer">How topics are hashed.</param>
/// <param name="maximum">How many aliases there may be, 1 or more [MQTT-3.1.2-26].</param>
internal sealed class OutgoingAliases(Utf8Comparer comparer, int maximum)
{
    /// <summary>The alias itself takes three bytes.</summary>
    private const int ShortestTopic = 4;

    /// <summary>Bounds what the table can take in memory.</summary>
    private const int LongestTopic = 1024;

    private readonly Place[] _places = new Place[maximum];

    /// <summary>Which alias a packet with that topic should have.</summary>
    /// <param name="topic">The Topic Name.</param>
    /// <param name="isKnown">Whether the client knows what the alias stands for; else call <see cref="Teach"/> when the packet has been written.</param>
    /// <returns>The alias; 0: none.</returns>
    public ushort Find(ReadOnlySpan<byte> topic, out bool isKnown)
    {
        isKnown = false;
        if (topic.Length is < ShortestTopic or > LongestTopic)
        {
            return 0;
        }

        var hash = comparer.GetHashCode(topic);
        var index = (int)((uint)hash % (uint)_places.Length);
        ref var place = ref _places[index];
        isKnown = topic.SequenceEqual(place.Topic.AsSpan(0, place.Length));
        var isCandidate = place.Candidate == hash;
        place.Candidate = isKnown ? null : hash;
        return isKnown || isCandidate ? (ushort)(index + 1) : (ushort)0;
    }

    /// <summary>The client has been sent the alias together with the topic.</summary>
    public void Teach(ushort alias, ReadOnlySpan<byte> topic)
    {
        ref var place = ref _places[alias - 1];
        if (place.Topic is null || place.Topic.Length < topic.Length)
        {
            place.Topic = new byte[topic.Length];
        }

        topic.CopyTo(place.Topic);
        place.Length = topic.Length;
        place.Candidate = null;
    }

    private struct Place
    {
        public byte[]? Topic;
        public int Length;

        /// <summary>The hash of a topic that was met here last and has no alias.</summary>
        public int? Candidate;
    }
}
