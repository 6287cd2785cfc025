using Antiphon.Client;
using Antiphon.Protocol;
using Antiphon.Rpc.Requesting.Outcomes;

namespace Antiphon.Rpc;

/// <summary>How far a request got.</summary>
public enum RequestProgress
{
    /// <summary>It was never handed to the connection: nobody can have executed it.</summary>
    NotSent,

    /// <summary>It was handed to the connection; whether the server has it is not known.</summary>
    Sent,

    /// <summary>The server has acknowledged it.</summary>
    Acknowledged,
}

/// <summary>What every way to fail knows about its request.</summary>
internal readonly record struct RequestFacts(string Topic, ReadOnlyMemory<byte> CorrelationData, TimeSpan Elapsed, RequestProgress Progress)
{
    /// <summary>How far the request got, as the end of a sentence.</summary>
    public string Story => Progress switch
    {
        RequestProgress.NotSent => "the request was not sent",
        RequestProgress.Sent => "the request was sent and not acknowledged",
        _ => "the server had acknowledged the request",
    };
}

/// <summary>A request that did not end with a response that is a success. Each subclass is one outcome.</summary>
#pragma warning disable CA1032 // An outcome without its request would say nothing.
public abstract class RequestException : Exception
{
    private protected RequestException(string message, in RequestFacts facts, Exception? innerException = null)
        : base(message, innerException)
    {
        Topic = facts.Topic;
        CorrelationData = facts.CorrelationData;
        Elapsed = facts.Elapsed;
        Progress = facts.Progress;
    }

    /// <summary>The Topic Name of the request.</summary>
    public string Topic { get; }

    /// <summary>The Correlation Data of the request; empty when it was not sent.</summary>
    public ReadOnlyMemory<byte> CorrelationData { get; }

    /// <summary>From the call to its end.</summary>
    public TimeSpan Elapsed { get; }

    /// <summary>How far the request got.</summary>
    public RequestProgress Progress { get; }
}

/// <summary>The responder answered with an error.</summary>
public sealed class RemoteErrorException : RequestException
{
    /// <summary>Makes one for the test of a program that asks through an <see cref="IRequester"/>.</summary>
    /// <param name="topic">The Topic Name of the request.</param>
    /// <param name="response">The response, which has the status of an error.</param>
    public RemoteErrorException(string topic, Response response)
        : this(
            RemoteError.Describe(topic, $"error {response.Status ?? 0}", response),
            new RequestFacts(topic, response.CorrelationData, response.Elapsed, RequestProgress.Acknowledged),
            response)
    {
    }

    internal RemoteErrorException(string message, in RequestFacts facts, Response response)
        : base(message, facts)
    {
        Response = response;
    }

    /// <summary>The status, an HTTP status code; 0: the response gave none that can be read.</summary>
    public int Status => Response.Status ?? 0;

    /// <summary>What the responder had to say about it; <c>null</c>: nothing.</summary>
    public string? StatusMessage => Response.StatusMessage;

    /// <summary>Whether the error is the application's own rather than that of the layers below it.</summary>
    public bool IsApplicationError { get; internal init; }

    /// <summary>Which property of the request was missing or not valid; <c>null</c>: not said.</summary>
    public string? InvalidPropertyName { get; internal init; }

    /// <summary>What that property held; <c>null</c>: not said.</summary>
    public string? InvalidPropertyValue { get; internal init; }

    /// <summary>After which time to ask again, when the responder is overloaded; <c>null</c>: not said.</summary>
    public TimeSpan? RetryAfter { get; internal init; }

    /// <summary>The payload of the response; may be empty.</summary>
    public ReadOnlyMemory<byte> Payload => Response.Payload;

    /// <summary>The whole response.</summary>
    public Response Response { get; }
}

/// <summary>
/// The server says that nobody subscribes to the request's topic (Reason Code 0x10 in PUBACK, MQTT 5 §3.4.2.1,
/// or a response made by the broker).
/// </summary>
public sealed class NoResponderException : RequestException
{
    /// <summary>Makes one for the test of a program that asks through an <see cref="IRequester"/>.</summary>
    /// <param name="topic">The Topic Name of the request.</param>
    public NoResponderException(string topic)
        : this(new RequestFacts(topic, default, default, RequestProgress.Acknowledged))
    {
    }

