using Antiphon.Rpc.Requesting.Calls;

namespace Antiphon.Rpc.Requesting;

/// <summary>What a requester counts. Guarded by the client's gate.</summary>
internal sealed class RequesterCounting
{
    public long Calls { get; set; }

    public long Acknowledged { get; set; }

    public long Answered { get; set; }

    public long TimedOut { get; set; }

    public StrayResponses Strays { get; private set; }

    public long DroppedReplies { get; set; }

    /// <summary>A message has come to a Response Topic and ends no call.</summary>
    /// <param name="match">What it turned out to be, where it was not retained.</param>
    /// <param name="isRetained">Whether it was retained.</param>
    /// <param name="hasCorrelation">Whether it has Correlation Data.</param>
    public void Stray(ResponseMatch match, bool isRetained, bool hasCorrelation) => Strays =
        isRetained ? Strays with { Retained = Strays.Retained + 1 }
        : match == ResponseMatch.Late ? Strays with { Late = Strays.Late + 1 }
        : hasCorrelation ? Strays with { UnknownCorrelationData = Strays.UnknownCorrelationData + 1 }
        : Strays with { WithoutCorrelationData = Strays.WithoutCorrelationData + 1 };

    public RequesterCounters Snapshot(int pending, int inFlight) => new()
    {
        Calls = Calls,
        Pending = pending,
        InFlight = inFlight,
        Acknowledged = Acknowledged,
        Answered = Answered,
        TimedOut = TimedOut,
        LateResponses = Strays.Late,
        ForeignResponses = Strays.UnknownCorrelationData + Strays.WithoutCorrelationData,
        UncorrelatedResponses = Strays.WithoutCorrelationData,
        RetainedResponses = Strays.Retained,
        DroppedReplies = DroppedReplies,
    };
}
