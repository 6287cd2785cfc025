using System.Net;
using System.Net.Security;
using System.Net.Sockets;

namespace Antiphon.Client.Tests.Peers;

/// <summary>A listening socket that does nothing but what the test says, byte by byte.</summary>
internal sealed class ScriptedServer : IDisposable
{
    public const string Accepted = "20 03 00 00 00";
    public const string AcceptedSessionPresent = "20 03 01 00 00";

    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);

    public ScriptedServer() => _listener.Start();

    /// <summary>Options that lead here, with short delays.</summary>
    public MqttClientOptions Options => new()
    {
        Host = "127.0.0.1",
        Port = ((IPEndPoint)_listener.LocalEndpoint).Port,
        ClientId = "c",
        ReconnectDelay = TimeSpan.Zero,
        MaximumReconnectDelay = TimeSpan.FromMilliseconds(1),
    };

    /// <summary>Takes the next TCP connection.</summary>
    public async Task<ScriptedConnection> AcceptAsync() => new(await _listener.AcceptSocketAsync(Limit.Token));

    /// <summary>
    /// Takes the next TCP connection and answers its TLS handshake. If the client gives up meanwhile, the stream throws.
    /// </summary>
    public async Task<ScriptedConnection> AcceptAsync(SslServerAuthenticationOptions tls)
    {
        var socket = await _listener.AcceptSocketAsync(Limit.Token);
        var stream = new SslStream(new NetworkStream(socket, ownsSocket: true));
        try
        {
            await stream.AuthenticateAsServerAsync(tls, Limit.Token);
            return new ScriptedConnection(socket, stream);
        }
        catch
        {
            await stream.DisposeAsync();
            throw;
        }
    }

    /// <summary>Takes the next TCP connection, reads CONNECT and answers.</summary>
    public async Task<ScriptedConnection> AcceptAsync(string connAck)
    {
        var connection = await AcceptAsync();
        await connection.AcceptAsync(connAck);
        return connection;
    }

    public void Dispose() => _listener.Dispose();
}

/// <summary>The server's end of one connection.</summary>
internal sealed class ScriptedConnection(Socket socket, Stream stream) : IDisposable
{
    public ScriptedConnection(Socket socket)
        : this(socket, new NetworkStream(socket, ownsSocket: true))
    {
    }

    public Stream Stream => stream;

    /// <summary>Reads CONNECT and answers.</summary>
    public async Task AcceptAsync(string connAck)
    {
        Assert.Equal(0x10, (await ReadAsync())[0]);
        await SendAsync(connAck);
    }

    /// <summary>Reads one whole packet.</summary>
    public async Task<byte[]> ReadAsync()
    {
        var header = new byte[2];
        await stream.ReadExactlyAsync(header, Limit.Token);
        var packet = new List<byte>(header);
        var length = header[1] & 0x7F;
        for (var shift = 7; (packet[^1] & 0x80) != 0; shift += 7)
        {
            var more = new byte[1];
            await stream.ReadExactlyAsync(more, Limit.Token);
            packet.Add(more[0]);
            length |= (more[0] & 0x7F) << shift;
        }

        var body = new byte[length];
        await stream.ReadExactlyAsync(body, Limit.Token);
        return [.. packet, .. body];
    }

    /// <summary>Reads one whole packet, which has to be this one.</summary>
    public async Task ExpectAsync(string notation) =>
        Assert.Equal(Convert.ToHexString(Bytes.Of(notation)), Convert.ToHexString(await ReadAsync()));

    /// <summary>The client has closed its half, with nothing before that.</summary>
    public async Task ExpectEndAsync() => Assert.Equal(0, await stream.ReadAsync(new byte[1], Limit.Token));

    public async Task SendAsync(string notation) => await SendAsync(Bytes.Of(notation));

    public async Task SendAsync(byte[] bytes) => await stream.WriteAsync(bytes, Limit.Token);

    /// <summary>Closes so that the client sees a failure.</summary>
    public void Reset()
    {
        socket.LingerState = new LingerOption(true, 0);
        stream.Dispose();
    }

    public void Dispose() => stream.Dispose();
}
