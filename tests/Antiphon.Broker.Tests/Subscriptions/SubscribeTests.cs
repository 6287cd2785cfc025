using Antiphon.Protocol;
using Antiphon.Protocol.Packets;

namespace Antiphon.Broker.Tests.Subscriptions;

public sealed class SubscribeTests
{
    [Theory]
    [Trait("Label", "MQTT-3.3.2-3")]
    [Trait("Label", "MQTT-4.7.2-1")]
    [Trait("Label", "MQTT-4.7.3-4")]
    [InlineData("a/b", "a/b", true)]
    [InlineData("a/b", "A/b", false)]
    [InlineData("a/b", "a/b/c", false)]
    [InlineData("a/b/", "a/b", false)]
    [InlineData("+", "a", true)]
    [InlineData("+", "a/b", false)]
    [InlineData("+", "/a", false)]
    [InlineData("+/+", "/a", true)]
    [InlineData("/+", "/a", true)]
    [InlineData("a/+/c", "a/b/c", true)]
    [InlineData("a/+/c", "a//c", true)]
    [InlineData("a/+", "a/", true)]
    [InlineData("a/+", "a", false)]
    [InlineData("#", "a/b/c", true)]
    [InlineData("#", "/", true)]
    [InlineData("a/#", "a", true)]
    [InlineData("a/#", "a/", true)]
    [InlineData("a/#", "a/b/c", true)]
    [InlineData("a/#", "ab", false)]
    [InlineData("+/#", "a", true)]
    [InlineData("a/+/#", "a", false)]
    [InlineData("a/+/#", "a/b", true)]
    [InlineData("/#", "/", true)]
    [InlineData("/#", "a", false)]
    [InlineData("#", "$own/a", false)]
    [InlineData("+/a", "$own/a", false)]
    [InlineData("$own/#", "$own/a", true)]
    [InlineData("$own/+", "$own/a", true)]
    [InlineData("a/#", "a/$b", true)]
    [InlineData("a/+", "a/$b", true)]
    public void A_message_goes_where_the_filter_matches(string filter, string topic, bool matches)
    {
        var broker = new HandTurnedBroker();
        var subscriber = broker.Subscriber("subscriber", filter);

        var code = broker.Connect("publisher").PublishAcknowledged(topic);

        Assert.Equal(matches ? ReasonCode.Success : ReasonCode.NoMatchingSubscribers, code);
        Assert.Equal(matches ? 1 : 0, subscriber.All().Count);
    }

    [Fact]
    [Trait("Label", "MQTT-3.8.4-1")]
    [Trait("Label", "MQTT-3.8.4-2")]
    [Trait("Label", "MQTT-3.8.4-5")]
    [Trait("Label", "MQTT-3.8.4-6")]
    [Trait("Label", "MQTT-3.8.4-7")]
    [Trait("Label", "MQTT-3.9.3-1")]
    [Trait("Label", "MQTT-3.2.2-10")]
    public void SUBACK_has_a_code_for_each_filter_in_their_order()
    {
        var broker = new HandTurnedBroker();
        var client = broker.Connect("client");

        client.Send(new SubscribePacket
        {
            PacketIdentifier = new(321),
            Subscriptions =
            [
                new("a", new(QualityOfService.AtMostOnce)),
                new("$reply/somebody/else", new(QualityOfService.AtLeastOnce)),
                new("b", new(QualityOfService.AtLeastOnce)),
                new("c", new(QualityOfService.ExactlyOnce)),
                new("a", new(QualityOfService.AtLeastOnce)),
            ],
        });

        var answer = client.Next<SubAckPacket>();
        Assert.Equal(new PacketIdentifier(321), answer.PacketIdentifier);
        Assert.Equal(
            [ReasonCode.Success, ReasonCode.NotAuthorized, ReasonCode.GrantedQoS1, ReasonCode.GrantedQoS2, ReasonCode.GrantedQoS1],
            answer.ReasonCodes);
        Assert.StartsWith("The Topic Filter reaches into response topics", answer.ReasonString, StringComparison.Ordinal);
        Assert.Equal(3, broker.Counters.Subscriptions);
    }

