using System.ComponentModel;
using System.Runtime.InteropServices;

namespace Antiphon.Broker.Transport.Epoll;

/// <summary>An eventfd by which other threads wake the loop. <see cref="Signal"/> is safe from any thread until disposed.</summary>
internal sealed unsafe class WakeUp : IDisposable
{
    private readonly SafeEventHandle _handle;

    public WakeUp()
    {
        Descriptor = Native.EventFd(0, Native.EFD_NONBLOCK | Native.EFD_CLOEXEC);
        if (Descriptor < 0)
        {
            throw new Win32Exception(Marshal.GetLastPInvokeError(), "eventfd failed: " + Marshal.GetLastPInvokeErrorMessage());
        }

        _handle = new SafeEventHandle(Descriptor);
    }

    public int Descriptor { get; }

    public void Signal()
    {
        var held = false;
        try
        {
            _handle.DangerousAddRef(ref held);
            var one = 1UL;

            // A full counter refuses the write, and then the loop is being woken anyway.
            _ = Native.Write(Descriptor, &one, sizeof(ulong));
        }
        catch (ObjectDisposedException)
        {
            // The loop has ended: nobody is left to be woken.
        }
        finally
        {
            if (held)
            {
                _handle.DangerousRelease();
            }
        }
    }

    /// <summary>Takes all signals given so far.</summary>
    public void Clear()
    {
        ulong count;

        // Nothing to read means that there was no signal, which is just as well.
        _ = Native.Read(Descriptor, &count, sizeof(ulong));
    }

    public void Dispose() => _handle.Dispose();

    private sealed class SafeEventHandle : SafeHandle
    {
        public SafeEventHandle(int fd)
            : base(-1, ownsHandle: true) => SetHandle(fd);

        public override bool IsInvalid => handle < 0;

        protected override bool ReleaseHandle() => Native.Close((int)handle) == 0;
    }
}
