using System.Net;
using System.Net.Sockets;
using Antiphon.Broker.Timing;

namespace Antiphon.Broker.Transport.Queued;

/// <summary>The loop for systems without epoll: <see cref="Socket"/>s, each behind a <see cref="QueuedLink"/>. Slower, and the same in all it does.</summary>
internal sealed class QueueLoop : IEngineLoop
{
    private readonly Socket _listener;
    private readonly TimeProvider _time;
    private readonly SemaphoreSlim _signal = new(0);
    private readonly CancellationTokenSource _stopAccepting = new();
    private Task _accepting = Task.CompletedTask;

    public QueueLoop(BrokerEngine engine, BrokerOptions options)
    {
        _time = options.TimeProvider;
        Shell = new EngineShell(engine, options, () => _signal.Release());
        _listener = ListeningSocket.Open(options.Bind, options.Port);
        EndPoint = (IPEndPoint)_listener.LocalEndPoint!;
    }

    public EngineShell Shell { get; }

    public IPEndPoint EndPoint { get; }

    public void Run()
    {
        _accepting = AcceptAsync();
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
        _listener.Close();
        Shell.Stop();
    }

    public void Dispose()
    {
        _listener.Dispose();
        _stopAccepting.Dispose();
    }

    private async Task AcceptAsync()
    {
        while (!_stopAccepting.IsCancellationRequested)
        {
            try
            {
                var socket = await _listener.AcceptAsync(_stopAccepting.Token).ConfigureAwait(false);
                socket.NoDelay = true;
                QueuedLink.Open(Shell, new NetworkStream(socket, ownsSocket: true), () => EndSending(socket));
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
            catch (SocketException failure)
            {
                Shell.LogNoAccept(failure.Message, ListeningSocket.AcceptPause);
                await Task.Delay(ListeningSocket.AcceptPause, _time, CancellationToken.None).ConfigureAwait(false);
            }
        }
    }

    private static void EndSending(Socket socket)
    {
        try
        {
            socket.Shutdown(SocketShutdown.Send);
        }
        catch (Exception gone) when (gone is SocketException or ObjectDisposedException)
        {
            // The peer is gone already, and reading says so.
        }
    }
}