    [Fact]
    [Trait("Label", "MQTT-3.8.4-3")]
    public void The_same_filter_again_replaces_options_and_identifier()
    {
        var broker = new HandTurnedBroker();
        var subscriber = broker.Connect("subscriber");
        var publisher = broker.Connect("publisher");

        subscriber.Subscribe("t", QualityOfService.AtMostOnce, 1);
        publisher.PublishAcknowledged("t", "before");
        subscriber.Subscribe("t", QualityOfService.AtLeastOnce, 2);
        publisher.PublishAcknowledged("t", "after");
        subscriber.Subscribe("t");
        publisher.PublishAcknowledged("t", "last");

        var before = subscriber.NextMessage("before");
        var after = subscriber.NextMessage("after");
        var last = subscriber.NextMessage("last");
        Assert.Equal((QualityOfService.AtMostOnce, 1u), (before.Message.QoS, before.SubscriptionIdentifiers.Single()));
        Assert.Equal((QualityOfService.AtLeastOnce, 2u), (after.Message.QoS, after.SubscriptionIdentifiers.Single()));
        Assert.Empty(last.SubscriptionIdentifiers);
        Assert.Equal(1, broker.Counters.Subscriptions);
    }

    [Fact]
    [Trait("Label", "MQTT-3.3.4-2")]
    [Trait("Label", "MQTT-3.3.4-3")]
    [Trait("Label", "MQTT-3.3.4-4")]
    public void Overlapping_subscriptions_get_one_copy_with_the_highest_QoS_and_all_identifiers()
    {
        var broker = new HandTurnedBroker();
        var subscriber = broker.Connect("subscriber");
        subscriber.Subscribe("a/b", QualityOfService.AtMostOnce, 1);
        subscriber.Subscribe("a/+", QualityOfService.AtLeastOnce, 268_435_455);
        subscriber.Subscribe("#", QualityOfService.AtMostOnce);
        subscriber.Subscribe("x", QualityOfService.AtLeastOnce, 3);

        broker.Connect("publisher").PublishAcknowledged("a/b", "once");

        var publish = subscriber.NextMessage("once");
        Assert.Equal(QualityOfService.AtLeastOnce, publish.Message.QoS);
        Assert.Equal([1u, 268_435_455u], publish.SubscriptionIdentifiers.Order());
        subscriber.ExpectNothing();
    }

    [Fact]
    [Trait("Label", "MQTT-3.8.3-3")]
    public void Subscriber_with_No_Local_does_not_receive_its_own_message()
    {
        var broker = new HandTurnedBroker();
        var client = broker.Connect("client");
        client.Subscribe("t", new SubscriptionOptions(QualityOfService.AtLeastOnce, NoLocal: true));

        Assert.Equal(ReasonCode.Success, client.PublishAcknowledged("t", "mine"));
        client.Publish("t", "mine");
        broker.Connect("other").Publish("t", "theirs");

        client.NextMessage("theirs");
        client.ExpectNothing();
    }

    [Fact]
    public void No_Local_leaves_the_other_subscriptions_of_the_client_alone()
    {
        var broker = new HandTurnedBroker();
        var client = broker.Connect("client");
        client.Subscribe("t", new SubscriptionOptions(QualityOfService.AtLeastOnce, NoLocal: true), identifier: 1);
        client.Subscribe("+", new SubscriptionOptions(QualityOfService.AtMostOnce), identifier: 2);

        client.PublishAcknowledged("t", "mine");
        broker.Connect("other").PublishAcknowledged("t", "theirs");

        var mine = Assert.IsType<PublishPacket>(
            Assert.Single(client.All(), packet => packet is PublishPacket publish && TestLink.Text(publish) == "theirs"));
        Assert.Equal([1u, 2u], mine.SubscriptionIdentifiers.Order());
    }

    [Fact]
    [Trait("Label", "MQTT-3.3.1-12")]
    [Trait("Label", "MQTT-3.8.3-5")]
    public void Every_option_of_a_subscription_is_accepted()
    {
        var broker = new HandTurnedBroker();
        var client = broker.Connect("client");

        foreach (var handling in Enum.GetValues<RetainHandling>())
        {
            var answer = client.Subscribe(
                "t", new SubscriptionOptions(QualityOfService.AtLeastOnce, NoLocal: true, RetainAsPublished: true, handling));
            Assert.Equal([ReasonCode.GrantedQoS1], answer.ReasonCodes);
        }
    }

