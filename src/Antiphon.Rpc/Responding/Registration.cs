using System.Diagnostics.CodeAnalysis;
using System.Text;
using Antiphon.Client;
using Antiphon.Client.Receiving;
using Antiphon.Client.Sessions;
using Antiphon.Protocol;
using Antiphon.Protocol.Packets;
using Antiphon.Protocol.Topics;
using Antiphon.Rpc.Responding;

namespace Antiphon.Rpc;

/// <summary>
/// One handler that answers the requests on one Topic Filter. It outlives reconnects until it is disposed. Safe from any thread.
/// </summary>
public sealed class Registration : IAsyncDisposable, IMessageSink
{
    private readonly ScheduledCompletion<ValueTuple> _subscribed;
    private readonly byte[] _pattern;
    private long _refusedAnswers;
    private int _complaints;

    internal Registration(
        Responder responder,
        in TopicFilter filter,
        Func<Request, ValueTask<Reply>> handler,
        int number,
        RequestQueue queue,
        Scheduler scheduler)
    {
        _subscribed = new ScheduledCompletion<ValueTuple>(scheduler);
        Draining = new Draining(scheduler);
        Responder = responder;
        TopicFilter = filter.ToString();
        Handler = handler;
        Number = number;
        Queue = queue;
        _pattern = Encoding.UTF8.GetBytes(filter.Pattern);
        Topic = filter.HasWildcard ? null : filter.Pattern;
    }

    /// <summary>The Topic Filter that was subscribed to, <c>$share/NAME/…</c> included.</summary>
    public string TopicFilter { get; }

    /// <summary>
    /// Raised each time that the server has refused a response of this registration: its requester hears nothing. With
    /// <see cref="ReasonCode.NotAuthorized"/> this program may run such requests and not answer them (docs/wire.md). The exception has the
    /// Response Topic, and what the server said. On a thread of the pool; an exception thrown there is logged and ends nothing.
    /// </summary>
    public event EventHandler<RefusedException>? AnswerRefused;

    /// <summary>How many responses the server has refused.</summary>
    public long RefusedAnswers => Interlocked.Read(ref _refusedAnswers);

    internal Responder Responder { get; }

    internal Func<Request, ValueTask<Reply>> Handler { get; }

    /// <summary>Its number among the registrations of the responder.</summary>
    internal int Number { get; }

    /// <summary>The filter without <c>$share/NAME/</c>, in UTF-8.</summary>
    internal ReadOnlySpan<byte> Pattern => _pattern;

    /// <summary>The one Topic Name that its requests come on; <c>null</c>: there are many.</summary>
    internal string? Topic { get; }

    /// <summary>Completes when the server has granted the subscription, or fails.</summary>
    internal Task Subscribed => _subscribed.Task;

    /// <summary>Set once, before the registration is given to the application.</summary>
    internal HandlerRuns Runs { get; set; } = null!;

    /// <summary>Set once, before the registration is given to the application.</summary>
    internal Subscription Subscription { get; set; } = null!;

    // The gate of the client's Session owns what follows.

    /// <summary>Requests that wait, and how many run.</summary>
    internal RequestQueue Queue { get; }

    /// <summary>Whether it has ended. Its subscription may live on until the server has heard of that.</summary>
    internal bool HasEnded { get; set; }

    /// <summary>Requests that are not dealt with yet.</summary>
    internal Draining Draining { get; }

    /// <summary>
    /// Ends the subscription, so that no new requests come, and waits until those that have come are answered, as long as
    /// <see cref="ResponderOptions.DrainTimeout"/> says. After that handlers are cancelled and their requests answered with status 503.
    /// Awaited from within a handler of this registration it waits for itself, and so for all that time.
    /// </summary>
    public ValueTask DisposeAsync() => Responder.EndAsync(this);

    void IMessageSink.Subscribed(MqttException? failure)
    {
        if (failure is null)
        {
            _subscribed.TrySetResult(default);
        }
        else
        {
            _subscribed.TrySetException(failure);
        }
    }

    void IMessageSink.Take(in PublishView message, in Acknowledgement acknowledgement) =>
        Responder.Requests.Take(this, message, acknowledgement);

    void IMessageSink.TakeFlawed(in PublishView message, Fault flaw) => Responder.Requests.Refuse(this, message, flaw);

    /// <summary>Ends the wait for the subscription, if somebody still waits.</summary>
    internal void GiveUp() => _subscribed.TrySetException(new ObjectDisposedException(nameof(Responder)));

    /// <summary>Whether it is the first time that this is to be complained of. Safe from any thread.</summary>
    internal bool IsFirst(Complaint complaint) => (Interlocked.Or(ref _complaints, (int)complaint) & (int)complaint) == 0;

    /// <summary>The server has refused a response. Safe from any thread.</summary>
    /// <returns>What tells the application so, if anybody there wants to hear it.</returns>
    internal IThreadPoolWorkItem? Refused(RefusedException refusal, ResponderLog log)
    {
        Interlocked.Increment(ref _refusedAnswers);
        return AnswerRefused is { } heard ? new Telling(this, heard, refusal, log) : null;
    }

    /// <summary>Whether it is the one Topic Name of this registration.</summary>
    internal bool IsItsTopic(ReadOnlySpan<byte> topic) => Topic is not null && topic.SequenceEqual(_pattern);

    private sealed class Telling(
        Registration registration, EventHandler<RefusedException> heard, RefusedException refusal, ResponderLog log) : IThreadPoolWorkItem
    {
        [SuppressMessage("Design", "CA1031", Justification = "What it throws is the application's, and must not end this thread.")]
        public void Execute()
        {
            try
            {
                heard(registration, refusal);
            }
            catch (Exception exception)
            {
                log.CallbackFailed(registration, exception);
            }
        }
    }
}
