using System.Diagnostics.CodeAnalysis;
using Antiphon.Client;
using Antiphon.Client.Sessions;
using Antiphon.Protocol;
using Antiphon.Protocol.Packets;
using Antiphon.Protocol.Topics;
using Antiphon.Rpc.Responding.Remembering;
using Antiphon.Rpc.Timing;

namespace Antiphon.Rpc.Responding;

/// <summary>
/// The requests of a responder from their arrival to their acknowledgement. Guarded by the gate of <see cref="ClientSession"/>: methods
/// that say so enter it, the others are called within it. A request is acknowledged when its response has been published, or when it needs
/// none.
/// </summary>
[SuppressMessage("Design", "CA1001", Justification = "Stop disposes of the timer.")]
internal sealed class OpenRequests : ISessionWatcher
{
    private static readonly Reply AlreadyExecuted =
        Reply.Failure(409, "The request has been executed, and its answer is no longer remembered.");

    private static readonly Reply ShuttingDown = Reply.Failure(503, "The responder is shutting down.");

    // For the process.
    private readonly ClientSession _session;
    private readonly ResponderOptions _options;
    private readonly ResponderLog _log;
    private readonly DeadlineTimer _timer;
    private readonly DeadlineQueue<ReceivedRequest> _deadlines = new();
    private readonly Counting _counting = new();
    private readonly AnswerMemory _memory;
    private readonly Admission _admission;
    private readonly RequestPool _pool = new();
    private readonly EarlyAcknowledgement _early = new();
    private readonly Reply _overloaded;

    // Counts the Sessions that this client has had.
    private int _sessionNumber;

    public OpenRequests(ClientSession session, ResponderOptions options, ResponderLog log, ulong secret)
    {
        _session = session;
        _options = options;
        _log = log;
        _memory = new AnswerMemory(options.MaximumRememberedBytes);
        _admission = new Admission(_memory, secret);
        _overloaded = Reply.Failure(429, "The responder is overloaded.") with { RetryAfter = options.RetryAfter };
        Responses = new Responses(session, _pool, _memory, _counting, log);
        _timer = new DeadlineTimer(options.TimeProvider, Tick);
    }

    public Lock Gate => _session.Gate;

    public TimeSpan Now => _timer.Now;

    /// <summary>What goes out.</summary>
    public Responses Responses { get; }

    public ResponderCounters Counters(IEnumerable<Registration> registrations) => _counting.Snapshot(registrations, _memory, _early, _log);

    /// <summary>A message has arrived.</summary>
    public void Take(Registration registration, in PublishView message, in Acknowledgement acknowledgement)
    {
        var now = Now;
        var properties = RequestProperties.Read(message);
        var budget = RequestBudget.Of(message, properties, now, _options.DefaultTimeout);
        var verdict = _admission.Admit(registration, message, properties, budget, _sessionNumber, now, out var memento);
        _counting.Arrived(verdict, !message.ResponseTopic.IsEmpty);
        switch (verdict)
        {
            case Verdict.Join:
                var first = _pool[_memory.OwnerOf(memento)];
                first.Join(acknowledgement);
                Hold(first);
                return;
            case Verdict.Run or Verdict.Overloaded or Verdict.Ended or Verdict.AnswerAgain or Verdict.Executed:
                break;
            default:
                acknowledgement.CompleteWithinGate();
                return;
        }

        var request = _pool.Rent(this);
        request.Begin(registration, message, properties, budget, acknowledgement, verdict == Verdict.AnswerAgain ? default : memento, now);
        request.IsFromAntiphon = _session.Server is { IsAntiphon: true };
        registration.Draining.Began();
        switch (verdict)
        {
            case Verdict.Run:
                _memory.Assign(memento, request.Number);
                _deadlines.Add(request);
                _timer.Arm(_deadlines.Next, now);
                registration.Queue.Add(request);
                Hold(request);
                registration.Runs.Wake();
                break;
            case Verdict.AnswerAgain:
                Responses.SendAgain(request, memento, now);
                _pool.ReturnIfOver(request);
                break;
            default:
                Responses.Refuse(request, RefusalFor(verdict), now);
                _pool.ReturnIfOver(request);
                break;
        }
    }