    [Fact]
    [Trait("Label", "MQTT-3.10.4-1")]
    [Trait("Label", "MQTT-3.10.4-4")]
    [Trait("Label", "MQTT-3.10.4-5")]
    [Trait("Label", "MQTT-3.10.4-6")]
    [Trait("Label", "MQTT-3.11.3-1")]
    public void UNSUBACK_has_a_code_for_each_filter_in_their_order()
    {
        var broker = new HandTurnedBroker();
        var client = broker.Connect("client");
        client.Subscribe("a");
        client.Subscribe("b/#");

        Assert.Equal(
            [ReasonCode.NoSubscriptionExisted, ReasonCode.Success, ReasonCode.NoSubscriptionExisted, ReasonCode.Success],
            client.Unsubscribe("+", "a", "a", "b/#").ReasonCodes);
        Assert.Equal(0, broker.Counters.Subscriptions);
        Assert.Equal(ReasonCode.NoMatchingSubscribers, broker.Connect("publisher").PublishAcknowledged("b/c"));
    }

    [Fact]
    [Trait("Label", "MQTT-3.10.4-2")]
    [Trait("Label", "MQTT-3.10.4-3")]
    public void What_was_begun_before_UNSUBSCRIBE_is_finished_and_nothing_new_is_added()
    {
        var broker = new HandTurnedBroker();
        var client = broker.Subscriber("client", "t", with: connect => connect with { SessionExpiryInterval = 100 });
        var publisher = broker.Connect("publisher");
        publisher.PublishAcknowledged("t", "begun");
        client.NextMessage("begun");
        client.Unsubscribe("t");
        publisher.PublishAcknowledged("t", "too late");
        client.Lose();

        var back = broker.Connect("client");

        Assert.True(back.NextMessage("begun").Dup);
        back.ExpectNothing();
    }

    [Fact]
    public void A_client_may_have_many_subscriptions_and_drop_them_all()
    {
        var broker = new HandTurnedBroker();
        var publisher = broker.Connect("publisher");
        for (var round = 0; round < 2; round++)
        {
            var client = broker.Connect("many");
            for (var i = 0; i < 1000; i++)
            {
                client.Subscribe($"t/{i}");
            }

            for (var i = 0; i < 1000; i += 2)
            {
                client.Unsubscribe($"t/{i}");
            }

            Assert.Equal(500, broker.Counters.Subscriptions);
            Assert.Equal(ReasonCode.NoMatchingSubscribers, publisher.PublishAcknowledged("t/998"));
            Assert.Equal(ReasonCode.Success, publisher.PublishAcknowledged("t/999"));
            client.Lose();
            Assert.Equal(0, broker.Counters.Subscriptions);
            Assert.Equal(ReasonCode.NoMatchingSubscribers, publisher.PublishAcknowledged("t/999"));
        }
    }

    [Fact]
    public void Subscriptions_beyond_the_bound_of_a_Session_are_refused_with_0x97()
    {
        var broker = new HandTurnedBroker(new BrokerOptions { MaximumSubscriptions = 3 });
        var client = broker.Connect("greedy", connect => connect with { RequestResponseInformation = true });
        client.Subscribe("a");
        client.Subscribe("$share/g/b");
        client.Subscribe(client.ConnAck.ResponseInformation!);

        Assert.Equal([ReasonCode.QuotaExceeded], client.Subscribe("c").ReasonCodes);
        Assert.Equal([ReasonCode.GrantedQoS1], client.Subscribe("a").ReasonCodes);
        client.Unsubscribe("a");
        Assert.Equal([ReasonCode.GrantedQoS1], client.Subscribe("c").ReasonCodes);
        Assert.Equal([ReasonCode.GrantedQoS1], broker.Connect("other").Subscribe("c").ReasonCodes);
    }

    [Theory]
    [InlineData("/")]
    [InlineData("+/")]
    public void A_filter_of_more_levels_than_anybody_needs_is_refused_with_0x8F(string level)
    {
        var broker = new HandTurnedBroker();
        var client = broker.Connect("deep");

        Assert.Equal([ReasonCode.GrantedQoS1], client.Subscribe(string.Concat(Enumerable.Repeat(level, 127)) + "#").ReasonCodes);
        Assert.Equal([ReasonCode.TopicFilterInvalid], client.Subscribe(string.Concat(Enumerable.Repeat(level, 128)) + "#").ReasonCodes);
        Assert.Equal([ReasonCode.TopicFilterInvalid], client.Subscribe(string.Concat(Enumerable.Repeat(level, 20_000)) + "#").ReasonCodes);
        Assert.Equal(ReasonCode.Success, broker.Connect("publisher").PublishAcknowledged(new string('/', 127)));
        Assert.Equal(2, broker.Counters.RefusedSubscriptions);
    }
}
