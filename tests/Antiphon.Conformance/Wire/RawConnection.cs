using System.Net;
using System.Net.Sockets;

namespace Antiphon.Conformance.Wire;

/// <summary>
/// A TCP connection that sends any bytes and receives whole packets, as told by their first byte and Remaining Length only.
/// </summary>
internal sealed class RawConnection : IAsyncDisposable
{
    private readonly Socket _socket;
    private readonly byte[] _buffer = new byte[64 * 1024];
    private readonly List<byte> _received = [];

    private RawConnection(Socket socket) => _socket = socket;

    /// <summary>Whether the peer ended it by a reset, which may take with it what the peer has sent.</summary>
    public bool WasReset { get; private set; }

    public static async Task<RawConnection> OpenAsync(DnsEndPoint broker, CancellationToken cancellationToken)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(broker, cancellationToken);
            return new RawConnection(socket);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>Sends; false if the peer has closed already, which is for the next expectation to judge.</summary>
    public async Task<bool> TrySendAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        try
        {
            while (bytes.Length > 0)
            {
                bytes = bytes[await _socket.SendAsync(bytes, SocketFlags.None, cancellationToken)..];
            }

            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    /// <summary>The next whole packet; <c>null</c> once the peer has closed.</summary>
    /// <exception cref="FormatException">What came is no packet: five bytes of length, or an end in mid-packet.</exception>
    /// <exception cref="OperationCanceledException">It did not come in time.</exception>
    public async Task<byte[]?> ReceiveAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            if (TakePacket() is { } packet)
            {
                return packet;
            }

            var count = await ReceiveSomeAsync(cancellationToken);
            if (count == 0)
            {
                return _received.Count == 0
                    ? null
                    : throw new FormatException($"The peer closed in mid-packet: {Convert.ToHexString([.. _received])}");
            }

            _received.AddRange(_buffer.AsSpan(0, count));
        }
    }

    /// <summary>Says that nothing more will be sent; what the peer sends is still received.</summary>
    public void EndSending() => _socket.Shutdown(SocketShutdown.Send);

    public ValueTask DisposeAsync()
    {
        _socket.Dispose();
        return ValueTask.CompletedTask;
    }

    private async Task<int> ReceiveSomeAsync(CancellationToken cancellationToken)
    {
        try
        {
            return await _socket.ReceiveAsync(_buffer, SocketFlags.None, cancellationToken);
        }
        catch (SocketException failure) when (failure.SocketErrorCode == SocketError.ConnectionReset)
        {
            // A peer that closes without having read everything resets the connection: that is closed, too.
            WasReset = true;
            return 0;
        }
    }

    private byte[]? TakePacket()
    {
        if (_received.Count < 2)
        {
            return null;
        }

        ReadOnlySpan<byte> rest = System.Runtime.InteropServices.CollectionsMarshal.AsSpan(_received)[1..];
        if (!VariableInteger.TryRead(ref rest, out var length))
        {
            return _received.Count < 5
                ? null
                : throw new FormatException($"No Remaining Length: {Convert.ToHexString([.. _received.Take(5)])}");
        }

        if (rest.Length < length)
        {
            return null;
        }

        var packet = _received[..(_received.Count - rest.Length + length)].ToArray();
        _received.RemoveRange(0, packet.Length);
        return packet;
    }
}
