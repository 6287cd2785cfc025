using Antiphon.Rpc.Responding.Remembering;

namespace Antiphon.Rpc.Responding;

/// <summary>What a responder counts. The gate of the client's Session owns it.</summary>
internal sealed class Counting
{
    private long _requests;
    private long _notifications;
    private long _repeated;
    private long _executed;
    private long _overloaded;
    private long _expired;
    private long _retained;
    private long _invalidResponseTopics;

    public long Answered { get; set; }

    public long Overran { get; set; }

    public long HandlerFailures { get; set; }

    public long Undelivered { get; set; }

    public long RefusedAnswers { get; set; }

    /// <summary>A message has arrived, and this is to be done with it.</summary>
    public void Arrived(Verdict verdict, bool asksForAnswer)
    {
        _requests++;
        switch (verdict)
        {
            case Verdict.Run:
                _notifications += asksForAnswer ? 0 : 1;
                break;
            case Verdict.AnswerAgain or Verdict.Join or Verdict.Late:
                _repeated++;
                break;
            case Verdict.Executed:
                _executed++;
                break;
            case Verdict.Overloaded:
                _overloaded++;
                break;
            case Verdict.Ended:
                break;
            case Verdict.Expired:
                _expired++;
                break;
            case Verdict.Retained:
                _retained++;
                break;
            default:
                _invalidResponseTopics++;
                break;
        }
    }

    /// <summary>The time of a request was up before its handler ran.</summary>
    public void Expired() => _expired++;

    public ResponderCounters Snapshot(
        IEnumerable<Registration> registrations, AnswerMemory memory, EarlyAcknowledgement early, ResponderLog log)
    {
        var (running, waiting) = (0, 0);
        foreach (var registration in registrations)
        {
            running += registration.Queue.Running;
            waiting += registration.Queue.Waiting;
        }

        return new ResponderCounters
        {
            Requests = _requests,
            Running = running,
            Waiting = waiting,
            Answered = Answered,
            Notifications = _notifications,
            Repeated = _repeated,
            AlreadyExecuted = _executed,
            Overloaded = _overloaded,
            Expired = _expired,
            Overran = Overran,
            HandlerFailures = HandlerFailures,
            Retained = _retained,
            InvalidResponseTopics = _invalidResponseTopics,
            CallbackFailures = log.CallbackFailures,
            Undelivered = Undelivered,
            RefusedAnswers = RefusedAnswers,
            AcknowledgedEarly = early.Count,
            ForgottenEarly = memory.ForgottenEarly,
        };
    }
}
