using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using Antiphon.Protocol;
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
/// All calls of a requester. The Correlation Data is 8 random bytes, which tell this requester from all others, then 6 bytes that count the uses of a slot, then the slot:
/// a response finds its call by one look into an array, and no Correlation Data ever comes twice. Plain single-threaded state: the requester's lock owns it, time is passed in.
/// </summary>
internal sealed class ExchangeTable(int maximumInFlight, ulong prefix, Requester? requester = null)
{
    public const int CorrelationLength = 16;

    public const int MaximumSlots = 65_536;

    private const int SlotBits = 16;

    private readonly DeadlineQueue<Exchange> _deadlines = new();
    private readonly LinkedList<Exchange> _waiting = [];
    private readonly Stack<Exchange> _pool = [];
    private readonly Stack<int> _freeSlots = [];
    private Exchange?[] _exchanges = new Exchange?[Math.Min(64, maximumInFlight)];
    private ulong[] _uses = new ulong[Math.Min(64, maximumInFlight)];
    private int _slots;

    /// <summary>Calls that have not ended.</summary>
    public int Pending => _deadlines.Count;

    /// <summary>Calls that were started and have not ended.</summary>
    public int InFlight => _slots - _freeSlots.Count;

    public TimeSpan? NextDeadline => _deadlines.Next;

    /// <summary>Begins a call; its time runs. It waits until <see cref="TryStart"/> takes it, or for its channel if that is not ready.</summary>
    public Exchange Begin(in Call call, TimeSpan now)
    {
        if (!_pool.TryPop(out var exchange))
        {
            exchange = new Exchange(requester);
        }

        exchange.Begin(call, now);
        _deadlines.Add(exchange);
        Enqueue(exchange);
        return exchange;
    }

    /// <summary>The channel has a topic and a subscription: the calls that wait for it may be sent.</summary>
    public void ChannelIsReady(ResponseChannel channel)
    {
        while (channel.Waiting.First is { } node)
        {
            channel.Waiting.RemoveFirst();
            _waiting.AddLast(node);
        }
    }

    /// <summary>Starts the next call that waits, if there is a free slot: gives it its Correlation Data. The request is to be published now.</summary>
    public bool TryStart([NotNullWhen(true)] out Exchange? exchange)
    {
        exchange = null;
        while (_waiting.First is { } node)
        {
            if (!node.Value.Channel.IsReady)
            {
                // Its Response Topic is being moved.
                _waiting.RemoveFirst();
                node.Value.Channel.Waiting.AddLast(node);
                continue;
            }

            if (!TryTakeSlot(out var slot))
            {
                return false;
            }

            _waiting.RemoveFirst();
            exchange = node.Value;
            exchange.Slot = slot;
            exchange.Correlation = (prefix, ++_uses[slot] << SlotBits | (uint)slot);
            exchange.Progress = RequestProgress.Sent;
            _exchanges[slot] = exchange;
            return true;
        }

        return false;
    }

    /// <summary>Finds the call that a response answers. A single call is ended thereby, a gathering by its last reply.</summary>
    public ResponseMatch Match(ResponseChannel channel, ReadOnlySpan<byte> correlation, out Exchange? exchange)
    {
        exchange = null;
        if (correlation.Length != CorrelationLength || BinaryPrimitives.ReadUInt64BigEndian(correlation) != prefix)
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

        exchange = _exchanges[slot];
        if (exchange is null || exchange.Correlation.Number != number)
        {
            exchange = null;
            return ResponseMatch.Late;
        }

        if (!ReferenceEquals(exchange.Channel, channel))
        {
            exchange = null;
            return ResponseMatch.Foreign;
        }

        exchange.RepliesReceived++;
        if (exchange.Gathering is null || --exchange.RepliesLeft == 0)
        {
            TryEnd(exchange);
        }

        return ResponseMatch.Matched;
    }

