namespace Antiphon.Rpc;

/// <summary>What a requester has counted since it was made.</summary>
public readonly record struct RequesterCounters
{
    /// <summary>Calls that were made.</summary>
    public long Calls { get; init; }

    /// <summary>Calls that have not ended yet: those that wait for their response, and those that wait to be sent.</summary>
    public int Pending { get; init; }

    /// <summary>Of those, how many requests have been handed to the client.</summary>
    public int InFlight { get; init; }

    /// <summary>Requests that the server acknowledged; with QoS 0, that were handed to the connection.</summary>
    public long Acknowledged { get; init; }

    /// <summary>Calls that ended with a response, errors of the responder included; gatherings that ended.</summary>
    public long Answered { get; init; }

    /// <summary>Calls that ended because the time was up.</summary>
    public long TimedOut { get; init; }

    /// <summary>Messages that carried the Correlation Data of a call that had ended: late, or there twice.</summary>
    public long LateResponses { get; init; }

    /// <summary>Messages that arrived on a Response Topic without the Correlation Data of any call ever made there.</summary>
    public long ForeignResponses { get; init; }

    /// <summary>Of those, messages without any Correlation Data.</summary>
    public long UncorrelatedResponses { get; init; }

    /// <summary>Retained messages that arrived on a Response Topic.</summary>
    public long RetainedResponses { get; init; }

    /// <summary>Replies that were gathered faster than the caller read them, and dropped.</summary>
    public long DroppedReplies { get; init; }
}
