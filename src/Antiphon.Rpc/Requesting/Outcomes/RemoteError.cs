using System.Text;
using Antiphon.Rpc.Wire;

namespace Antiphon.Rpc.Requesting.Outcomes;

/// <summary>Says which outcome a response is that is not a success.</summary>
internal static class RemoteError
{
    public static RequestException From(in RequestFacts facts, in ResponseStatus status, in Response response)
    {
        if (status.Code == 503 && status.Reason.SequenceEqual(RpcPropertyName.NoResponders))
        {
            return new NoResponderException(facts);
        }

        if (status.Code == 502 && status.Reason.SequenceEqual(RpcPropertyName.ResponderGone))
        {
            return new ResponderGoneException(facts);
        }

        return new RemoteErrorException(Describe(facts, status, response), facts, response)
        {
            IsApplicationError = status.IsApplicationError,
            InvalidPropertyName = Text(status.InvalidPropertyName),
            InvalidPropertyValue = Text(status.InvalidPropertyValue),
            RetryAfter = status.RetryAfter,
        };
    }

    private static string Describe(in RequestFacts facts, in ResponseStatus status, in Response response)
    {
        var what = status.Code switch
        {
            null when status.IsApplicationError => "an error without a status",
            null => "a response without the __stat that the profile asks for",
            0 => "a response whose __stat is no status",
            _ => $"error {status.Code}",
        };
        return Describe(facts.Topic, what, response);
    }

    /// <summary>The sentence for what a responder answered with.</summary>
    public static string Describe(string topic, string what, in Response response)
    {
        var why = response.StatusMessage is { } message ? $": {message.TrimEnd('.')}" : "";
        return $"The responder on «{topic}» answered with {what}{why}.";
    }

    private static string? Text(ReadOnlySpan<byte> utf8) => utf8.IsEmpty ? null : Encoding.UTF8.GetString(utf8);
}
