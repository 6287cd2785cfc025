using Antiphon.Protocol;
using Antiphon.Protocol.Packets;

namespace Antiphon.Client.Receiving;

/// <summary>What the server's Topic Aliases stand for, on one connection (MQTT 5 §3.3.2.3.4). For the receive loop.</summary>
internal sealed class InboundTopicAliases(ushort maximum)
{
    private byte[]?[] _topics = [];

    /// <summary>Puts the Topic Name in the place of an alias, and remembers what a new one stands for [MQTT-3.3.2-10].</summary>
    public Fault Resolve(ref PublishView message)
    {
        if (message.TopicAlias is not { } alias)
        {
            return default;
        }

        if (alias > maximum)
        {
            return new Fault(ReasonCode.TopicAliasInvalid, $"The PUBLISH has the Topic Alias {alias}; this client allows 1 to {maximum} [MQTT-3.1.2-27].");
        }

        if (_topics.Length < alias)
        {
            Array.Resize(ref _topics, Math.Min(maximum, Math.Max(alias, 2 * _topics.Length)));
        }

        ref var topic = ref _topics[alias - 1];
        if (message.Topic.IsEmpty)
        {
            message.Topic = topic;
            return topic is null ? Fault.Protocol($"The Topic Alias {alias} stands for nothing on this connection (MQTT 5 §3.3.2.3.4).") : default;
        }

        if (!message.Topic.SequenceEqual(topic))
        {
            topic = message.Topic.ToArray();
        }

        return default;
    }
}
