using Antiphon.Protocol;
using Antiphon.Protocol.Packets;
using static Antiphon.Broker.Tests.Retained.RetainedMessageTests;

namespace Antiphon.Broker.Tests.Retained;

public sealed class RetainHandlingTests
{
    private readonly HandTurnedBroker _broker = new();

    public RetainHandlingTests()
    {
        var publisher = _broker.Connect("publisher");
        publisher.Publish(ToRetain("a", "A"));
        publisher.Publish(ToRetain("a/b", "B"));
    }

    [Theory]
    [InlineData("a")]
    [InlineData("+")]
    [Trait("Label", "MQTT-3.3.1-9")]
    [Trait("Label", "MQTT-3.8.4-3")]
    [Trait("Label", "MQTT-3.8.4-4")]
    public void Handling_0_sends_them_with_each_SUBSCRIBE(string filter)
    {
        var subscriber = _broker.Connect("subscriber");
        for (var i = 0; i < 3; i++)
        {
            subscriber.Subscribe(filter, With(RetainHandling.SendOnSubscribe));
            Assert.True(subscriber.NextMessage("A").Message.Retain);
            subscriber.ExpectNothing();
        }

        Assert.Equal(1, _broker.Counters.Subscriptions);
    }

    [Theory]
    [InlineData("a")]
    [InlineData("+")]
    [Trait("Label", "MQTT-3.3.1-10")]
    public void Handling_1_sends_them_only_where_the_subscription_is_new(string filter)
    {
        var subscriber = _broker.Connect("subscriber");
        subscriber.Subscribe(filter, With(RetainHandling.SendIfNew));
        subscriber.NextMessage("A");
        subscriber.Subscribe(filter, With(RetainHandling.SendIfNew));
        subscriber.ExpectNothing();

        subscriber.Unsubscribe(filter);
        subscriber.Subscribe(filter, With(RetainHandling.SendIfNew));

        subscriber.NextMessage("A");
        subscriber.ExpectNothing();
    }

    [Fact]
    [Trait("Label", "MQTT-3.3.1-10")]
    public void Handling_1_sends_none_to_a_subscription_of_a_Session_that_goes_on()
    {
        static ConnectPacket Lasting(ConnectPacket connect) => connect with { SessionExpiryInterval = 10 };
        var before = _broker.Connect("subscriber", Lasting);
        before.Subscribe("a", With(RetainHandling.SendIfNew));
        before.NextMessage("A");
        before.Lose();

        var back = _broker.Connect("subscriber", Lasting);
        back.Subscribe("a", With(RetainHandling.SendIfNew));

        back.ExpectNothing();
    }

    [Theory]
    [InlineData("a")]
    [InlineData("#")]
    [Trait("Label", "MQTT-3.3.1-11")]
    public void Handling_2_sends_none(string filter)
    {
        var subscriber = _broker.Connect("subscriber");

        subscriber.Subscribe(filter, With(RetainHandling.DoNotSend));
        subscriber.ExpectNothing();

        _broker.Connect("other").Publish("a", "live");
        subscriber.NextMessage("live");
    }

    [Theory]
    [InlineData("$share/g/a")]
    [InlineData("$share/g/#")]
    public void A_shared_subscription_gets_none(string filter)
    {
        var subscriber = _broker.Connect("subscriber");
        Assert.Equal([ReasonCode.GrantedQoS1], subscriber.Subscribe(filter).ReasonCodes);

        subscriber.ExpectNothing();
    }

    [Fact]
    public void A_subscription_that_is_refused_gets_none()
    {
        var broker = new HandTurnedBroker(new BrokerOptions { MaximumSubscriptions = 1 });
        broker.Connect("publisher").Publish(ToRetain("a", "A"));
        var subscriber = broker.Subscriber("subscriber", "other");

        Assert.Equal([ReasonCode.QuotaExceeded], subscriber.Subscribe("a").ReasonCodes);

        subscriber.ExpectNothing();
    }

    [Fact]
    [Trait("Label", "MQTT-3.8.4-1")]
    [Trait("Label", "MQTT-3.8.4-5")]
    public void Several_filters_in_one_SUBSCRIBE_work_as_single_ones_in_a_row_behind_the_SUBACK()
    {
        var subscriber = _broker.Connect("subscriber");

        subscriber.Send(new SubscribePacket
        {
            PacketIdentifier = new(1),
            Subscriptions =
            [
                new("a/b", With(RetainHandling.SendOnSubscribe)),
                new("+", With(RetainHandling.SendOnSubscribe)),
                new("nothing", With(RetainHandling.SendOnSubscribe)),
                new("a", With(RetainHandling.DoNotSend)),
                new("a/b", With(RetainHandling.SendOnSubscribe)),
                new("a/b", With(RetainHandling.SendIfNew)),
            ],
        });

        Assert.Equal(6, subscriber.Next<SubAckPacket>().ReasonCodes.Count);
        Assert.Equal(["B", "A", "B"], subscriber.All().Cast<PublishPacket>().Select(TestLink.Text));
    }

    [Fact]
    [Trait("Label", "MQTT-3.8.3-3")]
    public void No_Local_leaves_out_what_the_same_client_published_whenever_that_was()
    {
        var publisher = _broker.Connect("publisher");

        publisher.Subscribe("#", new SubscriptionOptions(QualityOfService.AtLeastOnce, NoLocal: true));
        publisher.ExpectNothing();

        _broker.Connect("other").Publish(ToRetain("a", "of another"));
        publisher.NextMessage("of another");
        publisher.Subscribe("#", new SubscriptionOptions(QualityOfService.AtLeastOnce, NoLocal: true));
        publisher.NextMessage("of another");
        publisher.ExpectNothing();
    }

    [Fact]
    public void They_come_before_what_is_published_after_the_SUBSCRIBE()
    {
        var subscriber = _broker.Connect("subscriber");

        subscriber.Send(
            new SubscribePacket { PacketIdentifier = new(1), Subscriptions = [new("a", With(RetainHandling.SendOnSubscribe))] },
            new PublishPacket(TestLink.Message("a", "live")));

        subscriber.Next<SubAckPacket>();
        Assert.Equal(["A", "live"], subscriber.All().Cast<PublishPacket>().Select(TestLink.Text));
    }

    private static SubscriptionOptions With(RetainHandling handling) => new(QualityOfService.AtLeastOnce, RetainHandling: handling);
}
