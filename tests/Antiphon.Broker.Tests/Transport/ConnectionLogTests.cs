using System.Net;
using Antiphon.Broker.Access;
using Antiphon.Broker.Transport;
using Antiphon.Protocol;
using Antiphon.Protocol.Packets;
using Microsoft.Extensions.Logging;

namespace Antiphon.Broker.Tests.Transport;

/// <summary>What the broker logs of connections, on both transports.</summary>
public sealed class ConnectionLogTests
{
    public static TheoryData<BrokerTransport> Transports => BrokerHostTests.Transports;

    [Theory]
    [MemberData(nameof(Transports))]
    public async Task Who_comes_and_who_goes_is_a_line_each(BrokerTransport transport)
    {
        using var log = new RecordedLog(LogLevel.Information);
        await using var broker = Start(transport, log);
        Assert.Contains("leaves room for", await log.NextAsync(), StringComparison.Ordinal);
        await using var client = await TcpPeer.ConnectAsync(broker, "device_1");
        var address = $"127.0.0.1:{((IPEndPoint)client.Client!.Client.LocalEndPoint!).Port}";
        Assert.Equal($"Client «device_1» connected from {address}: MQTT 5, new Session", await log.NextAsync());

        await client.SendAsync(new DisconnectPacket { ReasonString = "enough\nfor today" });

        Assert.Equal(
            $"Client «device_1» from {address} closed: The client disconnected: «enough\uFFFDfor today».", await log.NextAsync());
        Assert.True(log.IsEmpty);
    }

