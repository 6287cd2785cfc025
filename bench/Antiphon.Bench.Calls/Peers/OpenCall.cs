using System.Buffers.Binary;
using System.Threading.Tasks.Sources;

namespace Antiphon.Bench.Calls.Peers;

/// <summary>
/// A call as one writes it by hand over a client that only publishes and subscribes: the slot's number and a counter are the Correlation
/// Data, and the answer completes it. Its slot uses it again and again.
/// </summary>
/// <param name="slot">Which slot's call it is.</param>
/// <param name="payload">What the slot asks.</param>
/// <param name="hops">Whether the caller goes on on a thread of the pool; else in the handler that got the answer.</param>
internal sealed class OpenCall(int slot, byte[] payload, bool hops) : IValueTaskSource<bool>
{
    public const int CorrelationSize = 16;

    private readonly byte[] _correlation = new byte[CorrelationSize];
    private ManualResetValueTaskSourceCore<bool> _answer = new() { RunContinuationsAsynchronously = hops };
    private long _number;
    private long _open;
    private long _deadline;

    public byte[] Payload => payload;

    /// <summary>The Correlation Data of the call that is open.</summary>
    public byte[] Correlation => _correlation;

    /// <summary>Opens the next call.</summary>
    /// <param name="deadline">When it fails.</param>
    /// <returns>Whether the answer was the right one; fails with <see cref="TimeoutException"/>.</returns>
    public ValueTask<bool> Begin(long deadline)
    {
        _answer.Reset();
        _number++;
        BinaryPrimitives.WriteInt32LittleEndian(_correlation, slot);
        BinaryPrimitives.WriteInt64LittleEndian(_correlation.AsSpan(8), _number);
        Volatile.Write(ref _deadline, deadline);
        Volatile.Write(ref _open, _number);
        return new ValueTask<bool>(this, _answer.Version);
    }

    /// <summary>Ends the call that an answer belongs to, if it is still open.</summary>
    public static void End(OpenCall[] calls, ReadOnlySpan<byte> correlation, ReadOnlySpan<byte> payload)
    {
        if (correlation.Length != CorrelationSize)
        {
            return;
        }

        var slot = BinaryPrimitives.ReadUInt32LittleEndian(correlation);
        var number = BinaryPrimitives.ReadInt64LittleEndian(correlation[8..]);
        if (slot < calls.Length && Interlocked.CompareExchange(ref calls[slot]._open, 0, number) == number)
        {
            calls[slot]._answer.SetResult(payload.SequenceEqual(calls[slot].Payload));
        }
    }

    /// <summary>Ends the call if its time is up.</summary>
    public void EndIfLate(long now)
    {
        var number = Volatile.Read(ref _open);
        if (number != 0 && Volatile.Read(ref _deadline) <= now && Interlocked.CompareExchange(ref _open, 0, number) == number)
        {
            _answer.SetException(new TimeoutException("No answer in time."));
        }
    }

    public bool GetResult(short token) => _answer.GetResult(token);

    public ValueTaskSourceStatus GetStatus(short token) => _answer.GetStatus(token);

    public void OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _answer.OnCompleted(continuation, state, token, flags);
}
