using Antiphon.Protocol.Properties;
using Antiphon.Rpc.Wire;

namespace Antiphon.Rpc;

/// <summary>A Response Message. Immutable; its memory is the caller's to keep.</summary>
public sealed class Response
{
    private readonly MessageCopy _message;

    internal Response(MessageCopy message, string topic, int? status, string? statusMessage, TimeSpan elapsed)
    {
        _message = message;
        Topic = topic;
        Status = status;
        StatusMessage = statusMessage;
        Elapsed = elapsed;
    }

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

    /// <summary>The topic on which it arrived: the Response Topic of the request.</summary>
    public string Topic { get; }

    /// <summary>The Correlation Data, 16 bytes: those of the request.</summary>
    public ReadOnlyMemory<byte> CorrelationData => _message.CorrelationData;

    /// <summary>The status that the responder gave, an HTTP status code; <c>null</c>: it gave none. Only gathering returns responses with an error status.</summary>
    public int? Status { get; }

    /// <summary>The sentence beside the status; <c>null</c>: none.</summary>
    public string? StatusMessage { get; }

    /// <summary>Whether the status is a success (200 to 299) or there is none.</summary>
    public bool IsSuccess => Status is null or (>= 200 and <= 299);

    /// <summary>From the call to the arrival of this message.</summary>
    public TimeSpan Elapsed { get; }
}
