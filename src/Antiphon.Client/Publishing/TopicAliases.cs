
namespace Antiphon.Client.Publishing;

/// <summary>
/// The Topic Aliases of one connection towards the server (MQTT 5 §3.3.2.3.4), given to topics that repeat. Each topic has one alias that it can get, by its hash; it gets it when it comes
/// twice without the topic between them that has it. So there is nothing to age and nothing to allocate.
/// </summary>
internal sealed class TopicAliases(ushort maximum)
{
    /// <summary>What naming an alias costs beside the topic, in bytes.</summary>
    public const int Cost = 3;

    private readonly Place[] _places = new Place[maximum];
    private int _count;

    /// <summary>Whether the server accepts any.</summary>
    public bool AreAllowed => _count > 0;

    /// <summary>A connection begins; no alias of an earlier one means anything [MQTT-3.3.2-7].</summary>
    /// <param name="serverMaximum">The server's Topic Alias Maximum; 0: none [MQTT-3.2.2-18].</param>
    public void Connected(ushort serverMaximum)
    {
        _count = Math.Min(maximum, serverMaximum);
        Array.Clear(_places);
    }

    /// <summary>Which alias a PUBLISH to that topic is to have.</summary>
    /// <param name="topic">The Topic Name.</param>
    /// <param name="isKnown">Whether the server has been told the topic behind it, so that the alias alone is enough.</param>
    /// <returns>1 to the server's maximum [MQTT-3.2.2-17, MQTT-3.3.2-8]; 0: none.</returns>
    public ushort Choose(string topic, out bool isKnown)
    {
        isKnown = false;
        if (_count == 0 || topic.Length <= Cost)
        {
            return 0;
        }

        var index = (int)(Hash(topic) % (uint)_count);
        ref var place = ref _places[index];
        if (place.Topic == topic)
        {
            place.Candidate = null;
            isKnown = true;
        }
        else if (place.Candidate == topic)
        {
            place.Topic = topic;
            place.Candidate = null;
        }
        else
        {
            place.Candidate = topic;
            return 0;
        }

        return (ushort)(index + 1);
    }

    /// <summary>FNV-1a over the characters: the same in every process, unlike the hash of the base library.</summary>
    private static uint Hash(string topic)
    {
        var hash = 2166136261u;
        foreach (var character in topic)
        {
            hash = (hash ^ character) * 16777619;
        }

        return hash;
    }

    private struct Place
    {
        /// <summary>What the alias stands for.</summary>
        public string? Topic;

        /// <summary>What came last without having it.</summary>
        public string? Candidate;
    }
}