    /// <summary>The client has published the request.</summary>
    /// <returns>Whether that ends the call: nobody listens.</returns>
    public bool Published(Exchange exchange, ReasonCode reasonCode, object? connection)
    {
        if (exchange.IsEnded)
        {
            return false;
        }

        exchange.Connection = connection;
        if (exchange.QoS != QualityOfService.AtMostOnce)
        {
            exchange.Progress = RequestProgress.Acknowledged;
        }

        // A responder may have answered all the same: then there was one, whatever the server counts.
        return reasonCode == ReasonCode.NoMatchingSubscribers && exchange.RepliesReceived == 0 && TryEnd(exchange);
    }

    /// <summary>Ends a call, unless it has ended: whoever gets <c>true</c> completes it.</summary>
    public bool TryEnd(Exchange exchange)
    {
        if (exchange.IsEnded)
        {
            return false;
        }

        exchange.IsEnded = true;
        exchange.Node.List?.Remove(exchange.Node);
        _deadlines.Remove(exchange);
        if (exchange.Slot >= 0)
        {
            _exchanges[exchange.Slot] = null;
            _freeSlots.Push(exchange.Slot);
            exchange.Slot = -1;
        }

        return true;
    }

    /// <summary>Ends the call whose time is up, if there is one.</summary>
    public bool TryTakeExpired(TimeSpan now, out Exchange exchange) => _deadlines.TryTakeDue(now, out exchange) && TryEnd(exchange);

    /// <summary>
    /// The server has lost the Session: the response to what it had taken before can no longer be relied on. What it had not acknowledged the client sends again, and what was not sent will be.
    /// </summary>
    /// <param name="channel">Ends all that was sent with this channel too, since its topic has changed; <c>null</c>: none has.</param>
    /// <param name="connection">The new connection.</param>
    public List<Exchange> TakeLost(ResponseChannel? channel, object? connection)
    {
        var lost = new List<Exchange>();
        for (var slot = 0; slot < _slots; slot++)
        {
            if (_exchanges[slot] is { } exchange
                && (ReferenceEquals(exchange.Channel, channel) || (exchange.Connection is { } sentOn && !ReferenceEquals(sentOn, connection))))
            {
                TryEnd(exchange);
                lost.Add(exchange);
            }
        }

        return lost;
    }

    /// <summary>Ends the calls that wait for a channel which cannot be had.</summary>
    public List<Exchange> TakeWaiting(ResponseChannel channel)
    {
        var ended = new List<Exchange>(channel.Waiting);
        ended.ForEach(exchange => TryEnd(exchange));
        return ended;
    }

    /// <summary>Ends all calls.</summary>
    public List<Exchange> TakeAll()
    {
        var ended = new List<Exchange>();
        while (_deadlines.TryTakeDue(TimeSpan.MaxValue, out var exchange))
        {
            TryEnd(exchange);
            ended.Add(exchange);
        }

        return ended;
    }

    /// <summary>The client has stopped: ends all calls but those whose request it has not given back yet, since it will say what became of that.</summary>
    public List<Exchange> TakeStopped()
    {
        var ended = new List<Exchange>();
        var publishing = new List<Exchange>();
        while (_deadlines.TryTakeDue(TimeSpan.MaxValue, out var exchange))
        {
            (exchange is { Progress: RequestProgress.Sent, Connection: null } ? publishing : ended).Add(exchange);
        }

        publishing.ForEach(_deadlines.Add);
        ended.ForEach(exchange => TryEnd(exchange));
        return ended;
    }

    /// <summary>Takes back an exchange that nobody refers to any more.</summary>
    public void Return(Exchange exchange)
    {
        if (_pool.Count < maximumInFlight)
        {
            _pool.Push(exchange);
        }
    }

    private void Enqueue(Exchange exchange) => (exchange.Channel.IsReady ? _waiting : exchange.Channel.Waiting).AddLast(exchange.Node);

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

        if (_slots == _exchanges.Length)
        {
            var larger = Math.Min(2 * _slots, maximumInFlight);
            Array.Resize(ref _exchanges, larger);
            Array.Resize(ref _uses, larger);
        }

        slot = _slots++;
        return true;
    }
}