    internal NoResponderException(in RequestFacts facts)
        : base($"Nobody listens on «{facts.Topic}».", facts)
    {
    }
}

/// <summary>Everyone who got the request has gone without an answer; it may have been executed.</summary>
public sealed class ResponderGoneException : RequestException
{
    internal ResponderGoneException(in RequestFacts facts)
        : base($"The responder on «{facts.Topic}» got the request and has gone without an answer.", facts)
    {
    }
}

/// <summary>
/// The time was up. <see cref="RequestException.Progress"/> says how far the request had got, and <see cref="Strays"/> what else came.
/// </summary>
public sealed class RequestTimeoutException : RequestException
{
    /// <summary>Makes one for the test of a program that asks through an <see cref="IRequester"/>.</summary>
    /// <param name="topic">The Topic Name of the request.</param>
    /// <param name="timeout">How long it waited.</param>
    /// <param name="progress">How far the request got.</param>
    public RequestTimeoutException(string topic, TimeSpan timeout, RequestProgress progress = RequestProgress.Acknowledged)
        : this(new RequestFacts(topic, default, timeout, progress), timeout, default)
    {
    }

    internal RequestTimeoutException(in RequestFacts facts, TimeSpan timeout, in StrayResponses strays)
        : base($"No response on «{facts.Topic}» within {timeout.TotalSeconds:0.###} s; {facts.Story}.{strays.Sentence()}", facts)
    {
        Strays = strays;
    }

    /// <summary>
    /// What came to the Response Topics of the requester while the call waited, and ended no call: the response may be among it.
    /// </summary>
    public StrayResponses Strays { get; }
}

/// <summary>The server refused the request, or the subscription to its Response Topic.</summary>
public sealed class RequestRefusedException : RequestException
{
    internal RequestRefusedException(in RequestFacts facts, RefusedException refusal)
        : base(
            $"The request on «{facts.Topic}» was refused"
                + (refusal is { Operation: "PUBLISH" } && refusal.Topic == facts.Topic ? $": {refusal.Why}" : $". {refusal.Message}"),
            facts,
            refusal)
    {
        ReasonCode = refusal.ReasonCode;
    }

    /// <summary>Why, 0x80 or above.</summary>
    public ReasonCode ReasonCode { get; }
}

/// <summary>
/// The request was not taken, so that nobody can have executed it: too many calls wait already
/// (<see cref="RequesterOptions.MaximumWaiting"/>, no inner exception), or too much waits in the client to be sent
/// (<see cref="QueueFullException"/>).
/// </summary>
public sealed class RequestNotSentException : RequestException
{
    internal RequestNotSentException(in RequestFacts facts, RequesterOptions options)
        : base(
            $"The request on «{facts.Topic}» was not sent: "
            + $"{options.MaximumWaiting} calls wait to be sent already, which is MaximumWaiting.",
            facts)
    {
    }

    internal RequestNotSentException(in RequestFacts facts, MqttException innerException)
        : base($"The request on «{facts.Topic}» was not sent. {innerException.Message}", facts, innerException)
    {
    }
}

/// <summary>
/// The request had been sent and its response can no longer come: the server lost the Session, or the client or the requester was stopped.
/// Or it had been sent twice, since a connection was lost in between, and one of the two was refused or turned away: the inner exception
/// says how. Whether it was executed is not known.
/// </summary>
public sealed class OutcomeUnknownException : RequestException
{
    /// <summary>Makes one for the test of a program that asks through an <see cref="IRequester"/>.</summary>
    /// <param name="topic">The Topic Name of the request.</param>
    /// <param name="why">Why it is unknown, a sentence without its full stop.</param>
    public OutcomeUnknownException(string topic, string why)
        : this(new RequestFacts(topic, default, default, RequestProgress.Sent), why)
    {
    }

    internal OutcomeUnknownException(in RequestFacts facts, string why, Exception? innerException = null)
        : base($"The outcome of the request on «{facts.Topic}» is unknown: {why}; {facts.Story}.", facts, innerException)
    {
    }
}
#pragma warning restore CA1032
