using System.Net;
using System.Net.Sockets;
using Antiphon.Protocol;
using Antiphon.Protocol.Packets;
using Antiphon.Protocol.Wire;

namespace Antiphon.Broker.Tests.Transport;

/// <summary>
/// A client on a real socket that writes and reads bytes, without a client library in between.
/// What does not come within a minute fails the test.
/// </summary>
internal sealed class TcpPeer : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    private readonly Stream _stream;
    private byte[] _buffer = new byte[4096];
    private int _start;
    private int _end;

    private TcpPeer(Stream stream, TcpClient? client)
    {
        _stream = stream;
        Client = client;
    }

    public TcpClient? Client { get; }

    public ConnAckPacket ConnAck { get; private set; } = null!;

    /// <summary>A connection that has said nothing yet.</summary>
    /// <param name="broker">To whom.</param>
    /// <param name="receiveBuffer">What the client asks its system for, in bytes; <c>null</c>: nothing, so that it grows as needed.</param>
    public static async Task<TcpPeer> OpenAsync(BrokerHost broker, int? receiveBuffer = null)
    {
        var client = new TcpClient();
        if (receiveBuffer is { } size)
        {
            client.ReceiveBufferSize = size;
        }

        await client.ConnectAsync(IPAddress.Loopback, broker.Port).WaitAsync(Patience);
        client.NoDelay = true;
        return new TcpPeer(client.GetStream(), client);
    }

    public static TcpPeer Over(Stream stream) => new(stream, client: null);

    public static async Task<TcpPeer> ConnectAsync(BrokerHost broker, string clientId, Func<ConnectPacket, ConnectPacket>? with = null)
    {
        var peer = await OpenAsync(broker);
        await peer.ConnectAsync(clientId, with);
        return peer;
    }

    public async Task ConnectAsync(string clientId, Func<ConnectPacket, ConnectPacket>? with = null)
    {
        var connect = new ConnectPacket { ClientId = clientId };
        await SendAsync(with is null ? connect : with(connect));
        ConnAck = await NextAsync<ConnAckPacket>();
        Assert.Equal(ReasonCode.Success, ConnAck.ReasonCode);
    }

    public async Task SubscribeAsync(string filter, QualityOfService qos = QualityOfService.AtLeastOnce)
    {
        await SendAsync(new SubscribePacket { PacketIdentifier = new(1), Subscriptions = [new(filter, new(qos))] });
        Assert.True((await NextAsync<SubAckPacket>()).ReasonCodes[0] < ReasonCode.UnspecifiedError);
    }

    public Task SendAsync(params IEnumerable<Packet> packets) => SendAsync(TestLink.Bytes(packets));

    public async Task SendAsync(byte[] bytes)
    {
        using var patience = new CancellationTokenSource(Patience);
        await _stream.WriteAsync(bytes, patience.Token);
    }

    public async Task<T> NextAsync<T>()
        where T : Packet => Assert.IsType<T>(await NextAsync());

    /// <summary>The next packet; <c>null</c> at the end of the stream.</summary>
    public async Task<Packet?> NextAsync()
    {
        while (true)
        {
            if (TryTake(out var packet))
            {
                return packet;
            }

            if (!await ReadAsync())
            {
                Assert.Equal(_start, _end);
                return null;
            }
        }
    }

    /// <summary>The broker's goodbye: DISCONNECT with that code, and after it the end of the stream.</summary>
    public async Task ExpectDisconnectAsync(ReasonCode code)
    {
        Packet? packet;
        do
        {
            packet = await NextAsync();
        }
        while (packet is PublishPacket or PingRespPacket);
        Assert.Equal(code, Assert.IsType<DisconnectPacket>(packet).ReasonCode);
        Assert.Null(await NextAsync());
    }

    /// <summary>The end of the stream, or a reset.</summary>
    public async Task ExpectEndAsync()
    {
        try
        {
            Assert.Null(await NextAsync());
        }
        catch (IOException)
        {
            // A reset ends it too.
        }
    }

    public ValueTask DisposeAsync()
    {
        Client?.Dispose();
        return _stream.DisposeAsync();
    }

    private bool TryTake(out Packet? packet)
    {
        packet = null;
        if (FrameReader.TryRead(_buffer.AsSpan(_start.._end), uint.MaxValue, out var frame, out var fault) != FrameStatus.Complete)
        {
            Assert.False(fault.Exists, fault.Message);
            return false;
        }

        Assert.True(PacketDecoder.TryDecode(frame, ProtocolVersion.V5, out packet, out fault), fault.Message);
        _start += frame.Length;
        return true;
    }

    private async Task<bool> ReadAsync()
    {
        _buffer.AsSpan(_start.._end).CopyTo(_buffer);
        _end -= _start;
        _start = 0;
        if (_end == _buffer.Length)
        {
            Array.Resize(ref _buffer, 2 * _buffer.Length);
        }

        using var patience = new CancellationTokenSource(Patience);
        var read = await _stream.ReadAsync(_buffer.AsMemory(_end), patience.Token);
        _end += read;
        return read > 0;
    }
}
