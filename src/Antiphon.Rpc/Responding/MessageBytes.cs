using System.Text;
using Antiphon.Protocol.Packets;
using Antiphon.Protocol.Properties;
using Antiphon.Protocol.Wire;

namespace Antiphon.Rpc.Responding;

/// <summary>
/// A message copied out of the input: payload, properties and, where it is asked for, topic, in one array that serves the next message too.
/// Text is made of it only when somebody asks.
/// </summary>
internal sealed class MessageBytes
{
    private ReusableBytes _memory;
    private byte[] _bytes = [];
    private Range _payload;
    private Range _properties;
    private Range _topic;
    private Range _responseTopic;
    private Range _correlation;

    public ReadOnlyMemory<byte> Payload => _bytes.AsMemory(_payload);

    public ReadOnlyMemory<byte> CorrelationData => _bytes.AsMemory(_correlation);

    public ReadOnlySpan<byte> ResponseTopic => _bytes.AsSpan(_responseTopic);

    /// <summary>The Topic Name, made anew each time.</summary>
    public string Topic => Encoding.UTF8.GetString(_bytes.AsSpan(_topic));

    private PropertyReader Properties => new PublishView { Properties = _bytes.AsSpan(_properties) }.ReadProperties();

    /// <summary>Takes a message.</summary>
    public void Copy(in PublishView message, bool withTopic)
    {
        var properties = message.Payload.Length;
        var topic = properties + message.Properties.Length;
        var end = topic + (withTopic ? message.Topic.Length : 0);
        _bytes = _memory.Reserve(end);
        message.Payload.CopyTo(_bytes);
        message.Properties.CopyTo(_bytes.AsSpan(properties));
        _payload = ..properties;
        _properties = properties..topic;
        _topic = topic..end;
        _responseTopic = WhereIn(message.Properties, message.ResponseTopic, properties);
        _correlation = WhereIn(message.Properties, message.CorrelationData, properties);
        if (withTopic)
        {
            message.Topic.CopyTo(_bytes.AsSpan(topic));
        }
    }

    /// <summary>The message is not needed any more.</summary>
    public void Clear()
    {
        _payload = _properties = _topic = _responseTopic = _correlation = default;
        _bytes = [];
        _memory.Release();
    }

    /// <summary>Looks for a property.</summary>
    public bool TryFind(PropertyIdentifier identifier, out Property found)
    {
        var properties = Properties;
        while (properties.TryRead(out found))
        {
            if (found.Identifier == identifier)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>The value of the last User Property of that name; <c>null</c>: there is none.</summary>
    public string? FindUserProperty(ReadOnlySpan<byte> name)
    {
        string? value = null;
        var properties = Properties;
        while (properties.TryRead(out var property))
        {
            if (property.Identifier == PropertyIdentifier.UserProperty && property.Bytes.SequenceEqual(name))
            {
                value = Encoding.UTF8.GetString(property.Second);
            }
        }

        return value;
    }

    /// <summary>The User Properties as text, made anew each time.</summary>
    public List<UserProperty> ReadUserProperties()
    {
        var list = new List<UserProperty>();
        var properties = Properties;
        while (properties.TryRead(out var property))
        {
            if (property.Identifier == PropertyIdentifier.UserProperty)
            {
                list.Add(property.Pair);
            }
        }

        return list;
    }

    private static Range WhereIn(ReadOnlySpan<byte> section, ReadOnlySpan<byte> part, int offset) =>
        section.Overlaps(part, out var start) ? (offset + start)..(offset + start + part.Length) : default;
}