    /// <summary>A request has arrived with a flaw, so that its handler cannot have it: its requester is told, where it can be.</summary>
    public void Refuse(Registration registration, in PublishView message, Fault flaw)
    {
        if (message.ResponseTopic.IsEmpty || TopicFilter.Matches(registration.Pattern, message.ResponseTopic))
        {
            return;
        }

        var now = Now;
        var request = _pool.Rent(this);
        var budget = new RequestBudget(now + _options.DefaultTimeout, now + _options.DefaultTimeout, IsStated: false);
        request.Begin(
            registration,
            message,
            new RequestProperties { HasCorrelationData = !message.CorrelationData.IsEmpty },
            budget,
            default,
            default,
            now);
        registration.Draining.Began();
        Responses.Refuse(request, Reply.Failure(400, flaw.Message ?? "The request cannot be read."), now);
        _pool.ReturnIfOver(request);
    }

    /// <summary>Takes the next request of a registration whose handler may run. One whose time is up in this moment never does.</summary>
    /// <param name="registration">The registration.</param>
    /// <param name="now">The time.</param>
    /// <param name="next">The request; <c>null</c>: none waits, or too many run.</param>
    /// <returns>Whether one more worker is to be asked for.</returns>
    public bool TakeNext(Registration registration, TimeSpan now, out ReceivedRequest? next)
    {
        while (registration.Queue.TryTake(out next))
        {
            if (next.Deadline > now)
            {
                next.State = RequestState.Running;
                next.IsHandled = true;
                if (!next.IsAcknowledged && next.QoS != QualityOfService.AtMostOnce)
                {
                    _timer.Arm(_early.Started(next, now), now);
                    LetGo(now);
                }

                return registration.Queue.TryAskForWorker();
            }

            registration.Queue.Ended();
            _deadlines.Remove(next);
            _counting.Expired();
            Expire(next, now);
        }

        return false;
    }

    /// <summary>A handler has ended. The first answer counts, and only before the time is up.</summary>
    /// <param name="request">The request.</param>
    /// <param name="response">The properties of the response.</param>
    /// <param name="payload">Its payload.</param>
    /// <param name="now">The time.</param>
    public void Handled(ReceivedRequest request, in ResponseWriter response, ReadOnlySpan<byte> payload, TimeSpan now)
    {
        request.IsHandled = false;
        request.Registration.Queue.Ended();
        if (request.State == RequestState.Running)
        {
            Answer(request, response, payload, now);
        }

        _pool.ReturnIfOver(request);
    }

    /// <summary>A handler has thrown. Enters the gate.</summary>
    public void HandlerFailed(Registration registration, Exception exception)
    {
        lock (Gate)
        {
            _counting.HandlerFailures++;
        }

        _session.AfterGate();
        _log.HandlerFailed(registration, exception);
    }

    /// <summary>
    /// Waited long enough: handlers are told to stop, and whoever waits for them is told that nothing will come. Enters the gate.
    /// </summary>
    public void StopHandlers(Registration registration)
    {
        List<(Registration Registration, CancellationTokenSource Cancellation)> stopped = [];
        lock (Gate)
        {
            var now = Now;
            foreach (var request in _deadlines.Items.ToArray())
            {
                if (!ReferenceEquals(request.Registration, registration))
                {
                    continue;
                }

                if (request.Cancel() is { } cancellation)
                {
                    stopped.Add((registration, cancellation));
                }

                Stop(request, now);
            }
        }

        _session.AfterGate();
        Cancel(stopped);
    }

    /// <summary>Nothing comes any more, and nothing is due.</summary>
    public void Stop() => _timer.Dispose();

