using System.Globalization;
using System.Net;
using System.Text;
using Antiphon.Protocol;
using Antiphon.Protocol.Properties;

namespace Antiphon.Interop.Libraries;

/// <summary>
/// A line that goes to a peer or comes from it. It has pairs of key and value as in the query of a URL,
/// since each language can read those. Bytes are hexadecimal, flags 0 or 1.
/// </summary>
internal sealed class Line
{
    private readonly List<(string Key, string Value)> _pairs = [];

    public static Line Parse(string text)
    {
        var line = new Line();
        foreach (var pair in text.Split('&'))
        {
            var equals = pair.IndexOf('=', StringComparison.Ordinal);
            line._pairs.Add((WebUtility.UrlDecode(pair[..equals]), WebUtility.UrlDecode(pair[(equals + 1)..])));
        }

        return line;
    }

    public string? Find(string key) => All(key).FirstOrDefault();

    public int? FindNumber(string key) => Find(key) is { } value ? int.Parse(value, CultureInfo.InvariantCulture) : null;

    public string Need(string key) => Find(key) ?? throw new InvalidOperationException($"The line has no {key}: {this}");

    public Line Add(string key, string? value)
    {
        if (value is not null)
        {
            _pairs.Add((key, value));
        }

        return this;
    }

    public Line Add(string key, long? value) => Add(key, value?.ToString(CultureInfo.InvariantCulture));

    public Line Add(string key, bool value) => Add(key, value ? "1" : "0");

    public Line Add(string key, ReadOnlyMemory<byte>? bytes) => Add(key, bytes is { } some ? Convert.ToHexStringLower(some.Span) : null);

    /// <summary>Adds a message; the keys of a Will's begin with a prefix.</summary>
    public Line Add(ApplicationMessage message, string prefix = "")
    {
        Add($"{prefix}topic", message.Topic).Add($"{prefix}payload", message.Payload);
        Add($"{prefix}qos", (int)message.QoS).Add($"{prefix}retain", message.Retain);
        if (message.PayloadIsUtf8 is { } isText)
        {
            Add($"{prefix}payloadFormat", isText);
        }

        Add($"{prefix}messageExpiry", message.MessageExpiryInterval).Add($"{prefix}contentType", message.ContentType);
        Add($"{prefix}responseTopic", message.ResponseTopic).Add($"{prefix}correlationData", message.CorrelationData);
        foreach (var property in message.UserProperties)
        {
            Add($"{prefix}user", $"{property.Name}={property.Value}");
        }

        return this;
    }

    public Seen ReadMessage() => new(new ApplicationMessage
    {
        Topic = Need("topic"),
        Payload = Convert.FromHexString(Need("payload")),
        QoS = (QualityOfService)FindNumber("qos")!.Value,
        Retain = Need("retain") == "1",
        PayloadIsUtf8 = Find("payloadFormat") is { } format ? format == "1" : null,
        MessageExpiryInterval = (uint?)FindNumber("messageExpiry"),
        ContentType = Find("contentType"),
        ResponseTopic = Find("responseTopic"),
        CorrelationData = Find("correlationData") is { } correlationData
            ? (ReadOnlyMemory<byte>?)Convert.FromHexString(correlationData)
            : null,
        UserProperties = [.. All("user").Select(pair => pair.Split('=', 2)).Select(pair => new UserProperty(pair[0], pair[1]))],
    })
    {
        Dup = Need("dup") == "1",
        TopicAlias = (ushort?)FindNumber("topicAlias"),
        SubscriptionIdentifiers =
        [
            .. All("subscriptionIdentifier").Select(identifier => uint.Parse(identifier, CultureInfo.InvariantCulture)),
        ],
    };

    public override string ToString()
    {
        var text = new StringBuilder();
        foreach (var (key, value) in _pairs)
        {
            text.Append(text.Length == 0 ? "" : "&").Append(Uri.EscapeDataString(key)).Append('=').Append(Uri.EscapeDataString(value));
        }

        return text.ToString();
    }

    private IEnumerable<string> All(string key) => _pairs.Where(pair => pair.Key == key).Select(pair => pair.Value);
}
