using System.Net;
using System.Net.Sockets;
using Antiphon.Client.Tests.Time;
using Antiphon.Protocol;
using Antiphon.Protocol.Packets;

namespace Antiphon.Broker.Tests.Transport;

/// <summary>The broker on real sockets; each test on both transports.</summary>
public sealed class BrokerHostTests
{
    public static TheoryData<BrokerTransport> Transports =>
        OperatingSystem.IsLinux() ? [BrokerTransport.Epoll, BrokerTransport.Sockets] : [BrokerTransport.Sockets];

    [Theory]
    [MemberData(nameof(Transports))]
    [Trait("Label", "MQTT-4.13.1-1")]
    public async Task The_peer_sees_why_its_malformed_packet_was_refused_and_others_notice_nothing(BrokerTransport transport)
    {
        await using var broker = Start(transport);
        await using var pair = await Pair.ConnectAsync(broker);
        await pair.ConverseAsync();
        for (var i = 0; i < 20; i++)
        {
            await using var bad = await TcpPeer.ConnectAsync(broker, $"bad{i}");

            // What the broker has not read when it closes must not turn the end into a reset.
            await bad.SendAsync([0x36, 0x06, 0x00, 0x01, 0x61, 0x00, 0x01, 0x00, .. new byte[i * 10_000]]);

            await bad.ExpectDisconnectAsync(ReasonCode.MalformedPacket);
            await pair.ConverseAsync();
        }

        Assert.Equal(20, broker.Counters.Refusals);
    }

