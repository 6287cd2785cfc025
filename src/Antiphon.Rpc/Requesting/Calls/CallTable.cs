using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using Antiphon.Client;
using Antiphon.Protocol;
using Antiphon.Rpc.Requesting.Outcomes;
using Antiphon.Rpc.Requesting.Topics;
using Antiphon.Rpc.Timing;

namespace Antiphon.Rpc.Requesting.Calls;

/// <summary>What a message on a Response Topic turned out to be.</summary>
internal enum ResponseMatch
{
    /// <summary>It answers a call that waits for it.</summary>
    Matched,

    /// <summary>It answers a call that has ended.</summary>
    Late,

    /// <summary>It answers no call that was ever made on that topic.</summary>
    Foreign,
}

/// <summary>
/// All calls of a requester. It is told what happened and with the time, and puts the calls that this has ended into <see cref="Ended"/>:
/// each call once. Plain single-threaded state without I/O, clock or lock.
/// The Correlation Data is 8 random bytes, then 6 bytes that count the uses of a slot, then the slot:
/// a response finds its call by one look into an array, and no Correlation Data ever comes twice.
/// </summary>
internal sealed class CallTable(int maximumInFlight, ulong prefix)
{
    public const int MaximumSlots = 65_536;

    private const int SlotBits = 16;

    private readonly DeadlineQueue<Call> _deadlines = new();
    private readonly LinkedList<Call> _waiting = [];
    private readonly Stack<int> _freeSlots = [];
    private Call?[] _calls = new Call?[Math.Min(64, maximumInFlight)];
    private ulong[] _uses = new ulong[Math.Min(64, maximumInFlight)];
    private int _slots;

    /// <summary>Calls that have ended and wait for whoever told the table to complete them.</summary>
    public Queue<Call> Ended { get; } = new();

    /// <summary>Calls that have not ended.</summary>
    public int Pending => _deadlines.Count;

    /// <summary>Calls that were started and have not ended.</summary>
    public int InFlight => _slots - _freeSlots.Count;

    /// <summary>Whether calls wait that could be sent, if there were a slot and a connection.</summary>
    public bool HasWaiting => _waiting.Count > 0;

    public TimeSpan? NextDeadline => _deadlines.Next;

    /// <summary>A call has begun. It waits until <see cref="TryStart"/> takes it, or for its channel if that is not ready.</summary>
    public void Began(Call call)
    {
        _deadlines.Add(call);
        (call.Channel.IsReady ? _waiting : call.Channel.Waiting).AddLast(call.Node);
    }

    /// <summary>The channel has a topic and a subscription: the calls that wait for it may be sent.</summary>
    public void ChannelReady(ResponseChannel channel)
    {
        while (channel.Waiting.First is { } node)
        {
            channel.Waiting.RemoveFirst();
            _waiting.AddLast(node);
        }
    }

    /// <summary>The channel cannot be had: ends the calls that wait for it.</summary>
    public void ChannelFailed(ResponseChannel channel, Exception why, TimeSpan now)
    {
        while (channel.Waiting.First is { } node)
        {
            End(node.Value, new Outcome(OutcomeKind.Failed, now, why));
        }
    }

    /// <summary>
    /// Starts the next call that waits, if there is a free slot: gives it its Correlation Data. The request is to be published now.
    /// </summary>
    public bool TryStart([NotNullWhen(true)] out Call? call)
    {
        call = null;
        if (_waiting.First is not { } node || !TryTakeSlot(out var slot))
        {
            return false;
        }

        _waiting.RemoveFirst();
        call = node.Value;
        call.Slot = slot;
        call.Number = ++_uses[slot] << SlotBits | (uint)slot;
        _calls[slot] = call;
        return true;
    }

    /// <summary>The client did not take the request, or it came to nothing.</summary>
    public void Failed(Call call, Exception why, TimeSpan now) => End(call, new Outcome(OutcomeKind.Failed, now, why));

    /// <summary>The client has not written the request, or not again, since its time was over.</summary>
    /// <returns>How many calls that has ended without what they waited for.</returns>
    public int Expired(Call call, TimeSpan now)
    {
        var kind = call.AtDeadline;
        End(call, new Outcome(kind, now));
        return kind == OutcomeKind.TimedOut ? 1 : 0;
    }

    /// <summary>The server has acknowledged the request; with QoS 0, it was written.</summary>
    public void Acknowledged(Call call, ReasonCode reasonCode, TimeSpan now)
    {
        call.IsAcknowledged = true;

        // A responder may have answered all the same: then there was one, whatever the server counts.
        if (reasonCode == ReasonCode.NoMatchingSubscribers && call.AnswersReceived == 0)
        {
            End(call, new Outcome(OutcomeKind.NoResponder, now));
        }
    }

