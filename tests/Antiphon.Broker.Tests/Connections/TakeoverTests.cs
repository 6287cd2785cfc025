using Antiphon.Protocol;
using Antiphon.Protocol.Packets;

namespace Antiphon.Broker.Tests.Connections;

public sealed class TakeoverTests
{
    [Fact]
    [Trait("Label", "MQTT-3.1.4-3")]
    public void A_second_connection_of_the_same_client_ends_the_first_with_0x8E_and_has_its_Session()
    {
        var broker = new HandTurnedBroker();
        var older = broker.Subscriber("same", "t", with: connect => connect with { SessionExpiryInterval = 10 });

        var newer = broker.Connect("same", connect => connect with { SessionExpiryInterval = 10 });

        older.ExpectDisconnect(ReasonCode.SessionTakenOver);
        Assert.True(newer.ConnAck.SessionPresent);
        broker.Connect("publisher").Publish("t", "to the newer");
        newer.NextMessage("to the newer");
        older.Lose();
        newer.Send(PingReqPacket.Instance);
        newer.Next<PingRespPacket>();
        Assert.Equal(2, broker.Counters.Sessions);
    }

    [Fact]
    public void Taking_over_a_Session_that_ends_with_its_connection_begins_another()
    {
        var broker = new HandTurnedBroker();
        var older = broker.Subscriber("same", "t");

        var newer = broker.Connect("same");

        older.ExpectDisconnect(ReasonCode.SessionTakenOver);
        Assert.False(newer.ConnAck.SessionPresent);
        broker.Connect("publisher").Publish("t", "to nobody");
        newer.ExpectNothing();
        Assert.Equal(0, broker.Counters.Subscriptions);
    }

    [Fact]
    public void Messages_in_flight_on_the_older_connection_come_again_on_the_newer()
    {
        var broker = new HandTurnedBroker();
        var older = broker.Subscriber("same", "t", with: connect => connect with { SessionExpiryInterval = 10 });
        broker.Connect("publisher").PublishAcknowledged("t", "in flight");
        var first = older.NextMessage("in flight");

        var newer = broker.Connect("same", connect => connect with { SessionExpiryInterval = 10 });

        var again = newer.NextMessage("in flight");
        Assert.True(again.Dup);
        Assert.Equal(first.PacketIdentifier, again.PacketIdentifier);
    }

    [Fact]
    [Trait("Label", "MQTT-3.1.2-8")]
    public void The_Will_of_a_connection_taken_over_is_published_when_it_has_no_delay()
    {
        var broker = new HandTurnedBroker();
        var listener = broker.Subscriber("listener", "will");
        broker.Connect("same", connect => connect with { SessionExpiryInterval = 10, Will = new Will(TestLink.Message("will", "older")) });

        broker.Connect("same", connect => connect with { SessionExpiryInterval = 10 });

        listener.NextMessage("older");
    }

    [Fact]
    [Trait("Label", "MQTT-3.1.3-9")]
    public void The_Will_of_a_connection_taken_over_is_withdrawn_when_it_has_a_delay_and_the_Session_goes_on()
    {
        var broker = new HandTurnedBroker();
        var listener = broker.Subscriber("listener", "will");
        broker.Connect("same", connect => connect with
        {
            SessionExpiryInterval = 10,
            Will = new Will(TestLink.Message("will", "older")) { DelayInterval = 1 },
        });

        broker.Connect("same", connect => connect with { SessionExpiryInterval = 10 });
        broker.TurnSeconds(20);

        listener.ExpectNothing();
    }

    [Fact]
    public void The_delayed_Will_is_published_when_the_one_who_takes_over_wants_a_clean_start()
    {
        var broker = new HandTurnedBroker();
        var listener = broker.Subscriber("listener", "will");
        broker.Connect("same", connect => connect with
        {
            SessionExpiryInterval = 10,
            Will = new Will(TestLink.Message("will", "older")) { DelayInterval = 5 },
        });

        broker.Connect("same", connect => connect with { CleanStart = true });

        listener.NextMessage("older");
    }

    [Fact]
    public void A_Will_to_the_one_who_takes_over_waits_for_its_CONNACK()
    {
        var broker = new HandTurnedBroker();
        broker.Subscriber("same", "will", with: connect => connect with
        {
            SessionExpiryInterval = 10,
            Will = new Will(TestLink.Message("will", "my own", QualityOfService.AtLeastOnce)),
        });

        var newer = broker.Connect("same", connect => connect with { SessionExpiryInterval = 10 });

        newer.NextMessage("my own");
    }
}