    [Theory]
    [MemberData(nameof(Transports))]
    public async Task A_connection_that_says_nothing_is_closed(BrokerTransport transport)
    {
        var clock = new ManualTimeProvider();
        await using var broker = Start(transport, options => options with { TimeProvider = clock });
        await using var silent = await TcpPeer.OpenAsync(broker);
        await using var halting = await TcpPeer.OpenAsync(broker);
        await halting.SendAsync([0x10, 0x7F, 0x00]);
        await using var client = await TcpPeer.ConnectAsync(broker, "client");
        await TurnAsync(() => broker.Counters.Connections == 3);
        clock.Advance(new BrokerOptions().ConnectTimeout + TimeSpan.FromSeconds(1));

        await TurnAsync(() => broker.Counters.Connections == 1);
        await silent.ExpectEndAsync();
        await halting.ExpectEndAsync();

        // Each answer is a turn of the broker, in which it looks at its clock.
        async Task TurnAsync(Func<bool> until)
        {
            using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(1));
            do
            {
                patience.Token.ThrowIfCancellationRequested();
                await client.SendAsync(PingReqPacket.Instance);
                await client.NextAsync<PingRespPacket>();
            }
            while (!until());
        }
    }

    [Theory]
    [MemberData(nameof(Transports))]
    [Trait("Label", "MQTT-3.1.2-22")]
    public async Task A_client_that_falls_silent_is_told_so(BrokerTransport transport)
    {
        await using var broker = Start(transport);
        await using var client = await TcpPeer.ConnectAsync(broker, "quiet", connect => connect with { KeepAlive = 1 });

        await client.ExpectDisconnectAsync(ReasonCode.KeepAliveTimeout);
    }

    [Theory]
    [MemberData(nameof(Transports))]
    public async Task Five_hundred_clients_all_get_what_each_of_some_says(BrokerTransport transport)
    {
        await using var broker = Start(transport);
        var clients = await Task.WhenAll(Enumerable.Range(0, 500).Select(async i =>
        {
            var client = await TcpPeer.ConnectAsync(broker, $"client{i}");
            await client.SubscribeAsync("all");
            return client;
        }));
        Assert.Equal(500, broker.Counters.Connections);

        foreach (var speaker in clients.Take(20))
        {
            await speaker.SendAsync(new PublishPacket(TestLink.Message("all", "hello")));
        }

        await Task.WhenAll(clients.Select(async client =>
        {
            for (var i = 0; i < 20; i++)
            {
                Assert.Equal("hello", TestLink.Text(await client.NextAsync<PublishPacket>()));
            }

            await client.DisposeAsync();
        }));
        await broker.StopAsync(TestContext.Current.CancellationToken);
        Assert.Equal(0, broker.Counters.Connections);
        Assert.Equal(0, broker.Counters.Sessions);
    }

    [Theory]
    [MemberData(nameof(Transports))]
    public async Task Thousands_of_retained_messages_come_though_nothing_else_happens(BrokerTransport transport)
    {
        const int Many = 20_000;
        await using var broker = Start(transport);
        await using var publisher = await TcpPeer.ConnectAsync(broker, "publisher");
        await publisher.SendAsync(
            Enumerable.Range(0, Many).Select(i => new PublishPacket(TestLink.Message($"t/{i}", "x") with { Retain = true })));
        await publisher.SendAsync(PingReqPacket.Instance);
        await publisher.NextAsync<PingRespPacket>();
        await using var reader = await TcpPeer.ConnectAsync(broker, "reader");

        await reader.SubscribeAsync("t/+");

        for (var i = 0; i < Many; i++)
        {
            Assert.True((await reader.NextAsync<PublishPacket>()).Message.Retain);
        }
    }

    [Theory]
    [MemberData(nameof(Transports))]
    public async Task A_peer_that_resets_leaves_its_Will_and_no_trace(BrokerTransport transport)
    {
        await using var broker = Start(transport);
        await using var listener = await TcpPeer.ConnectAsync(broker, "listener");
        await listener.SubscribeAsync("will");
        for (var i = 0; i < 20; i++)
        {
            var client = await TcpPeer.ConnectAsync(
                broker, $"client{i}", connect => connect with { Will = new Will(TestLink.Message("will", "gone")) });
            client.Client!.LingerState = new LingerOption(enable: true, seconds: 0);
            await client.SendAsync([0x30, 0x7F, 0x00]);

            await client.DisposeAsync();

            Assert.Equal("gone", TestLink.Text(await listener.NextAsync<PublishPacket>()));
        }

        Assert.Equal(1, broker.Counters.Connections);
        Assert.Equal(1, broker.Counters.Sessions);
    }

    [Theory]
    [MemberData(nameof(Transports))]
    public async Task A_slow_reader_holds_up_nobody_and_its_memory_is_bounded(BrokerTransport transport)
    {
        await using var broker = Start(transport, options => options with { MaximumOutputBytes = 64 * 1024 });
        await using var slow = await TcpPeer.ConnectAsync(broker, "slow");
        await slow.SubscribeAsync("flood", QualityOfService.AtMostOnce);
        await using var publisher = await TcpPeer.ConnectAsync(broker, "publisher");
        await using var pair = await Pair.ConnectAsync(broker);
        var flood = TestLink.Bytes(Enumerable.Repeat<Packet>(new PublishPacket(TestLink.Message("flood", new string('x', 1000))), 100));
        var sent = 0;

        while (broker.Counters.DroppedSlowReader < 1000)
        {
            await publisher.SendAsync(flood);
            sent += 100;
            await publisher.SendAsync(PingReqPacket.Instance);
            await publisher.NextAsync<PingRespPacket>();
            await pair.ConverseAsync();
        }

        await slow.SendAsync(PingReqPacket.Instance);
        var got = 0;
        while (await slow.NextAsync() is PublishPacket)
        {
            got++;
        }

        Assert.Equal(sent - broker.Counters.DroppedSlowReader, got);
    }

    [Theory]
    [MemberData(nameof(Transports))]
    public async Task A_large_payload_arrives_whole_at_each_of_its_receivers(BrokerTransport transport)
    {
        await using var broker = Start(transport);
        var receivers = await Task.WhenAll(Enumerable.Range(0, 5).Select(async i =>
        {
            var receiver = await TcpPeer.ConnectAsync(broker, $"receiver{i}");
            await receiver.SubscribeAsync("large");
            return receiver;
        }));
        await using var publisher = await TcpPeer.ConnectAsync(broker, "publisher");
        var payload = new byte[900_000];
        new Random(1).NextBytes(payload);

        for (var i = 0; i < 5; i++)
        {
            await publisher.SendAsync(
                new PublishPacket(
                    new ApplicationMessage
                    {
                        Topic = "large",
                        Payload = payload,
                        QoS = QualityOfService.AtLeastOnce,
                    })
                { PacketIdentifier = new(1) });
            Assert.Equal(ReasonCode.Success, (await publisher.NextAsync<AcknowledgementPacket>()).ReasonCode);
        }

        foreach (var receiver in receivers)
        {
            for (var i = 0; i < 5; i++)
            {
                var publish = await receiver.NextAsync<PublishPacket>();
                Assert.True(payload.AsSpan().SequenceEqual(publish.Message.Payload.Span), "The payload is not what was sent.");
                await receiver.SendAsync(new AcknowledgementPacket(PacketType.PubAck, publish.PacketIdentifier));
            }

            await receiver.DisposeAsync();
        }
    }

    [Theory]
    [MemberData(nameof(Transports))]
    public async Task A_peer_that_ends_its_sending_side_still_gets_its_answers(BrokerTransport transport)
    {
        await using var broker = Start(transport);
        await using var client = await TcpPeer.ConnectAsync(broker, "half");

        await client.SendAsync(Enumerable.Repeat<Packet>(PingReqPacket.Instance, 50));
        client.Client!.Client.Shutdown(SocketShutdown.Send);

        for (var i = 0; i < 50; i++)
        {
            await client.NextAsync<PingRespPacket>();
        }

        Assert.Null(await client.NextAsync());
    }

    [Theory]
    [MemberData(nameof(Transports))]
    public async Task Stopping_says_0x8B_to_every_client_and_ends_when_they_have_gone(BrokerTransport transport)
    {
        var broker = Start(transport);
        var clients = await Task.WhenAll(Enumerable.Range(0, 10).Select(i => TcpPeer.ConnectAsync(broker, $"client{i}")));
        await using var silent = await TcpPeer.OpenAsync(broker);

        var stopping = broker.StopAsync(TestContext.Current.CancellationToken);

        foreach (var client in clients)
        {
            await client.ExpectDisconnectAsync(ReasonCode.ServerShuttingDown);
            await client.DisposeAsync();
        }

        await silent.ExpectEndAsync();
        await stopping;
        await broker.Completion;
        await broker.StopAsync(TestContext.Current.CancellationToken);
        await broker.DisposeAsync();
        await Assert.ThrowsAnyAsync<SocketException>(() => TcpPeer.OpenAsync(broker));
    }

    [Theory]
    [MemberData(nameof(Transports))]
    public async Task Stopping_does_not_wait_for_ever_for_a_client_that_stays(BrokerTransport transport)
    {
        var broker = Start(transport, options => options with { CloseTimeout = TimeSpan.FromMilliseconds(200) });
        await using var staying = await TcpPeer.ConnectAsync(broker, "staying");

        await broker.StopAsync(TestContext.Current.CancellationToken);

        await staying.ExpectDisconnectAsync(ReasonCode.ServerShuttingDown);
    }

    [Theory]
    [MemberData(nameof(Transports))]
    public async Task A_port_in_use_is_told_with_what_to_do(BrokerTransport transport)
    {
        await using var broker = Start(transport);

        var refused = Assert.Throws<BrokerStartException>(
            () => BrokerHost.Start(new BrokerOptions { Port = broker.Port, Transport = transport }));

        Assert.Contains($"127.0.0.1:{broker.Port}", refused.Message, StringComparison.Ordinal);
        Assert.Contains("another port", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void An_address_that_is_not_of_this_machine_is_told()
    {
        var refused = Assert.Throws<BrokerStartException>(
            () => BrokerHost.Start(new BrokerOptions { Bind = IPAddress.Parse("192.0.2.1"), AllowAnonymous = true, Port = 0 }));

        Assert.Contains("192.0.2.1", refused.Message, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Transports))]
    public async Task A_connection_within_the_process_is_as_any_other(BrokerTransport transport)
    {
        await using var broker = Start(transport);
        await using var outside = await TcpPeer.ConnectAsync(broker, "outside");
        await outside.SubscribeAsync("t");
        await using var inside = TcpPeer.Over(broker.ConnectInProcess());
        await inside.ConnectAsync("inside");

        await inside.SendAsync(new PublishPacket(TestLink.Message("t", new string('x', 100_000))));
        Assert.Equal(100_000, (await outside.NextAsync<PublishPacket>()).Message.Payload.Length);
        await inside.SendAsync([0x00]);

        await inside.ExpectDisconnectAsync(ReasonCode.MalformedPacket);
    }

    [Theory]
    [MemberData(nameof(Transports))]
    public async Task It_listens_on_every_listener_and_a_snapshot_says_where_each_connection_comes_from(BrokerTransport transport)
    {
        await using var broker = Start(transport, options => options with
        {
            Listeners =
            [
                new Listener { Name = "first", Port = 0 },
                new Listener { Name = "second", Port = 0, Bind = Socket.OSSupportsIPv6 ? IPAddress.IPv6Loopback : IPAddress.Loopback },
            ],
        });
        await using var inside = TcpPeer.Over(broker.ConnectInProcess());
        await inside.ConnectAsync("inside");
        var outside = new List<(string Name, EndPoint Address)>();
        var peers = new List<TcpPeer>();
        foreach (var (name, endPoint) in new[] { "first", "second" }.Zip(broker.EndPoints))
        {
            var client = new TcpClient(endPoint.AddressFamily);
            await client.ConnectAsync(endPoint, TestContext.Current.CancellationToken);
            peers.Add(TcpPeer.Over(client.GetStream()));
            outside.Add((name, client.Client.LocalEndPoint!));
            await peers[^1].ConnectAsync(name);
        }

        var snapshot = await broker.TakeSnapshotAsync(cancellationToken: TestContext.Current.CancellationToken);

        Assert.Equal((3, 3, 0), (snapshot.Counters.Connections, snapshot.Counters.Sessions, snapshot.Counters.OpenExchanges));
        var connections = snapshot.Connections.ToDictionary(connection => connection.ClientId!);
        Assert.All(connections.Values, connection => Assert.True(connection.IsConnected));
        Assert.Equal(new ConnectionOrigin { Listener = "in-process" }, connections["inside"].Origin);
        Assert.All(outside, at => Assert.Equal(
            new ConnectionOrigin { Listener = at.Name, RemoteEndPoint = at.Address }, connections[at.Name].Origin));
        Assert.Single((await broker.TakeSnapshotAsync(1, TestContext.Current.CancellationToken)).Connections);
        foreach (var peer in peers)
        {
            await peer.DisposeAsync();
        }
    }

    [Theory]
    [MemberData(nameof(Transports))]
    public async Task It_takes_a_connection_from_any_stream_though_it_listens_nowhere(BrokerTransport transport)
    {
        await using var broker = Start(transport, options => options with { Listeners = [] });
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        using var client = new TcpClient();
        await client.ConnectAsync((IPEndPoint)listener.LocalEndpoint, TestContext.Current.CancellationToken);
        var accepted = await listener.AcceptTcpClientAsync(TestContext.Current.CancellationToken);
        var origin = new ConnectionOrigin { Listener = "of my own", RemoteEndPoint = accepted.Client.RemoteEndPoint };

        var ended = broker.Accept(accepted.GetStream(), origin);
        await using var peer = TcpPeer.Over(client.GetStream());
        await peer.ConnectAsync("client");
        var connection = Assert.Single(
            (await broker.TakeSnapshotAsync(cancellationToken: TestContext.Current.CancellationToken)).Connections);
        Assert.Equal(("client", origin), (connection.ClientId, connection.Origin));
        Assert.False(ended.IsCompleted);
        await peer.SendAsync([0x00]);

        await peer.ExpectDisconnectAsync(ReasonCode.MalformedPacket);
        client.Close();
        await ended.WaitAsync(TestContext.Current.CancellationToken);
        Assert.Empty(broker.EndPoints);
        Assert.Throws<InvalidOperationException>(() => broker.Port);
    }

    [Theory]
    [MemberData(nameof(Transports))]
    public async Task Behind_a_proxy_the_origin_is_the_client_s_address_and_the_proxy_s(BrokerTransport transport)
    {
        await using var broker = Start(
            transport, options => options with { Listeners = [new Listener { Name = "proxied", Port = 0, ProxyProtocol = true }] });
        await using var peer = await TcpPeer.OpenAsync(broker);

        await peer.SendAsync(Convert.FromHexString("0D0A0D0A000D0A515549540A2111000CC00002077F000001D431075B"));
        await peer.ConnectAsync("client");

        var origin = Assert.Single(
            (await broker.TakeSnapshotAsync(cancellationToken: TestContext.Current.CancellationToken)).Connections).Origin;
        Assert.Equal(IPEndPoint.Parse("192.0.2.7:54321"), origin.RemoteEndPoint);
        Assert.Equal(((IPEndPoint)peer.Client!.Client.LocalEndPoint!).Port, ((IPEndPoint)origin.ProxyEndPoint!).Port);
    }

    [Theory]
    [MemberData(nameof(Transports))]
    public async Task A_stream_whose_sending_side_can_end_says_so_and_is_done_with_only_when_all_is_written(BrokerTransport transport)
    {
        await using var broker = Start(transport, options => options with { Listeners = [] });
        await using var stream = new SlowStream([.. TestLink.Bytes(new ConnectPacket { ClientId = "a" }), 0x00]);

        // The client is refused, and has closed its half already; CONNACK and DISCONNECT are still on their way.
        var ended = broker.Accept(stream, new ConnectionOrigin { Listener = "slow" });
        await stream.Writing.WaitAsync(TestContext.Current.CancellationToken);
        stream.EndInput();
        await stream.InputRead.WaitAsync(TestContext.Current.CancellationToken);
        await broker.TakeSnapshotAsync(cancellationToken: TestContext.Current.CancellationToken);
        Assert.False(ended.IsCompleted);
        stream.FinishWriting();

        await ended.WaitAsync(TestContext.Current.CancellationToken);
        Assert.Equal("written, closed", stream.Story);
    }

    [Theory]
    [MemberData(nameof(Transports))]
    public async Task The_last_packet_ends_the_sending_side_of_a_stream_that_has_one(BrokerTransport transport)
    {
        await using var broker = Start(transport, options => options with { Listeners = [] });
        await using var stream = new SlowStream([.. TestLink.Bytes(new ConnectPacket { ClientId = "a" }), 0x00]);
        stream.FinishWriting();

        var ended = broker.Accept(stream, new ConnectionOrigin { Listener = "slow" });
        await stream.SendingEnded.WaitAsync(TestContext.Current.CancellationToken);
        stream.EndInput();

        await ended.WaitAsync(TestContext.Current.CancellationToken);
        Assert.Equal("written, sending ended, closed", stream.Story);
    }

    [Theory]
    [MemberData(nameof(Transports))]
    public async Task What_has_been_stopped_takes_no_connection_and_gives_no_snapshot(BrokerTransport transport)
    {
        var broker = Start(transport);
        await broker.DisposeAsync();

        Assert.Throws<InvalidOperationException>(
            () => { _ = broker.Accept(new MemoryStream(), new ConnectionOrigin { Listener = "late" }); });
        await Assert.ThrowsAsync<InvalidOperationException>(
            () => broker.TakeSnapshotAsync(cancellationToken: TestContext.Current.CancellationToken));
    }

    private static BrokerHost Start(BrokerTransport transport, Func<BrokerOptions, BrokerOptions>? with = null)
    {
        var options = new BrokerOptions { Port = 0, Transport = transport };
        return BrokerHost.Start(with is null ? options : with(options));
    }

    /// <summary>Two well-behaved clients, of which one asks and the other answers.</summary>
    private sealed class Pair(TcpPeer requester, TcpPeer responder) : IAsyncDisposable
    {
        private ushort _number;

        public static async Task<Pair> ConnectAsync(BrokerHost broker)
        {
            var requester = await TcpPeer.ConnectAsync(broker, "requester", connect => connect with { RequestResponseInformation = true });
            await requester.SubscribeAsync(requester.ConnAck.ResponseInformation!, QualityOfService.AtMostOnce);
            var responder = await TcpPeer.ConnectAsync(broker, "responder");
            await responder.SubscribeAsync("service", QualityOfService.AtMostOnce);
            return new Pair(requester, responder);
        }

        public async Task ConverseAsync()
        {
            var correlation = BitConverter.GetBytes(++_number);
            await requester.SendAsync(new PublishPacket(
                TestLink.Message("service", "?") with
                {
                    ResponseTopic = requester.ConnAck.ResponseInformation,
                    CorrelationData = correlation,
                }));
            var request = (await responder.NextAsync<PublishPacket>()).Message;
            await responder.SendAsync(
                new PublishPacket(TestLink.Message(request.ResponseTopic!, "!") with { CorrelationData = request.CorrelationData }));
            var response = await requester.NextAsync<PublishPacket>();
            Assert.Equal(correlation, response.Message.CorrelationData!.Value.ToArray());
        }

        public async ValueTask DisposeAsync()
        {
            await requester.DisposeAsync();
            await responder.DisposeAsync();
        }
    }
}
