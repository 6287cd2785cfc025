using System.Runtime.InteropServices;
using Antiphon.Broker.Connections;

namespace Antiphon.Broker.Transport.Epoll;

/// <summary>A TCP connection on the event loop.</summary>
/// <param name="loop">The loop that owns it.</param>
/// <param name="fd">The socket; non-blocking.</param>
/// <param name="token">Its slot in the loop, and the slot's generation.</param>
/// <param name="isNarrow">Whether its peer is a <see cref="NarrowPeer"/>.</param>
internal sealed unsafe class EpollConnection(EpollLoop loop, int fd, ulong token, bool isNarrow) : ILink
{
    private bool _waitsForRoom;
    private bool _isPaused;
    private bool _shutDown;
    private bool _closed;

    public ulong Token => token;

    public Connection Connection { get; set; } = null!;

    /// <summary>The socket has something to read, or has come to its end.</summary>
    public void Read(Span<byte> buffer)
    {
        nint received;
        fixed (byte* first = buffer)
        {
            received = Native.Receive(fd, first, (nuint)buffer.Length, Native.MSG_DONTWAIT);
        }

        if (received > 0)
        {
            loop.Shell.Engine.Receive(Connection, buffer[..(int)received], loop.Shell.Now);
            return;
        }

        var error = received == 0 ? 0 : Marshal.GetLastPInvokeError();
        if (error is Native.EAGAIN or Native.EINTR)
        {
            return;
        }

        if (error == 0)
        {
            // The peer will send no more, but may still read what is on its way.
            Flush();
        }

        if (!_closed)
        {
            End(error == 0 ? "The peer closed the connection." : $"Receiving failed: {Marshal.GetPInvokeErrorMessage(error)}.");
        }
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
            loop.Shell.Fail(Connection, defect);
        }
    }

    private void Send()
    {
        var output = Connection.Output;
        while (output.Length > 0 && !_closed)
        {
            var sent = isNarrow ? SendPiece(output) : output.IsContiguous ? SendOwn(output.Own) : SendPieces(output);
            if (sent >= 0)
            {
                output.Consume((int)sent);
                continue;
            }

            switch (Marshal.GetLastPInvokeError())
            {
                case Native.EINTR:
                    break;
                case Native.EAGAIN or Native.ENOBUFS or Native.ENOMEM:
                    WaitForRoom(true);
                    return;
                case var error:
                    End($"Sending failed: {Marshal.GetPInvokeErrorMessage(error)}.");
                    return;
            }
        }

        if (_closed)
        {
            return;
        }

        WaitForRoom(false);
        loop.Shell.Engine.OutputSent(Connection, loop.Shell.Now);
        if (Connection.Phase == ConnectionPhase.Closing && output.Length == 0 && !_shutDown)
        {
            _shutDown = true;

            // It fails only where the peer is gone already, and then reading says so.
            _ = Native.Shutdown(fd, Native.SHUT_WR);
        }
    }

    public void PauseReading()
    {
        _isPaused = true;
        ChangeInterest();
    }

    public void ResumeReading()
    {
        _isPaused = false;
        ChangeInterest();
    }

    public void Abort()
    {
        if (!_closed)
        {
            _closed = true;
            loop.Remove(this);
            _ = Native.Close(fd);
        }
    }

    private nint SendOwn(ReadOnlySpan<byte> bytes, int flags = 0)
    {
        fixed (byte* first = bytes)
        {
            return Native.Send(fd, first, (nuint)bytes.Length, Native.MSG_DONTWAIT | Native.MSG_NOSIGNAL | flags);
        }
    }

    /// <summary>Sends so little that a narrow peer has room for it, and has the kernel put nothing else into the same segment.</summary>
    private nint SendPiece(OutputBuffer output)
    {
        var waiting = output.Own;
        if (!output.IsContiguous)
        {
            output.Pieces(loop.Pieces);
            waiting = loop.Pieces[0];
        }

        return SendOwn(waiting[..Math.Min(waiting.Length, NarrowPeer.PieceSize)], Native.MSG_EOR);
    }

    /// <summary>Sends what shares payloads with other connections. The pool's arrays are pinned, and the runtime ignores SIGPIPE.</summary>
    private nint SendPieces(OutputBuffer output)
    {
        var pieces = loop.Pieces;
        var count = output.Pieces(pieces);
        var vector = stackalloc Native.IoVector[count];
        for (var i = 0; i < count; i++)
        {
            vector[i] = new Native.IoVector
            {
                Start = (byte*)Marshal.UnsafeAddrOfPinnedArrayElement(pieces[i].Array!, pieces[i].Offset),
                Length = (nuint)pieces[i].Count,
            };
        }

        return Native.WriteVector(fd, vector, count);
    }

    private void End(string reason)
    {
        Connection.Lose(reason);
        Abort();
        loop.Shell.Engine.Ended(Connection, loop.Shell.Now);
    }

    private void WaitForRoom(bool wait)
    {
        if (_waitsForRoom != wait)
        {
            _waitsForRoom = wait;
            ChangeInterest();
        }
    }

    private void ChangeInterest()
    {
        // The engine may have held input of a connection that is gone; its descriptor may be another's by now.
        if (!_closed)
        {
            loop.Set.Change(fd, (_isPaused ? 0 : Native.EPOLLIN) | (_waitsForRoom ? Native.EPOLLOUT : 0), token);
        }
    }
}
