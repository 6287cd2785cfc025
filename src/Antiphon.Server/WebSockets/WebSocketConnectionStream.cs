using System.Net.WebSockets;
using Antiphon.Broker;
using Antiphon.Server.Listening;

namespace Antiphon.Server.WebSockets;

/// <summary>
/// The bytes in the binary frames of a WebSocket, whose borders mean nothing [MQTT-6.0.0-1, MQTT-6.0.0-2].
/// One reader and one writer at a time.
/// </summary>
internal sealed class WebSocketConnectionStream(WebSocket socket) : BorrowedStream, IHalfClosable
{
    // Owned by the reading task; whoever says goodbye comes after it.
    private bool _sawText;
    private bool _sawClose;

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        while (!_sawClose)
        {
            var frame = await socket.ReceiveAsync(buffer, Ended);
            switch (frame.MessageType)
            {
                case WebSocketMessageType.Close:
                    _sawClose = true;
                    break;
                case WebSocketMessageType.Text:
                    _sawText = true;
                    throw new InvalidDataException("A text frame came; MQTT travels in binary frames [MQTT-6.0.0-1].");

                // An empty frame is no end; a reader without a buffer only waits for bytes.
                case WebSocketMessageType.Binary when frame.Count > 0 || buffer.IsEmpty:
                    return frame.Count;
            }
        }

        return 0;
    }

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) =>
        socket.SendAsync(buffer, WebSocketMessageType.Binary, endOfMessage: true, Ended);

    /// <summary>Sends the Close frame; the peer answers with its own.</summary>
    public void EndSending() => _ = CloseAsync(WebSocketCloseStatus.NormalClosure);

    /// <summary>Answers the peer's Close frame, or says what was wrong, unless the connection is gone.</summary>
    public Task SayGoodbyeAsync() =>
        CloseAsync(_sawText ? WebSocketCloseStatus.InvalidMessageType : WebSocketCloseStatus.NormalClosure);

    private async Task CloseAsync(WebSocketCloseStatus status)
    {
        if (socket.State is not (WebSocketState.Open or WebSocketState.CloseReceived))
        {
            return;
        }

        try
        {
            await socket.CloseOutputAsync(status, null, CancellationToken.None);
        }
        catch (Exception gone) when (gone is WebSocketException or IOException or InvalidOperationException or OperationCanceledException)
        {
            // The peer is gone already, and reading says so.
        }
    }
}
