using System.Runtime.CompilerServices;
using Antiphon.Client;
using Antiphon.Client.Publishing;
using Antiphon.Client.Sessions;
using Antiphon.Protocol;
using Antiphon.Protocol.Packets;
using Antiphon.Rpc.Responding.Remembering;
using Antiphon.Rpc.Timing;

namespace Antiphon.Rpc.Responding;

/// <summary>How far a received request is.</summary>
internal enum RequestState
{
    /// <summary>There is none: the object waits to be used again.</summary>
    None,

    /// <summary>It waits for its handler.</summary>
    Waiting,

    /// <summary>Its handler runs.</summary>
    Running,

    /// <summary>It has its answer.</summary>
    Answered,

    /// <summary>Its time was up first.</summary>
    Expired,
}

/// <summary>
/// A request from its arrival until it has been answered and its handler has ended. Then it is used again, and the version changes. The
/// gate of <see cref="ClientSession"/> owns its state; the message does not change while its handler runs, which may read it from any
/// thread.
/// </summary>
#pragma warning disable CA1001 // A source without a timer holds nothing to dispose, and handlers may keep its token.
internal sealed class ReceivedRequest : IDeadline, IPublishSink, IDeferred
#pragma warning restore CA1001
{
    // For the process.
    private readonly OpenRequests _requests;
    private readonly Action _handled;

    // For one request.
    private bool _isItsTopic;
    private TimeSpan? _statedDeadline;
    private Acknowledgement _acknowledgement;
    private List<Acknowledgement>? _repeats;
    private CancellationTokenSource? _cancellation;
    private volatile bool _isCancelled;
    private ConfiguredValueTaskAwaitable<Reply>.ConfiguredValueTaskAwaiter _handling;

    public ReceivedRequest(OpenRequests requests, int number)
    {
        _requests = requests;
        Number = number;
        _handled = () => Registration.Runs.Ended(this, _handling);
    }

    /// <summary>Its place among all that the responder has made; it stays.</summary>
    public int Number { get; }

    /// <summary>Changes each time that this object is used again.</summary>
    public uint Version { get; private set; } = 1;

    public Registration Registration { get; private set; } = null!;

    /// <summary>What the memory knows it by; none: it is not remembered.</summary>
    public Memento Memento { get; private set; }

    public RequestState State { get; set; }

    /// <summary>Whether a handler has it, which may go on when the request is over.</summary>
    public bool IsHandled { get; set; }

    /// <summary>Whether its response is on the way.</summary>
    public bool IsPublishing { get; set; }

    /// <summary>The error that stands for its response, which the server does not take; <c>null</c>: there was no need.</summary>
    public Reply? Substitute { get; set; }

    public ReceivedRequest? Previous { get; set; }

    public ReceivedRequest? Next { get; set; }

    /// <inheritdoc/>
    public TimeSpan Deadline { get; private set; }

    /// <inheritdoc/>
    public int QueueIndex { get; set; } = -1;

    public TimeSpan ArrivedAt { get; private set; }

    public QualityOfService QoS { get; private set; }

    public bool IsRedelivery { get; private set; }

    public bool AsksForAnswer { get; private set; }

    public bool HasCorrelationData { get; private set; }

    /// <summary>Whether an Antiphon broker has delivered it.</summary>
    public bool IsFromAntiphon { get; set; }

    /// <summary>The message, which does not change while a handler has it.</summary>
    public MessageBytes Message { get; } = new();

    public string Topic => _isItsTopic ? Registration.Topic! : Message.Topic;

    public TimeSpan? Remaining => RemainingAt(_requests.Now);

    /// <summary>Whether the handler has been told to stop.</summary>
    public bool IsCancelled => _isCancelled;

    /// <summary>How much time is left, zero or more; <c>null</c>: it says nothing of time.</summary>
    public TimeSpan? RemainingAt(TimeSpan now) => _statedDeadline is { } deadline ? deadline > now ? deadline - now : TimeSpan.Zero : null;

    /// <summary>Begins with a message, which is copied.</summary>
    public void Begin(
        Registration registration,
        in PublishView message,
        in RequestProperties properties,
        in RequestBudget budget,
        in Acknowledgement acknowledgement,
        Memento memento,
        TimeSpan now)
    {
        Registration = registration;
        Memento = memento;
        State = RequestState.Waiting;
        ArrivedAt = now;
        Deadline = budget.Deadline;
        _statedDeadline = budget.IsStated ? budget.Deadline : null;
        _acknowledgement = acknowledgement;
        QoS = message.QoS;
        IsRedelivery = message.Dup;
        AsksForAnswer = !message.ResponseTopic.IsEmpty;
        HasCorrelationData = properties.HasCorrelationData;
        _isItsTopic = registration.IsItsTopic(message.Topic);
        Message.Copy(message, withTopic: !_isItsTopic);
    }

    /// <summary>Whether it has been acknowledged, after its response or before it.</summary>
    public bool IsAcknowledged { get; private set; }

    /// <summary>How many messages wait to be acknowledged until it has been.</summary>
    public int Behind
    {
        get
        {
            var behind = _acknowledgement.Behind;
            if (_repeats is not null)
            {
                foreach (var repeat in _repeats)
                {
                    behind = Math.Max(behind, repeat.Behind);
                }
            }

            return behind;
        }
    }

    /// <summary>The same request once more, while the first still runs: its acknowledgement goes out with the first one's.</summary>
    public void Join(in Acknowledgement acknowledgement)
    {
        if (IsAcknowledged)
        {
            acknowledgement.CompleteWithinGate();
        }
        else
        {
            (_repeats ??= []).Add(acknowledgement);
        }
    }

    /// <summary>Nothing more is to be done for it. Within the gate.</summary>
    public void End()
    {
        Acknowledge();
        Registration.Draining.Ended();
    }

    /// <summary>Acknowledges it, and what has joined it. Only the first time counts. Within the gate.</summary>
    public void Acknowledge()
    {
        IsAcknowledged = true;
        _acknowledgement.CompleteWithinGate();
        if (_repeats is { Count: > 0 } repeats)
        {
            foreach (var repeat in repeats)
            {
                repeat.CompleteWithinGate();
            }

            repeats.Clear();
        }
    }

    /// <summary>What fires when the handler is to stop, made when somebody asks for it. Enters the gate.</summary>
    /// <returns><c>null</c>: the handler of that version has ended.</returns>
    public CancellationToken? TokenOf(uint version)
    {
        lock (_requests.Gate)
        {
            if (version != Version)
            {
                return null;
            }

            if (_cancellation is null)
            {
                _cancellation = new CancellationTokenSource();
                if (_isCancelled)
                {
                    // Nobody has registered with it yet, so that no code of the application runs here.
                    _cancellation.Cancel();
                }
            }

            return _cancellation.Token;
        }
    }

    /// <summary>Its handler is to stop.</summary>
    /// <returns>What to cancel outside the gate; <c>null</c>: nobody has asked for the token.</returns>
    public CancellationTokenSource? Cancel()
    {
        _isCancelled = true;
        return _cancellation;
    }

    /// <summary>Waits for a handler that has not ended yet.</summary>
    public void Await(in ConfiguredValueTaskAwaitable<Reply>.ConfiguredValueTaskAwaiter handling)
    {
        _handling = handling;
        handling.UnsafeOnCompleted(_handled);
    }

    public void Published(uint version, in PublishResult result, MqttException? failure)
    {
        if (version == Version)
        {
            _requests.Responses.Published(this, result, failure);
        }
    }

    public void Run(uint version) => _requests.Responses.Substitute(this, version, _requests.Now);

    /// <summary>It is over: gives its bytes back and makes it ready for another request.</summary>
    public void Reset()
    {
        Version++;
        State = RequestState.None;
        Message.Clear();
        Memento = default;
        Substitute = null;
        IsAcknowledged = false;
        _acknowledgement = default;
        _cancellation = null;
        _isCancelled = false;
        _handling = default;
    }
}
