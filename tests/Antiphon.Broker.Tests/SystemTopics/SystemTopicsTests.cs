using Antiphon.Broker.Timing;
using Antiphon.Protocol;
using Antiphon.Protocol.Packets;

namespace Antiphon.Broker.Tests.SystemTopics;

public sealed class SystemTopicsTests
{
    private readonly HandTurnedBroker _broker = new();

    [Fact]
    public void A_subscriber_gets_the_figures_at_once_as_text()
    {
        _broker.Connect("away", connect => connect with { SessionExpiryInterval = 100 }).Lose();
        var publisher = _broker.Connect("publisher");
        publisher.Publish(TestLink.Message("a", "x") with { Retain = true });
        publisher.Publish("b");
        var reader = _broker.Subscriber("reader", "a");
        var received = _broker.Counters.BytesReceived;
        reader.NextMessage("x");

        reader.Subscribe("$SYS/#");

        var figures = Figures(reader);
        Assert.Matches(@"^antiphon version \d+\.\d+\.\d+", figures["version"]);
        Assert.Equal("1000 seconds", figures["uptime"]);
        Assert.Equal("2", figures["clients/connected"]);
        Assert.Equal("1", figures["clients/disconnected"]);
        Assert.Equal("3", figures["clients/total"]);
        Assert.Equal("2", figures["clients/maximum"]);
        Assert.Equal("1", figures["subscriptions/count"]);
        Assert.Equal("2", figures["publish/messages/received"]);
        Assert.Equal("1", figures["publish/messages/sent"]);
        Assert.Equal("0", figures["publish/messages/dropped"]);
        Assert.Equal("0", figures["exchanges/count"]);
        Assert.True(long.Parse(figures["bytes/received"]) > received);
        Assert.True(long.Parse(figures["bytes/sent"]) > 0);
        Assert.True(long.Parse(figures["retained messages/count"]) > 0);
        Assert.True(long.Parse(figures["retained messages/bytes"]) > 0);
        Assert.Equal(15, figures.Count);
    }

    [Fact]
    public void After_an_interval_only_what_has_changed_is_published()
    {
        var reader = _broker.Subscriber("reader", "$SYS/broker/clients/+");
        var older = Figures(reader);
        _broker.TurnSeconds(10.1);
        reader.ExpectNothing();

        _broker.Connect("another");
        _broker.TurnSeconds(9);
        reader.ExpectNothing();
        _broker.TurnSeconds(1.1);

        var changed = Figures(reader);
        Assert.Equal(["clients/connected", "clients/maximum", "clients/total"], changed.Keys.Order(StringComparer.Ordinal));
        Assert.All(changed.Values, value => Assert.Equal("2", value));
        Assert.Equal("1", older["clients/total"]);
    }

    [Fact]
    public void They_are_messages_with_RETAIN_where_they_are_replayed_and_without_where_they_are_news()
    {
        var reader = _broker.Subscriber("reader", "$SYS/broker/uptime");
        var replayed = reader.NextMessage("1000 seconds");
        Assert.True(replayed.Message.Retain);
        Assert.Equal(QualityOfService.AtMostOnce, replayed.Message.QoS);

        _broker.TurnSeconds(10.1);

        Assert.False(reader.NextMessage("1010 seconds").Message.Retain);
    }

    [Theory]
    [InlineData("#")]
    [InlineData("+/#")]
    [InlineData("+/broker/uptime")]
    [Trait("Label", "MQTT-4.7.2-1")]
    public void A_wildcard_at_the_beginning_does_not_reach_them(string filter)
    {
        _broker.Subscriber("reader", "$SYS/#");
        var other = _broker.Subscriber("other", filter);

        _broker.TurnSeconds(10.1);

        other.ExpectNothing();
    }

    [Fact]
    public void A_broker_whose_figures_nobody_reads_does_not_wake_up_for_them()
    {
        var reader = _broker.Subscriber("reader", "$SYS/broker/uptime");
        reader.Subscribe("$SYS/broker/version");
        reader.Unsubscribe("$SYS/broker/uptime");
        _broker.TurnSeconds(10.1);
        Assert.NotEqual(Instant.Never, _broker.Engine.NextDeadline);
        reader.Unsubscribe("$SYS/broker/version");
        _broker.TurnSeconds(10.1);

        Assert.Equal(Instant.Never, _broker.Engine.NextDeadline);
    }

