using Antiphon.Broker.Subscriptions;
using Antiphon.Protocol;
using Antiphon.Protocol.Packets;

namespace Antiphon.Broker.Tests.Subscriptions;

public sealed class ShareGroupTests
{
    [Fact]
    public void Each_message_goes_to_one_member_and_equally_busy_members_take_turns()
    {
        var broker = new HandTurnedBroker();
        var members = Enumerable.Range(0, 4).Select(
            i => broker.Subscriber($"member{i}", "$share/g/t", QualityOfService.AtMostOnce)).ToList();
        var listener = broker.Subscriber("listener", "t");
        var publisher = broker.Connect("publisher");

        for (var i = 0; i < 400; i++)
        {
            publisher.Publish("t", $"{i}");
        }

        var got = members.Select(member => member.All().Cast<PublishPacket>().Select(TestLink.Text).ToList()).ToList();
        Assert.All(got, messages => Assert.Equal(100, messages.Count));
        Assert.Equal(400, got.SelectMany(messages => messages).Distinct().Count());
        Assert.Equal(400, listener.All().Count);
    }

    [Fact]
    public void Groups_of_other_names_and_filters_get_their_own_copy()
    {
        var broker = new HandTurnedBroker();
        var client = broker.Connect("client");
        client.Subscribe("$share/g/t", identifier: 1);
        client.Subscribe("$share/h/t", identifier: 2);
        client.Subscribe("$share/g/+", identifier: 3);
        client.Subscribe("t", identifier: 4);

        broker.Connect("publisher").PublishAcknowledged("t");

        Assert.Equal(
            [1u, 2u, 3u, 4u], client.All().Cast<PublishPacket>().Select(publish => publish.SubscriptionIdentifiers.Single()).Order());
    }

    [Fact]
    public void The_least_busy_member_gets_the_next_message()
    {
        var broker = new HandTurnedBroker();
        var quick = broker.Subscriber("quick", "$share/g/t");
        var busy = broker.Subscriber("busy", "$share/g/t");
        var publisher = broker.Connect("publisher");
        var taken = 0;

        for (var i = 0; i < 100; i++)
        {
            publisher.PublishAcknowledged("t");
            foreach (var publish in quick.All().Cast<PublishPacket>())
            {
                quick.Acknowledge(publish);
                taken++;
            }
        }

        Assert.Single(busy.All());
        Assert.Equal(99, taken);
    }

    [Fact]
    public void A_member_that_is_away_gets_messages_only_when_nobody_is_there()
    {
        var broker = new HandTurnedBroker();
        broker.Subscriber("away", "$share/g/t", with: connect => connect with { SessionExpiryInterval = 100 }).Lose();
        var there = broker.Subscriber("there", "$share/g/t", with: connect => connect with { SessionExpiryInterval = 100 });
        var publisher = broker.Connect("publisher");
        for (var i = 0; i < 20; i++)
        {
            publisher.PublishAcknowledged("t", "while one is there");
        }

        var taken = there.All().Cast<PublishPacket>().ToList();
        Assert.Equal(20, taken.Count);
        taken.ForEach(there.Acknowledge);
        there.Send(new DisconnectPacket { SessionExpiryInterval = 0 });
        Assert.Equal(ReasonCode.Success, publisher.PublishAcknowledged("t", "for the one who is away"));

        broker.Connect("away").NextMessage("for the one who is away");
    }

    [Fact]
    public void A_member_that_can_take_the_message_is_looked_for_among_so_many()
    {
        const int Narrow = ShareGroup.LookedAt + 44;
        var broker = new HandTurnedBroker();
        var wide = broker.Subscriber("wide", "$share/g/t", QualityOfService.AtMostOnce);
        for (var i = 0; i < Narrow; i++)
        {
            broker.Subscriber($"narrow{i}", "$share/g/t", QualityOfService.AtMostOnce, connect => connect with { MaximumPacketSize = 64 });
        }

        var publisher = broker.Connect("publisher");
        for (var i = 0; i <= Narrow; i++)
        {
            publisher.Publish("t", new string('x', 64));
        }

        Assert.Equal(ShareGroup.LookedAt, wide.All().Count);
        Assert.Equal(Narrow + 1 - ShareGroup.LookedAt, broker.Counters.TooLargeForReceiver);
    }

