using Antiphon.Rpc.Tests.Timing;

namespace Antiphon.Rpc.Tests.Servers;

/// <summary>
/// The client's end of a connection within the test's one thread:
/// what it writes is handed on at once, what it reads is what the server has sent.
/// </summary>
internal sealed class ScriptedStream(Action<ReadOnlyMemory<byte>> written) : Stream
{
    private readonly List<byte> _incoming = [];
    private TaskCompletionSource? _reader;
    private bool _isCut;
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

    /// <summary>The server sends.</summary>
    public void Send(ReadOnlySpan<byte> bytes)
    {
        _incoming.AddRange(bytes);
        Wake();
    }

    /// <summary>The server closes the connection.</summary>
    public void End()
    {
        _isClosed = true;
        Wake();
    }

    /// <summary>The connection breaks.</summary>
    public void Cut()
    {
        _isCut = true;
        Wake();
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        while (_incoming.Count == 0)
        {
            if (_isCut)
            {
                throw new IOException("The connection was cut.");
            }

            if (_isClosed)
            {
                return 0;
            }

            _reader = new TaskCompletionSource();
            await _reader.Task.ConfigureAwait(false);
        }

        var length = Math.Min(buffer.Length, _incoming.Count);
        _incoming[..length].ToArray().CopyTo(buffer);
        _incoming.RemoveRange(0, length);
        return length;
    }

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (_isCut)
        {
            throw new IOException("The connection was cut.");
        }

        written(buffer);
        return default;
    }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        End();
        base.Dispose(disposing);
    }

    private void Wake()
    {
        var reader = _reader;
        _reader = null;
        if (reader is not null)
        {
            OneThread.WithoutContext(reader.SetResult);
        }
    }
}
