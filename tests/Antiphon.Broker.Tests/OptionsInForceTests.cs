using Antiphon.Broker.Access;
using Antiphon.Broker.Authentication;
using Antiphon.Broker.Exchanges;
using Antiphon.Broker.Sessions;
using Antiphon.Broker.Subscriptions;
using Antiphon.Broker.Timing;
using Antiphon.Protocol;
using Antiphon.Protocol.Packets;

namespace Antiphon.Broker.Tests;

/// <summary>Options that are replaced while the broker runs.</summary>
public sealed class OptionsInForceTests
{
    private readonly HandTurnedBroker _broker = new();

    [Fact]
    public void A_bound_that_the_broker_keeps_to_itself_holds_at_once()
    {
        var first = _broker.Connect("first");
        first.Subscribe("a");
        Replace(options => options with { MaximumConnections = 1, MaximumSubscriptions = 1 });

        Assert.Equal(ReasonCode.QuotaExceeded, first.Subscribe("b").ReasonCodes[0]);
        Assert.Equal(ReasonCode.GrantedQoS1, first.Subscribe("a").ReasonCodes[0]);
        Assert.Equal(ReasonCode.QuotaExceeded, Refused("second"));

        Replace(options => options with { MaximumConnections = 2 });
        _broker.Connect("second");
        first.ExpectNothing();
    }

    [Fact]
    public void What_CONNACK_has_said_holds_for_who_was_told()
    {
        var old = _broker.Connect("old");
        var terms = _broker.Options with
        {
            MaximumPacketSize = 100,
            MaximumQoS = QualityOfService.AtMostOnce,
            RetainAvailable = false,
            ReceiveMaximum = 1,
            TopicAliasMaximum = 2,
            MaximumKeepAlive = TimeSpan.FromSeconds(7),
            MaximumSessionExpiry = TimeSpan.FromSeconds(8),
        };
        Replace(_ => terms);
        var listener = _broker.Subscriber("listener", "t", with: connect => connect with { SessionExpiryInterval = 100 });

        var told = listener.ConnAck;
        Assert.Equal(
            (100u, QualityOfService.AtMostOnce, false, (ushort)1, (ushort)2, (ushort)7, 8u),
            (told.MaximumPacketSize, told.MaximumQoS, told.RetainAvailable, told.ReceiveMaximum, told.TopicAliasMaximum,
                told.ServerKeepAlive, told.SessionExpiryInterval));
        var large = TestLink.Message("t", new string('x', 200), QualityOfService.ExactlyOnce) with { Retain = true };
        Assert.Equal(ReasonCode.Success, old.PublishExactlyOnce("t", new string('x', 200)));
        listener.NextMessage(new string('x', 200));
        old.Send(new PublishPacket(large with { QoS = QualityOfService.AtMostOnce }) { TopicAlias = 16 });
        listener.NextMessage(new string('x', 200));
        old.ExpectNothing();

        listener.Publish(large with { QoS = QualityOfService.AtMostOnce, Retain = false });
        listener.ExpectDisconnect(ReasonCode.PacketTooLarge);
        var another = _broker.Connect("another");
        another.Publish(TestLink.Message("t") with { Retain = true });
        another.ExpectDisconnect(ReasonCode.RetainNotSupported);
    }

    [Fact]
    public void A_connection_that_has_not_said_CONNECT_yet_is_told_what_holds_when_it_does()
    {
        var link = _broker.Open();
        Replace(options => options with { MaximumPacketSize = 100 });

        link.Send(new ConnectPacket { ClientId = "c" });

        Assert.Equal(100u, link.Next<ConnAckPacket>().MaximumPacketSize);
    }

    [Fact]
    public void Who_may_come_is_judged_by_what_holds_when_they_come()
    {
        var stranger = _broker.Connect("stranger");
        var nobody = CredentialList.Empty;
        Replace(options => options with { Authenticator = nobody.Passwords, AuthenticationMethods = [nobody.ScramSha256] });

        Assert.Equal(ReasonCode.NotAuthorized, Refused("second"));
        Assert.Equal(ReasonCode.NoMatchingSubscribers, stranger.PublishAcknowledged("t"));

        Replace(options => options with { AllowAnonymous = true });
        _broker.Connect("second");
        Replace(options => options with { Authenticator = null, AuthenticationMethods = [], AllowAnonymous = false });
        _broker.Connect("third");
    }

