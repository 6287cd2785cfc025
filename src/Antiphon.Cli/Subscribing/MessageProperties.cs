using System.Globalization;
using Antiphon.Cli.Output;
using Antiphon.Client;

namespace Antiphon.Cli.Subscribing;

/// <summary>The properties of a received message for people, under the names of MQTT 5 §3.3.2.3; absent ones are left out.</summary>
internal static class MessageProperties
{
    public static IEnumerable<string> LinesOf(ReceivedMessage received)
    {
        var message = received.Message;
        yield return $"QoS: {(int)message.QoS}";
        if (message.Retain)
        {
            yield return "RETAIN: 1";
        }

        if (received.Dup)
        {
            yield return "DUP: 1";
        }

        if (message.PayloadIsUtf8 is { } isUtf8)
        {
            yield return $"Payload Format Indicator: {(isUtf8 ? 1 : 0)}";
        }

        if (message.MessageExpiryInterval is { } expiry)
        {
            yield return string.Create(CultureInfo.InvariantCulture, $"Message Expiry Interval: {expiry} s");
        }

        if (message.ContentType is { } contentType)
        {
            yield return $"Content Type: {contentType}";
        }

        if (message.ResponseTopic is { } responseTopic)
        {
            yield return $"Response Topic: {responseTopic}";
        }

        if (PropertyPair.Hex(message.CorrelationData) is { } correlationData)
        {
            yield return $"Correlation Data: {correlationData}";
        }

        foreach (var property in message.UserProperties)
        {
            yield return $"User Property: {property.Name}={property.Value}";
        }

        yield return $"Topic Filter: {received.Subscription.TopicFilter}";
    }
}
