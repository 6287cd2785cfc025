using System.Runtime.InteropServices;
using Antiphon.Broker.Transport.Epoll;

namespace Antiphon.Bench.Load;

/// <summary>
/// The load generator: one thread, one epoll set; per wake-up one <c>recv</c> and one <c>send</c> for each connection, and no allocation.
/// </summary>
/// <param name="port">The broker's port on 127.0.0.1.</param>
/// <param name="wire">What it speaks.</param>
/// <param name="interrupted">Says that the bench is to end.</param>
internal sealed unsafe class LoadLoop(int port, Wire wire, Func<bool> interrupted) : IDisposable
{
    private const int ReceiveBufferSize = 256 * 1024;

    /// <summary>How long a wait lasts at most, in milliseconds, so that the end of a run and Ctrl-C are seen.</summary>
    private const int LongestWait = 50;

    private readonly EpollSet _set = new();
    private readonly List<LoadConnection> _connections = [];
    private readonly LoadConnection[] _dirty = new LoadConnection[ushort.MaxValue];
    private readonly byte* _receiveBuffer = (byte*)NativeMemory.Alloc(ReceiveBufferSize);
    private int _dirtyCount;

    /// <summary>The clock of all latencies, in nanoseconds.</summary>
    public static long Now => TimeProvider.System.GetTimestamp();

    public IReadOnlyList<LoadConnection> Connections => _connections;

    public Wire Wire => wire;

    public LoadConnection Add(Role role)
    {
        var connection = new LoadConnection(_connections.Count, role);
        _connections.Add(connection);
        return connection;
    }

    /// <summary>Connects; <see cref="ITraffic.Ready"/> follows when the broker has answered.</summary>
    public void Open(LoadConnection connection)
    {
        var fd = LoadNative.Socket(LoadNative.AF_INET, LoadNative.SOCK_STREAM | LoadNative.SOCK_CLOEXEC, 0);
        if (fd < 0)
        {
            throw new BenchException("No socket: " + Marshal.GetLastPInvokeErrorMessage());
        }

        connection.Fd = fd;
        var one = 1;
        _ = Native.SetSocketOption(fd, Native.IPPROTO_TCP, Native.TCP_NODELAY, &one, sizeof(int));
        var address = stackalloc byte[16];
        new Span<byte>(address, 16).Clear();
        address[0] = LoadNative.AF_INET;
        address[2] = (byte)(port >> 8);
        address[3] = (byte)port;
        address[4] = 127;
        address[7] = 1;
        if (LoadNative.Connect(fd, address, 16) != 0 || !_set.TryAdd(fd, Native.EPOLLIN, (ulong)connection.Index))
        {
            throw new BenchException("No connection: " + Marshal.GetLastPInvokeErrorMessage());
        }

        wire.Open(connection);
        Mark(connection);
    }

    /// <summary>Closes at once; by a reset, so that the port is not held for a minute.</summary>
    public void Close(LoadConnection connection)
    {
        if (connection.Fd >= 0)
        {
            var linger = stackalloc int[] { 1, 0 };
            _ = Native.SetSocketOption(connection.Fd, LoadNative.SOL_SOCKET, LoadNative.SO_LINGER, linger, 2 * sizeof(int));
            _ = Native.Close(connection.Fd);
            connection.Reset();
        }
    }

    /// <summary>Says goodbye and waits for the broker to close, which <see cref="ITraffic.Ended"/> tells.</summary>
    public void Leave(LoadConnection connection)
    {
        wire.Leave(connection);
        if (TryFlush(connection) && wire.LeavesByClosing)
        {
            _ = Native.Shutdown(connection.Fd, Native.SHUT_WR);
        }
    }

    /// <summary>The connection has output, to be sent at the end of the wake-up.</summary>
    public void Mark(LoadConnection connection)
    {
        if (!connection.IsDirty)
        {
            connection.IsDirty = true;
            _dirty[_dirtyCount++] = connection;
        }
    }

