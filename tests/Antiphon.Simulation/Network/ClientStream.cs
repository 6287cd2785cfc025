using Antiphon.Simulation.Ends;

namespace Antiphon.Simulation.Network;

/// <summary>
/// The client's end of a <see cref="Link"/>. A read waits until the run delivers bytes;
/// a write is on its way at once, and ends now or later.
/// </summary>
internal sealed class ClientStream(Link link, SimulatedProcess process, Chance chance) : Stream
{
    private TaskCompletionSource<int>? _read;
    private Memory<byte> _buffer;
    private TaskCompletionSource? _write;
    private bool _isBroken;
    private bool _isClosed;

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    /// <summary>Whether the client waits for bytes.</summary>
    public bool IsReading => _read is not null;

    /// <summary>How many bytes it takes at most.</summary>
    public int Room => _buffer.Length;

    /// <summary>
    /// Bytes arrive, no more than there is <see cref="Room"/> for; none: the end.
    /// What the client does with them is done when this returns.
    /// </summary>
    public void Arrive(ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(_buffer.Span);
        var read = _read!;
        _read = null;
        read.SetResult(bytes.Length);
    }

    /// <summary>The client finds the connection broken.</summary>
    public void Break()
    {
        _isBroken = true;
        Fail(new IOException("The connection was reset."));
    }

    /// <summary>There is room on the way again.</summary>
    public void ContinueWriting()
    {
        if (_write is { } write)
        {
            _write = null;
            process.Scheduler.Queue(write.SetResult);
        }
    }

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        process.Thread.Check();
        ThrowIfOver();
        _buffer = buffer;
        var read = _read = new TaskCompletionSource<int>();
        if (chance.Happens(0.2))
        {
            link.TryDeliverToClient();
        }

        return new ValueTask<int>(read.Task);
    }

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        process.Thread.Check();
        ThrowIfOver();
        if (_write is not null)
        {
            throw new InvalidOperationException("A write is begun before the one before it has ended.");
        }

        link.SendToBroker(buffer.Span);
        if (!link.IsFullToBroker && chance.Happens(0.7))
        {
            return ValueTask.CompletedTask;
        }

        _write = new TaskCompletionSource();
        var task = _write.Task;
        if (!link.IsFullToBroker)
        {
            ContinueWriting();
        }

        return new ValueTask(task);
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException("Nothing blocks in a simulation.");

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException("Nothing blocks in a simulation.");

    public override void Flush()
    {
    }

    public override Task FlushAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing && !_isClosed)
        {
            process.Thread.Check();
            _isClosed = true;
            Fail(new ObjectDisposedException(nameof(ClientStream)));
            link.ClientHasClosed();
        }

        base.Dispose(disposing);
    }

    private void ThrowIfOver()
    {
        ObjectDisposedException.ThrowIf(_isClosed, this);
        if (_isBroken)
        {
            throw new IOException("The connection was reset.");
        }
    }

    private void Fail(Exception failure)
    {
        var read = _read;
        var write = _write;
        _read = null;
        _write = null;
        if (read is not null)
        {
            process.Scheduler.Queue(() => read.SetException(failure));
        }

        if (write is not null)
        {
            process.Scheduler.Queue(() => write.SetException(failure));
        }
    }
}
