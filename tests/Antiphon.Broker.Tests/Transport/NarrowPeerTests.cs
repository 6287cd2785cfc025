using Antiphon.Broker.Transport.Epoll;
using Antiphon.Protocol;
using Antiphon.Protocol.Packets;

namespace Antiphon.Broker.Tests.Transport;

/// <summary>
/// A client with a small receive buffer, as MQTTnet's is. A segment larger than the window that such a client has left
/// waits for a timer of the kernel, so it must not get any; the kernel tells the client how large they were.
/// </summary>
public sealed class NarrowPeerTests
{
    private const int IpprotoTcp = 6;
    private const int TcpInfo = 11;
    private const int LargestReceivedOffset = 20;

    public static TheoryData<BrokerTransport> Transports => BrokerHostTests.Transports;

    [Theory]
    [MemberData(nameof(Transports))]
    public async Task A_client_with_a_small_receive_buffer_gets_small_segments(BrokerTransport transport)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "How large the segments were is asked of Linux.");
        await using var broker = BrokerHost.Start(new BrokerOptions { Port = 0, Transport = transport });
        await using var narrow = await TcpPeer.OpenAsync(broker, receiveBuffer: 8192);
        await narrow.ConnectAsync("narrow");
        await narrow.SubscribeAsync("t", QualityOfService.AtMostOnce);
        await using var publisher = await TcpPeer.ConnectAsync(broker, "publisher");

        // A payload that is copied to each receiver, and one that receivers share.
        var small = new PublishPacket(TestLink.Message("t", new string('s', 500)));
        var large = new PublishPacket(TestLink.Message("t", new string('l', 100_000)));
        await publisher.SendAsync([.. Enumerable.Repeat(small, 100), large, .. Enumerable.Repeat(small, 100)]);
        var payloads = new List<int>();
        for (var i = 0; i < 201; i++)
        {
            payloads.Add((await narrow.NextAsync<PublishPacket>()).Message.Payload.Length);
        }

        Assert.Equal([.. Enumerable.Repeat(500, 100), 100_000, .. Enumerable.Repeat(500, 100)], payloads);
        var info = new byte[LargestReceivedOffset + sizeof(int)];
        narrow.Client!.Client.GetRawSocketOption(IpprotoTcp, TcpInfo, info);
        Assert.InRange(BitConverter.ToInt32(info, LargestReceivedOffset), 1, NarrowPeer.PieceSize);
    }
}
