using System.Net;
using Antiphon.Conformance.Brokers;
using Antiphon.Conformance.Hostile.Tables;
using Antiphon.Conformance.Wire;

namespace Antiphon.Conformance.Hostile;

/// <summary>
/// A raw connection that speaks MQTT 5 in the notation of the tables. What does not come within a minute fails the test.
/// </summary>
internal sealed class Peer : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly RawConnection _connection;

    private Peer(RawConnection connection) => _connection = connection;

    /// <summary>What <c>~</c> stands for.</summary>
    public string Unique { get; } = BrokerUnderTest.NewUnique();

    /// <summary>A connection that has said nothing.</summary>
    public static async Task<Peer> OpenAsync(DnsEndPoint broker)
    {
        using var limit = NewLimit();
        return new Peer(await RawConnection.OpenAsync(broker, limit.Token));
    }

    /// <summary>A connection whose CONNECT has been accepted.</summary>
    public static async Task<Peer> ConnectAsync(DnsEndPoint broker, string connect = "10[ \"MQTT\" 05 02 0000 () \"~\" ]")
    {
        var peer = await OpenAsync(broker);
        await peer.SendAsync(connect);
        await peer.ExpectAsync(0x20, 0x00);
        return peer;
    }

    public Task<bool> SendAsync(string text) => SendAsync(Rendered.Bytes(text, unique: Unique));

    /// <summary>Sends; false once the broker has closed.</summary>
    public async Task<bool> SendAsync(byte[] bytes)
    {
        using var limit = NewLimit();
        return await _connection.TrySendAsync(bytes, limit.Token);
    }

    /// <summary>
    /// The next packet: its first byte and what stands behind its Remaining Length; <c>null</c> at the end of the connection.
    /// </summary>
    public async Task<(byte First, byte[] Body)?> NextAsync()
    {
        using var limit = NewLimit();
        if (await _connection.ReceiveAsync(limit.Token) is not { } packet)
        {
            return null;
        }

        ReadOnlySpan<byte> body = packet.AsSpan(1);
        Assert.True(VariableInteger.TryRead(ref body, out _));
        return (packet[0], body.ToArray());
    }

    /// <summary>The next packet, which has to be a CONNACK, SUBACK, UNSUBACK or acknowledgement with that code.</summary>
    public async Task<byte[]> ExpectAsync(byte first, byte code)
    {
        var packet = Assert.NotNull(await NextAsync());
        Assert.Equal(first, packet.First);
        Assert.Equal(code, first switch
        {
            0x20 => packet.Body[1],
            0x90 or 0xB0 => packet.Body[^1],
            _ => packet.Body.Length > 2 ? packet.Body[2] : (byte)0,
        });
        return packet.Body;
    }

    /// <summary>DISCONNECT with that code, then the end of the connection, not by a reset.</summary>
    public async Task ExpectEndAsync(byte code)
    {
        var packet = Assert.NotNull(await NextAsync());
        Assert.Equal((0xE0, code), (packet.First, packet.Body[0]));
        Assert.Null(await NextAsync());
        Assert.False(_connection.WasReset, "The connection was reset.");
    }

    /// <summary>Ends the sending side; what comes is still read.</summary>
    public void EndSending() => _connection.EndSending();

    public ValueTask DisposeAsync() => _connection.DisposeAsync();

    private static CancellationTokenSource NewLimit()
    {
        var limit = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        limit.CancelAfter(Patience);
        return limit;
    }
}
