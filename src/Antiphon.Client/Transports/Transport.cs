using System.Net.Security;
using System.Net.Sockets;

namespace Antiphon.Client.Transports;

/// <summary>
/// What carries the bytes of one Network Connection (MQTT 5 §4.2):
/// TCP or a stream of the caller's, with TLS and WebSocket over it where the options say so.
/// </summary>
internal sealed class Transport : IDisposable
{
    // The outermost, and what is below it.
    private readonly Stream _stream;
    private readonly SslStream? _tls;
    private readonly Socket? _socket;

    private Transport(Stream stream, SslStream? tls, Socket? socket)
    {
        _stream = stream;
        _tls = tls;
        _socket = socket;
    }

    /// <summary>Connects.</summary>
    /// <exception cref="Exception">Whatever went wrong, with a message for people; nothing is left open.</exception>
    public static async ValueTask<Transport> OpenAsync(MqttClientOptions options, CancellationToken cancellationToken)
    {
        Socket? socket = null;
        SslStream? encrypted = null;
        var stream = Stream.Null;
        try
        {
            if (options.OpenStream is { } open)
            {
                stream = await open(cancellationToken).ConfigureAwait(false);
            }
            else
            {
                socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
                await socket.ConnectAsync(options.Host, options.ServerPort, cancellationToken).ConfigureAwait(false);
                stream = new NetworkStream(socket, ownsSocket: true);
            }

            if (options.Tls is { } tls)
            {
                var host = tls.TargetHost ?? options.Host;
                stream = encrypted = await TlsHandshake.RunAsync(stream, tls, host, cancellationToken).ConfigureAwait(false);
            }

            if (options.WebSocket is { } webSocket)
            {
                stream = await WebSocketStream.OpenAsync(stream, options.WebSocketUri, webSocket, cancellationToken).ConfigureAwait(false);
            }

            return new Transport(stream, encrypted, socket);
        }
        catch
        {
            await stream.DisposeAsync().ConfigureAwait(false);
            socket?.Dispose();
            throw;
        }
    }

    /// <summary>Whatever has arrived; 0: the server has closed its half.</summary>
    public ValueTask<int> ReadAsync(Memory<byte> buffer) => _stream.ReadAsync(buffer);

    public ValueTask WriteAsync(ReadOnlyMemory<byte> bytes) => _stream.WriteAsync(bytes);

    /// <summary>
    /// Closes our half behind everything that was written, in the words of each layer:
    /// a Close frame, close_notify, the end of TCP's stream.
    /// </summary>
    public async ValueTask EndWritingAsync()
    {
        if (_stream is WebSocketStream webSocket)
        {
            await webSocket.CloseOutputAsync().ConfigureAwait(false);
        }

        if (_tls is not null)
        {
            await _tls.ShutdownAsync().ConfigureAwait(false);
        }

        _socket?.Shutdown(SocketShutdown.Send);
    }

    /// <summary>
    /// Makes pending reads and writes end. A socket is only shut down: disposing it under a pending receive would reset the connection.
    /// </summary>
    public void Break()
    {
        if (_socket is null)
        {
            _stream.Dispose();
        }
        else
        {
            _socket.Shutdown(SocketShutdown.Both);
        }
    }

    public void Dispose()
    {
        _stream.Dispose();
        _socket?.Dispose();
    }
}
