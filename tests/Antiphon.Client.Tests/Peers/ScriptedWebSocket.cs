using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace Antiphon.Client.Tests.Peers;

/// <summary>The server's end of a WebSocket, frame by frame (RFC 6455): what an ordinary server never sends can be sent here.</summary>
internal sealed class ScriptedWebSocket
{
    public const byte Continuation = 0x00;
    public const byte Text = 0x01;
    public const byte Binary = 0x02;
    public const byte Close = 0x08;
    private const byte Final = 0x80;

    private readonly Stream _stream;

    private ScriptedWebSocket(Stream stream, string request)
    {
        _stream = stream;
        Request = request;
    }

    /// <summary>The HTTP request, as it came.</summary>
    public string Request { get; }

    /// <summary>Reads the request and agrees.</summary>
    /// <param name="stream">A connection.</param>
    /// <param name="subprotocol">The one to choose; <c>null</c>: none.</param>
    public static async Task<ScriptedWebSocket> AcceptAsync(Stream stream, string? subprotocol = "mqtt")
    {
        var request = await ReadRequestAsync(stream);
        const string header = "Sec-WebSocket-Key: ";
        var key = request.Split("\r\n").Single(line => line.StartsWith(header, StringComparison.OrdinalIgnoreCase))[header.Length..];
        await AnswerAsync(
            stream,
            $"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {Accept(key)}\r\n"
            + $"{(subprotocol is null ? "" : $"Sec-WebSocket-Protocol: {subprotocol}\r\n")}\r\n");
        return new ScriptedWebSocket(stream, request);
    }

    /// <summary>Reads an HTTP request up to its empty line.</summary>
    public static async Task<string> ReadRequestAsync(Stream stream)
    {
        var request = new StringBuilder();
        var one = new byte[1];
        while (!request.ToString().EndsWith("\r\n\r\n", StringComparison.Ordinal))
        {
            await stream.ReadExactlyAsync(one, Limit.Token);
            request.Append((char)one[0]);
        }

        return request.ToString();
    }

    public static async Task AnswerAsync(Stream stream, string answer) =>
        await stream.WriteAsync(Encoding.ASCII.GetBytes(answer), Limit.Token);

    /// <summary>Sends one frame.</summary>
    public async Task SendAsync(string notation, byte opcode = Binary, bool final = true)
    {
        var payload = Bytes.Of(notation);
        Assert.InRange(payload.Length, 0, 125);
        await _stream.WriteAsync(
            new byte[] { (byte)(opcode | (final ? Final : 0)), (byte)payload.Length }.Concat(payload).ToArray(), Limit.Token);
    }

    /// <summary>Reads one frame of the client, which has to be final and masked.</summary>
    public async Task<(byte Opcode, byte[] Payload)> ReadAsync()
    {
        var head = new byte[2];
        await _stream.ReadExactlyAsync(head, Limit.Token);
        Assert.Equal((Final, 0x80), ((byte)(head[0] & Final), head[1] & 0x80));
        var length = head[1] & 0x7F;
        if (length == 126)
        {
            await _stream.ReadExactlyAsync(head, Limit.Token);
            length = BinaryPrimitives.ReadUInt16BigEndian(head);
        }

        var mask = new byte[4];
        await _stream.ReadExactlyAsync(mask, Limit.Token);
        var payload = new byte[length];
        await _stream.ReadExactlyAsync(payload, Limit.Token);
        for (var i = 0; i < length; i++)
        {
            payload[i] ^= mask[i % 4];
        }

        return ((byte)(head[0] & 0x0F), payload);
    }

    /// <summary>Reads CONNECT and answers.</summary>
    public async Task AcceptAsync()
    {
        var (_, connect) = await ReadAsync();
        Assert.Equal(0x10, connect[0]);
        await SendAsync(ScriptedServer.Accepted);
    }

    // CA5350: RFC 6455 §4.2.2 asks for SHA-1, which protects nothing here.
#pragma warning disable CA5350
    private static string Accept(string key) =>
        Convert.ToBase64String(SHA1.HashData(Encoding.ASCII.GetBytes($"{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11")));
#pragma warning restore CA5350
}