    [Fact]
    public void A_client_that_asks_again_and_again_does_not_have_them_refreshed_more_often()
    {
        var reader = _broker.Subscriber("reader", "$SYS/broker/uptime");
        reader.NextMessage("1000 seconds");
        _broker.TurnSeconds(9);

        reader.Subscribe("$SYS/broker/uptime");

        reader.NextMessage("1000 seconds");
        reader.ExpectNothing();
        _broker.TurnSeconds(1.1);
        reader.NextMessage("1010 seconds");
    }

    [Fact]
    public void Figures_that_nobody_has_read_for_long_are_fresh_for_the_next_reader()
    {
        _broker.Subscriber("reader", "$SYS/broker/uptime").Lose();
        _broker.TurnSeconds(100);

        _broker.Subscriber("other", "$SYS/broker/uptime").NextMessage("1100 seconds");
    }

    [Fact]
    public void A_share_group_gets_the_news()
    {
        var member = _broker.Subscriber("member", "$share/g/$SYS/broker/uptime");
        member.ExpectNothing();

        _broker.TurnSeconds(10.1);

        member.NextMessage("1010 seconds");
    }

    [Theory]
    [InlineData("$SYS")]
    [InlineData("$SYS/broker/uptime")]
    [InlineData("$SYS/of/my/own")]
    public void What_clients_publish_there_is_refused_and_counted(string topic)
    {
        var reader = _broker.Subscriber("reader", "$SYS/#", with: connect => connect with { SessionExpiryInterval = 0 });
        reader.All();
        var retained = _broker.Counters.RetainedMessages;
        var publisher = _broker.Connect("publisher");

        Assert.Equal(ReasonCode.NotAuthorized, publisher.PublishAcknowledged(TestLink.Message(topic, "forged") with { Retain = true }));
        publisher.Publish(TestLink.Message(topic, "forged") with { Retain = true });

        publisher.ExpectNothing();
        reader.ExpectNothing();
        Assert.Equal(retained, _broker.Counters.RetainedMessages);
        Assert.Equal(2, _broker.Counters.RefusedSystemMessages);
    }

    [Theory]
    [InlineData(0, false)]
    [InlineData(60, true)]
    public void The_interval_is_a_setting_and_zero_turns_them_off(int seconds, bool published)
    {
        var broker = new HandTurnedBroker(new BrokerOptions { SystemTopicsInterval = TimeSpan.FromSeconds(seconds) });
        var reader = broker.Subscriber("reader", "$SYS/broker/uptime");
        Assert.Equal(published ? 1 : 0, reader.All().Count);

        broker.TurnSeconds(59);
        reader.ExpectNothing();
        broker.TurnSeconds(1.1);

        Assert.Equal(published ? 1 : 0, reader.All().Count);
    }

    [Fact]
    public void They_are_published_although_there_is_no_room_for_retained_messages()
    {
        var broker = new HandTurnedBroker(new BrokerOptions { MaximumRetainedMessages = 0, MaximumRetainedBytes = 0 });

        broker.Subscriber("reader", "$SYS/broker/uptime").NextMessage("1000 seconds");
    }

    [Fact]
    public void Bytes_are_counted_in_both_directions()
    {
        var client = _broker.Connect("client");
        var (received, sent) = (_broker.Counters.BytesReceived, _broker.Counters.BytesSent);
        Assert.Equal(client.Received.Length, sent);

        client.Send([0xC0, 0x00]);

        Assert.Equal(received + 2, _broker.Counters.BytesReceived);
        Assert.Equal(sent + 2, _broker.Counters.BytesSent);
    }

    private static Dictionary<string, string> Figures(TestLink link) =>
        link.All().Cast<PublishPacket>().ToDictionary(publish => publish.Message.Topic["$SYS/broker/".Length..], TestLink.Text);
}
