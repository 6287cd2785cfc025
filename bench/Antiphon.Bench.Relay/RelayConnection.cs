using System.Runtime.InteropServices;
using Antiphon.Broker.Transport.Epoll;

namespace Antiphon.Bench.Relay;

/// <summary>A connection of the relay: what is still to be sent to it, and the beginning of a frame whose end has not arrived.</summary>
internal sealed unsafe class RelayConnection(RelayLoop loop, int fd, int slot)
{
    private byte[]? _output;
    private int _start;
    private int _end;
    private bool _waitsForRoom;

    public int Fd => fd;

    public int Slot => slot;

    /// <summary>Its number; 0 until its first frame.</summary>
    public int Number { get; set; }

    public bool IsDirty { get; set; }

    public byte[]? Partial { get; set; }

    public void Append(byte* bytes, int length)
    {
        if (_output is null || _output.Length - _end < length)
        {
            MakeRoom(length);
        }

        new ReadOnlySpan<byte>(bytes, length).CopyTo(_output.AsSpan(_end));
        _end += length;
        loop.Mark(this);
    }

    /// <summary>Sends what there is.</summary>
    /// <returns>Whether the connection still stands.</returns>
    public bool Flush()
    {
        while (_start < _end)
        {
            nint sent;
            fixed (byte* first = _output)
            {
                sent = Native.Send(fd, first + _start, (nuint)(_end - _start), Native.MSG_DONTWAIT | Native.MSG_NOSIGNAL);
            }

            if (sent >= 0)
            {
                _start += (int)sent;
            }
            else if (Marshal.GetLastPInvokeError() == Native.EAGAIN)
            {
                WaitForRoom(true);
                return true;
            }
            else if (Marshal.GetLastPInvokeError() != Native.EINTR)
            {
                return false;
            }
        }

        WaitForRoom(false);
        Release();
        return true;
    }

    public void Release()
    {
        if (_output is not null)
        {
            loop.Return(_output);
            _output = null;
        }

        _start = _end = 0;
    }

    private void WaitForRoom(bool wait)
    {
        if (_waitsForRoom != wait)
        {
            _waitsForRoom = wait;
            loop.Set.Change(fd, wait ? Native.EPOLLIN | Native.EPOLLOUT : Native.EPOLLIN, (ulong)slot);
        }
    }

    private void MakeRoom(int length)
    {
        var needed = _end - _start + length;
        var larger = loop.Rent(needed);
        _output.AsSpan(_start, _end - _start).CopyTo(larger);
        if (_output is not null)
        {
            loop.Return(_output);
        }

        _output = larger;
        _end -= _start;
        _start = 0;
    }
}
