using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Antiphon.Broker.Connections;
using Antiphon.Broker.Timing;

namespace Antiphon.Broker.Transport.Epoll;

/// <summary>
/// The event loop: one thread that owns the listening sockets, all connections and the engine.
/// Per wake-up it reads each ready connection once into one shared buffer, does what is due,
/// and flushes each connection that has output once.
/// </summary>
internal sealed class EpollLoop : IEngineLoop
{
    private const ulong WakeUpToken = ulong.MaxValue;

    /// <summary>Marks the token of a listening socket; the rest is its place among them. Generations are kept below this bit.</summary>
    private const ulong ListenerBit = 1UL << 63;
    private const uint LastGeneration = int.MaxValue;
    private const int ReceiveBufferSize = 64 * 1024;
    private const int AcceptsPerWakeUp = 64;

    // For the process.
    private readonly Socket[] _listeners;
    private readonly IReadOnlyList<Listener> _configured;
    private readonly WakeUp _wakeUp = new();
    private readonly byte[] _receiveBuffer = GC.AllocateUninitializedArray<byte>(ReceiveBufferSize, pinned: true);

    /// <summary>Room for the pieces of one <c>writev</c>.</summary>
    public ArraySegment<byte>[] Pieces { get; } = new ArraySegment<byte>[64];

    // Connections by slot. A token is the slot and how often the slot has been used before,
    // so that an event for a closed connection cannot reach its successor.
    private readonly List<(EpollConnection? Connection, uint Generation)> _slots = [];
    private readonly Stack<int> _freeSlots = new();

    private readonly DescriptorLimit? _limit;
    private readonly SpareDescriptor _spare = new();
    private Instant _acceptAgain = Instant.Never;

