using System.Globalization;
using Antiphon.Cli.Output;
using Antiphon.Protocol;
using Antiphon.Protocol.Packets;

namespace Antiphon.Cli.Demo;

/// <summary>
/// Draws a journey: requester, broker and responder side by side, time from top to bottom, and below it what the numbered packets carry.
/// </summary>
internal sealed class SequencePicture(Journey journey)
{
    // Characters between two of the three lines.
    private const int Gap = 38;
    private const string Margin = "      ";

    public IEnumerable<string> Draw(IReadOnlyList<Step> steps)
    {
        yield return $"{Margin[..^4]}{"controller",-(Gap + 3)}{"broker",-(Gap - 1)}device_1";
        yield return $"{Margin[..^4]}{"(requester)",-(Gap * 2 + 1)}(responder)";
        yield return Lines("", "", "");
        var numbered = new List<PublishPacket>();
        foreach (var step in steps)
        {
            var at = string.Create(CultureInfo.InvariantCulture, $"{journey.Between(steps[0], step).TotalMilliseconds,8:0.00} ms");
            yield return step switch
            {
                PacketStep packet => Arrow(packet, at, numbered),
                DeedStep deed => $"{Lines("", "", at)}  {deed.Deed}",
                _ => throw new InvalidOperationException($"{step.GetType()} cannot be drawn."),
            };
        }

        yield return "";
        for (var i = 0; i < numbered.Count; i++)
        {
            foreach (var line in Explain(i, numbered))
            {
                yield return line;
            }
        }
    }

    private static string Arrow(PacketStep step, string at, List<PublishPacket> numbered)
    {
        var label = Label(step.Packet);
        if (step.Packet is PublishPacket publish)
        {
            numbered.Add(publish);
            label = $"{numbered.Count} {label}";
        }

        // The controller's packets to the broker go right, the device's go left.
        var shaft = step.Side == Side.Controller == step.ToBroker
            ? $"-- {label} ".PadRight(Gap - 1, '-') + ">"
            : $"<-- {label} ".PadRight(Gap, '-');
        return step.Side == Side.Controller ? Lines(shaft, "", at) : Lines("", shaft, at);
    }

    private static string Lines(string left, string right, string at) => $"{Margin}|{left,-Gap}|{right,-Gap}|{at}";

    private static string Label(Packet packet) => packet switch
    {
        PublishPacket { Message.ResponseTopic: not null } => "PUBLISH, a request",
        PublishPacket => "PUBLISH, a response",
        AcknowledgementPacket acknowledgement => $"PUBACK {Describe(acknowledgement.ReasonCode)}",
        ConnAckPacket connack => $"CONNACK {Describe(connack.ReasonCode)}",
        SubAckPacket suback => $"SUBACK {Describe(suback.ReasonCodes[0])}",
        SubscribePacket subscribe => $"SUBSCRIBE {Shorten(subscribe.Subscriptions[0].TopicFilter)}",
        UnsubscribePacket unsubscribe => $"UNSUBSCRIBE {Shorten(unsubscribe.TopicFilters[0])}",
        _ => packet.Type.ToString().ToUpperInvariant(),
    };

    private static string Describe(ReasonCode code) => $"0x{(byte)code:X2} {code}";

    private static string Shorten(string topic) => topic.Length <= 20 ? topic : $"{topic[..17]}...";

    private static IEnumerable<string> Explain(int index, List<PublishPacket> numbered)
    {
        var message = numbered[index].Message;
        var number = string.Create(CultureInfo.InvariantCulture, $"{Margin}{index + 1}  ");
        var indent = new string(' ', number.Length);
        var original = numbered.FindIndex(earlier => IsSame(earlier.Message, message));
        if (original < index)
        {
            yield return $"{number}{original + 1} again, passed on by the broker: Topic Name, payload, "
                + $"{(message.ResponseTopic is null ? "" : "Response Topic, ")}Correlation Data and User Properties are the same";
            yield break;
        }

        yield return $"{number}Topic Name        {message.Topic}";
        yield return $"{indent}payload           {PayloadText.Describe(message.Payload.Span)}";
        if (message.ResponseTopic is { } responseTopic)
        {
            yield return $"{indent}Response Topic    {responseTopic}";
        }

        if (PropertyPair.Hex(message.CorrelationData) is { } correlationData)
        {
            yield return $"{indent}Correlation Data  {correlationData}";
        }

        if (message.MessageExpiryInterval is { } seconds)
        {
            yield return $"{indent}Message Expiry    {seconds} s";
        }

        foreach (var (name, value) in message.UserProperties)
        {
            yield return $"{indent}User Property     {name}: {value}";
        }
    }

    private static bool IsSame(ApplicationMessage one, ApplicationMessage other) =>
        one.Topic == other.Topic
        && one.ResponseTopic == other.ResponseTopic
        && one.Payload.Span.SequenceEqual(other.Payload.Span)
        && (one.CorrelationData ?? default).Span.SequenceEqual((other.CorrelationData ?? default).Span)
        && one.UserProperties.SequenceEqual(other.UserProperties);
}
