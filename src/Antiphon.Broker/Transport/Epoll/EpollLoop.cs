using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Antiphon.Broker.Connections;
using Antiphon.Broker.Timing;
using Antiphon.Protocol;
using Microsoft.Extensions.Logging;

namespace Antiphon.Broker.Transport.Epoll;

/// <summary>
/// The event loop: one thread that owns the listening socket, all connections and the engine. Per wake-up it reads each ready connection once into one
/// shared buffer, does what is due, and flushes each connection that has output once.
/// </summary>
internal sealed partial class EpollLoop : IDisposable
{
    private const ulong ListenerToken = ulong.MaxValue;
    private const ulong WakeUpToken = ulong.MaxValue - 1;
    private const int ReceiveBufferSize = 64 * 1024;
    private const int AcceptsPerWakeUp = 64;
    private const int Backlog = 4096;

    /// <summary>How long accepting pauses when the process or the system has no descriptor left.</summary>
    private static readonly TimeSpan AcceptPause = TimeSpan.FromMilliseconds(250);

    // For the process.
    private readonly BrokerEngine _engine;
    private readonly TimeProvider _time;
    private readonly long _started;
    private readonly ILogger _logger;
    private readonly Socket _listener;
    private readonly int _listenerDescriptor;
    private readonly WakeUp _wakeUp = new();
    private readonly ConcurrentQueue<Action> _commands = new();
    private readonly byte[] _receiveBuffer = GC.AllocateUninitializedArray<byte>(ReceiveBufferSize, pinned: true);

    // Connections by slot. A token is the slot and how often the slot has been used before, so that an event for a closed connection cannot reach its successor.
    private readonly List<(EpollConnection? Connection, uint Generation)> _slots = [];
    private readonly Stack<int> _freeSlots = new();

    private Instant _now;
    private Instant _acceptAgain = Instant.Never;
    private bool _stopping;

