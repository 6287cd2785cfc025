using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Net.Sockets;
using Antiphon.Broker.Connections;

namespace Antiphon.Broker.Transport.Queued;

/// <summary>
/// The one adapter for every transport but epoll: a stream that is read and written on other threads.
/// Each batch of bytes that arrives is handed to the loop by a command, and the next is read when the engine has taken it;
/// output is handed out whole and counts against the connection's bound until it is written.
/// </summary>
[SuppressMessage(
    "Reliability",
    "CA1001",
    Justification = "The semaphore's wait handle is never asked for, so there is nothing to dispose of.")]
internal sealed class QueuedLink : ILink
{
    private const int ReceiveBufferSize = 16 * 1024;

    private readonly EngineShell _shell;
    private readonly Stream _stream;
    private readonly ConnectionOrigin _origin;
    private readonly bool _isProxied;
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);

    // Who uses the stream still: the link until it is closed, the reading task, the sending task. The last one tells that it has ended.
    private int _users;
    private readonly Action _onReceived;
    private readonly Action _onSent;

    // The reading task owns these until it posts, the loop's thread until it releases the task.
    private readonly SemaphoreSlim _taken = new(0, 1);
    private byte[] _buffer = [];
    private int _length;

    // The sending task writes it before it posts.
    private string? _sendFailure;

    // Owned by the loop's thread.
    private Connection _connection = null!;
    private ArraySegment<byte> _handedOut;
    private bool _isPaused;
    private bool _isHeldUp;
    private bool _endWhenSent;
    private bool _shutDown;
    private bool _closed;

    private QueuedLink(EngineShell shell, Stream stream, ConnectionOrigin origin, bool isProxied)
    {
        _shell = shell;
        _stream = stream;
        _origin = origin;
        _isProxied = isProxied;
        _onReceived = OnReceived;
        _onSent = OnSent;
    }

    private bool IsSending => _handedOut.Array is not null;

    /// <summary>Hands a new connection to the loop. Safe from any thread.</summary>
    /// <param name="shell">The loop's shell.</param>
    /// <param name="stream">The connection; the link closes it.</param>
    /// <param name="origin">Where it comes from.</param>
    /// <param name="isProxied">Whether a header of the PROXY protocol comes before everything else.</param>
    /// <returns>Ends when the connection has, and nothing more is read from the stream or written to it.</returns>
    public static Task OpenAsync(EngineShell shell, Stream stream, ConnectionOrigin origin, bool isProxied = false)
    {
        var link = new QueuedLink(shell, stream, origin, isProxied);
        shell.Post(link.Begin);
        return link._ended.Task;
    }

    public void Flush()
    {
        try
        {
            Send();
        }
        catch (Exception defect) when (defect is not OutOfMemoryException)
        {
            // Many are flushed in one go, and the others have to be.
            _shell.Fail(_connection, defect);
        }
    }

    private void Send()
    {
        if (_closed || IsSending)
        {
            return;
        }

        if (_connection.Output.Length > 0)
        {
            _handedOut = _connection.Output.HandOut();
            Interlocked.Increment(ref _users);
            _ = SendAsync(_handedOut);
            return;
        }

        _shell.Engine.OutputSent(_connection, _shell.Now);
        if (_endWhenSent)
        {
            End();
        }
        else if (_connection.Phase == ConnectionPhase.Closing && _connection.Output.Length == 0 && !_shutDown)
        {
            _shutDown = true;
            EndSending();
        }
    }

    public void Abort()
    {
        if (!_closed)
        {
            _closed = true;

            // Both tasks end by it; what the sending task holds comes back with its last command.
            DisposeStream();
            ResumeReading();
            Leave();
        }
    }

    /// <summary>When it is closed, nothing is read any more, and nobody is to wait for <see cref="ResumeReading"/>.</summary>
    public void PauseReading() => _isPaused = !_closed;

    public void ResumeReading()
    {
        _isPaused = false;
        if (_isHeldUp)
        {
            _isHeldUp = false;
            _taken.Release();
        }
    }

    private void Begin()
    {
        if (_shell.IsStopping || (!_isProxied && !_shell.LetsIn(_origin.RemoteEndPoint)))
        {
            DisposeStream();
            _ended.SetResult();
            return;
        }

        _connection = _shell.Engine.Open(this, _origin, _shell.Now, _isProxied);
        _users = 2;
        _ = ReadAsync();
    }

    /// <summary>Reads until the connection ends; whatever ends it is told to the loop.</summary>
    private async Task ReadAsync()
    {
        var reason = "The peer closed the connection.";
        try
        {
            while (true)
            {
                // Waits without a buffer, so that an idle connection holds none.
                await _stream.ReadAsync(Memory<byte>.Empty).ConfigureAwait(false);
                _buffer = ArrayPool<byte>.Shared.Rent(ReceiveBufferSize);
                _length = await _stream.ReadAsync(_buffer).ConfigureAwait(false);
                if (_length == 0)
                {
                    ArrayPool<byte>.Shared.Return(_buffer);
                    break;
                }

                _shell.Post(_onReceived);
                await _taken.WaitAsync().ConfigureAwait(false);
            }
        }
        catch (Exception failure) when (failure is not OutOfMemoryException)
        {
            reason = $"Receiving failed: {failure.Message}";
        }

        _shell.Post(() => OnEnded(reason));
        Leave();
    }

    /// <summary>A user of the stream is done with it.</summary>
    private void Leave()
    {
        if (Interlocked.Decrement(ref _users) == 0)
        {
            _ended.SetResult();
        }
    }

    /// <summary>
    /// The peer is to read to the last byte and then to the end. Other streams cannot say so and stay open:
    /// they are closed after the peer, or when its time is over.
    /// </summary>
    private void EndSending()
    {
        switch (_stream)
        {
            case IHalfClosable ending:
                ending.EndSending();
                break;
            case NetworkStream network:
                try
                {
                    network.Socket.Shutdown(SocketShutdown.Send);
                }
                catch (Exception gone) when (gone is SocketException or ObjectDisposedException)
                {
                    // The peer is gone already, and reading says so.
                }

                break;
            default:
                break;
        }
    }

    private async Task SendAsync(ArraySegment<byte> bytes)
    {
        try
        {
            await _stream.WriteAsync(bytes).ConfigureAwait(false);
        }
        catch (Exception failure) when (failure is not OutOfMemoryException)
        {
            _sendFailure = $"Sending failed: {failure.Message}";
        }

        _shell.Post(_onSent);
        Leave();
    }

    private void OnReceived()
    {
        try
        {
            if (!_closed)
            {
                _shell.Engine.Receive(_connection, _buffer.AsSpan(0, _length), _shell.Now);
            }
        }
        catch (Exception defect) when (defect is not OutOfMemoryException)
        {
            _shell.Fail(_connection, defect);
        }
        finally
        {
            // At once: a connection may be left unread for long, and there may be many of them.
            ArrayPool<byte>.Shared.Return(_buffer);
            _buffer = [];
            if (_isPaused)
            {
                _isHeldUp = true;
            }
            else
            {
                _taken.Release();
            }
        }
    }

    private void OnSent()
    {
        _connection.Output.TakeBack(_handedOut);
        _handedOut = default;
        if (_sendFailure is { } failure)
        {
            _connection.Lose(failure);
            End();
        }
        else
        {
            Flush();
        }
    }

    private void OnEnded(string reason)
    {
        if (_closed)
        {
            return;
        }

        // The peer will send no more, but may still read what is on its way.
        _connection.Lose(reason);
        _endWhenSent = true;
        Flush();
        if (!_closed)
        {
            // What is left has to be read within the time that every closing connection has.
            _shell.Engine.EndedByPeer(_connection, _shell.Now);
        }
    }

    /// <summary>The stream may be a host's, and do what it likes: none of it ends more than this connection.</summary>
    private void DisposeStream()
    {
        try
        {
            _stream.Dispose();
        }
        catch (Exception failure) when (failure is not OutOfMemoryException)
        {
            _shell.Report(failure);
        }
    }

    private void End()
    {
        if (!_closed)
        {
            Abort();
            _shell.Engine.Ended(_connection, _shell.Now);
        }
    }
}
