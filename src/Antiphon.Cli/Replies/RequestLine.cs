using Antiphon.Cli.Output;
using Antiphon.Rpc;

namespace Antiphon.Cli.Replies;

/// <summary>A received Request Message as a line of JSON. What it does not have is left out.</summary>
internal sealed record RequestLine(
    string Topic,
    string? Payload,
    string? PayloadBase64,
    string? ContentType,
    string? ResponseTopic,
    string? CorrelationData,
    double? RemainingMs,
    CallerLine? Caller,
    IReadOnlyList<PropertyPair>? UserProperties)
{
    public static RequestLine From(Request request)
    {
        var payload = PayloadText.From(request.Payload.Span);
        return new RequestLine(
            request.Topic,
            payload.Text,
            payload.Base64,
            request.ContentType,
            request.ResponseTopic,
            request.CorrelationData.IsEmpty ? null : PropertyPair.Hex(request.CorrelationData),
            request.Remaining is { } remaining ? Math.Round(remaining.TotalMilliseconds) : null,
            request.Caller is { } caller ? new CallerLine(caller.ClientId, caller.UserName, caller.IsVouchedFor) : null,
            PropertyPair.ListOf(request.UserProperties));
    }
}

/// <summary>Who has asked, and whether the broker says so.</summary>
internal sealed record CallerLine(string ClientId, string? UserName, bool IsVouchedFor);
