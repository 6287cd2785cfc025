using Antiphon.Protocol;
using Antiphon.Protocol.Packets;

namespace Antiphon.Broker.Tests.Sessions;

public sealed class SessionTests
{
    [Fact]
    public void A_crowd_of_Sessions_that_end_together_takes_several_turns()
    {
        var broker = new HandTurnedBroker();
        const int Crowd = BrokerEngine.DeadlinesPerTurn + 100;
        for (var i = 0; i < Crowd; i++)
        {
            broker.Connect($"{i}", connect => connect with { SessionExpiryInterval = 10 }).Lose();
        }

        var later = broker.Now + TimeSpan.FromSeconds(11);
        broker.Engine.Advance(later);
        Assert.Equal(Crowd - BrokerEngine.DeadlinesPerTurn, broker.Counters.Sessions);
        Assert.True(broker.Engine.HasWork);

        broker.Engine.Advance(later);
        Assert.Equal(0, broker.Counters.Sessions);
        broker.Engine.Flush(later);
        Assert.False(broker.Engine.HasWork);
    }

    [Fact]
    [Trait("Label", "MQTT-3.1.2-5")]
    [Trait("Label", "MQTT-3.2.2-3")]
    [Trait("Label", "MQTT-4.1.0-1")]
    public void A_Session_goes_on_with_its_subscriptions_when_the_client_is_back_in_time()
    {
        var broker = new HandTurnedBroker();
        broker.Subscriber("back", "t", with: connect => connect with { SessionExpiryInterval = 60 }).Lose();

        broker.TurnSeconds(59);
        var back = broker.Connect("back");

        Assert.True(back.ConnAck.SessionPresent);
        broker.Connect("publisher").Publish("t", "hello");
        back.NextMessage("hello");
    }

    [Fact]
    [Trait("Label", "MQTT-4.1.0-2")]
    [Trait("Label", "MQTT-3.1.2-23")]
    public void A_Session_ends_when_its_expiry_has_run_out()
    {
        var broker = new HandTurnedBroker();
        broker.Subscriber("late", "t", with: connect => connect with { SessionExpiryInterval = 60 }).Lose();
        Assert.Equal(1, broker.Counters.Sessions);

        broker.TurnSeconds(60.1);

        Assert.Equal(0, broker.Counters.Sessions);
        Assert.Equal(0, broker.Counters.Subscriptions);
        Assert.False(broker.Connect("late").ConnAck.SessionPresent);
    }

    [Fact]
    public void The_expiry_is_counted_anew_from_each_loss()
    {
        var broker = new HandTurnedBroker();
        for (var i = 0; i < 5; i++)
        {
            var client = broker.Connect("comes-and-goes", connect => connect with { SessionExpiryInterval = 60 });
            Assert.Equal(i > 0, client.ConnAck.SessionPresent);
            broker.TurnSeconds(100);
            client.Lose();
            broker.TurnSeconds(50);
        }
    }

    [Fact]
    public void A_Session_without_expiry_ends_with_its_connection()
    {
        var broker = new HandTurnedBroker();
        broker.Subscriber("brief", "t").Lose();

        Assert.Equal(0, broker.Counters.Sessions);
        Assert.Equal(0, broker.Counters.Subscriptions);
    }

    [Fact]
    public void A_Session_that_never_expires_is_there_after_a_century()
    {
        var broker = new HandTurnedBroker(new BrokerOptions { MaximumSessionExpiry = TimeSpan.MaxValue });
        var client = broker.Connect("for-ever", connect => connect with { SessionExpiryInterval = uint.MaxValue });
        Assert.Null(client.ConnAck.SessionExpiryInterval);
        client.Lose();

        broker.Turn(TimeSpan.FromDays(36_525));

        Assert.True(broker.Connect("for-ever").ConnAck.SessionPresent);
    }

    [Theory]
    [InlineData(uint.MaxValue)]
    [InlineData(101u)]
    public void The_limit_of_the_broker_is_told_in_CONNACK_and_kept(uint asked)
    {
        var broker = new HandTurnedBroker(new BrokerOptions { MaximumSessionExpiry = TimeSpan.FromSeconds(100) });
        var client = broker.Connect("greedy", connect => connect with { SessionExpiryInterval = asked });

        Assert.Equal(100u, client.ConnAck.SessionExpiryInterval);
        client.Lose();
        broker.TurnSeconds(99.9);
        Assert.Equal(1, broker.Counters.Sessions);
        broker.TurnSeconds(0.2);
        Assert.Equal(0, broker.Counters.Sessions);
    }

    [Fact]
    public void DISCONNECT_can_change_the_expiry()
    {
        var broker = new HandTurnedBroker();
        broker.Connect("longer", connect => connect with { SessionExpiryInterval = 10 }).Send(
            new DisconnectPacket { SessionExpiryInterval = 100 });
        broker.Connect("shorter", connect => connect with { SessionExpiryInterval = 100 }).Send(
            new DisconnectPacket { SessionExpiryInterval = 10 });
        broker.Connect(
            "ended", connect => connect with { SessionExpiryInterval = 100 }).Send(new DisconnectPacket { SessionExpiryInterval = 0 });

        Assert.Equal(2, broker.Counters.Sessions);
        broker.TurnSeconds(50);

        Assert.True(broker.Connect("longer").ConnAck.SessionPresent);
        Assert.False(broker.Connect("shorter").ConnAck.SessionPresent);
    }

    [Fact]
    public void DISCONNECT_cannot_raise_the_expiry_from_zero()
    {
        var client = new HandTurnedBroker().Connect("zero");

        client.Send(new DisconnectPacket { SessionExpiryInterval = 1 });

        client.ExpectDisconnect(ReasonCode.ProtocolError);
    }

    [Fact]
    [Trait("Label", "MQTT-3.1.2-4")]
    [Trait("Label", "MQTT-3.2.2-2")]
    public void Clean_Start_throws_everything_of_the_earlier_Session_away()
    {
        var broker = new HandTurnedBroker();
        var publisher = broker.Connect("publisher");
        var earlier = broker.Subscriber("fresh", "t", with: connect => connect with { SessionExpiryInterval = 60 });
        publisher.PublishAcknowledged("t", "in flight");
        earlier.Lose();
        publisher.PublishAcknowledged("t", "queued");

        var fresh = broker.Connect("fresh", connect => connect with { CleanStart = true });

        Assert.False(fresh.ConnAck.SessionPresent);
        Assert.Equal(ReasonCode.NoMatchingSubscribers, publisher.PublishAcknowledged("t", "nobody"));
        fresh.ExpectNothing();
    }

    [Fact]
    public void Sessions_that_end_at_the_same_moment_with_Wills_for_each_other_all_end()
    {
        var broker = new HandTurnedBroker();
        var listener = broker.Subscriber("listener", "will/#");
        for (var i = 0; i < 100; i++)
        {
            var name = $"will/{i}";
            var next = $"will/{(i + 1) % 100}";
            broker.Subscriber(name, name, with: connect => connect with
            {
                SessionExpiryInterval = 5,
                Will = new Will(TestLink.Message(next, name, QualityOfService.AtLeastOnce)) { DelayInterval = 10 },
            }).Lose();
        }

        broker.TurnSeconds(5.1);

        Assert.Equal(1, broker.Counters.Sessions);
        Assert.Equal(1, broker.Counters.Subscriptions);
        Assert.Equal(100, listener.All().Count);
    }
}
