using System.Net;
using System.Text.Json;
using Antiphon.Broker.Tests.Transport;
using Antiphon.Broker.Transport.Queued;
using Antiphon.Protocol;
using Antiphon.Protocol.Packets;

namespace Antiphon.Broker.Tests.Limits;

/// <summary>The limits on real sockets; each test on both transports.</summary>
public sealed class LimitsOnTheWireTests
{
    public static TheoryData<BrokerTransport> Transports =>
        OperatingSystem.IsLinux() ? [BrokerTransport.Epoll, BrokerTransport.Sockets] : [BrokerTransport.Sockets];

    [Theory]
    [MemberData(nameof(Transports))]
    public async Task Connections_that_say_nothing_make_room_for_clients(BrokerTransport transport)
    {
        await using var broker = Start(transport, options => options with { MaximumPendingConnections = 50 });
        var silent = new List<TcpPeer>();
        for (var i = 0; i < 300; i++)
        {
            silent.Add(await TcpPeer.OpenAsync(broker));
        }

        await using var client = await TcpPeer.ConnectAsync(broker, "client");

        foreach (var peer in silent.Take(250))
        {
            await peer.ExpectEndAsync();
        }

        Assert.InRange(broker.Counters.DroppedPending, 250, 251);
        await using var late = silent[^1];
        await late.ConnectAsync("late");
        foreach (var peer in silent)
        {
            await peer.DisposeAsync();
        }
    }

    [Theory]
    [MemberData(nameof(Transports))]
    public async Task Behind_a_proxy_an_address_has_its_bound_and_is_told_so_and_beyond_twice_the_bound_is_not(BrokerTransport transport)
    {
        await using var broker = Start(transport, options => options with
        {
            MaximumConnectionsPerAddress = 1,
            Listeners = [new Listener { Name = "proxied", Port = 0, ProxyProtocol = true }],
        });
        await using var first = await ProxiedAsync(broker, 1);
        Assert.Equal(ReasonCode.Success, (await first.NextAsync<ConnAckPacket>()).ReasonCode);

        await using var second = await ProxiedAsync(broker, 1);
        Assert.Equal(ReasonCode.QuotaExceeded, (await second.NextAsync<ConnAckPacket>()).ReasonCode);
        Assert.Null(await second.NextAsync());

        await using var third = await ProxiedAsync(broker, 1);
        await third.ExpectEndAsync();
        await using var another = await ProxiedAsync(broker, 2);
        Assert.Equal(ReasonCode.Success, (await another.NextAsync<ConnAckPacket>()).ReasonCode);
        Assert.Equal(2, broker.Counters.RefusedByAddress);
    }

    [Fact]
    public async Task So_has_one_whose_connections_come_as_streams()
    {
        await using var broker = Start(BrokerTransport.Automatic, options => options with { MaximumConnectionsPerAddress = 1 });
        var origin = new ConnectionOrigin { Listener = "tls", RemoteEndPoint = new IPEndPoint(IPAddress.Parse("192.0.2.1"), 4711) };
        var (firstEnd, firstStream) = InProcessStream.CreatePair();
        _ = broker.Accept(firstStream, origin);
        await using var first = TcpPeer.Over(firstEnd);
        await first.ConnectAsync("first");
        var (secondEnd, secondStream) = InProcessStream.CreatePair();
        _ = broker.Accept(secondStream, origin);
        await using var second = TcpPeer.Over(secondEnd);
        var (thirdEnd, thirdStream) = InProcessStream.CreatePair();

        await broker.Accept(thirdStream, origin).WaitAsync(TimeSpan.FromMinutes(1), TestContext.Current.CancellationToken);

        await using var third = TcpPeer.Over(thirdEnd);
        await third.ExpectEndAsync();
        await second.SendAsync(new ConnectPacket { ClientId = "second" });
        Assert.Equal(ReasonCode.QuotaExceeded, (await second.NextAsync<ConnAckPacket>()).ReasonCode);
    }

    [Theory]
    [MemberData(nameof(Transports))]
    public async Task A_publisher_that_is_too_fast_gets_all_its_acknowledgements_in_time(BrokerTransport transport)
    {
        await using var broker = Start(
            transport, options => options with { MaximumPublishesPerSecond = 500, MaximumPublishBurst = 10 });
        await using var publisher = await TcpPeer.ConnectAsync(broker, "publisher");

        await publisher.SendAsync(Enumerable.Range(1, 200).Select(i =>
            new PublishPacket(TestLink.Message("t", "", QualityOfService.AtLeastOnce)) { PacketIdentifier = new((ushort)i) }));

        for (ushort i = 1; i <= 200; i++)
        {
            Assert.Equal(new PacketIdentifier(i), (await publisher.NextAsync<AcknowledgementPacket>()).PacketIdentifier);
        }

        Assert.InRange(broker.Counters.DelayedOverRate, 1, 190);
        Assert.Equal(0, broker.Counters.WithheldAcknowledgements);
    }

    [Theory]
    [MemberData(nameof(Transports))]
    public async Task Who_comes_and_goes_is_told_with_the_time_of_day(BrokerTransport transport)
    {
        var before = TimeProvider.System.GetUtcNow().AddSeconds(-1);
        await using var broker = Start(transport, options => options with { PresenceEvents = true });
        await using var watcher = await TcpPeer.ConnectAsync(broker, "watcher");
        await watcher.SubscribeAsync("$SYS/clients/+/+", QualityOfService.AtMostOnce);
        await using (await TcpPeer.ConnectAsync(broker, "a"))
        {
            var connected = await watcher.NextAsync<PublishPacket>();
            Assert.Equal("$SYS/clients/a/connected", connected.Message.Topic);
            using var json = JsonDocument.Parse(connected.Message.Payload);
            var time = json.RootElement.GetProperty("time").GetDateTimeOffset();
            Assert.InRange(time, before, TimeProvider.System.GetUtcNow());
            Assert.StartsWith("127.0.0.1:", json.RootElement.GetProperty("address").GetString(), StringComparison.Ordinal);
        }

        Assert.Equal("$SYS/clients/a/disconnected", (await watcher.NextAsync<PublishPacket>()).Message.Topic);
    }

    private static BrokerHost Start(BrokerTransport transport, Func<BrokerOptions, BrokerOptions> with) =>
        BrokerHost.Start(with(new BrokerOptions { Port = 0, Transport = transport }));

    private static async Task<TcpPeer> ProxiedAsync(BrokerHost broker, byte host)
    {
        var peer = await TcpPeer.OpenAsync(broker);
        await peer.SendAsync(
        [
            .. "\r\n\r\n\0\r\nQUIT\n"u8, 0x21, 0x11, 0, 12, 192, 0, 2, host, 127, 0, 0, 1, 0x12, 0x67, 0x07, 0x5B,
            .. TestLink.Bytes(new ConnectPacket()),
        ]);
        return peer;
    }
}