    /// <summary>A message has come on a Response Topic: which call it answers. If one, <see cref="Answered"/> is to follow.</summary>
    public ResponseMatch Find(ResponseChannel channel, ReadOnlySpan<byte> correlation, out Call? call)
    {
        call = null;
        if (correlation.Length != Correlation.Length || BinaryPrimitives.ReadUInt64BigEndian(correlation) != prefix)
        {
            return ResponseMatch.Foreign;
        }

        var number = BinaryPrimitives.ReadUInt64BigEndian(correlation[8..]);
        var slot = (int)(number & (MaximumSlots - 1));
        var use = number >> SlotBits;
        if (slot >= _slots || use == 0 || use > _uses[slot])
        {
            return ResponseMatch.Foreign;
        }

        if (_calls[slot] is not { } found || found.Number != number)
        {
            return ResponseMatch.Late;
        }

        if (!ReferenceEquals(found.Channel, channel))
        {
            return ResponseMatch.Foreign;
        }

        call = found;
        return ResponseMatch.Matched;
    }

    /// <summary>The call has got an answer, and has said what that makes of it.</summary>
    public void Answered(Call call, in Outcome outcome)
    {
        call.AnswersReceived++;
        if (outcome.Kind != OutcomeKind.None)
        {
            End(call, outcome);
        }
    }

    /// <summary>Time has gone by.</summary>
    /// <returns>How many calls it has ended without what they waited for.</returns>
    public int Tick(TimeSpan now)
    {
        var timedOut = 0;
        while (_deadlines.TryTakeDue(now, out var call))
        {
            timedOut += Expired(call, now);
        }

        return timedOut;
    }

    /// <summary>
    /// The server has lost the Session: the response to what it had taken before can no longer be relied on.
    /// What it had not acknowledged the client sends again, and what was not sent will be.
    /// </summary>
    public void SessionLost(TimeSpan now)
    {
        for (var slot = 0; slot < _slots; slot++)
        {
            if (_calls[slot] is { IsAcknowledged: true } call)
            {
                End(call, new Outcome(OutcomeKind.SessionLost, now));
            }
        }
    }

    /// <summary>
    /// The channel's topic has changed, with the Session: what was sent with the old one cannot be answered any more.
    /// What was not sent waits for the new one, before all that is begun later.
    /// </summary>
    public void ChannelMoved(ResponseChannel channel, TimeSpan now)
    {
        for (var node = _waiting.First; node is not null;)
        {
            var next = node.Next;
            if (ReferenceEquals(node.Value.Channel, channel))
            {
                _waiting.Remove(node);
                channel.Waiting.AddLast(node);
            }

            node = next;
        }

        for (var slot = 0; slot < _slots; slot++)
        {
            if (_calls[slot] is { } call && ReferenceEquals(call.Channel, channel))
            {
                End(call, new Outcome(OutcomeKind.SessionLost, now));
            }
        }
    }

    /// <summary>The caller has cancelled, or reads no further.</summary>
    public void Cancelled(Call call, TimeSpan now, CancellationToken cancellationToken) =>
        End(call, new Outcome(OutcomeKind.Cancelled, now, cancellationToken));

    /// <summary>The client has stopped.</summary>
    public void Stopped(ConnectionException why, TimeSpan now) => EndAll(new Outcome(OutcomeKind.ClientStopped, now, why));

    /// <summary>The requester was disposed of.</summary>
    public void Disposed(TimeSpan now) => EndAll(new Outcome(OutcomeKind.Disposed, now));

    private void EndAll(in Outcome outcome)
    {
        while (_deadlines.TryTakeDue(TimeSpan.MaxValue, out var call))
        {
            End(call, outcome);
        }
    }

    /// <summary>Ends a call, unless it has ended.</summary>
    private void End(Call call, in Outcome outcome)
    {
        if (call.IsEnded)
        {
            return;
        }

        call.Outcome = outcome with { Progress = call.Progress };
        call.Node.List?.Remove(call.Node);
        _deadlines.Remove(call);
        if (call.Slot >= 0)
        {
            _calls[call.Slot] = null;
            _freeSlots.Push(call.Slot);
            call.Slot = -1;
        }

        Ended.Enqueue(call);
    }

    private bool TryTakeSlot(out int slot)
    {
        if (_freeSlots.TryPop(out slot))
        {
            return true;
        }

        if (_slots == maximumInFlight)
        {
            return false;
        }

        if (_slots == _calls.Length)
        {
            var larger = Math.Min(2 * _slots, maximumInFlight);
            Array.Resize(ref _calls, larger);
            Array.Resize(ref _uses, larger);
        }

        slot = _slots++;
        return true;
    }
}
