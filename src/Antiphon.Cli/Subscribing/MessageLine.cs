using Antiphon.Cli.Output;
using Antiphon.Client;

namespace Antiphon.Cli.Subscribing;

/// <summary>A received message as a line of JSON. What the message does not have is left out; payloads that are not UTF-8 stand in <c>payloadBase64</c>.</summary>
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
    IReadOnlyList<PropertyPair>? UserProperties)
{
    public static MessageLine From(ReceivedMessage received)
    {
        var message = received.Message;
        var payload = PayloadText.From(message.Payload.Span);
        return new MessageLine(
            message.Topic,
            payload.Text,
            payload.Base64,
            (int)message.QoS,
            message.Retain ? true : null,
            received.Dup ? true : null,
            message.ContentType,
            message.MessageExpiryInterval,
            message.ResponseTopic,
            PropertyPair.Hex(message.CorrelationData),
            PropertyPair.ListOf(message.UserProperties));
    }
}
