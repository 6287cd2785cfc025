using Antiphon.Protocol;
using Antiphon.Protocol.Properties;
using Antiphon.Protocol.Topics;
using Antiphon.Protocol.Wire;

namespace Antiphon.Rpc;

/// <summary>What one request has of its own. Immutable; the same object may serve many requests at once.</summary>
public sealed record RequestOptions
{
    internal static readonly RequestOptions Default = new();

    /// <summary>How long this call waits, more than zero, at most 24 days; <c>null</c>: <see cref="RequesterOptions.Timeout"/>.</summary>
    public TimeSpan? Timeout { get; init; }

    /// <summary>QoS of this request, 0 or 1; <c>null</c>: <see cref="RequesterOptions.QoS"/>.</summary>
    public QualityOfService? QoS { get; init; }

    /// <summary>What the payload is, for instance a MIME type; <c>null</c>: not said, and <c>application/json</c> for JSON.</summary>
    public string? ContentType { get; init; }

    /// <summary>Whether the payload is UTF-8 text; <c>null</c>: not said for bytes, true for text and JSON.</summary>
    public bool? PayloadIsUtf8 { get; init; }

    /// <summary>User Properties of the request, after those that the requester adds.</summary>
    public IReadOnlyList<UserProperty> UserProperties { get; init; } = [];

    /// <summary>
    /// A Response Topic of the caller's choice; <c>null</c>: the requester's own.
    /// The requester subscribes to it at the first request that names it and stays subscribed, to 64 such topics at most;
    /// nobody else should receive or be answered there.
    /// </summary>
    public string? ResponseTopic { get; init; }

    /// <summary>Checks what can be wrong, before any effect.</summary>
    internal void ThrowIfInvalid(string parameterName)
    {
        if (Timeout is { } timeout && !RequesterOptions.IsTimeout(timeout))
        {
            throw new ArgumentOutOfRangeException(parameterName, timeout, "The timeout has to be more than zero and at most 24 days.");
        }

        if (QoS is not (null or QualityOfService.AtMostOnce or QualityOfService.AtLeastOnce))
        {
            throw new ArgumentOutOfRangeException(parameterName, QoS, "The QoS of a request has to be 0 or 1.");
        }

        if (ResponseTopic is not null)
        {
            TopicName.ThrowIfInvalid(ResponseTopic, parameterName);
        }

        // A request may be written much later, by a loop that has nobody to tell.
        if (ContentType is not null)
        {
            Utf8Text.GetByteCount(ContentType, parameterName);
        }

        for (var i = 0; i < UserProperties.Count; i++)
        {
            Utf8Text.GetByteCount(UserProperties[i].Name, parameterName);
            Utf8Text.GetByteCount(UserProperties[i].Value, parameterName);
        }
    }
}

/// <summary>How to gather responses from many responders. Immutable.</summary>
public sealed record GatherOptions
{
    /// <summary>How many replies end the gathering early, 1 or more; <c>null</c>: it goes on until the time is up.</summary>
    public int? Replies { get; init; }

    /// <summary>How long to gather, and what else the request has of its own.</summary>
    public RequestOptions Request { get; init; } = RequestOptions.Default;
}
