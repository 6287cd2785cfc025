using Antiphon.Cli.CommandLine;
using Antiphon.Cli.Output;
using Antiphon.Rpc;

namespace Antiphon.Cli.Requests;

/// <summary>
/// What became of a request, as a line of JSON. What there is not is left out;
/// <c>topic</c> is the Response Topic, or the request's where no response came.
/// </summary>
internal sealed record ResponseLine(
    bool Ok,
    string Topic,
    string? Payload,
    string? PayloadBase64,
    string? ContentType,
    string? CorrelationData,
    double? ElapsedMs,
    IReadOnlyList<PropertyPair>? UserProperties,
    string? Error,
    string? Message,
    int? Status)
{
    public static ResponseLine From(Response response, Failure? failure = null)
    {
        var payload = PayloadText.From(response.Payload.Span);
        return new ResponseLine(
            failure is null,
            response.Topic,
            payload.Text,
            payload.Base64,
            response.ContentType,
            PropertyPair.Hex(response.CorrelationData),
            Milliseconds(response.Elapsed),
            PropertyPair.ListOf(response.UserProperties),
            failure?.Name,
            failure?.Sentence,
            response.Status);
    }

    public static ResponseLine From(string topic, Failure failure, Exception exception)
    {
        return exception switch
        {
            RemoteErrorException remote => From(remote.Response, failure),
            RequestException request => Without(request.CorrelationData, Milliseconds(request.Elapsed)),
            _ => Without(default, null),
        };

        ResponseLine Without(ReadOnlyMemory<byte> correlationData, double? elapsed) => new(
            false,
            topic,
            null,
            null,
            null,
            correlationData.IsEmpty ? null : PropertyPair.Hex(correlationData),
            elapsed,
            null,
            failure.Name,
            failure.Sentence,
            null);
    }

    private static double Milliseconds(TimeSpan elapsed) => Math.Round(elapsed.TotalMilliseconds, 3);
}
