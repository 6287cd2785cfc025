using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Antiphon.Server.Tests.Peers;

/// <summary>A WebSocket client that writes whatever frames the test wants, byte by byte.</summary>
internal sealed class RawWebSocket : IAsyncDisposable
{
    public const byte Continuation = 0x0;
    public const byte Text = 0x1;
    public const byte Binary = 0x2;
    public const byte Close = 0x8;
    public const byte Ping = 0x9;
    public const byte Pong = 0xA;

    private readonly TcpClient _client = new();

    /// <summary>The response to the request, its status line and headers.</summary>
    public string Response { get; private set; } = "";

    private Stream Stream => _client.GetStream();

    /// <summary>Connects and asks for a WebSocket.</summary>
    public static async Task<RawWebSocket> OpenAsync(int port, string path = "/mqtt", string headers = "", byte[]? before = null)
    {
        var socket = new RawWebSocket();
        await socket._client.ConnectAsync(IPAddress.Loopback, port, Servers.Ending);
        await socket.Stream.WriteAsync(before ?? [], Servers.Ending);
        await socket.Stream.WriteAsync(
            Encoding.ASCII.GetBytes(
                $"GET {path} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                    + $"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{headers}\r\n"),
            Servers.Ending);
        var response = new StringBuilder();
        while (!response.ToString().EndsWith("\r\n\r\n", StringComparison.Ordinal))
        {
            response.Append((char)(await socket.ReadAsync(1))[0]);
        }

        socket.Response = response.ToString();
        return socket;
    }

    public static Task<RawWebSocket> OpenForMqttAsync(int port, byte[]? before = null) =>
        OpenAsync(port, headers: "Sec-WebSocket-Protocol: mqtt\r\n", before: before);

    /// <summary>One frame, masked with zeros, which leave the payload as it is.</summary>
    public static byte[] Frame(byte opcode, ReadOnlySpan<byte> payload, bool isLast = true)
    {
        Assert.True(payload.Length < 126);
        return [(byte)(opcode | (isLast ? 0x80 : 0)), (byte)(0x80 | payload.Length), 0, 0, 0, 0, .. payload];
    }

    public Task SendAsync(params byte[][] frames) =>
        Stream.WriteAsync(frames.SelectMany(frame => frame).ToArray(), Servers.Ending).AsTask();

    /// <summary>The next frame of the server's.</summary>
    public async Task<(byte Opcode, byte[] Payload)> NextAsync()
    {
        var head = await ReadAsync(2);
        Assert.Equal(0x80, head[0] & 0xF0);
        var length = head[1] < 126 ? head[1] : BinaryPrimitives.ReadUInt16BigEndian(await ReadAsync(2));
        return ((byte)(head[0] & 0x0F), await ReadAsync(length));
    }

    /// <summary>Reads until the server closes, which it has to do.</summary>
    public Task<byte[]> ReadToEndAsync() => Servers.ReadToEndAsync(Stream);

    public ValueTask DisposeAsync()
    {
        _client.Dispose();
        return ValueTask.CompletedTask;
    }

    private async Task<byte[]> ReadAsync(int length)
    {
        var bytes = new byte[length];
        await Stream.ReadExactlyAsync(bytes, Servers.Ending).AsTask().WaitAsync(Servers.Patience, Servers.Ending);
        return bytes;
    }
}
