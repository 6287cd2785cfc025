using Antiphon.Cli.Output;
using Antiphon.Client;

namespace Antiphon.Cli.Subscribing;

/// <summary>
/// A received message as a line of JSON. What the message does not have is left out;
/// payloads that are not UTF-8 stand in <c>payloadBase64</c>.
/// </summary>
internal sealed record MessageLine(
    string Topic,
    string? Payload,
    string? PayloadBase64,
    int Qos,
    bool? Retain,
    bool? Dup,
    string? ContentType,
    uint? MessageExpiryInterval,
    string? ResponseTopic,
    string? CorrelationData,
    IReadOnlyList<PropertyPair>? UserProperties,
    bool? PayloadIsUtf8,
    string? Filter)
{
    /// <summary>The line of a message.</summary>
    /// <param name="received">The message.</param>
    /// <param name="inFull">Whether to say also what has its default, and the Topic Filter that it came through.</param>
    public static MessageLine From(ReceivedMessage received, bool inFull)
    {
        var message = received.Message;
        var payload = PayloadText.From(message.Payload.Span);
        return new MessageLine(
            message.Topic,
            payload.Text,
            payload.Base64,
            (int)message.QoS,
            message.Retain || inFull ? message.Retain : null,
            received.Dup || inFull ? received.Dup : null,
            message.ContentType,
            message.MessageExpiryInterval,
            message.ResponseTopic,
            PropertyPair.Hex(message.CorrelationData),
            PropertyPair.ListOf(message.UserProperties),
            inFull ? message.PayloadIsUtf8 ?? false : null,
            inFull ? received.Subscription.TopicFilter : null);
    }
}
