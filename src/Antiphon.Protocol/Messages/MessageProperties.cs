using Antiphon.Protocol.Properties;
using Antiphon.Protocol.Topics;

namespace Antiphon.Protocol;

/// <summary>The properties that an Application Message carries, alike in PUBLISH and in the Will (MQTT 5 §3.1.3.2, §3.3.2.3).</summary>
internal static class MessageProperties
{
    /// <summary>Reads to the end of a Will's section; topic, payload and flags are the caller's to fill in.</summary>
    public static ApplicationMessage Read(ref PropertyReader properties, out uint? willDelayInterval)
    {
        willDelayInterval = null;
        var message = new ApplicationMessage { Topic = "" };
        List<UserProperty>? userProperties = null;
        while (properties.TryRead(out var property))
        {
            switch (property.Identifier)
            {
                case PropertyIdentifier.WillDelayInterval:
                    willDelayInterval = property.Number;
                    break;
                case PropertyIdentifier.PayloadFormatIndicator:
                    message = message with { PayloadIsUtf8 = property.Number == 1 };
                    break;
                case PropertyIdentifier.MessageExpiryInterval:
                    message = message with { MessageExpiryInterval = property.Number };
                    break;
                case PropertyIdentifier.ContentType:
                    message = message with { ContentType = property.Text };
                    break;
                case PropertyIdentifier.ResponseTopic:
                    message = message with { ResponseTopic = property.Text };
                    break;
                case PropertyIdentifier.CorrelationData:
                    message = message with { CorrelationData = property.Bytes.ToArray() };
                    break;
                case PropertyIdentifier.UserProperty:
                    (userProperties ??= []).Add(property.Pair);
                    break;
                default:
                    // Topic Alias and Subscription Identifier belong to one delivery, not to the message.
                    break;
            }
        }

        return userProperties is null ? message : message with { UserProperties = userProperties };
    }

    public static void Add(ref PropertyWriter properties, ApplicationMessage message)
    {
        properties.Add(PropertyIdentifier.PayloadFormatIndicator, message.PayloadIsUtf8);
        properties.Add(PropertyIdentifier.MessageExpiryInterval, message.MessageExpiryInterval);
        properties.Add(PropertyIdentifier.ContentType, message.ContentType);
        if (message.ResponseTopic is not null)
        {
            TopicName.ThrowIfInvalid(message.ResponseTopic, nameof(message.ResponseTopic));
        }

        properties.Add(PropertyIdentifier.ResponseTopic, message.ResponseTopic);
        properties.Add(PropertyIdentifier.CorrelationData, message.CorrelationData);
        properties.Add(message.UserProperties);
    }
}
