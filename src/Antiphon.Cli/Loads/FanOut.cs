using System.Buffers.Binary;
using Antiphon.Cli.Output;
using Antiphon.Client;

namespace Antiphon.Cli.Loads;

/// <summary>
/// One worker's message on its way to many subscribers: timed at each, and awaited until all have it,
/// so that no more is published than is received.
/// </summary>
internal sealed class FanOut(int subscribers, ResponseTimes times, TimeProvider time)
{
    /// <summary>The bytes that the number of the worker and the time take.</summary>
    public const int Header = 12;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    private long _sent;
    private int _missing;
    private TaskCompletionSource _all = new();

    /// <summary>Marks the payload, publishes it, and waits for every subscriber.</summary>
    public async Task PublishAsync(byte[] payload, int worker, Func<ValueTask<PublishResult>> publish, CancellationToken cancellationToken)
    {
        _all = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Volatile.Write(ref _missing, subscribers);
        var now = time.GetTimestamp();
        Volatile.Write(ref _sent, now);
        BinaryPrimitives.WriteInt32LittleEndian(payload, worker);
        BinaryPrimitives.WriteInt64LittleEndian(payload.AsSpan(4), now);
        await publish();
        await _all.Task.WaitAsync(Patience, time, cancellationToken);
    }

    /// <summary>The worker whose message it is.</summary>
    public static int WorkerOf(ReadOnlySpan<byte> payload) => BinaryPrimitives.ReadInt32LittleEndian(payload);

    /// <summary>A subscriber has a message. One that was given up does not count.</summary>
    public void Arrived(ReadOnlySpan<byte> payload)
    {
        var sent = BinaryPrimitives.ReadInt64LittleEndian(payload[4..]);
        if (sent != Volatile.Read(ref _sent))
        {
            return;
        }

        times.Add(time.GetElapsedTime(sent));
        if (Interlocked.Decrement(ref _missing) == 0)
        {
            _all.TrySetResult();
        }
    }
}
