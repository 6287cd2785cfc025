namespace Antiphon.Server.Listening;

/// <summary>
/// A connection of Kestrel's as a stream for the broker, which reads and writes it and nothing else.
/// Disposing of it ends the reading and the writing; the connection itself is ended by its handler when both have ended.
/// </summary>
internal abstract class BorrowedStream : Stream
{
    private readonly CancellationTokenSource _ended = new();

    public override bool CanRead => true;

    public override bool CanWrite => true;

    public override bool CanSeek => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    /// <summary>The broker is done with it.</summary>
    protected CancellationToken Ended => _ended.Token;

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        // The broker's thread calls this; what hangs on the token is not for it to run. The source has no timer to dispose of.
        _ = _ended.CancelAsync();
        base.Dispose(disposing);
    }
}