    /// <summary>Runs until the condition holds, which is asked after every wake-up.</summary>
    /// <returns>Whether it does; <c>false</c>: the time was up.</returns>
    public bool RunUntil(Func<bool> condition, TimeSpan limit, ITraffic traffic)
    {
        var end = Now + (long)limit.TotalNanoseconds;
        FlushAll(traffic);
        while (!condition())
        {
            if (interrupted())
            {
                throw new OperationCanceledException();
            }

            if (Now >= end)
            {
                return false;
            }

            WakeUp(traffic);
        }

        return true;
    }

    public void Dispose()
    {
        foreach (var connection in _connections)
        {
            Close(connection);
            connection.Partial.Free();
            connection.Output.Free();
            connection.Held.Free();
            NativeMemory.Free(connection.Template);
            connection.Template = null;
        }

        NativeMemory.Free(_receiveBuffer);
        _set.Dispose();
    }

    private void WakeUp(ITraffic traffic)
    {
        var count = _set.Wait(LongestWait);
        for (var i = 0; i < count; i++)
        {
            var (ready, token) = _set.Event(i);
            var connection = _connections[(int)token];
            if ((ready & Native.EPOLLOUT) != 0)
            {
                Mark(connection);
            }

            if ((ready & ~Native.EPOLLOUT) != 0 && connection.Fd >= 0)
            {
                Read(connection, traffic);
            }
        }

        FlushAll(traffic);
    }

    private void Read(LoadConnection connection, ITraffic traffic)
    {
        var partial = connection.Partial.Length;
        if (partial > 0)
        {
            Buffer.MemoryCopy(connection.Partial.First, _receiveBuffer, ReceiveBufferSize, partial);
            connection.Partial.Consume(partial);
        }

        var received = Native.Receive(connection.Fd, _receiveBuffer + partial, (nuint)(ReceiveBufferSize - partial), Native.MSG_DONTWAIT);
        var length = partial;
        if (received > 0)
        {
            length += (int)received;
        }
        else if (received == 0 || Marshal.GetLastPInvokeError() is not (Native.EAGAIN or Native.EINTR))
        {
            traffic.Ended(connection);
            return;
        }

        var consumed = wire.Receive(connection, _receiveBuffer, length, traffic, Now);
        if (consumed < length)
        {
            connection.Partial.Append(_receiveBuffer + consumed, length - consumed);
        }

        if (connection.Output.Length > 0)
        {
            Mark(connection);
        }
    }

    private void FlushAll(ITraffic traffic)
    {
        // What flushing itself makes dirty, such as a connection opened anew, is flushed in the same turn.
        for (var i = 0; i < _dirtyCount; i++)
        {
            var connection = _dirty[i];
            connection.IsDirty = false;
            if (connection.Fd >= 0 && !TryFlush(connection))
            {
                traffic.Ended(connection);
            }
        }

        _dirtyCount = 0;
    }

    private bool TryFlush(LoadConnection connection)
    {
        while (connection.Output.Length > 0)
        {
            var length = connection.Output.Length;
            var sent = Native.Send(connection.Fd, connection.Output.First, (nuint)length, Native.MSG_DONTWAIT | Native.MSG_NOSIGNAL);
            if (sent > 0)
            {
                connection.Output.Consume((int)sent);
                continue;
            }

            if (Marshal.GetLastPInvokeError() == Native.EAGAIN)
            {
                WaitForRoom(connection, true);
                return true;
            }

            if (Marshal.GetLastPInvokeError() != Native.EINTR)
            {
                return false;
            }
        }

        WaitForRoom(connection, false);
        return true;
    }

    private void WaitForRoom(LoadConnection connection, bool wait)
    {
        if (connection.WaitsForRoom != wait)
        {
            connection.WaitsForRoom = wait;
            _set.Change(connection.Fd, wait ? Native.EPOLLIN | Native.EPOLLOUT : Native.EPOLLIN, (ulong)connection.Index);
        }
    }
}
