using Antiphon.Protocol;
using Antiphon.Protocol.Properties;
using Antiphon.Rpc.Responding;
using Antiphon.Rpc.Wire;

namespace Antiphon.Rpc;

/// <summary>A Request Message as its handler sees it. Safe from any thread; its memory may be kept.</summary>
public sealed class Request
{
    private readonly MessageCopy _message;
    private readonly ReceivedRequest _received;

    internal Request(MessageCopy message, ReceivedRequest received, string topic, string? responseTopic, QualityOfService qos, bool isRedelivery)
    {
        _message = message;
        _received = received;
        Topic = topic;
        ResponseTopic = responseTopic;
        QoS = qos;
        IsRedelivery = isRedelivery;
    }

    /// <summary>The Topic Name that it was asked on.</summary>
    public string Topic { get; }

    /// <summary>The payload.</summary>
    public ReadOnlyMemory<byte> Payload => _message.Payload;

    /// <summary>The payload as UTF-8 text; bytes that are none come out as U+FFFD.</summary>
    public string Text => _message.Text;

    /// <summary>What the payload is; <c>null</c>: not said.</summary>
    public string? ContentType => _message.ContentType;

    /// <summary>Whether the payload is UTF-8 text; <c>null</c>: not said.</summary>
    public bool? PayloadIsUtf8 => _message.PayloadIsUtf8;

    /// <summary>User Properties in their order, those of the profile included.</summary>
    public IReadOnlyList<UserProperty> UserProperties => _message.UserProperties;

    /// <summary>The Correlation Data; empty when absent. The responder repeats it in the answer by itself.</summary>
    public ReadOnlyMemory<byte> CorrelationData => _message.CorrelationData;

    /// <summary>Where the answer goes; <c>null</c>: the message asks for none, and what the handler returns is dropped.</summary>
    public string? ResponseTopic { get; }

    /// <summary>The QoS that it arrived with; the answer goes out with the same.</summary>
    public QualityOfService QoS { get; }

    /// <summary>How much time is left to answer, zero or more; <c>null</c>: the request says nothing of time.</summary>
    public TimeSpan? Remaining => _received.Remaining;

    /// <summary>Fires when the time is up, or when the registration ends and has waited long enough.</summary>
    public CancellationToken CancellationToken => _received.CancellationToken;

    /// <summary>Whether the server may have delivered it before, to this client or to another of its share group (MQTT 5 §3.3.1.1). What this responder knows to have run does not come again.</summary>
    public bool IsRedelivery { get; }
}
