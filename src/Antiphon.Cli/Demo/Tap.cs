using System.Net;
using System.Net.Sockets;
using Antiphon.Protocol;
using Antiphon.Protocol.Packets;
using Antiphon.Protocol.Wire;

namespace Antiphon.Cli.Demo;

/// <summary>
/// Stands on a free port between one client and the broker, passes every byte on unchanged,
/// and tells the journey of every packet that it saw in them.
/// </summary>
internal sealed class Tap : IAsyncDisposable
{
    private const int LongestPacket = 64 * 1024;

    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly Side _side;
    private readonly Journey _journey;
    private readonly IPEndPoint _broker;
    private readonly CancellationTokenSource _closing = new();
    private readonly Task _running;

    public Tap(Side side, IPEndPoint broker, Journey journey)
    {
        _side = side;
        _broker = broker;
        _journey = journey;
        _listener.Start();
        _running = RunAsync();
    }

    /// <summary>Where the client has to connect to.</summary>
    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    public async ValueTask DisposeAsync()
    {
        await _closing.CancelAsync();
        _listener.Dispose();
        await _running;
        _closing.Dispose();
    }

    private async Task RunAsync()
    {
        try
        {
            using var client = await _listener.AcceptSocketAsync(_closing.Token);
            using var broker = new Socket(SocketType.Stream, ProtocolType.Tcp);
            await broker.ConnectAsync(_broker, _closing.Token);
            client.NoDelay = true;
            broker.NoDelay = true;
            await Task.WhenAll(PassOnAsync(client, broker, toBroker: true), PassOnAsync(broker, client, toBroker: false));
        }
        catch (OperationCanceledException)
        {
            // The demo is over.
        }
    }

    private async Task PassOnAsync(Socket from, Socket to, bool toBroker)
    {
        var buffer = new byte[LongestPacket];
        var pending = 0;
        try
        {
            while (await from.ReceiveAsync(buffer.AsMemory(pending), _closing.Token) is > 0 and var received)
            {
                var length = pending + received;
                var noted = Note(buffer.AsSpan(0, length), _journey.Now, toBroker);
                await SendAllAsync(to, buffer.AsMemory(pending, received));
                buffer.AsSpan(noted..length).CopyTo(buffer);
                pending = length - noted;
            }

            to.Shutdown(SocketShutdown.Send);
        }
        catch (Exception e) when (e is SocketException or OperationCanceledException)
        {
            // One end has gone; the other finds out by itself.
        }
    }

    private async Task SendAllAsync(Socket to, ReadOnlyMemory<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            bytes = bytes[await to.SendAsync(bytes, _closing.Token)..];
        }
    }

    // Notes the whole packets at the start of the input and returns how many bytes they have.
    private int Note(ReadOnlySpan<byte> input, long timestamp, bool toBroker)
    {
        var noted = 0;
        while (FrameReader.TryRead(input[noted..], LongestPacket, out var frame, out var fault) is var status and not FrameStatus.NeedMore)
        {
            if (status == FrameStatus.Malformed || !PacketDecoder.TryDecode(frame, ProtocolVersion.V5, out var packet, out fault))
            {
                throw new InvalidDataException($"The demo saw a packet that is none: {fault.Message}");
            }

            _journey.Add(new PacketStep(_side, toBroker, timestamp, packet));
            noted += frame.Length;
        }

        return noted;
    }
}