    void ISessionWatcher.Connected(ServerLimits server)
    {
        _sessionNumber += server.SessionPresent ? 0 : 1;
        _early.Connected();
    }

    void ISessionWatcher.HeldUp(int half)
    {
        var now = Now;
        _timer.Arm(_early.HeldUp(half, now), now);
    }

    void ISessionWatcher.Stopped(Func<bool, ConnectionException> why)
    {
        // Every response has been told by itself; handlers that run find out when they answer.
    }

    private Reply RefusalFor(Verdict verdict) => verdict switch
    {
        Verdict.Overloaded => _overloaded,
        Verdict.Ended => ShuttingDown,
        _ => AlreadyExecuted,
    };

    private void Answer(ReceivedRequest request, in ResponseWriter response, ReadOnlySpan<byte> payload, TimeSpan now)
    {
        request.State = RequestState.Answered;
        _deadlines.Remove(request);
        if (!request.AsksForAnswer)
        {
            _memory.Unanswered(request.Memento, now);
            request.End();
            return;
        }

        _counting.Answered++;
        _memory.Answered(request.Memento, response.OfReply, payload, now);
        Responses.Send(request, response.Written, payload, now);
    }

    private void Stop(ReceivedRequest request, TimeSpan now)
    {
        if (request.State == RequestState.Waiting)
        {
            request.Registration.Queue.Remove(request);
            _deadlines.Remove(request);
            _counting.Answered += request.AsksForAnswer ? 1 : 0;
            Responses.Refuse(request, ShuttingDown, now);
            _pool.ReturnIfOver(request);
            return;
        }

        var response = new ResponseWriter(stackalloc byte[256]);
        response.Write(request, ShuttingDown, now);
        Answer(request, response, default, now);
        response.Dispose();
        _pool.ReturnIfOver(request);
    }

    private void Expire(ReceivedRequest request, TimeSpan now)
    {
        request.State = RequestState.Expired;
        _memory.Unanswered(request.Memento, now);
        request.End();
        _pool.ReturnIfOver(request);
    }

    private void Tick()
    {
        List<(Registration Registration, CancellationTokenSource Cancellation)> stopped = [];
        lock (Gate)
        {
            var now = Now;
            _timer.Fired();
            while (_deadlines.TryTakeDue(now, out var request))
            {
                if (request.State == RequestState.Running)
                {
                    _counting.Overran++;
                    if (request.Cancel() is { } cancellation)
                    {
                        stopped.Add((request.Registration, cancellation));
                    }
                }
                else
                {
                    _counting.Expired();
                    request.Registration.Queue.Remove(request);
                }

                Expire(request, now);
            }

            _timer.Arm(_early.Tick(now), now);
            LetGo(now);
            _timer.Arm(_deadlines.Next, now);
        }

        _session.AfterGate();
        Cancel(stopped);
    }

    /// <summary>More requests may hold others up than before: their handlers have been started, or they have waited long.</summary>
    private void LetGo(TimeSpan now)
    {
        if (_session.Inbound.IsHeldUp(out var half))
        {
            _timer.Arm(_early.HeldUp(half, now), now);
        }
    }

    private void Hold(ReceivedRequest request)
    {
        if (!request.IsAcknowledged && request.QoS != QualityOfService.AtMostOnce)
        {
            _early.Arrived(request);
        }
    }

    /// <summary>Runs what handlers have registered with their tokens.</summary>
    [SuppressMessage("Design", "CA1031", Justification = "What a callback throws is the application's, and must not end this thread.")]
    private void Cancel(List<(Registration Registration, CancellationTokenSource Cancellation)> stopped)
    {
        foreach (var (registration, cancellation) in stopped)
        {
            try
            {
                cancellation.Cancel();
            }
            catch (Exception exception)
            {
                _log.CallbackFailed(registration, exception);
            }
        }
    }
}
