using System.Net.WebSockets;

namespace Antiphon.Client.Transports;

/// <summary>
/// The bytes in the binary frames of a WebSocket, whose borders mean nothing [MQTT-6.0.0-1, MQTT-6.0.0-2].
/// One reader and one writer at a time.
/// </summary>
internal sealed class WebSocketStream : Stream
{
    private const string Subprotocol = "mqtt";

    private readonly ClientWebSocket _socket;
    private readonly HttpMessageInvoker _http;

    private WebSocketStream(ClientWebSocket socket, HttpMessageInvoker http)
    {
        _socket = socket;
        _http = http;
    }

    public override bool CanRead => true;

    public override bool CanWrite => true;

    public override bool CanSeek => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    /// <summary>Opens a WebSocket over a stream that is connected, and encrypted where the URI begins with wss.</summary>
    /// <exception cref="WebSocketException">The server does not agree.</exception>
    public static async ValueTask<WebSocketStream> OpenAsync(
        Stream connected, Uri uri, WebSocketOptions options, CancellationToken cancellationToken)
    {
        // The invoker belongs to the stream, and closes what it was given when it is disposed.
        var http = new HttpMessageInvoker(
            new SocketsHttpHandler { UseProxy = false, UseCookies = false, ConnectCallback = (_, _) => ValueTask.FromResult(connected) });
        var socket = new ClientWebSocket();
        try
        {
            socket.Options.AddSubProtocol(Subprotocol);

            // MQTT has a Keep Alive of its own.
            socket.Options.KeepAliveInterval = TimeSpan.Zero;
            foreach (var (name, value) in options.Headers)
            {
                socket.Options.SetRequestHeader(name, value);
            }

            await socket.ConnectAsync(uri, http, cancellationToken).ConfigureAwait(false);
            return socket.SubProtocol == Subprotocol
                ? new WebSocketStream(socket, http)
                : throw new WebSocketException(
                    $"The server did not choose the subprotocol mqtt [MQTT-6.0.0-4]. Is {options.Path} its path for MQTT?");
        }
        catch (Exception failure)
        {
            socket.Dispose();
            http.Dispose();
            if (failure is WebSocketException { InnerException: not null })
            {
                // The outermost only says that no connection came about, although there is one.
                var cause = failure.GetBaseException().Message.TrimEnd('.', ' ');
                throw new WebSocketException(
                    $"A WebSocket was not agreed on: {cause}. Does the server speak WebSocket at this port?", failure);
            }

            throw;
        }
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        while (true)
        {
            var frame = await _socket.ReceiveAsync(buffer, cancellationToken).ConfigureAwait(false);
            switch (frame.MessageType)
            {
                case WebSocketMessageType.Close:
                    return 0;
                case WebSocketMessageType.Text:
                    throw new InvalidDataException("The server sent a text frame; MQTT travels in binary frames [MQTT-6.0.0-1].");

                // An empty frame is no end.
                case WebSocketMessageType.Binary when frame.Count > 0:
                    return frame.Count;
            }
        }
    }

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) =>
        _socket.SendAsync(buffer, WebSocketMessageType.Binary, endOfMessage: true, cancellationToken);

    /// <summary>Sends the Close frame, the last one.</summary>
    public Task CloseOutputAsync() => _socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, CancellationToken.None);

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _socket.Dispose();
            _http.Dispose();
        }

        base.Dispose(disposing);
    }
}
