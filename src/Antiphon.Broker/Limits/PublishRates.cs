using Antiphon.Broker.Buffers;
using Antiphon.Broker.Connections;
using Antiphon.Broker.Publishing;
using Antiphon.Broker.Sessions;
using Antiphon.Broker.Timing;
using Antiphon.Protocol;
using Antiphon.Protocol.Packets;

namespace Antiphon.Broker.Limits;

/// <summary>
/// How fast a client may publish. What it publishes too fast with QoS 1 and QoS 2 is delivered at once and acknowledged later, so that the
/// Receive Maximum slows it; with QoS 0, where nothing could slow it, it is not delivered. Owned by the engine's thread.
/// </summary>
internal sealed class PublishRates
{
    /// <summary>What an acknowledgement that waits takes in memory, in bytes.</summary>
    private const int WaitingSize = 72;

    /// <summary>
    /// So much earlier than it is due an acknowledgement may leave. Deadlines fire up to 32 ms late; without this a client whose Receive
    /// Maximum lasts for less time than that would not reach its rate.
    /// </summary>
    private static readonly TimeSpan Slack = TimeSpan.FromMilliseconds(32);
    private static readonly long SlackNanoseconds = TokenBucket.At(new Instant(Slack));

    private readonly AcknowledgementGate _gate;
    private readonly MemoryAccount _account;
    private readonly TimingWheel _wheel;
    private readonly EngineCounters _counters;

    // In nanoseconds. A rate that is not set costs nothing, and always has room.
    private readonly long _messageCost;
    private readonly long _messageBurst = long.MaxValue / 2;
    private readonly double _byteCost;
    private readonly long _byteBurst = long.MaxValue / 2;

    public PublishRates(BrokerOptions options, AcknowledgementGate gate, MemoryAccount account, TimingWheel wheel, EngineCounters counters)
    {
        _gate = gate;
        _account = account;
        _wheel = wheel;
        _counters = counters;
        if (options.MaximumPublishesPerSecond is > 0 and var messages)
        {
            _messageCost = TokenBucket.Second / messages;
            _messageBurst = _messageCost * (options.MaximumPublishBurst is > 0 and var burst ? burst : messages);
        }

        if (options.MaximumPublishBytesPerSecond is > 0 and var bytes)
        {
            _byteCost = (double)TokenBucket.Second / bytes;
            _byteBurst = TokenBucket.Second;
        }

        IsSet = _messageCost > 0 || _byteCost > 0;
    }

    /// <summary>Whether there is any rate; if not, nothing here need be asked.</summary>
    public bool IsSet { get; }

    /// <summary>A client publishes with QoS 0.</summary>
    /// <param name="session">Its Session.</param>
    /// <param name="size">The packet's size, in bytes.</param>
    /// <param name="now">The current instant.</param>
    /// <returns>Whether it may; if not, that is counted.</returns>
    public bool TryPublish(Session session, int size, Instant now)
    {
        var pace = session.Pace ??= new Pace(this);
        var at = TokenBucket.At(now);
        var byteCost = (long)(_byteCost * size);
        if (!pace.Used.Messages.HasRoom(at, _messageBurst, _messageCost) || !pace.Used.Bytes.HasRoom(at, _byteBurst, byteCost))
        {
            _counters.DroppedOverRate++;
            return false;
        }

        pace.Used.Messages.Take(at, _messageCost);
        pace.Used.Bytes.Take(at, byteCost);
        return true;
    }

    /// <summary>Acknowledges a message of QoS 1 or QoS 2, now or as soon as its client may publish the next.</summary>
    /// <param name="connection">Over which the message came.</param>
    /// <param name="session">Its Session.</param>
    /// <param name="answer">PUBACK or PUBREC.</param>
    /// <param name="identifier">The message's Packet Identifier.</param>
    /// <param name="code">What to say.</param>
    /// <param name="reason">Why, if that is known better than the code says it.</param>
    /// <param name="size">The size of its packet, in bytes.</param>
    /// <param name="now">The current instant.</param>
    public void Acknowledge(
        Connection connection,
        Session session,
        PacketType answer,
        PacketIdentifier identifier,
        ReasonCode code,
        string? reason,
        int size,
        Instant now)
    {
        var pace = session.Pace ??= new Pace(this);
        var at = TokenBucket.At(now);
        var byteCost = (long)(_byteCost * size);
        var isEarly = pace.Held.Count > 0
            || !pace.Used.Messages.HasRoom(at + SlackNanoseconds, _messageBurst, _messageCost)
            || !pace.Used.Bytes.HasRoom(at + SlackNanoseconds, _byteBurst, byteCost);
        var before = isEarly ? pace.Used : default;
        pace.Used.Messages.Take(at, _messageCost);
        pace.Used.Bytes.Take(at, byteCost);
        if (!isEarly)
        {
            _gate.Acknowledge(connection, session, answer, identifier, code, reason);
            return;
        }

        var due = Later(before.Messages.RoomAt(_messageBurst, _messageCost), before.Bytes.RoomAt(_byteBurst, byteCost));
        _counters.DelayedOverRate++;
        _account.Add(WaitingSize);
        pace.Held.Enqueue(new Pace.Waiting(_gate.Withhold(connection, session, answer, identifier, code, reason), due, before));
        if (!pace.Deadline.IsSet)
        {
            Await(pace, due);
        }
    }

    /// <summary>Acknowledgements are due.</summary>
    public void OnDeadline(Pace pace, Instant now)
    {
        while (pace.Held.TryPeek(out var first))
        {
            if (first.Due > now + Slack)
            {
                Await(pace, first.Due);
                break;
            }

            TakeFirst(pace);
            _gate.Admit(first.Acknowledgement);
        }
    }

    /// <summary>
    /// A connection has ended: what it was not acknowledged is sent again, and counts then.
    /// </summary>
    public void ConnectionEnded(Pace pace)
    {
        if (pace.Held.TryPeek(out var first))
        {
            pace.Used = first.Before;
        }

        while (pace.Held.TryPeek(out var waiting))
        {
            TakeFirst(pace);
            _gate.Admit(waiting.Acknowledgement);
        }

        _wheel.Cancel(pace.Deadline);
    }

    private static Instant Later(Instant left, Instant right) => left < right ? right : left;

    private void Await(Pace pace, Instant due) => _wheel.Set(pace.Deadline, new Instant(due.Elapsed - Slack));

    private void TakeFirst(Pace pace)
    {
        pace.Held.Dequeue();
        _account.Add(-WaitingSize);
    }
}
