using System.ComponentModel;
using System.Runtime.InteropServices;

namespace Antiphon.Broker.Transport.Epoll;

/// <summary>An epoll instance and the room for its events; level-triggered. Owned by the loop's thread.</summary>
internal sealed unsafe class EpollSet : IDisposable
{
    private const int MaximumEvents = 1024;

    private readonly int _epoll;
    private readonly byte[] _events = GC.AllocateArray<byte>(MaximumEvents * Native.EventSize, pinned: true);
    private readonly byte* _first;

    public EpollSet()
    {
        _first = (byte*)Marshal.UnsafeAddrOfPinnedArrayElement(_events, 0);
        _epoll = Native.EpollCreate(Native.EPOLL_CLOEXEC);
        if (_epoll < 0)
        {
            throw new Win32Exception(Marshal.GetLastPInvokeError(), "epoll_create1 failed: " + Marshal.GetLastPInvokeErrorMessage());
        }
    }

    /// <summary>Adds a descriptor.</summary>
    /// <returns>Whether the kernel had room for it.</returns>
    public bool TryAdd(int fd, int interest, ulong token) => Control(Native.EPOLL_CTL_ADD, fd, interest, token) == 0;

    /// <summary>Changes what is waited for.</summary>
    public void Change(int fd, int interest, ulong token)
    {
        if (Control(Native.EPOLL_CTL_MOD, fd, interest, token) != 0)
        {
            throw new Win32Exception(Marshal.GetLastPInvokeError(), "epoll_ctl failed: " + Marshal.GetLastPInvokeErrorMessage());
        }
    }

    /// <summary>Waits for events.</summary>
    /// <param name="timeoutMilliseconds">0: only look; −1: for ever.</param>
    /// <returns>How many there are; 0 also when a signal interrupted the wait.</returns>
    public int Wait(int timeoutMilliseconds)
    {
        var count = Native.EpollWait(_epoll, _first, MaximumEvents, timeoutMilliseconds);
        if (count >= 0)
        {
            return count;
        }

        var error = Marshal.GetLastPInvokeError();
        return error == Native.EINTR ? 0 : throw new Win32Exception(error, "epoll_wait failed: " + Marshal.GetLastPInvokeErrorMessage());
    }

    public (int Ready, ulong Token) Event(int index)
    {
        var bytes = new ReadOnlySpan<byte>(_first + index * Native.EventSize, Native.EventSize);
        return (BitConverter.ToInt32(bytes), BitConverter.ToUInt64(bytes[Native.EventData..]));
    }

    public void Dispose() => _ = Native.Close(_epoll);

    private int Control(int operation, int fd, int interest, ulong token)
    {
        Span<byte> ev = stackalloc byte[16];
        BitConverter.TryWriteBytes(ev, interest);
        BitConverter.TryWriteBytes(ev[Native.EventData..], token);
        fixed (byte* first = ev)
        {
            return Native.EpollControl(_epoll, operation, fd, first);
        }
    }
}