    public EpollLoop(BrokerEngine engine, BrokerOptions options)
    {
        _engine = engine;
        _time = options.TimeProvider;
        _started = _time.GetTimestamp();
        _logger = options.LoggerFactory.CreateLogger("Antiphon.Broker");
        _listener = new Socket(options.Bind.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            // A port that another program listens on stays refused; one in TIME_WAIT does not.
            _listener.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, true);
            _listener.Bind(new IPEndPoint(options.Bind, options.Port));
            _listener.Listen(Backlog);
            EndPoint = (IPEndPoint)_listener.LocalEndPoint!;
            _listener.Blocking = false;
            _listenerDescriptor = (int)_listener.SafeHandle.DangerousGetHandle();
            Set = new EpollSet();
            if (!Set.TryAdd(_listenerDescriptor, Native.EPOLLIN, ListenerToken) || !Set.TryAdd(_wakeUp.Descriptor, Native.EPOLLIN, WakeUpToken))
            {
                throw new InvalidOperationException("epoll_ctl failed: " + Marshal.GetLastPInvokeErrorMessage());
            }
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>Where it listens.</summary>
    public IPEndPoint EndPoint { get; }

    public EpollSet Set { get; } = null!;

    /// <summary>Has the loop's thread do something. Safe from any thread.</summary>
    public void Post(Action command)
    {
        _commands.Enqueue(command);
        _wakeUp.Signal();
    }

    /// <summary>Runs until <see cref="Stop"/> was asked for and every connection is closed.</summary>
    public void Run()
    {
        while (!_stopping || _freeSlots.Count < _slots.Count)
        {
            var count = Set.Wait(Timeout());
            _now = Now();
            for (var i = 0; i < count; i++)
            {
                Handle(Set.Event(i));
            }

            if (_acceptAgain <= _now && !_stopping)
            {
                _acceptAgain = Instant.Never;
                Set.Change(_listenerDescriptor, Native.EPOLLIN, ListenerToken);
            }

            Finish();
        }
    }

    /// <summary>Accepts no more, says goodbye to everyone, and lets <see cref="Run"/> end when all are gone. On the loop's thread.</summary>
    public void Stop()
    {
        _stopping = true;
        Set.Change(_listenerDescriptor, 0, ListenerToken);
        _listener.Close();
        for (var i = 0; i < _slots.Count; i++)
        {
            if (_slots[i].Connection is { } link)
            {
                _engine.Dismiss(link.Connection, _now);
            }
        }
    }

    public void Receive(Connection connection, ReadOnlySpan<byte> bytes) => _engine.Receive(connection, bytes, _now);

    public void OutputSent(Connection connection) => _engine.OutputSent(connection, _now);

    public void Ended(Connection connection) => _engine.Ended(connection, _now);

    /// <summary>A connection's socket is about to be closed, which takes it out of the epoll set.</summary>
    public void Remove(EpollConnection link)
    {
        LogClosed(_logger, link.Token, link.Connection.CloseReason.Code, link.Connection.CloseReason.Message);
        var slot = (int)(uint)link.Token;
        _slots[slot] = (null, _slots[slot].Generation + 1);
        _freeSlots.Push(slot);
    }

    public void Dispose()
    {
        _listener.Dispose();
        _wakeUp.Dispose();
        Set?.Dispose();
    }

    private Instant Now() => new(_time.GetElapsedTime(_started));

    private int Timeout()
    {
        if (_engine.HasOutput)
        {
            return 0;
        }

        var next = Instant.Earlier(_engine.NextDeadline, _acceptAgain);
        return next == Instant.Never ? -1 : (int)Math.Clamp(Math.Ceiling((next - Now()).TotalMilliseconds), 0, int.MaxValue);
    }

    private void Handle((int Ready, ulong Token) ev)
    {
        switch (ev.Token)
        {
            case ListenerToken:
                Accept();
                return;
            case WakeUpToken:
                _wakeUp.Clear();
                while (_commands.TryDequeue(out var command))
                {
                    command();
                }

                return;
            default:
                var (link, generation) = _slots[(int)(uint)ev.Token];
                if (link is not null && generation == (uint)(ev.Token >> 32))
                {
                    Handle(link, ev.Ready);
                }

                return;
        }
    }

    private void Handle(EpollConnection link, int ready)
    {
        try
        {
            if ((ready & Native.EPOLLOUT) != 0)
            {
                link.Flush();
            }

            if ((ready & (Native.EPOLLIN | Native.EPOLLHUP | Native.EPOLLERR)) != 0 && link.Connection.Phase != ConnectionPhase.Closed)
            {
                link.Read(_receiveBuffer);
            }
        }
        catch (Exception defect) when (defect is not OutOfMemoryException)
        {
            // A defect of ours ends the connection that met it, never the broker.
            LogDefect(_logger, defect, link.Token);
            _engine.Abort(link.Connection, new Fault(ReasonCode.UnspecifiedError, "The broker failed: " + defect.Message), _now);
        }
    }

    /// <summary>The end of a wake-up: what is due, and then all output.</summary>
    private void Finish()
    {
        try
        {
            _engine.Advance(_now);
            _engine.Flush();
        }
        catch (Exception defect) when (defect is not OutOfMemoryException)
        {
            // What is still to be flushed is flushed at the next wake-up, which comes at once.
            LogDefect(_logger, defect, WakeUpToken);
        }
    }

    private unsafe void Accept()
    {
        for (var i = 0; i < AcceptsPerWakeUp && !_stopping; i++)
        {
            var fd = Native.Accept(_listenerDescriptor, null, null, Native.SOCK_NONBLOCK | Native.SOCK_CLOEXEC);
            if (fd < 0)
            {
                switch (Marshal.GetLastPInvokeError())
                {
                    case Native.EAGAIN:
                        return;
                    case Native.EINTR or Native.ECONNABORTED:
                        continue;
                    case var error:
                        LogAcceptPaused(_logger, Marshal.GetPInvokeErrorMessage(error), AcceptPause.TotalMilliseconds);
                        Set.Change(_listenerDescriptor, 0, ListenerToken);
                        _acceptAgain = _now + AcceptPause;
                        return;
                }
            }

            Open(fd);
        }
    }

    private unsafe void Open(int fd)
    {
        var one = 1;

        // Without it small answers would wait for the peer's acknowledgement; a socket that refuses it is about to fail anyway.
        _ = Native.SetSocketOption(fd, Native.IPPROTO_TCP, Native.TCP_NODELAY, &one, sizeof(int));
        if (!_freeSlots.TryPop(out var slot))
        {
            slot = _slots.Count;
            _slots.Add((null, 0));
        }

        var generation = _slots[slot].Generation;
        var link = new EpollConnection(this, fd, (ulong)generation << 32 | (uint)slot);
        if (!Set.TryAdd(fd, Native.EPOLLIN, link.Token))
        {
            LogAcceptPaused(_logger, Marshal.GetLastPInvokeErrorMessage(), 0);
            _freeSlots.Push(slot);
            _ = Native.Close(fd);
            return;
        }

        _slots[slot] = (link, generation);
        link.Connection = _engine.Open(link, _now);
    }
}
