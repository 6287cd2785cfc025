using Antiphon.Bench.Load;

namespace Antiphon.Bench.Public.Tls;

/// <summary>
/// One connection of the load over a <see cref="System.IO.Stream"/>: it answers requests, or keeps a window of its own open.
/// It reads, takes what came apart, and writes what that brought, once for each read.
/// </summary>
internal sealed class StreamConnection(System.IO.Stream stream, LoadConnection state, Wire wire, int window) : ITraffic
{
    private readonly byte[] _received = new byte[64 * 1024];
    private readonly TaskCompletionSource _ready = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private byte[] _sent = new byte[4096];
    private Histogram _latencies = new();
    private long _completed;
    private long _outstanding;
    private volatile bool _ceased;

    /// <summary>Ends when the connection is subscribed.</summary>
    public Task Ready => _ready.Task;

    public long Completed => Interlocked.Read(ref _completed);

    public long Outstanding => Interlocked.Read(ref _outstanding);

    /// <summary>What has been recorded since the last call.</summary>
    public Histogram TakeLatencies() => Interlocked.Exchange(ref _latencies, new Histogram());

    /// <summary>Begins nothing new; what is under way ends.</summary>
    public void Cease() => _ceased = true;

    /// <summary>Ends when the token says so; any other end is a failure.</summary>
    public async Task RunAsync(CancellationToken end)
    {
        try
        {
            wire.Open(state);
            await FlushAsync(end);
            var length = 0;
            while (await stream.ReadAsync(_received.AsMemory(length), end) is var count and > 0)
            {
                length = Take(length + count);
                await FlushAsync(end);
            }

            throw new BenchException("The broker closed a connection.");
        }
        catch (OperationCanceledException) when (end.IsCancellationRequested)
        {
            // The measurement is over.
        }
        finally
        {
            Free();
        }
    }

    void ITraffic.Ready(LoadConnection connection)
    {
        for (var i = 0; i < window; i++)
        {
            Interlocked.Increment(ref _outstanding);
            wire.Publish(state, LoadLoop.Now);
        }

        _ready.TrySetResult();
    }

    unsafe void ITraffic.Received(LoadConnection connection, in Incoming message, long now)
    {
        if (state.Role == Role.Responder)
        {
            wire.Respond(state, message);
            return;
        }

        Interlocked.Increment(ref _completed);
        Volatile.Read(ref _latencies).Record(now - *(long*)message.Mark);
        if (_ceased)
        {
            Interlocked.Decrement(ref _outstanding);
        }
        else
        {
            wire.Publish(state, now);
        }
    }

    void ITraffic.Ended(LoadConnection connection) => throw new BenchException("The broker closed a connection.");

    /// <returns>How many bytes are left, which are no whole packet; they stand at the beginning.</returns>
    private unsafe int Take(int length)
    {
        fixed (byte* bytes = _received)
        {
            var consumed = wire.Receive(state, bytes, length, this, LoadLoop.Now);
            _received.AsSpan(consumed, length - consumed).CopyTo(_received);
            return length - consumed;
        }
    }

    private ValueTask FlushAsync(CancellationToken end)
    {
        var length = CopyOutput();
        return length == 0 ? ValueTask.CompletedTask : stream.WriteAsync(_sent.AsMemory(0, length), end);
    }

    private unsafe int CopyOutput()
    {
        var length = state.Output.Length;
        if (length > _sent.Length)
        {
            _sent = new byte[2 * length];
        }

        new ReadOnlySpan<byte>(state.Output.First, length).CopyTo(_sent);
        state.Output.Consume(length);
        return length;
    }

    private unsafe void Free()
    {
        state.Output.Free();
        state.Held.Free();
        System.Runtime.InteropServices.NativeMemory.Free(state.Template);
        state.Template = null;
    }
}
