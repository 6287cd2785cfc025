using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Antiphon.Broker.Transport.Epoll;

namespace Antiphon.Bench.Relay;

/// <summary>
/// The least that any broker must do. It reads each ready connection once per wake-up into one shared buffer,
/// appends every frame to the output of the connections that the frame names, and flushes each of them once.
/// There are no topics, no Sessions, and no checks beyond a frame's length.
/// </summary>
internal sealed unsafe class RelayLoop : IDisposable
{
    private const ulong ListenerToken = ulong.MaxValue;
    private const int FirstRent = 4096;

    private readonly Socket _listener;
    private readonly int _listenerDescriptor;
    private readonly byte[] _receiveBuffer = GC.AllocateUninitializedArray<byte>(2 * RelayFrame.MaximumSize, pinned: true);
    private readonly List<RelayConnection?> _slots = [];
    private readonly Stack<int> _freeSlots = new();
    private readonly RelayConnection?[] _byNumber = new RelayConnection?[ushort.MaxValue + 1];
    private readonly Queue<RelayConnection> _dirty = new();
    private readonly Stack<byte[]> _free = new();

    public RelayLoop(int port)
    {
        _listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        _listener.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, true);
        _listener.Bind(new IPEndPoint(IPAddress.Loopback, port));
        _listener.Listen(4096);
        _listener.Blocking = false;
        _listenerDescriptor = (int)_listener.SafeHandle.DangerousGetHandle();
        if (!Set.TryAdd(_listenerDescriptor, Native.EPOLLIN, ListenerToken))
        {
            throw new InvalidOperationException("epoll_ctl failed: " + Marshal.GetLastPInvokeErrorMessage());
        }
    }

    public EpollSet Set { get; } = new();

    /// <summary>Runs until the process ends.</summary>
    public void Run()
    {
        while (true)
        {
            var count = Set.Wait(-1);
            for (var i = 0; i < count; i++)
            {
                var (ready, token) = Set.Event(i);
                if (token == ListenerToken)
                {
                    Accept();
                }
                else if (_slots[(int)token] is { } connection)
                {
                    Handle(connection, ready);
                }
            }

            while (_dirty.TryDequeue(out var connection))
            {
                connection.IsDirty = false;
                if (_slots[connection.Slot] == connection && !connection.Flush())
                {
                    Close(connection);
                }
            }
        }
    }

    public void Mark(RelayConnection connection)
    {
        if (!connection.IsDirty)
        {
            connection.IsDirty = true;
            _dirty.Enqueue(connection);
        }
    }

    /// <summary>
    /// An array of at least that many bytes. One from the stock that is too small is dropped,
    /// so that the stock grows to the sizes that are in use.
    /// </summary>
    public byte[] Rent(int length) => _free.TryPop(out var buffer) && buffer.Length >= length
        ? buffer
        : GC.AllocateUninitializedArray<byte>(Math.Max(FirstRent, 2 * length));

    public void Return(byte[] buffer)
    {
        if (_free.Count < 4096)
        {
            _free.Push(buffer);
        }
    }

    public void Dispose()
    {
        _listener.Dispose();
        Set.Dispose();
    }

    private void Handle(RelayConnection connection, int ready)
    {
        if ((ready & Native.EPOLLOUT) != 0 && !connection.Flush())
        {
            Close(connection);
            return;
        }

        if ((ready & ~Native.EPOLLOUT) != 0)
        {
            Read(connection);
        }
    }

    private void Read(RelayConnection connection)
    {
        var partial = 0;
        if (connection.Partial is { } kept)
        {
            kept.CopyTo(_receiveBuffer, 0);
            partial = kept.Length;
            connection.Partial = null;
        }

        var first = (byte*)Marshal.UnsafeAddrOfPinnedArrayElement(_receiveBuffer, 0);
        var received = Native.Receive(connection.Fd, first + partial, (nuint)(_receiveBuffer.Length - partial), Native.MSG_DONTWAIT);
        if (received <= 0)
        {
            if (received < 0 && Marshal.GetLastPInvokeError() is Native.EAGAIN or Native.EINTR)
            {
                connection.Partial = partial > 0 ? _receiveBuffer.AsSpan(0, partial).ToArray() : null;
            }
            else
            {
                Close(connection);
            }

            return;
        }

        var length = partial + (int)received;
        var at = 0;
        while (length - at >= RelayFrame.HeaderSize)
        {
            var frame = first + at;
            var size = RelayFrame.Length(frame);
            if (size is < RelayFrame.HeaderSize or > RelayFrame.MaximumSize)
            {
                Close(connection);
                return;
            }

            if (size > length - at)
            {
                break;
            }

            Forward(connection, frame, size);
            at += size;
        }

        if (at < length)
        {
            connection.Partial = _receiveBuffer.AsSpan(at, length - at).ToArray();
        }
    }

    private void Forward(RelayConnection sender, byte* frame, int size)
    {
        var target = RelayFrame.Target(frame);
        if (sender.Number == 0)
        {
            sender.Number = target;
            _byNumber[target] = sender;
            Acknowledge(sender);
            return;
        }

        if (target == RelayFrame.Nobody)
        {
            return;
        }

        var last = target + RelayFrame.Count(frame);
        for (; target < last; target++)
        {
            _byNumber[target]?.Append(frame, size);
        }

        if ((RelayFrame.Flags(frame) & RelayFrame.WantsAcknowledgement) != 0)
        {
            Acknowledge(sender);
        }
    }

    private static void Acknowledge(RelayConnection sender)
    {
        var frame = stackalloc byte[RelayFrame.HeaderSize];
        RelayFrame.WriteHeader(frame, RelayFrame.HeaderSize, RelayFrame.Nobody, 0, 0);
        sender.Append(frame, RelayFrame.HeaderSize);
    }

    private void Accept()
    {
        while (true)
        {
            var fd = Native.Accept(_listenerDescriptor, null, null, Native.SOCK_NONBLOCK | Native.SOCK_CLOEXEC);
            if (fd < 0)
            {
                return;
            }

            var one = 1;
            _ = Native.SetSocketOption(fd, Native.IPPROTO_TCP, Native.TCP_NODELAY, &one, sizeof(int));
            if (!_freeSlots.TryPop(out var slot))
            {
                slot = _slots.Count;
                _slots.Add(null);
            }

            if (!Set.TryAdd(fd, Native.EPOLLIN, (ulong)slot))
            {
                _freeSlots.Push(slot);
                _ = Native.Close(fd);
                return;
            }

            _slots[slot] = new RelayConnection(this, fd, slot);
        }
    }

    private void Close(RelayConnection connection)
    {
        connection.Release();
        if (_byNumber[connection.Number] == connection)
        {
            _byNumber[connection.Number] = null;
        }

        _slots[connection.Slot] = null;
        _freeSlots.Push(connection.Slot);
        _ = Native.Close(connection.Fd);
    }
}
