using System.Collections.Concurrent;

namespace Antiphon.Broker.Tests.Transport;

/// <summary>A client's bytes, and writes that take until the test lets them end. It notes what is done to it.</summary>
internal sealed class SlowStream(byte[] input) : Stream, IHalfClosable
{
    private readonly TaskCompletionSource _inputEnd = Source();
    private readonly TaskCompletionSource _inputRead = Source();
    private readonly TaskCompletionSource _writing = Source();
    private readonly TaskCompletionSource _finish = Source();
    private readonly TaskCompletionSource _sendingEnded = Source();
    private readonly ConcurrentQueue<string> _story = new();
    private ReadOnlyMemory<byte> _input = input;

    /// <summary>The first write has begun.</summary>
    public Task Writing => _writing.Task;

    /// <summary>The end of the input was read.</summary>
    public Task InputRead => _inputRead.Task;

    public Task SendingEnded => _sendingEnded.Task;

    public string Story => string.Join(", ", _story);

    public override bool CanRead => true;

    public override bool CanWrite => true;

    public override bool CanSeek => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public void EndInput() => _inputEnd.TrySetResult();

    public void FinishWriting() => _finish.TrySetResult();

    public void EndSending()
    {
        _story.Enqueue("sending ended");
        _sendingEnded.SetResult();
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (buffer.IsEmpty)
        {
            return 0;
        }

        if (_input.IsEmpty)
        {
            await _inputEnd.Task.WaitAsync(cancellationToken);
            _inputRead.TrySetResult();
            return 0;
        }

        var length = Math.Min(buffer.Length, _input.Length);
        _input[..length].CopyTo(buffer);
        _input = _input[length..];
        return length;
    }

    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        _writing.TrySetResult();
        await _finish.Task.WaitAsync(cancellationToken);
        _story.Enqueue("written");
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
        if (!_story.Contains("closed"))
        {
            _story.Enqueue("closed");
        }

        _inputEnd.TrySetResult();
        base.Dispose(disposing);
    }

    private static TaskCompletionSource Source() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
