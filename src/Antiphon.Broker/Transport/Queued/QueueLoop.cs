using System.Net;
using System.Net.Sockets;
using Antiphon.Broker.Timing;

namespace Antiphon.Broker.Transport.Queued;

/// <summary>
/// The loop for systems without epoll: <see cref="Socket"/>s, each behind a <see cref="QueuedLink"/>. Slower, and the same in all it does.
/// </summary>
internal sealed class QueueLoop : IEngineLoop
{
    private readonly Socket[] _listeners;
    private readonly IReadOnlyList<Listener> _configured;
    private readonly DescriptorLimit? _limit;
    private readonly TimeProvider _time;
    private readonly SemaphoreSlim _signal = new(0);
    private readonly CancellationTokenSource _stopAccepting = new();
    private Task _accepting = Task.CompletedTask;

    /// <summary>A loop that listens.</summary>
    /// <param name="engine">The engine.</param>
    /// <param name="options">Where to listen.</param>
    /// <param name="limit">Which descriptors are not for connections; <c>null</c>: not known.</param>
    public QueueLoop(BrokerEngine engine, BrokerOptions options, DescriptorLimit? limit)
    {
        _limit = limit;
        _time = options.TimeProvider;
        Shell = new EngineShell(engine, options, () => _signal.Release());
        _configured = options.AllListeners;
        _listeners = ListeningSocket.OpenAll(_configured);
        Array.ForEach(_listeners, ListeningSocket.LimitSegments);
        EndPoints = [.. _listeners.Select(listener => (IPEndPoint)listener.LocalEndPoint!)];
    }

    public EngineShell Shell { get; }

    public IReadOnlyList<IPEndPoint> EndPoints { get; }

    public void Run()
    {
        _accepting = Task.WhenAll(_listeners.Select((listener, i) => AcceptAsync(listener, _configured[i])));
        while (!Shell.IsDone)
        {
            _signal.Wait(Shell.WaitMilliseconds(Instant.Never));
            Shell.Begin();
            Shell.RunCommands();
            Shell.Finish();
        }

        _accepting.GetAwaiter().GetResult();
    }

    public void Stop()
    {
        _stopAccepting.Cancel();
        CloseListeners();
        Shell.Stop();
    }

    public void Dispose()
    {
        CloseListeners();
        _stopAccepting.Dispose();
    }

    private void CloseListeners()
    {
        foreach (var listener in _listeners)
        {
            listener.Dispose();
        }
    }

    private async Task AcceptAsync(Socket listener, Listener configured)
    {
        using var spare = new SpareDescriptor();
        while (!_stopAccepting.IsCancellationRequested)
        {
            try
            {
                var socket = await listener.AcceptAsync(_stopAccepting.Token).ConfigureAwait(false);
                if (!spare.TryTake() || (_limit is not null && _limit.IsReserved(socket.Handle)))
                {
                    socket.Dispose();
                    Shell.Post(Shell.TurnAway);
                    _ = spare.TryTake();
                    continue;
                }

                socket.NoDelay = true;
                Open(socket, configured);
            }
            catch (Exception stopped) when (stopped is OperationCanceledException or ObjectDisposedException)
            {
                return;
            }
            catch (SocketException failure) when (failure.SocketErrorCode is SocketError.ConnectionReset or SocketError.ConnectionAborted)
            {
                // That one peer has gone again before it was accepted.
            }
            catch (SocketException) when (_stopAccepting.IsCancellationRequested)
            {
                return;
            }
            catch (SocketException failure) when (failure.SocketErrorCode == SocketError.TooManyOpenSockets && spare.TryGiveUp())
            {
                // There is a descriptor for one to be accepted, and turned away.
            }
            catch (SocketException failure)
            {
                Shell.Post(() => Shell.PauseAccepting(failure.Message));
                await Task.Delay(ListeningSocket.AcceptPause, _time, CancellationToken.None).ConfigureAwait(false);
            }
        }
    }

    private void Open(Socket socket, Listener listener)
    {
        EndPoint? remote;
        try
        {
            remote = socket.RemoteEndPoint is IPEndPoint peer ? PeerAddress.WithoutMapping(peer) : null;
        }
        catch (SocketException)
        {
            // It has gone already, which reading will say.
            remote = null;
        }

        _ = QueuedLink.OpenAsync(
            Shell,
            new NetworkStream(socket, ownsSocket: true),
            new ConnectionOrigin { Listener = listener.Name, RemoteEndPoint = remote },
            listener.ProxyProtocol);
    }
}
