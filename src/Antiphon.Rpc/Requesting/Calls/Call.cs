using System.Buffers.Binary;
using Antiphon.Client;
using Antiphon.Client.Publishing;
using Antiphon.Client.Sessions;
using Antiphon.Protocol;
using Antiphon.Rpc.Requesting.Outcomes;
using Antiphon.Rpc.Requesting.Topics;
using Antiphon.Rpc.Timing;
using Antiphon.Rpc.Wire;

namespace Antiphon.Rpc.Requesting.Calls;

/// <summary>
/// One call from its beginning to its one outcome. What comes of it is the business of its kind:
/// one answer ends a <see cref="SingleCall"/>, many make a <see cref="GatheringCall"/>. A call is the sink of its own PUBLISH.
/// All its state is guarded by the client's gate.
/// </summary>
internal abstract class Call : IDeadline, IPublishSink, IDeferred
{
    private readonly ICallOwner? _owner;

    protected Call(ICallOwner? owner)
    {
        _owner = owner;
        Node = new LinkedListNode<Call>(this);
    }

    /// <summary>Changes each time that the object serves another call. Whoever kept the call compares it before touching it.</summary>
    public uint Version { get; protected set; }

    /// <summary>Its place in the list of those that wait to be sent.</summary>
    public LinkedListNode<Call> Node { get; }

    /// <summary>What is asked.</summary>
    public CallContent Content { get; private set; }

    public ResponseChannel Channel => Content.Channel;

    public TimeSpan CalledAt { get; private set; }

    /// <inheritdoc/>
    public TimeSpan Deadline { get; private set; }

    /// <inheritdoc/>
    public int QueueIndex { get; set; } = -1;

    /// <summary>Its place in the table and thereby part of its Correlation Data; −1: it is not in flight.</summary>
    public int Slot { get; set; } = -1;

    /// <summary>The second half of the Correlation Data; 0: it was not sent.</summary>
    public ulong Number { get; set; }

    /// <summary>The PUBLISH, from the moment in which the client has it.</summary>
    public PublishHandle Publish { get; set; }

    /// <summary>Whether the server has acknowledged the request, or with QoS 0, whether it was written.</summary>
    public bool IsAcknowledged { get; set; }

    /// <summary>
    /// Whether the request was sent over more than one connection. Then nobody can say any more that it was not executed:
    /// the first time may have come to another responder than the second.
    /// </summary>
    public bool WasSentAgain { get; private set; }

    public int AnswersReceived { get; set; }

    /// <summary>What had come to the requester without ending a call: before this one began, and once it has ended, since then.</summary>
    public StrayResponses Strays { get; set; }

    /// <summary>How it ended; without a kind while it has not.</summary>
    public Outcome Outcome { get; set; }

    public bool IsEnded => Outcome.Kind != OutcomeKind.None;

    /// <summary>How far the request got.</summary>
    public RequestProgress Progress =>
        Number == 0 || Publish.IsWaiting ? RequestProgress.NotSent
        : IsAcknowledged && Content.QoS != QualityOfService.AtMostOnce ? RequestProgress.Acknowledged
        : RequestProgress.Sent;

    /// <summary>Begins; the time runs.</summary>
    public void Begin(in CallContent content, TimeSpan now)
    {
        Content = content;
        CalledAt = now;
        Deadline = now + content.Timeout;
        Number = 0;
        Publish = default;
        IsAcknowledged = false;
        WasSentAgain = false;
        AnswersReceived = 0;
        Outcome = default;
    }

    /// <summary>An answer has come.</summary>
    /// <param name="response">The answer.</param>
    /// <param name="status">What it says about how it went.</param>
    /// <param name="strict">Whether an answer has to have a status.</param>
    /// <param name="now">The time now.</param>
    /// <returns>What it makes of the call; without a kind, the call goes on.</returns>
    public abstract Outcome Answer(in Response response, in ResponseStatus status, bool strict, TimeSpan now);

    /// <summary>What the end of its time makes of the call.</summary>
    public abstract OutcomeKind AtDeadline { get; }

    /// <inheritdoc/>
    public void Published(uint version, in PublishResult result, MqttException? failure)
    {
        if (version == Version)
        {
            _owner?.Published(this, result, failure);
        }
    }

    /// <inheritdoc/>
    public bool TryRenew(uint version, Span<byte> properties, bool again)
    {
        if (version != Version || IsEnded || _owner is null)
        {
            return false;
        }

        var remaining = Deadline - _owner.Now;
        if (remaining <= TimeSpan.Zero)
        {
            return false;
        }

        WasSentAgain |= again;
        RequestWriter.Renew(properties, remaining);
        return true;
    }

    /// <summary>Completes the call for whoever waits for it.</summary>
    public abstract void Run(uint version);

    public RequestFacts Facts(TimeSpan now) =>
        new(Content.Topic, Number == 0 ? default : Correlation.ToBytes(Channel.Prefix, Number), now - CalledAt, Outcome.Progress);

    /// <summary>Forgets what it was about, so that nothing is kept alive by a call that is over.</summary>
    protected void Forget()
    {
        Content = default;
        Publish = default;
    }
}

/// <summary>Who makes calls, as the calls see it.</summary>
internal interface ICallOwner
{
    /// <summary>The requester's clock.</summary>
    TimeSpan Now { get; }

    /// <summary>The client is done with the request of a call. Within the gate.</summary>
    void Published(Call call, in PublishResult result, MqttException? failure);

    /// <summary>The caller has cancelled. Enters the gate.</summary>
    void Cancel(Call call, CancellationToken cancellationToken);

    /// <summary>The caller has read the outcome. On any thread.</summary>
    void Release(SingleCall call);
}

/// <summary>What a call asks for.</summary>
/// <param name="Topic">The Topic Name, checked.</param>
/// <param name="TopicBytes">How many bytes it has in UTF-8.</param>
/// <param name="Payload">The payload, the caller's until the call has ended.</param>
/// <param name="Options">What the caller has said of this call.</param>
/// <param name="Channel">Where the response comes to.</param>
/// <param name="QoS">QoS of the request.</param>
/// <param name="Timeout">How long it waits, from its beginning.</param>
/// <param name="PayloadIsUtf8">Whether the payload is text; <c>null</c>: not said.</param>
internal readonly record struct CallContent(
    string Topic,
    int TopicBytes,
    ReadOnlyMemory<byte> Payload,
    RequestOptions Options,
    ResponseChannel Channel,
    QualityOfService QoS,
    TimeSpan Timeout,
    bool? PayloadIsUtf8);

/// <summary>The Correlation Data of a requester: 8 random bytes, which tell it from all others, and the number of the call.</summary>
internal static class Correlation
{
    public const int Length = 16;

    public static void Write(Span<byte> output, ulong prefix, ulong number)
    {
        BinaryPrimitives.WriteUInt64BigEndian(output, prefix);
        BinaryPrimitives.WriteUInt64BigEndian(output[8..], number);
    }

    public static byte[] ToBytes(ulong prefix, ulong number)
    {
        var bytes = new byte[Length];
        Write(bytes, prefix, number);
        return bytes;
    }
}
