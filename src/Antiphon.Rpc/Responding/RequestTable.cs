using System.Diagnostics.CodeAnalysis;
using Antiphon.Protocol;
using Antiphon.Rpc.Timing;

namespace Antiphon.Rpc.Responding;

/// <summary>What is to be done with a request that has arrived.</summary>
internal enum Admission
{
    /// <summary>Run its handler now.</summary>
    Run,

    /// <summary>It waits for a handler; <see cref="RequestTable.TryTakeNext"/> gives it.</summary>
    Wait,

    /// <summary>Too many wait: refuse it.</summary>
    Overloaded,

    /// <summary>It has come again, and its first coming has been answered: send that answer again.</summary>
    Repeat,

    /// <summary>It has come again while the first still runs: nothing is to be done.</summary>
    Joined,

    /// <summary>It has come again, and nobody waits for the answer any more: acknowledge it.</summary>
    Late,
}

/// <summary>
/// The requests of a responder: which run, which wait, which were answered. Plain single-threaded state: the responder's lock owns it, time is passed in.
/// MQTT does not make Correlation Data unique; so a request that comes again is recognised by it only where the profile makes it so, else by the DUP flag and the Packet Identifier within one Session.
/// </summary>
internal sealed class RequestTable(int maximumConcurrency, int maximumWaiting, int maximumRememberedBytes)
{
    private readonly DeadlineQueue<ReceivedRequest> _deadlines = new();
    private readonly Dictionary<ReceivedRequest, ReceivedRequest> _known = new(SameRequest.Comparer);
    private readonly LinkedList<ReceivedRequest> _answered = [];

    /// <summary>Handlers that run, of all registrations.</summary>
    public int Running { get; private set; }

    /// <summary>Requests that wait for a handler, of all registrations.</summary>
    public int Waiting { get; private set; }

    /// <summary>What the remembered answers take, in bytes.</summary>
    public long RememberedBytes { get; private set; }

    public TimeSpan? NextDeadline => _deadlines.Next;

    /// <summary>A request has arrived.</summary>
    /// <param name="request">The request, whose time is not up.</param>
    /// <param name="known">The first coming of it, if it has come again.</param>
    public Admission Admit(ReceivedRequest request, out ReceivedRequest? known)
    {
        if (TryFind(request, out known))
        {
            return known.State switch
            {
                RequestState.Answered when known.Answer is not null => Admission.Repeat,
                RequestState.Waiting or RequestState.Running => Admission.Joined,
                _ => Admission.Late,
            };
        }

        Admission admission;
        var registration = request.Registration;
        if (registration.Running < maximumConcurrency)
        {
            registration.Running++;
            Running++;
            request.State = RequestState.Running;
            admission = Admission.Run;
        }
        else if (registration.Waiting.Count < maximumWaiting)
        {
            registration.Waiting.AddLast(request);
            Waiting++;
            admission = Admission.Wait;
        }
        else
        {
            return Admission.Overloaded;
        }

        _deadlines.Add(request);
        if (request.CanBeRemembered && maximumRememberedBytes > 0)
        {
            // Takes the place of one that has the same key and is another: then that cannot come again.
            Forget(request);
            _known.Add(request, request);
        }

        return admission;
    }

    /// <summary>A handler has ended; the next request that waits for it may run in its place.</summary>
    public bool TryTakeNext(Registration registration, [NotNullWhen(true)] out ReceivedRequest? next)
    {
        next = registration.Waiting.First?.Value;
        if (next is null)
        {
            registration.Running--;
            Running--;
            return false;
        }

        registration.Waiting.RemoveFirst();
        Waiting--;
        next.State = RequestState.Running;
        return true;
    }

    /// <summary>The answer is known. The first one counts, and only before the time is up.</summary>
    /// <param name="request">The request.</param>
    /// <param name="answer">What to answer; <c>null</c>: nothing.</param>
    /// <returns>Whether it is to be sent, or the request to be acknowledged if there is none.</returns>
    public bool TryAnswer(ReceivedRequest request, Reply? answer)
    {
        if (request.State is not (RequestState.Running or RequestState.Waiting))
        {
            return false;
        }

        StopWaiting(request);
        request.State = RequestState.Answered;
        request.Answer = answer;
        Remember(request);
        return true;
    }

    /// <summary>Something is due: a request whose time is up, or one to be forgotten.</summary>
    /// <param name="now">The time.</param>
    /// <param name="expired">The request whose time is up: cancel its handler if it ran, and acknowledge it; <c>null</c>: there was one to be forgotten.</param>
    /// <param name="wasRunning">Whether its handler runs.</param>
    public bool TryTakeDue(TimeSpan now, out ReceivedRequest? expired, out bool wasRunning)
    {
        expired = null;
        wasRunning = false;
        if (!_deadlines.TryTakeDue(now, out var request))
        {
            return false;
        }

        if (request.State is RequestState.Answered or RequestState.Expired)
        {
            Forget(request);
            return true;
        }

        wasRunning = request.State == RequestState.Running;
        StopWaiting(request);
        request.State = RequestState.Expired;
        Remember(request);
        expired = request;
        return true;
    }

    /// <summary>The requests of a registration that have no answer yet.</summary>
    public List<ReceivedRequest> Unanswered(Registration registration)
    {
        var unanswered = new List<ReceivedRequest>();
        foreach (var request in _deadlines.Items)
        {
            if (ReferenceEquals(request.Registration, registration) && request.State is RequestState.Running or RequestState.Waiting)
            {
                unanswered.Add(request);
            }
        }

        return unanswered;
    }

    private void StopWaiting(ReceivedRequest request)
    {
        if (request.State == RequestState.Waiting)
        {
            request.Registration.Waiting.Remove(request);
            Waiting--;
        }
    }

    private bool TryFind(ReceivedRequest request, [NotNullWhen(true)] out ReceivedRequest? known)
    {
        known = null;
        return (request.IsOfProfile || (request.Request.IsRedelivery && request.Request.QoS != QualityOfService.AtMostOnce))
            && _known.TryGetValue(request, out known)
            && known.Message.Payload.Span.SequenceEqual(request.Message.Payload.Span);
    }

    /// <summary>Keeps a request that has ended until it cannot come again, as far as memory is allowed for it.</summary>
    private void Remember(ReceivedRequest request)
    {
        _deadlines.Remove(request);
        if (!_known.TryGetValue(request, out var known) || !ReferenceEquals(known, request))
        {
            return;
        }

        request.Deadline = request.ForgetAt;
        _deadlines.Add(request);
        request.Remembered = _answered.AddLast(request);
        RememberedBytes += request.Size;
        while (RememberedBytes > maximumRememberedBytes && _answered.First is { } oldest)
        {
            Forget(oldest.Value);
        }
    }

    /// <summary>Forgets whatever has the key of a request.</summary>
    private void Forget(ReceivedRequest key)
    {
        if (!_known.Remove(key, out var request))
        {
            return;
        }

        if (request.Remembered is { } node)
        {
            _answered.Remove(node);
            request.Remembered = null;
            RememberedBytes -= request.Size;
            _deadlines.Remove(request);
        }
    }
}
