using System.Text;
using Antiphon.Client;
using Antiphon.Protocol;
using Antiphon.Protocol.Packets;
using Antiphon.Rpc.Requesting.Calls;
using Antiphon.Rpc.Timing;
using Antiphon.Rpc.Wire;

namespace Antiphon.Rpc.Responding;

/// <summary>How far a received request is.</summary>
internal enum RequestState
{
    /// <summary>It waits for a handler.</summary>
    Waiting,

    /// <summary>Its handler runs.</summary>
    Running,

    /// <summary>Its answer is known.</summary>
    Answered,

    /// <summary>Its time was up first.</summary>
    Expired,
}

/// <summary>A request from its arrival until it may be forgotten. The responder's lock owns its state.</summary>
#pragma warning disable CA1001 // A source without a timer holds nothing to dispose, and handlers may keep its token.
internal sealed class ReceivedRequest : IDeadline, IThreadPoolWorkItem
#pragma warning restore CA1001
{
    private readonly Lock _cancellationGate = new();
    private readonly TimeSpan? _statedDeadline;
    private readonly Acknowledgement _acknowledgement;
    private List<Acknowledgement>? _repeats;
    private CancellationTokenSource? _cancellation;
    private bool _isCancelled;

    public ReceivedRequest(Registration registration, in PublishView message, in Acknowledgement acknowledgement, in RequestBudget budget, int session)
    {
        Registration = registration;
        Message = new MessageCopy(message);
        _acknowledgement = acknowledgement;
        _statedDeadline = budget.IsStated ? budget.Deadline : null;
        Deadline = budget.Deadline;
        ForgetAt = budget.ForgetAt;
        Session = session;
        PacketIdentifier = message.PacketIdentifier;
        IsOfProfile = message.CorrelationData.Length == Correlation.Length && message.TryGetUserProperty(RpcPropertyName.ProtocolVersion, out _);
        Request = new Request(
            Message,
            this,
            Encoding.UTF8.GetString(message.Topic),
            message.ResponseTopic.IsEmpty ? null : Encoding.UTF8.GetString(message.ResponseTopic),
            message.QoS,
            message.Dup);
    }

    public Registration Registration { get; }

    public MessageCopy Message { get; }

    public Request Request { get; }

    /// <summary>The Session in which it arrived, counted by the responder.</summary>
    public int Session { get; }

    public PacketIdentifier PacketIdentifier { get; }

    /// <summary>Whether its Correlation Data is unique by contract: 16 bytes, and it names the profile.</summary>
    public bool IsOfProfile { get; }

    /// <summary>Whether it can be told from others when it comes again.</summary>
    public bool CanBeRemembered => IsOfProfile || Request.QoS != QualityOfService.AtMostOnce;

    public RequestState State { get; set; }

    /// <summary>What was answered; <c>null</c>: nothing, or nothing yet.</summary>
    public Reply? Answer { get; set; }

    /// <inheritdoc/>
    public TimeSpan Deadline { get; set; }

    /// <summary>When nothing can bring the request again.</summary>
    public TimeSpan ForgetAt { get; }

    /// <inheritdoc/>
    public int QueueIndex { get; set; } = -1;

    /// <summary>Its place among the remembered, oldest first.</summary>
    public LinkedListNode<ReceivedRequest>? Remembered { get; set; }

    /// <summary>What remembering it costs, in bytes, roughly.</summary>
    public int Size => 512 + Message.Size + (Answer?.Payload.Length ?? 0);

    public TimeSpan? Remaining => _statedDeadline is { } deadline ? Max(deadline - Registration.Responder.Now) : null;

    public CancellationToken CancellationToken
    {
        get
        {
            lock (_cancellationGate)
            {
                if (_cancellation is null)
                {
                    _cancellation = new CancellationTokenSource();
                    if (_isCancelled)
                    {
                        _cancellation.Cancel();
                    }
                }

                return _cancellation.Token;
            }
        }
    }

    /// <summary>Whether the handler has been told to stop.</summary>
    public bool IsCancelled => Volatile.Read(ref _isCancelled);

    /// <summary>The same request once more, while the first still runs: its acknowledgement goes out with the first one's.</summary>
    public void Join(in Acknowledgement acknowledgement) => (_repeats ??= []).Add(acknowledgement);

    /// <summary>Acknowledges it, and what has joined it. Only the first time counts.</summary>
    public void Acknowledge()
    {
        _acknowledgement.Complete();
        if (_repeats is { } repeats)
        {
            foreach (var repeat in repeats)
            {
                repeat.Complete();
            }
        }
    }

    /// <summary>Tells the handler to stop. Callbacks of the token run here: not under a lock.</summary>
    public void Cancel()
    {
        CancellationTokenSource? cancellation;
        lock (_cancellationGate)
        {
            _isCancelled = true;
            cancellation = _cancellation;
        }

        cancellation?.Cancel();
    }

    public void Execute() => Registration.Responder.Run(this);

    private static TimeSpan Max(TimeSpan remaining) => remaining > TimeSpan.Zero ? remaining : TimeSpan.Zero;
}