    [Theory]
    [MemberData(nameof(Transports))]
    public async Task A_lost_connection_a_Session_that_goes_on_and_one_that_is_taken_over_are_told_apart(BrokerTransport transport)
    {
        using var log = new RecordedLog(LogLevel.Information);
        await using var broker = Start(transport, log);
        Assert.Contains("leaves room for", await log.NextAsync(), StringComparison.Ordinal);
        Func<ConnectPacket, ConnectPacket> lasting = connect => connect with { SessionExpiryInterval = 60 };
        var first = await TcpPeer.ConnectAsync(broker, "a", lasting);
        Assert.Contains("new Session", await log.NextAsync(), StringComparison.Ordinal);
        await first.DisposeAsync();
        Assert.EndsWith("closed: The peer closed the connection.", await log.NextAsync(), StringComparison.Ordinal);

        await using var second = await TcpPeer.ConnectAsync(broker, "a", lasting);
        Assert.Contains("goes on with its Session", await log.NextAsync(), StringComparison.Ordinal);
        await using var third = await TcpPeer.ConnectAsync(broker, "a", lasting);

        Assert.Contains("Another connection uses the same Client Identifier", await log.NextAsync(), StringComparison.Ordinal);
        Assert.Contains("goes on with its Session", await log.NextAsync(), StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Transports))]
    public async Task Who_is_refused_and_who_breaks_the_rules_is_one_warning_each(BrokerTransport transport)
    {
        using var log = new RecordedLog(LogLevel.Warning);
        await using var broker = Start(transport, log);
        await using (var refused = await TcpPeer.OpenAsync(broker))
        {
            var will = new Will(TestLink.Message("$reply/x", "gone"));
            await refused.SendAsync(new ConnectPacket { ClientId = "forger", Will = will });
            Assert.Equal(ReasonCode.NotAuthorized, (await refused.NextAsync<ConnAckPacket>()).ReasonCode);
            var line = await ExpectAsync("refused: 0x87 NotAuthorized: The Will Topic is");
            Assert.Contains("Client «forger» from 127.0.0.1:", line, StringComparison.Ordinal);
        }

        await using (var stranger = await TcpPeer.OpenAsync(broker))
        {
            await stranger.SendAsync("GET / HTTP/1.1\r\n\r\n"u8.ToArray());
            await stranger.ExpectEndAsync();
            await ExpectAsync("refused: 0x82 ProtocolError: The first byte is 0x47");
        }

        await using var faulty = await TcpPeer.ConnectAsync(broker, "faulty");
        await faulty.SendAsync([0x36, 0x06, 0x00, 0x01, 0x61, 0x00, 0x01, 0x00, 0x36, 0x06]);
        await faulty.ExpectDisconnectAsync(ReasonCode.MalformedPacket);
        await ExpectAsync("closed for its fault: 0x81 MalformedPacket: ");
        Assert.True(log.IsEmpty);

        async Task<string> ExpectAsync(string text)
        {
            var line = await log.NextAsync();
            Assert.Contains(text, line, StringComparison.Ordinal);
            return line;
        }
    }

    [Theory]
    [MemberData(nameof(Transports))]
    public async Task What_the_rules_deny_is_one_warning_a_connection_and_kind(BrokerTransport transport)
    {
        using var log = new RecordedLog(LogLevel.Warning);
        var rule = new AccessRule { Allows = true, Permissions = Permissions.Publish, Topics = ["allowed"], To = ["*"] };
        await using var broker = BrokerHost.Start(
            new BrokerOptions { Port = 0, Transport = transport, LoggerFactory = log, AccessRules = new AccessRules([rule]) });
        await using var client = await TcpPeer.ConnectAsync(broker, "a");
        for (var i = 0; i < 5; i++)
        {
            await client.SendAsync(new PublishPacket(TestLink.Message($"denied/{i}")));
            await client.SendAsync(new SubscribePacket
            {
                PacketIdentifier = new(1),
                Subscriptions = [new RequestedSubscription($"denied/{i}/#", new SubscriptionOptions(QualityOfService.AtMostOnce))],
            });
            Assert.Equal([ReasonCode.NotAuthorized], (await client.NextAsync<SubAckPacket>()).ReasonCodes);
        }

        Assert.Matches(
            "^Client «a» from 127[.]0[.]0[.]1:[0-9]+ may not publish: 0x87 NotAuthorized: «denied/0»: The access rules .*[.] More ",
            await log.NextAsync());
        Assert.Matches("may not subscribe: 0x87 NotAuthorized: «denied/0/#»: The access rules ", await log.NextAsync());
        Assert.True(log.IsEmpty);
        Assert.Equal((5, 5), (broker.Counters.DeniedMessages, broker.Counters.DeniedSubscriptions));
    }

    [Theory]
    [MemberData(nameof(Transports))]
    public async Task Who_publishes_too_fast_is_one_warning(BrokerTransport transport)
    {
        using var log = new RecordedLog(LogLevel.Warning);
        await using var broker = BrokerHost.Start(
            new BrokerOptions { Port = 0, Transport = transport, LoggerFactory = log, MaximumPublishesPerSecond = 1 });
        await using var client = await TcpPeer.ConnectAsync(broker, "a");
        for (var i = 0; i < 100; i++)
        {
            await client.SendAsync(new PublishPacket(TestLink.Message("t")));
        }

        Assert.Matches(
            "may not publish: 0x96 MessageRateTooHigh: «t»: With QoS 0 it publishes faster than MaximumPublishesPerSecond ",
            await log.NextAsync());
        Assert.True(log.IsEmpty);
    }

    [Theory]
    [MemberData(nameof(Transports))]
    public async Task A_logger_that_throws_ends_nothing(BrokerTransport transport)
    {
        using var log = new ThrowingLog();
        await using var broker = Start(transport, log);

        for (var i = 0; i < 3; i++)
        {
            await using var client = await TcpPeer.ConnectAsync(broker, $"client{i}");
            await client.SendAsync(PingReqPacket.Instance);
            await client.NextAsync<PingRespPacket>();
        }

        Assert.True(log.Lines >= 3, $"Only {log.Lines} lines were to be written.");
    }

    [Theory]
    [MemberData(nameof(Transports))]
    public async Task Connections_for_which_there_is_no_descriptor_are_closed_at_once_and_logged_once(BrokerTransport transport)
    {
        using var log = new RecordedLog(LogLevel.Error);

        // All descriptors belong to the reserve, and none is in use as far as the room at the start is concerned.
        var none = new DescriptorLimit(DescriptorLimit.Reserve, InUse: -1000);
        await using var broker = BrokerHost.Start(
            new BrokerOptions { Port = 0, Transport = transport, LoggerFactory = log, Descriptors = none });

        for (var i = 0; i < 20; i++)
        {
            await using var client = await TcpPeer.OpenAsync(broker);
            await client.ExpectEndAsync();
        }

        Assert.Contains("No file descriptor is left for another connection", await log.NextAsync(), StringComparison.Ordinal);
        await broker.StopAsync(TestContext.Current.CancellationToken);
        Assert.True(log.IsEmpty);
        Assert.Equal((20, 0), (broker.Counters.TurnedAway, broker.Counters.Connections));
    }

    [Theory]
    [MemberData(nameof(Transports))]
    public void A_broker_with_too_few_descriptors_says_so_and_does_not_start(BrokerTransport transport)
    {
        var few = new DescriptorLimit(Maximum: 64, InUse: 40);

        var refused = Assert.Throws<BrokerStartException>(
            () => BrokerHost.Start(new BrokerOptions { Port = 0, Transport = transport, Descriptors = few }));

        Assert.Contains("may open 64 file descriptors", refused.Message, StringComparison.Ordinal);
        Assert.Contains($"(ulimit -n) to {40 + 16 + DescriptorLimit.Reserve} or more", refused.Message, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Transports))]
    public async Task The_room_that_the_descriptors_leave_is_said_at_the_start(BrokerTransport transport)
    {
        using var log = new RecordedLog(LogLevel.Information);
        var options = new BrokerOptions
        {
            Port = 0,
            Transport = transport,
            LoggerFactory = log,
            Descriptors = new DescriptorLimit(Maximum: 1024, InUse: 124 - DescriptorLimit.Reserve),
        };

        await using var broker = BrokerHost.Start(options);

        Assert.EndsWith("leaves room for 900 connections; MaximumConnections is 100000", await log.NextAsync(), StringComparison.Ordinal);
    }

    private static BrokerHost Start(BrokerTransport transport, ILoggerFactory log) => BrokerHost.Start(
        new BrokerOptions
        {
            Port = 0,
            Transport = transport,
            LoggerFactory = log,
            Descriptors = new DescriptorLimit(Maximum: 1_000_000, InUse: 100),
        });

    private sealed class ThrowingLog : ILoggerFactory, ILogger
    {
        private int _lines;

        public int Lines => Volatile.Read(ref _lines);

        public ILogger CreateLogger(string categoryName) => this;

        public void AddProvider(ILoggerProvider provider) => throw new NotSupportedException();

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            Interlocked.Increment(ref _lines);
            throw new InvalidOperationException("A logger that throws.");
        }

        public void Dispose()
        {
        }
    }
}