    /// <summary>A loop that listens.</summary>
    /// <param name="engine">The engine.</param>
    /// <param name="options">Where to listen.</param>
    /// <param name="limit">Which descriptors are not for connections; <c>null</c>: not known.</param>
    public EpollLoop(BrokerEngine engine, BrokerOptions options, DescriptorLimit? limit)
    {
        _limit = limit;
        Shell = new EngineShell(engine, options, _wakeUp.Signal);
        _configured = options.AllListeners;
        _listeners = ListeningSocket.OpenAll(_configured);
        try
        {
            EndPoints = [.. _listeners.Select(listener => (IPEndPoint)listener.LocalEndPoint!)];
            Set = new EpollSet();
            Add(_wakeUp.Descriptor, WakeUpToken);
            for (var i = 0; i < _listeners.Length; i++)
            {
                _listeners[i].Blocking = false;
                Add(Descriptor(i), Token(i));
            }
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    public EngineShell Shell { get; }

    public IReadOnlyList<IPEndPoint> EndPoints { get; } = [];

    public EpollSet Set { get; } = null!;

    public void Run()
    {
        while (!Shell.IsDone)
        {
            var count = Set.Wait(Shell.WaitMilliseconds(_acceptAgain));
            Shell.Begin();
            for (var i = 0; i < count; i++)
            {
                Handle(Set.Event(i));
            }

            if (_acceptAgain <= Shell.Now && !Shell.IsStopping)
            {
                _acceptAgain = Instant.Never;
                WatchListeners(Native.EPOLLIN);
            }

            Shell.RunCommands();
            Shell.Finish();
        }
    }

    public void Stop()
    {
        // Closing takes it out of the epoll set.
        CloseListeners();
        _acceptAgain = Instant.Never;
        Shell.Stop();
    }

    /// <summary>A connection's socket is about to be closed, which takes it out of the epoll set.</summary>
    public void Remove(EpollConnection link)
    {
        var slot = (int)(uint)link.Token;
        _slots[slot] = (null, (_slots[slot].Generation + 1) & LastGeneration);
        _freeSlots.Push(slot);
    }

    public void Dispose()
    {
        CloseListeners();
        _wakeUp.Dispose();
        _spare.Dispose();
        Set?.Dispose();
    }

    private void Handle((int Ready, ulong Token) ev)
    {
        switch (ev.Token)
        {
            case WakeUpToken:
                // The commands themselves are run once per turn, woken or not.
                _wakeUp.Clear();
                return;
            case >= ListenerBit:
                Accept((int)(ev.Token & ~ListenerBit));
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
            Shell.Fail(link.Connection, defect);
        }
    }

    private unsafe void Accept(int listener)
    {
        var address = stackalloc byte[PeerAddress.MaximumSize];
        for (var i = 0; i < AcceptsPerWakeUp && !Shell.IsStopping; i++)
        {
            uint addressLength = PeerAddress.MaximumSize;
            var fd = Native.Accept(Descriptor(listener), address, &addressLength, Native.SOCK_NONBLOCK | Native.SOCK_CLOEXEC);
            if (fd < 0)
            {
                switch (Marshal.GetLastPInvokeError())
                {
                    case Native.EAGAIN:
                        return;
                    case Native.EINTR or Native.ECONNABORTED:
                        continue;
                    case Native.EMFILE or Native.ENFILE when _spare.TryGiveUp():
                        if (TryTurnAway(listener))
                        {
                            continue;
                        }

                        // It is refused a descriptor also where nobody waits.
                        return;
                    case var error:
                        PauseAccepting(Marshal.GetPInvokeErrorMessage(error));
                        return;
                }
            }

            // The spare descriptor comes first: a connection that took the last one instead would leave all later ones waiting.
            if (!_spare.TryTake() || (_limit is not null && _limit.IsReserved(fd)))
            {
                _ = Native.Close(fd);
                Shell.TurnAway();
                _ = _spare.TryTake();
                continue;
            }

            var origin = new ConnectionOrigin
            {
                Listener = _configured[listener].Name,
                RemoteEndPoint = PeerAddress.Read(new ReadOnlySpan<byte>(address, PeerAddress.MaximumSize)),
            };
            var isProxied = _configured[listener].ProxyProtocol;
            if (!isProxied && !Shell.LetsIn(origin.RemoteEndPoint))
            {
                _ = Native.Close(fd);
                continue;
            }

            if (!TryOpen(fd, origin, isProxied))
            {
                PauseAccepting(Marshal.GetLastPInvokeErrorMessage());
                _ = Native.Close(fd);
                return;
            }
        }
    }

    /// <summary>Takes a connection with the descriptor of the spare one, and closes it.</summary>
    /// <returns>Whether there was one.</returns>
    private unsafe bool TryTurnAway(int listener)
    {
        var fd = Native.Accept(Descriptor(listener), null, null, Native.SOCK_CLOEXEC);
        if (fd >= 0)
        {
            _ = Native.Close(fd);
            Shell.TurnAway();
        }

        _ = _spare.TryTake();
        return fd >= 0;
    }

    private void PauseAccepting(string error)
    {
        _ = _spare.TryTake();
        Shell.PauseAccepting(error);
        WatchListeners(0);
        _acceptAgain = Shell.Now + ListeningSocket.AcceptPause;
    }

    private int Descriptor(int listener) => (int)_listeners[listener].SafeHandle.DangerousGetHandle();

    private static ulong Token(int listener) => ListenerBit | (uint)listener;

    private void Add(int descriptor, ulong token)
    {
        if (!Set.TryAdd(descriptor, Native.EPOLLIN, token))
        {
            throw new InvalidOperationException("epoll_ctl failed: " + Marshal.GetLastPInvokeErrorMessage());
        }
    }

    private void WatchListeners(int interest)
    {
        for (var i = 0; i < _listeners.Length; i++)
        {
            Set.Change(Descriptor(i), interest, Token(i));
        }
    }

    private void CloseListeners()
    {
        foreach (var listener in _listeners)
        {
            listener.Dispose();
        }
    }

    private unsafe bool TryOpen(int fd, ConnectionOrigin origin, bool isProxied)
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
        var link = new EpollConnection(this, fd, (ulong)generation << 32 | (uint)slot, NarrowPeer.Is(fd));
        if (!Set.TryAdd(fd, Native.EPOLLIN, link.Token))
        {
            _freeSlots.Push(slot);
            return false;
        }

        _slots[slot] = (link, generation);
        link.Connection = Shell.Engine.Open(link, origin, Shell.Now, isProxied);
        return true;
    }
}
