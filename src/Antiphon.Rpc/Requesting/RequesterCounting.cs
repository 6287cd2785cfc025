namespace Antiphon.Rpc.Requesting;

/// <summary>What a requester counts. Guarded by the client's gate.</summary>
internal sealed class RequesterCounting
{
    public long Calls { get; set; }

    public long Acknowledged { get; set; }

    public long Answered { get; set; }

    public long TimedOut { get; set; }

    public long LateResponses { get; set; }

    public long ForeignResponses { get; set; }

    public long RetainedResponses { get; set; }

    public long DroppedReplies { get; set; }

    public RequesterCounters Snapshot(int pending, int inFlight) => new()
    {
        Calls = Calls,
        Pending = pending,
        InFlight = inFlight,
        Acknowledged = Acknowledged,
        Answered = Answered,
        TimedOut = TimedOut,
        LateResponses = LateResponses,
        ForeignResponses = ForeignResponses,
        RetainedResponses = RetainedResponses,
        DroppedReplies = DroppedReplies,
    };
}
