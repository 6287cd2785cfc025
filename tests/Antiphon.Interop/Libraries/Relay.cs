using System.Net;
using System.Net.Sockets;
using Antiphon.Protocol.Packets;

namespace Antiphon.Interop.Libraries;

/// <summary>
/// Stands between one client and the broker, so that a test can do to the connection what no library offers:
/// cut it without DISCONNECT, or lose what one side says. Its port stays the same for the life of the client.
/// </summary>
internal sealed class Relay : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly int _brokerPort;
    private readonly CancellationTokenSource _stopping = new();
    private readonly Task _accepting;
    private readonly Lock _lock = new();

    // Guarded by _lock.
    private readonly Direction _fromClient = new();
    private readonly Direction _fromBroker = new();
    private readonly List<Socket> _sockets = [];
    private Task _connection = Task.CompletedTask;
    private bool _refuses = true;

    public Relay(int brokerPort)
    {
        _brokerPort = brokerPort;
        _listener.Start();
        _accepting = AcceptAsync();
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    /// <summary>Loses a packet of the client and all that it says on this connection after it; ends when that packet has come.</summary>
    public Task LoseFromClientAsync(PacketType packet) => LoseAsync(_fromClient, packet);

    /// <summary>Loses a packet of the broker and all that it says on this connection after it; ends when that packet has come.</summary>
    public Task LoseFromBrokerAsync(PacketType packet) => LoseAsync(_fromBroker, packet);

    /// <summary>How often the client has said these bytes.</summary>
    public int CountFromClient(ReadOnlySpan<byte> bytes) => Count(_fromClient, bytes);

    /// <summary>How often the broker has said these bytes.</summary>
    public int CountFromBroker(ReadOnlySpan<byte> bytes) => Count(_fromBroker, bytes);

    /// <summary>Lets the client connect, which it cannot before, nor after <see cref="Cut"/>.</summary>
    public void Open()
    {
        lock (_lock)
        {
            _refuses = false;
        }
    }

    /// <summary>Ends the connection on both sides without a word.</summary>
    public void Cut()
    {
        lock (_lock)
        {
            _refuses = true;
            foreach (var socket in _sockets)
            {
                socket.Dispose();
            }

            _sockets.Clear();
        }
    }

    /// <summary>Ends when both sides have closed.</summary>
    public Task WhenEndedAsync()
    {
        lock (_lock)
        {
            return _connection;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        await _accepting;
        _listener.Stop();
        Cut();
        await WhenEndedAsync();
        _stopping.Dispose();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                Connect(await _listener.AcceptSocketAsync(_stopping.Token));
            }
        }
        catch (OperationCanceledException)
        {
            // The test is over.
        }
    }

    private void Connect(Socket client)
    {
        lock (_lock)
        {
            if (_refuses)
            {
                client.Dispose();
                return;
            }

            var broker = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            broker.Connect(IPAddress.Loopback, _brokerPort);
            client.NoDelay = true;
            _fromClient.Loses = null;
            _fromBroker.Loses = null;
            _sockets.AddRange([client, broker]);
            _connection = Task.WhenAll(PumpAsync(client, broker, _fromClient), PumpAsync(broker, client, _fromBroker));
        }
    }

    private async Task PumpAsync(Socket from, Socket to, Direction direction)
    {
        await Task.Yield();
        var buffer = new byte[16 * 1024];
        try
        {
            int count;
            while ((count = await from.ReceiveAsync(buffer)) > 0)
            {
                if (!IsLost(direction, buffer.AsSpan(0, count)))
                {
                    await to.SendAsync(buffer.AsMemory(0, count));
                }
            }

            to.Shutdown(SocketShutdown.Send);
        }
        catch (Exception ended) when (ended is SocketException or ObjectDisposedException)
        {
            // One side is gone, and so is the connection.
            from.Dispose();
            to.Dispose();
        }
    }

    private Task LoseAsync(Direction direction, PacketType packet)
    {
        lock (_lock)
        {
            direction.Loses = packet;
            direction.Lost = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            return direction.Lost.Task.WaitAsync(Peers.Patience);
        }
    }

    // An acknowledgement that waits for the other side's next packet begins what is read, so that packets need not be told apart.
    private bool IsLost(Direction direction, ReadOnlySpan<byte> bytes)
    {
        lock (_lock)
        {
            direction.Said.Write(bytes);
            if (direction.Loses is not { } packet)
            {
                return false;
            }

            if ((PacketType)(bytes[0] >> 4) == packet)
            {
                direction.Lost.TrySetResult();
            }

            return direction.Lost.Task.IsCompleted;
        }
    }

    private int Count(Direction direction, ReadOnlySpan<byte> bytes)
    {
        lock (_lock)
        {
            return direction.Said.GetBuffer().AsSpan(0, (int)direction.Said.Length).Count(bytes);
        }
    }

    /// <summary>What one side says.</summary>
    private sealed class Direction
    {
        public MemoryStream Said { get; } = new();

        public PacketType? Loses { get; set; }

        public TaskCompletionSource Lost { get; set; } = new();
    }
}