    [Fact]
    public void The_interval_of_the_system_topics_holds_from_the_next_time_on()
    {
        var watcher = _broker.Subscriber("watcher", "$SYS/broker/uptime");
        watcher.All();
        _broker.TurnSeconds(11);
        Assert.Single(watcher.All());

        Replace(options => options with { SystemTopicsInterval = TimeSpan.FromSeconds(3) });
        _broker.TurnSeconds(11);
        watcher.All();
        _broker.TurnSeconds(4);
        Assert.Single(watcher.All());

        Replace(options => options with { SystemTopicsInterval = TimeSpan.Zero });
        _broker.TurnSeconds(4);
        _broker.TurnSeconds(30);
        Assert.Empty(watcher.All());

        Replace(options => options with { SystemTopicsInterval = TimeSpan.FromSeconds(3) });
        _broker.TurnSeconds(4);
        Assert.NotEmpty(watcher.All());
    }

    [Fact]
    public void Limits_of_topics_and_rates_that_are_worked_out_beforehand_are_worked_out_anew()
    {
        var client = _broker.Connect("c");
        var listener = _broker.Subscriber("listener", "topic");
        Replace(options => options with { MaximumTopicLength = 4, MaximumPublishesPerSecond = 1, MaximumPublishBurst = 1 });

        Assert.Equal(ReasonCode.TopicNameInvalid, client.PublishAcknowledged("topic"));
        client.Publish("t");
        Assert.Equal(1, _broker.Counters.DroppedOverRate);

        Replace(options => options with { MaximumTopicLength = 5, MaximumPublishesPerSecond = 0 });
        client.Publish("topic", "1");
        client.Publish("topic", "2");
        listener.NextMessage("1");
        listener.NextMessage("2");
        Assert.Equal(1, _broker.Counters.DroppedOverRate);
    }

    [Fact]
    public void Exchanges_beyond_a_lower_bound_are_closed_in_more_than_one_turn()
    {
        const int Count = ExchangeTable.StepsPerTurn + 10;
        var options = new OptionsInForce(_broker.Options);
        var table = new ExchangeTable(options, new Utf8Comparer(1), new TimingWheel(), watch: null, _broker.Engine.Counters);
        var (requester, responder) = (new Session("requester"), new Session("responder"));
        for (var i = 0; i < Count; i++)
        {
            var request = new PublishView
            {
                Topic = "service"u8,
                ResponseTopic = "$reply/0123456789012345678901/0"u8,
                CorrelationData = BitConverter.GetBytes(i),
            };
            var exchange = table.Open(request, requester, _broker.Now);
            exchange.Delivered(exchange.Admit(responder, isResponder: true), RecipientState.Sent, _broker.Now);
            Assert.True(table.Settle(exchange, _broker.Now));
        }

        var each = table.OpenBytes / Count;
        options.Replace(_broker.Options with { MaximumExchangeBytes = each });
        Assert.False(table.TryMakeRoom(_broker.Now));
        Assert.InRange(table.OpenBytes, each * 10, each * 10 + each / 2);
        Assert.True(table.TryMakeRoom(_broker.Now));
    }

    [Fact]
    public async Task A_broker_takes_other_options_over_but_for_those_that_stay()
    {
        var token = TestContext.Current.CancellationToken;
        await using var broker = BrokerHost.Start(new BrokerOptions { Port = 0, Bind = System.Net.IPAddress.Any, AllowAnonymous = true });
        var port = broker.Port;

        var refused = await Assert.ThrowsAsync<ArgumentException>(
            () => broker.ReplaceOptionsAsync(new BrokerOptions { AllowAnonymous = false, MaximumConnections = 0 }, token));
        Assert.Contains("MaximumConnections is 0", refused.Message, StringComparison.Ordinal);
        Assert.Contains("which other machines can reach", refused.Message, StringComparison.Ordinal);

        await broker.ReplaceOptionsAsync(
            new BrokerOptions
            {
                Port = 1,
                AllowAnonymous = true,
                AccessRules = new AccessRules([]),
                MaximumPacketSize = 1000,
            },
            token);
        using var peer = new System.Net.Sockets.TcpClient("127.0.0.1", port);
        await peer.GetStream().WriteAsync(TestLink.Bytes(new ConnectPacket { ClientId = "c" }), token);
        var bytes = new byte[200];
        var length = await peer.GetStream().ReadAtLeastAsync(bytes, 10, throwOnEndOfStream: true, token);
        Assert.True(bytes.AsSpan(0, length).IndexOf((ReadOnlySpan<byte>)[0x27, 0, 0, 0x03, 0xE8]) > 0);
    }

    private void Replace(Func<BrokerOptions, BrokerOptions> with) => _broker.Engine.ReplaceOptions(with(_broker.Engine.Options));

    private ReasonCode Refused(string clientId)
    {
        var link = _broker.Open();
        link.Send(new ConnectPacket { ClientId = clientId });
        return link.Next<ConnAckPacket>().ReasonCode;
    }
}
