using Antiphon.Protocol.Wire;

namespace Antiphon.Protocol.Aliases;

/// <summary>The Topic Aliases that this end uses on one connection (MQTT 5 §3.3.2.3.4), for topics that repeat.</summary>
/// <remarks>
/// A Topic Name has one place, found by its hash, and the number of the place is its alias.
/// It gets the place when it is met there twice in a row.
/// So topics that never come back, such as response topics, displace nothing and cost no byte on the wire.
/// </remarks>
/// <param name="seed">For the hash; a number that no peer knows, where peers choose the topics.</param>
/// <param name="maximum">How many aliases there may be, 1 or more: no more than the peer takes [MQTT-3.1.2-26, MQTT-3.2.2-17].</param>
internal sealed class OutgoingAliases(ulong seed, int maximum)
{
    /// <summary>What an alias beside its topic costs at most, in bytes: its property, and one more for each of two lengths.</summary>
    public const int MaximumCost = 5;

    /// <summary>The alias itself takes three bytes.</summary>
    private const int ShortestTopic = 4;

    /// <summary>Bounds what the table can take in memory.</summary>
    private const int LongestTopic = 1024;

    /// <summary>What it takes in memory without a Topic Name, in bytes, but for its places.</summary>
    private const int OwnSize = 64;

    private const int PlaceSize = 24;

    private readonly Place[] _places = new Place[maximum];

    /// <summary>What a table for so many aliases takes in memory before it has any, in bytes.</summary>
    public static long SizeOf(int maximum) => OwnSize + (long)PlaceSize * maximum;

    /// <summary>How much memory it takes more to <see cref="Teach"/> an alias, in bytes.</summary>
    public long CostOf(ushort alias, ReadOnlySpan<byte> topic) => _places[alias - 1].Topic.CostOf(topic);

    /// <summary>Which alias a PUBLISH with that topic should have.</summary>
    /// <param name="topic">The Topic Name in UTF-8.</param>
    /// <param name="isKnown">
    /// Whether the peer knows what the alias stands for; else call <see cref="Teach"/> when the packet has been written.
    /// </param>
    /// <returns>The alias; 0: none [MQTT-3.3.2-8].</returns>
    public ushort Find(ReadOnlySpan<byte> topic, out bool isKnown)
    {
        isKnown = false;
        if (topic.Length is < ShortestTopic or > LongestTopic)
        {
            return 0;
        }

        var hash = Utf8Hash.Of(seed, topic);
        var index = (int)((uint)hash % (uint)_places.Length);
        ref var place = ref _places[index];
        isKnown = topic.SequenceEqual(place.Topic.Name);
        var isCandidate = place.Candidate == hash;
        place.Candidate = isKnown ? null : hash;
        return isKnown || isCandidate ? (ushort)(index + 1) : (ushort)0;
    }

    /// <summary>The peer has been sent the alias together with the topic.</summary>
    public void Teach(ushort alias, ReadOnlySpan<byte> topic)
    {
        ref var place = ref _places[alias - 1];
        place.Topic.Set(topic);
        place.Candidate = null;
    }

    private struct Place
    {
        public AliasedTopic Topic;

        /// <summary>The hash of a topic that was met here last and has no alias.</summary>
        public int? Candidate;
    }
}
