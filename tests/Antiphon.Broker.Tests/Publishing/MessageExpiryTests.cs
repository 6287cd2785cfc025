using Antiphon.Protocol;
using Antiphon.Protocol.Packets;

namespace Antiphon.Broker.Tests.Publishing;

[Trait("Label", "MQTT-3.3.2-6")]
public sealed class MessageExpiryTests
{
    [Fact]
    public void A_message_that_does_not_wait_keeps_its_interval()
    {
        var broker = new HandTurnedBroker();
        var subscriber = broker.Subscriber("subscriber", "t");
        var publisher = broker.Connect("publisher");

        publisher.Publish(TestLink.Message("t") with { MessageExpiryInterval = 7 });
        publisher.PublishAcknowledged(TestLink.Message("t") with { MessageExpiryInterval = uint.MaxValue });

        Assert.Equal(7u, subscriber.Next<PublishPacket>().Message.MessageExpiryInterval);
        Assert.Equal(uint.MaxValue, subscriber.Next<PublishPacket>().Message.MessageExpiryInterval);
    }

    [Theory]
    [InlineData(0.0, 10u)]
    [InlineData(0.9, 10u)]
    [InlineData(1.0, 9u)]
    [InlineData(3.5, 7u)]
    [InlineData(9.0, 1u)]
    [InlineData(9.99, 1u)]
    public void A_message_that_waited_has_what_remains_and_never_0(double seconds, uint remaining)
    {
        var broker = new HandTurnedBroker();
        Away(broker);
        broker.Connect("publisher").PublishAcknowledged(TestLink.Message("t", "x") with { MessageExpiryInterval = 10 });

        broker.TurnSeconds(seconds);

        Assert.Equal(remaining, Back(broker).NextMessage("x").Message.MessageExpiryInterval);
    }

    [Theory]
    [InlineData(9.99, 1u)]
    [InlineData(10.0, 0u)]
    [InlineData(20.0, 0u)]
    public void A_message_that_expired_after_it_was_sent_is_sent_again_and_says_that_no_time_is_left(double seconds, uint remaining)
    {
        var broker = new HandTurnedBroker();
        var subscriber = broker.Subscriber("away", "t", with: connect => connect with { SessionExpiryInterval = 1000 });
        broker.Connect("publisher").PublishAcknowledged(TestLink.Message("t", "x") with { MessageExpiryInterval = 10 });
        subscriber.NextMessage("x");
        subscriber.Lose();

        broker.TurnSeconds(seconds);

        Assert.Equal(remaining, Back(broker).NextMessage("x").Message.MessageExpiryInterval);
    }

    [Fact]
    [Trait("Label", "MQTT-3.3.2-5")]
    public void A_message_that_expired_in_the_queue_is_not_delivered_and_does_not_hold_up_the_next()
    {
        var broker = new HandTurnedBroker();
        Away(broker);
        var publisher = broker.Connect("publisher");
        publisher.PublishAcknowledged(TestLink.Message("t", "short") with { MessageExpiryInterval = 10 });
        publisher.PublishAcknowledged(TestLink.Message("t", "long") with { MessageExpiryInterval = 100 });
        publisher.PublishAcknowledged("t", "for ever");

        broker.TurnSeconds(10);

        var back = Back(broker);
        back.NextMessage("long");
        back.NextMessage("for ever");
        back.ExpectNothing();
        Assert.Equal(1, broker.Counters.Expired);
    }

    [Fact]
    public void A_message_expired_from_the_start_goes_to_nobody_though_somebody_matches()
    {
        var broker = new HandTurnedBroker();
        var subscriber = broker.Subscriber("subscriber", "t");
        var publisher = broker.Connect("publisher");

        Assert.Equal(ReasonCode.Success, publisher.PublishAcknowledged(TestLink.Message("t") with { MessageExpiryInterval = 0 }));

        subscriber.ExpectNothing();
        Assert.Equal(1, broker.Counters.Expired);
    }

    [Fact]
    public void A_message_that_waited_for_the_Receive_Maximum_has_what_remains()
    {
        var broker = new HandTurnedBroker();
        var subscriber = broker.Subscriber("subscriber", "t", with: connect => connect with { ReceiveMaximum = 1 });
        var publisher = broker.Connect("publisher");
        publisher.PublishAcknowledged("t", "first");
        publisher.PublishAcknowledged(TestLink.Message("t", "expires") with { MessageExpiryInterval = 5 });
        publisher.PublishAcknowledged(TestLink.Message("t", "remains") with { MessageExpiryInterval = 50 });

        broker.TurnSeconds(5);
        subscriber.Acknowledge(subscriber.NextMessage("first"));

        Assert.Equal(45u, subscriber.NextMessage("remains").Message.MessageExpiryInterval);
    }

    private static void Away(HandTurnedBroker broker) =>
        broker.Subscriber("away", "t", with: connect => connect with { SessionExpiryInterval = 1000 }).Lose();

    private static TestLink Back(HandTurnedBroker broker) =>
        broker.Connect("away", connect => connect with { SessionExpiryInterval = 1000 });
}
