using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Antiphon.Bench.Public.Strangers;

/// <summary>
/// Connections that have sent the beginning of a CONNECT and say no more, and one that subscribes to what a publisher
/// sends a thousand times a second, and does not read it.
/// </summary>
internal sealed class Crowd : IAsyncDisposable
{
    /// <summary>Messages a second to the slow reader, and, where strangers keep coming, connections a second.</summary>
    public const int PerSecond = 1000;

    /// <summary>Bytes of payload for the slow reader.</summary>
    public const int Payload = 1024;

    private const int TurnsPerSecond = 100;
    private const string Topic = "flood";

    private readonly int _port;
    private readonly bool _comes;
    private readonly Queue<Socket> _strangers = [];
    private readonly CancellationTokenSource _end = new();
    private readonly Socket _reader;
    private readonly Socket _publisher;
    private readonly Task _working;

    /// <summary>Connects all of them, and goes on beside whoever called.</summary>
    /// <param name="port">The broker's, on 127.0.0.1.</param>
    /// <param name="count">How many half-open connections there are at any time, as far as the broker lets them be.</param>
    /// <param name="comes">Whether they keep coming: each hundredth of a second the ten oldest make room for ten others.</param>
    public Crowd(int port, int count, bool comes)
    {
        _port = port;
        _comes = comes;
        _reader = Client("slow", [0x82, (byte)(6 + Topic.Length), 0, 1, 0, .. Text(Topic), 0]);
        _publisher = Client("fast", []);
        for (var i = 0; i < count; i++)
        {
            _strangers.Enqueue(Open([0x10, 100, 0, 4, (byte)'M']));
        }

        _working = Task.Run(WorkAsync);
    }

    /// <summary>How many half-open connections the broker has not closed.</summary>
    public int Standing => _strangers.Count(stranger => !(stranger.Poll(0, SelectMode.SelectRead) && stranger.Available == 0));

    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        await _working;
        foreach (var socket in (IEnumerable<Socket>)[.. _strangers, _reader, _publisher])
        {
            Leave(socket);
        }

        _end.Dispose();
    }

    /// <summary>Ends the publishing and the coming, so that what stands can be counted.</summary>
    public async Task RestAsync()
    {
        await _end.CancelAsync();
        await _working;
    }

    private static byte[] Text(string text) => [0, (byte)text.Length, .. Encoding.ASCII.GetBytes(text)];

    /// <summary>By a reset, so that the port is not held for a minute.</summary>
    private static void Leave(Socket socket)
    {
        socket.LingerState = new LingerOption(true, 0);
        socket.Dispose();
    }

    private Socket Client(string clientId, byte[] then) => Open(
        [0x10, (byte)(13 + clientId.Length), .. Text("MQTT"), 5, 2, 0, 0, 0, .. Text(clientId), .. then]);

    private Socket Open(byte[] says)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp)
        {
            NoDelay = true,
            ReceiveBufferSize = 4096,
        };
        socket.Connect(IPAddress.Loopback, _port);
        socket.Send(says);
        return socket;
    }

    private async Task WorkAsync()
    {
        const int Body = 2 + 5 + 1 + Payload;
        byte[] message = [0x30, (Body & 0x7F) | 0x80, Body >> 7, .. Text(Topic), 0, .. new byte[Payload]];
        byte[] turn = [.. Enumerable.Repeat(message, PerSecond / TurnsPerSecond).SelectMany(bytes => bytes)];
        using var timer = new PeriodicTimer(TimeSpan.FromSeconds(1.0 / TurnsPerSecond), TimeProvider.System);
        try
        {
            while (await timer.WaitForNextTickAsync(_end.Token))
            {
                await _publisher.SendAsync(turn, _end.Token);
                for (var i = 0; _comes && i < PerSecond / TurnsPerSecond; i++)
                {
                    Leave(_strangers.Dequeue());
                    _strangers.Enqueue(Open([0x10, 100, 0, 4, (byte)'M']));
                }
            }
        }
        catch (OperationCanceledException) when (_end.IsCancellationRequested)
        {
            // The measurement is over.
        }
    }
}
