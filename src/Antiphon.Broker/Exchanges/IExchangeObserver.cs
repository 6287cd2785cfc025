using Antiphon.Protocol;

namespace Antiphon.Broker.Exchanges;

/// <summary>
/// Is told what clients ask of each other and what comes of it, as for an audit log. It is called on the broker's own thread and has to
/// return at once: what takes longer than copying some bytes belongs on another thread. An exception of its is counted among
/// <see cref="BrokerCounters.Defects"/>, and the notice is lost.
/// </summary>
public interface IExchangeObserver
{
    /// <summary>A client has published a Request Message. What came of it follows, at once or later.</summary>
    /// <param name="request">The request; its spans are valid during the call only.</param>
    /// <returns>What is handed back with each outcome; <c>null</c>: nothing more is to be told of it.</returns>
    IObservedRequest? Requested(in ObservedMessage request);

    /// <summary>
    /// A request has come to an outcome: each Response Message is one, and so is each responder from which none came.
    /// </summary>
    /// <param name="request">What <see cref="Requested"/> returned.</param>
    /// <param name="outcome">The outcome; its spans are valid during the call only.</param>
    void Ended(IObservedRequest request, in ExchangeOutcome outcome);
}

/// <summary>What an observer keeps of a request while its exchange is open.</summary>
public interface IObservedRequest
{
    /// <summary>
    /// What it takes in memory, in bytes; it does not change. It counts in <see cref="BrokerOptions.MaximumExchangeBytes"/>.
    /// </summary>
    int Size { get; }
}

/// <summary>A Request Message as it was published. Valid during a call only.</summary>
public readonly ref struct ObservedMessage
{
    /// <summary>Its Topic Name, in UTF-8.</summary>
    public required ReadOnlySpan<byte> Topic { get; init; }

    /// <summary>Its Response Topic, in UTF-8.</summary>
    public required ReadOnlySpan<byte> ResponseTopic { get; init; }

    /// <summary>Its Correlation Data; empty: none.</summary>
    public ReadOnlySpan<byte> CorrelationData { get; init; }

    /// <summary>Its payload.</summary>
    public ReadOnlySpan<byte> Payload { get; init; }

    /// <summary>Its QoS.</summary>
    public QualityOfService QoS { get; init; }

    /// <summary>The Client Identifier of who published it.</summary>
    public required string ClientId { get; init; }

    /// <summary>Who that has proved to be; <c>null</c>: nobody in particular.</summary>
    public string? UserName { get; init; }

    /// <summary>Where it came from; <c>null</c>: its connection has ended meanwhile.</summary>
    public ConnectionOrigin? Origin { get; init; }
}

/// <summary>What came of a request. Valid during a call only.</summary>
public readonly ref struct ExchangeOutcome
{
    /// <summary>How it ended.</summary>
    public required ExchangeEnd End { get; init; }

    /// <summary>What the acknowledgement of a request says that was refused; else Success.</summary>
    public ReasonCode ReasonCode { get; init; }

    /// <summary>Who has answered, or has not; <c>null</c>: nobody in particular.</summary>
    public string? ResponderClientId { get; init; }

    /// <summary>Who that has proved to be; <c>null</c>: nobody in particular.</summary>
    public string? ResponderUserName { get; init; }

    /// <summary>The value of the response's User Property <c>__stat</c>, in UTF-8; empty: it has none, which is a success.</summary>
    public ReadOnlySpan<byte> Status { get; init; }

    /// <summary>The response's payload; empty where there is no response.</summary>
    public ReadOnlySpan<byte> Payload { get; init; }

    /// <summary>
    /// Whether a client has published the response as a message,
    /// so that <see cref="Payload"/> and Status mean something.
    /// </summary>
    public bool IsResponse => End == ExchangeEnd.Answered;

    /// <summary>How long the request waited before it was written to the responder's connection; <c>null</c>: it was not.</summary>
    public TimeSpan? Queued { get; init; }

    /// <summary>The time from the request's arrival to this outcome.</summary>
    public TimeSpan Total { get; init; }
}

/// <summary>How a request, or what one responder was asked by it, can end.</summary>
public enum ExchangeEnd
{
    /// <summary>A Response Message came.</summary>
    Answered,

    /// <summary>No subscription matches the request topic.</summary>
    NoResponders,

    /// <summary>The request was refused; the Reason Code says why.</summary>
    Refused,

    /// <summary>No Response Message came before the deadline.</summary>
    Expired,

    /// <summary>There was no room to wait any longer.</summary>
    Evicted,

    /// <summary>The responder's Session has ended, or the request could not be given to it, or went to another one instead.</summary>
    Gone,

    /// <summary>The requester's Session has ended.</summary>
    RequesterGone,

    /// <summary>
    /// The request was delivered, and its Response Topic is not one of the requester's own: what comes of it is not known.
    /// </summary>
    Untracked,

    /// <summary>
    /// The request has the Response Topic and the Correlation Data of one that was still open: its answers are told with that one.
    /// </summary>
    Joined,
}