    [Fact]
    public void A_member_that_is_back_takes_its_turn_again_and_one_that_unsubscribes_after_that_gets_nothing()
    {
        var broker = new HandTurnedBroker();
        var there = broker.Subscriber("there", "$share/g/t", QualityOfService.AtMostOnce);
        broker.Subscriber(
            "back", "$share/g/t", QualityOfService.AtMostOnce, connect => connect with { SessionExpiryInterval = 100 }).Lose();
        broker.Subscriber(
            "ended", "$share/g/t", QualityOfService.AtMostOnce, connect => connect with { SessionExpiryInterval = 10 }).Lose();
        var back = broker.Connect("back");
        broker.TurnSeconds(11);
        var publisher = broker.Connect("publisher");
        for (var i = 0; i < 10; i++)
        {
            publisher.Publish("t");
        }

        Assert.Equal((5, 5), (there.All().Count, back.All().Count));
        back.Unsubscribe("$share/g/t");
        publisher.Publish("t");
        Assert.Single(there.All());
        back.ExpectNothing();
    }

    [Fact]
    [Trait("Label", "MQTT-4.8.2-3")]
    public void The_QoS_of_the_chosen_member_is_kept_to()
    {
        var broker = new HandTurnedBroker();
        var member = broker.Subscriber("member", "$share/g/t", QualityOfService.AtMostOnce);

        broker.Connect("publisher").PublishAcknowledged("t", "x");

        Assert.Equal(QualityOfService.AtMostOnce, member.NextMessage("x").Message.QoS);
    }

    [Fact]
    public void A_member_that_left_gets_nothing_and_an_empty_group_is_nobody()
    {
        var broker = new HandTurnedBroker();
        var first = broker.Subscriber("first", "$share/g/t");
        var second = broker.Subscriber("second", "$share/g/t");
        var third = broker.Subscriber("third", "$share/g/t");
        var publisher = broker.Connect("publisher");
        publisher.PublishAcknowledged("t");

        first.Unsubscribe("$share/g/t");
        third.Lose();
        first.All();
        second.All();
        for (var i = 0; i < 10; i++)
        {
            publisher.PublishAcknowledged("t", "stays");
        }

        Assert.Equal(10, second.All().Count);
        first.ExpectNothing();
        Assert.Equal([ReasonCode.Success], second.Unsubscribe("$share/g/t").ReasonCodes);
        Assert.Equal(ReasonCode.NoMatchingSubscribers, publisher.PublishAcknowledged("t"));
        Assert.Equal(0, broker.Counters.Subscriptions);
    }

    [Fact]
    public void Members_coming_and_going_leave_nobody_out_and_nobody_behind()
    {
        var broker = new HandTurnedBroker();
        var publisher = broker.Connect("publisher");
        var random = new Random(8);
        var members = new List<TestLink>();
        for (var i = 0; i < 500; i++)
        {
            if (members.Count == 0 || random.Next(2) == 0)
            {
                members.Add(broker.Subscriber($"member{i}", "$share/g/t", QualityOfService.AtMostOnce));
            }
            else
            {
                var leaving = random.Next(members.Count);
                members[leaving].Lose();
                members.RemoveAt(leaving);
            }

            foreach (var _ in members)
            {
                publisher.Publish("t");
            }

            Assert.Equal(members.Count, members.Sum(member => member.All().Count));
            Assert.Equal(members.Count, broker.Counters.Subscriptions);
        }
    }

    [Fact]
    [Trait("Label", "MQTT-3.8.3-4")]
    public void No_Local_on_a_shared_subscription_is_a_protocol_error_and_nothing_is_subscribed()
    {
        var broker = new HandTurnedBroker();
        var client = broker.Connect("client", connect => connect with { SessionExpiryInterval = 100 });

        client.Send(new SubscribePacket
        {
            PacketIdentifier = new(1),
            Subscriptions = [new("fine", default), new("$share/g/t", new(QualityOfService.AtMostOnce, NoLocal: true))],
        });

        client.ExpectDisconnect(ReasonCode.ProtocolError);
        Assert.Equal(0, broker.Counters.Subscriptions);
    }
}
