using System.Net.Sockets;
using Antiphon.Protocol;
using Antiphon.Protocol.Packets;

namespace Antiphon.Broker.Tests.Transport;

/// <summary>A peer that sends no more, and has not said goodbye.</summary>
public sealed class HalfClosedTests
{
    public static TheoryData<BrokerTransport> Transports => BrokerHostTests.Transports;

    [Theory]
    [MemberData(nameof(Transports))]
    public async Task A_half_closed_peer_that_reads_nothing_is_closed_although_it_has_no_Keep_Alive(BrokerTransport transport)
    {
        await using var broker = BrokerHost.Start(new BrokerOptions
        {
            Port = 0,
            Transport = transport,
            MaximumOutputBytes = 64 * 1024 * 1024,
            CloseTimeout = TimeSpan.FromMilliseconds(200),
        });
        await using var deaf = await TcpPeer.ConnectAsync(broker, "deaf");
        await deaf.SubscribeAsync("t", QualityOfService.AtMostOnce);
        await using var publisher = await TcpPeer.ConnectAsync(broker, "publisher");
        var large = new PublishPacket(
            TestLink.Message("t", new string('x', 900_000), QualityOfService.AtLeastOnce))
        { PacketIdentifier = new(1) };
        for (var i = 0; i < 20; i++)
        {
            // More than the buffers of both sockets hold; the answer says that it is on its way.
            await publisher.SendAsync(large);
            await publisher.NextAsync<AcknowledgementPacket>();
        }

        deaf.Client!.Client.Shutdown(SocketShutdown.Send);

        // Each answer is a turn of the broker; how long a turn waits for its peer is up to the machine.
        while (broker.Counters.Connections > 1)
        {
            await publisher.SendAsync(PingReqPacket.Instance);
            await publisher.NextAsync<PingRespPacket>();
        }
    }
}
