using System.Net;
using System.Net.Sockets;
using System.Text;
using Antiphon.Protocol;
using Antiphon.Protocol.Packets;
using Antiphon.Protocol.Wire;

namespace Antiphon.Server.Tests.Peers;

/// <summary>A client over plain TCP that says what the test wants, from the address that it wants.</summary>
internal sealed class RawClient(ProtocolVersion version = ProtocolVersion.V5) : IDisposable
{
    private readonly TcpClient _client = new();
    private readonly List<byte> _received = [];

    public static async Task<RawClient> OpenAsync(
        ServerHost server, string? claimedAddress = null, ProtocolVersion version = ProtocolVersion.V5)
    {
        var client = new RawClient(version);
        await client._client.ConnectAsync(IPAddress.Loopback, Servers.PortOf(server), Servers.Ending);
        if (claimedAddress is not null)
        {
            await client.SendAsync(ProxyHeader(IPAddress.Parse(claimedAddress)));
        }

        return client;
    }

    /// <summary>Connects with a user name and a password, and says what came of it.</summary>
    public static async Task<ConnAckPacket> LogInAsync(
        ServerHost server,
        string? user,
        string? password,
        string? claimedAddress = null,
        string clientId = "",
        ProtocolVersion version = ProtocolVersion.V5)
    {
        using var client = await OpenAsync(server, claimedAddress, version);
        return await client.ConnectAsync(user, password, clientId);
    }

    public async Task<ConnAckPacket> ConnectAsync(string? user, string? password, string clientId = "")
    {
        await SendAsync(new ConnectPacket
        {
            ProtocolVersion = version,
            ClientId = clientId,
            UserName = user,
            Password = password is null ? null : (ReadOnlyMemory<byte>?)Encoding.UTF8.GetBytes(password),
        });
        return Assert.IsType<ConnAckPacket>(await NextAsync());
    }

    public async Task<ReasonCode> SubscribeAsync(string filter)
    {
        await SendAsync(new SubscribePacket
        {
            PacketIdentifier = new PacketIdentifier(1),
            Subscriptions = [new RequestedSubscription(filter, default)],
        });
        return Assert.Single(Assert.IsType<SubAckPacket>(await NextAsync()).ReasonCodes);
    }

    public Task SendAsync(Packet packet) => SendAsync(Packets.Bytes(version, packet));

    public async Task<Packet> NextAsync()
    {
        var bytes = new byte[4096];
        while (true)
        {
            if (TryTake() is { } packet)
            {
                return packet;
            }

            var count = await _client.GetStream().ReadAsync(bytes, Servers.Ending).AsTask().WaitAsync(Servers.Patience, Servers.Ending);
            Assert.True(count > 0, "The server has closed.");
            _received.AddRange(bytes.AsSpan(0, count));
        }
    }

    public void Dispose() => _client.Dispose();

    private static byte[] ProxyHeader(IPAddress address) =>
    [
        .. Convert.FromHexString("0D0A0D0A000D0A515549540A2111000C"), .. address.GetAddressBytes(), 127, 0, 0, 1, 0xD4, 0x31, 0x07, 0x5B,
    ];

    private async Task SendAsync(byte[] bytes) => await _client.GetStream().WriteAsync(bytes, Servers.Ending);

    private Packet? TryTake()
    {
        var bytes = _received.ToArray();
        if (FrameReader.TryRead(bytes, uint.MaxValue, out var frame, out _) != FrameStatus.Complete)
        {
            return null;
        }

        Assert.True(PacketDecoder.TryDecode(frame, version, out var packet, out var fault), fault.Message);
        _received.RemoveRange(0, frame.Length);
        return packet;
    }
}
