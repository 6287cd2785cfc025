using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using Antiphon.Client.Sessions;
using Antiphon.Protocol.Wire;

namespace Antiphon.Rpc.Responding;

/// <summary>
/// Runs the handlers of one registration. What a batch of received packets brings waits in the <see cref="RequestQueue"/>, and one worker
/// is asked for. A worker that finds more waiting asks for one more before it runs a handler. So a handler that blocks holds nobody up, and
/// quick ones are done by one or two threads.
/// </summary>
internal sealed class HandlerRuns(OpenRequests requests, Registration registration, ResponderOptions options, ClientSession session)
    : IThreadPoolWorkItem, IDeferred
{
    /// <summary>What MQTT allows of properties and payload together: a packet (§2.1.4), less the longest that stands before them.</summary>
    private const int LargestContent = (int)VariableByteInteger.Maximum - (2 * sizeof(ushort)) - ushort.MaxValue - sizeof(uint);

    private const string Failed = "The handler failed.";

    /// <summary>How long a worker keeps its thread; what is queued on the pool meanwhile has to wait.</summary>
    private static readonly TimeSpan LongestTurn = TimeSpan.FromMilliseconds(1);

    /// <summary>Requests have been queued: sees to it that somebody runs them. Within the gate.</summary>
    public void Wake()
    {
        if (registration.Queue.TryAskForWorker())
        {
            session.Defer(this, 0);
        }
    }

    void IDeferred.Run(uint version) => session.Scheduler.Queue(this);

    void IThreadPoolWorkItem.Execute()
    {
        var context = ExecutionContext.Capture();
        var now = requests.Now;
        var until = now + LongestTurn;
        ReceivedRequest? next;
        bool more;
        lock (session.Gate)
        {
            registration.Queue.WorkerIsHere();
            more = requests.TakeNext(registration, now, out next);
        }

        session.AfterGate();
        while (next is not null)
        {
            if (more)
            {
                session.Scheduler.Queue(this);
            }

            next = Run(next, until, out more);
            if (context is not null)
            {
                // What a handler has changed of it is no business of the next.
                ExecutionContext.Restore(context);
            }
        }

        if (more)
        {
            session.Scheduler.Queue(this);
        }
    }

    /// <summary>A handler that was awaited has ended, on a thread that is not ours: others run elsewhere.</summary>
    public void Ended(ReceivedRequest request, in ConfiguredValueTaskAwaitable<Reply>.ConfiguredValueTaskAwaiter handling)
    {
        Finish(request, ReplyOf(request, handling), TimeSpan.MinValue, out var more);
        if (more)
        {
            session.Scheduler.Queue(this);
        }
    }

    /// <summary>Runs a handler; if it ends at once, the request with it.</summary>
    /// <returns>The next request to run on this thread; <c>null</c>: none.</returns>
    private ReceivedRequest? Run(ReceivedRequest request, TimeSpan until, out bool more)
    {
        if (TryHandle(request, out var reply))
        {
            return Finish(request, reply, until, out more);
        }

        ReceivedRequest? next;
        var now = requests.Now;
        lock (session.Gate)
        {
            more = TakeNext(now, until, out next);
        }

        session.AfterGate();
        return next;
    }

    /// <summary>Calls the handler.</summary>
    /// <returns>Whether it ended at once; otherwise it is awaited, and may have ended by now on another thread.</returns>
    [SuppressMessage("Design", "CA1031", Justification = "Whatever a handler throws is answered, and must not end the thread.")]
    private bool TryHandle(ReceivedRequest request, out Reply reply)
    {
        ConfiguredValueTaskAwaitable<Reply>.ConfiguredValueTaskAwaiter handling;
        try
        {
#pragma warning disable CA2012 // It is consumed once: here, or where it is awaited.
            handling = registration.Handler(new Request(request)).ConfigureAwait(false).GetAwaiter();
#pragma warning restore CA2012
        }
        catch (Exception exception)
        {
            reply = ReplyTo(request, exception);
            return true;
        }

        if (handling.IsCompleted)
        {
            reply = ReplyOf(request, handling);
            return true;
        }

        reply = default;
        request.Await(handling);
        return false;
    }

    [SuppressMessage("Design", "CA1031", Justification = "Whatever a handler throws is answered, and must not end the thread.")]
    private Reply ReplyOf(ReceivedRequest request, in ConfiguredValueTaskAwaitable<Reply>.ConfiguredValueTaskAwaiter handling)
    {
        try
        {
            return handling.GetResult();
        }
        catch (Exception exception)
        {
            return ReplyTo(request, exception);
        }
    }

    private Reply ReplyTo(ReceivedRequest request, Exception exception)
    {
        switch (exception)
        {
            case ReplyException error:
                return error.Reply;
            case OperationCanceledException when request.IsCancelled:
                return Reply.Failure(503, "The responder is shutting down.");
            default:
                requests.HandlerFailed(registration, exception);
                return Reply.Error(500, options.ExposeExceptions ? MessageOf(exception) : Failed);
        }
    }

    [SuppressMessage("Design", "CA1031", Justification = "An exception of the application's own may throw even here.")]
    private static string MessageOf(Exception exception)
    {
        try
        {
            return exception.Message;
        }
        catch (Exception)
        {
            return Failed;
        }
    }

    /// <summary>The handler has its answer: encodes it outside the gate, and ends the request.</summary>
    private ReceivedRequest? Finish(ReceivedRequest request, in Reply reply, TimeSpan until, out bool more)
    {
        var response = new ResponseWriter(stackalloc byte[512]);
        try
        {
            var now = requests.Now;
            var payload = Encode(request, reply, ref response, now);
            ReceivedRequest? next;
            lock (session.Gate)
            {
                requests.Handled(request, response, payload, now);
                more = TakeNext(now, until, out next);
            }

            Leave(isLast: next is null && until > TimeSpan.MinValue);
            return next;
        }
        finally
        {
            response.Dispose();
        }
    }

    /// <summary>Takes the next request, as long as this thread has time for it. Within the gate.</summary>
    private bool TakeNext(TimeSpan now, TimeSpan until, out ReceivedRequest? next)
    {
        if (now < until)
        {
            return requests.TakeNext(registration, now, out next);
        }

        next = null;
        return registration.Queue.TryAskForWorker();
    }

    private void Leave(bool isLast)
    {
        if (isLast)
        {
            session.AfterGateAndWrite();
        }
        else
        {
            session.AfterGate();
        }
    }

    [SuppressMessage("Design", "CA1031", Justification = "What is wrong with the handler's text or memory is answered as its failure.")]
    private ReadOnlySpan<byte> Encode(ReceivedRequest request, in Reply reply, ref ResponseWriter response, TimeSpan now)
    {
        if (!request.AsksForAnswer)
        {
            return default;
        }

        try
        {
            response.Write(request, reply, now);
            if (reply.Payload.Length <= LargestContent - response.Written.Length)
            {
                return reply.Payload.Span;
            }

            Replace(request, Responses.TooLarge, ref response, now);
        }
        catch (Exception exception)
        {
            requests.HandlerFailed(registration, exception);
            Replace(request, Reply.Error(500, "The handler's answer has no form on the wire."), ref response, now);
        }

        return default;
    }

    private static void Replace(ReceivedRequest request, in Reply reply, ref ResponseWriter response, TimeSpan now)
    {
        response.Dispose();
        response = new ResponseWriter(default);
        response.Write(request, reply, now);
    }
}
