using Antiphon.Broker.Sessions;
using Antiphon.Protocol;
using Antiphon.Protocol.Packets;
using Antiphon.Protocol.Properties;

namespace Antiphon.Broker.Tests.Publishing;

/// <summary>What a member of a share group leaves behind (MQTT 5 §4.8.2).</summary>
public sealed class RedispatchTests
{
    private static readonly UserProperty Idempotent = new("antiphon-idempotent", "1");

    private readonly HandTurnedBroker _broker = new(new BrokerOptions { MaximumInflight = ushort.MaxValue });

    [Fact]
    public void At_the_loss_of_the_connection_what_was_never_sent_goes_to_a_member_that_is_there_and_at_the_end_of_the_Session_the_rest()
    {
        var first = Member("first");
        var publisher = _broker.Connect("publisher");
        for (var i = 0; i < 5; i++)
        {
            publisher.PublishAcknowledged("t", $"{i}");
        }

        first.Acknowledge(first.NextMessage("0"));
        first.NextMessage("1");
        var second = Member("second", receiveMaximum: 10);
        first.Lose();
        Assert.Equal(["2", "3", "4"], Texts(second));

        _broker.TurnSeconds(99);
        second.ExpectNothing();
        _broker.TurnSeconds(2);

        Assert.False(second.NextMessage("1").Dup);
        second.ExpectNothing();
        Assert.Equal((4, 0), (_broker.Counters.Redispatched, _broker.Counters.DroppedWithSession));
    }

    [Fact]
    public void What_a_Session_leaves_behind_goes_to_others_in_slices()
    {
        const int Count = 3 * EndedSessions.StepsPerTurn;
        var first = _broker.Subscriber(
            "first", "$share/g/t", with: connect => connect with { ReceiveMaximum = 2 * EndedSessions.StepsPerTurn });
        var requester = _broker.Connect("requester", connect => connect with { RequestResponseInformation = true });
        var topic = requester.ConnAck.ResponseInformation!;
        requester.Subscribe(topic, QualityOfService.AtMostOnce);
        for (var i = 0; i < Count; i++)
        {
            var request = TestLink.Message("t", $"{i}") with { ResponseTopic = topic, UserProperties = [Idempotent] };
            requester.PublishAcknowledged(request with { CorrelationData = BitConverter.GetBytes(i) });
        }

        var second = Member("second", receiveMaximum: Count);
        _broker.Engine.Ended(first.Connection, _broker.Now);
        _broker.Engine.Advance(_broker.Now);

        Assert.Equal((EndedSessions.StepsPerTurn, Count), (_broker.Counters.Redispatched, _broker.Counters.OpenExchanges));
        Assert.True(_broker.Engine.HasWork);
        _broker.Settle();
        Assert.Equal((Count, Count), (_broker.Counters.Redispatched, _broker.Counters.OpenExchanges));
        for (var i = 0; i < Count; i++)
        {
            var response = TestLink.Message(topic, "!") with { CorrelationData = second.NextMessage($"{i}").Message.CorrelationData };
            Assert.Equal(ReasonCode.Success, second.PublishAcknowledged(response));
        }

        Assert.Equal(0, _broker.Counters.OpenExchanges);
    }

    [Fact]
    public void What_waits_for_members_that_are_all_away_stays_until_a_Session_ends_and_then_goes_on()
    {
        Member("first").Lose();
        Member("second").Lose();
        var publisher = _broker.Connect("publisher");
        for (var i = 0; i < 4; i++)
        {
            Assert.Equal(ReasonCode.Success, publisher.PublishAcknowledged("t", $"{i}"));
        }

        _broker.Connect("first", connect => connect with { CleanStart = true });
        var back = Back("second");
        for (var seen = new List<string>(); seen.Count < 4;)
        {
            var publish = back.Next<PublishPacket>();
            Assert.DoesNotContain(TestLink.Text(publish), seen);
            seen.Add(TestLink.Text(publish));
            back.Acknowledge(publish);
        }

        back.ExpectNothing();
        Assert.Equal(2, _broker.Counters.Redispatched);
    }

    [Fact]
    public void A_message_of_its_own_is_not_given_to_others_and_ends_with_the_Session()
    {
        var first = Member("first");
        first.Subscribe("own");
        var second = Member("second", receiveMaximum: 10);
        var publisher = _broker.Connect("publisher");
        publisher.PublishAcknowledged("own", "sent");
        publisher.PublishAcknowledged("own", "waits");

        first.Lose();
        _broker.TurnSeconds(101);

        second.ExpectNothing();
        Assert.Equal((0, 2), (_broker.Counters.Redispatched, _broker.Counters.DroppedWithSession));
    }

    [Fact]
    [Trait("Label", "MQTT-4.8.2-4")]
    [Trait("Label", "MQTT-4.8.2-5")]
    public void A_QoS_2_message_once_begun_is_finished_with_that_client_or_with_nobody()
    {
        var first = Member("first", QualityOfService.ExactlyOnce, receiveMaximum: 2);
        var publisher = _broker.Connect("publisher");
        for (var i = 0; i < 3; i++)
        {
            publisher.PublishExactlyOnce("t", $"{i}");
        }

        var begun = first.NextMessage("0");
        first.Answer(PacketType.PubRec, begun.PacketIdentifier);
        first.ExpectAnswer(PacketType.PubRel, begun.PacketIdentifier);
        first.NextMessage("1");
        var second = Member("second", QualityOfService.ExactlyOnce);
        first.Lose();
        second.Complete(second.NextMessage("2"));

        var back = Back("first");
        back.ExpectAnswer(PacketType.PubRel, begun.PacketIdentifier);
        Assert.True(back.NextMessage("1").Dup);
        back.Lose();
        _broker.TurnSeconds(101);

        second.ExpectNothing();
        Assert.Equal((1, 1), (_broker.Counters.Redispatched, _broker.Counters.DroppedWithSession));
    }

    [Theory]
    [Trait("Label", "MQTT-4.8.2-6")]
    [InlineData(QualityOfService.AtLeastOnce, PacketType.PubAck)]
    [InlineData(QualityOfService.ExactlyOnce, PacketType.PubRec)]
    public void A_message_that_a_member_refused_goes_to_nobody_else(QualityOfService qos, PacketType answer)
    {
        var first = Member("first", qos);
        _broker.Connect("publisher").Send(new PublishPacket(TestLink.Message("t", "unwanted", qos)) { PacketIdentifier = new(1) });
        var second = Member("second", qos);

        first.Answer(answer, first.NextMessage("unwanted").PacketIdentifier, ReasonCode.UnspecifiedError);
        first.Lose();
        _broker.TurnSeconds(101);

        second.ExpectNothing();
        Assert.Equal((0, 0), (_broker.Counters.Redispatched, _broker.Counters.DroppedWithSession));
    }

    [Fact]
    public void A_member_that_unsubscribes_keeps_what_it_was_given()
    {
        var first = Member("first");
        var publisher = _broker.Connect("publisher");
        publisher.PublishAcknowledged("t", "0");
        publisher.PublishAcknowledged("t", "1");
        var second = Member("second");

        first.Unsubscribe("$share/g/t");

        first.Acknowledge(first.NextMessage("0"));
        first.NextMessage("1");
        second.ExpectNothing();
    }

    [Fact]
    [Trait("Label", "MQTT-3.3.2-5")]
    [Trait("Label", "MQTT-4.8.2-3")]
    public void What_goes_on_has_the_QoS_of_the_new_member_and_the_expiry_that_remains()
    {
        var first = Member("first");
        var publisher = _broker.Connect("publisher");
        publisher.PublishAcknowledged(TestLink.Message("t", "0") with { MessageExpiryInterval = 5 });
        publisher.PublishAcknowledged(TestLink.Message("t", "1") with { MessageExpiryInterval = 200 });
        publisher.PublishAcknowledged(TestLink.Message("t", "2") with { MessageExpiryInterval = 5 });
        first.NextMessage("0");
        _broker.TurnSeconds(10);
        first.Send(new DisconnectPacket { SessionExpiryInterval = 100 });
        var second = Member("second", QualityOfService.AtMostOnce);
        _broker.TurnSeconds(101);

        var passed = second.NextMessage("1");
        Assert.Equal((QualityOfService.AtMostOnce, 89u), (passed.Message.QoS, passed.Message.MessageExpiryInterval));
        second.ExpectNothing();
        Assert.Equal(2, _broker.Counters.Expired);
    }

    [Theory]
    [InlineData(false, false, true)]
    [InlineData(false, true, true)]
    [InlineData(true, false, false)]
    [InlineData(true, true, true)]
    public void A_request_goes_on_when_it_was_never_sent_or_is_idempotent_and_the_permission_to_answer_with_it(
        bool sent, bool idempotent, bool passes)
    {
        var requester = _broker.Connect("requester", connect => connect with { RequestResponseInformation = true });
        requester.Subscribe(requester.ConnAck.ResponseInformation!, QualityOfService.AtMostOnce);
        var first = Member("first");
        if (!sent)
        {
            requester.PublishAcknowledged("t", "before it");
        }

        requester.PublishAcknowledged(TestLink.Message("t", "?") with
        {
            ResponseTopic = requester.ConnAck.ResponseInformation,
            CorrelationData = new byte[] { 1, 2, 3 },
            UserProperties = idempotent ? [new("a", "b"), Idempotent] : [new("antiphon-idempotent", "0")],
        });
        Assert.Single(first.All());
        var second = Member("second");
        var answer = TestLink.Message(requester.ConnAck.ResponseInformation!, "!") with { CorrelationData = new byte[] { 1, 2, 3 } };

        first.Lose();
        _broker.TurnSeconds(101);

        var got = second.All().Cast<PublishPacket>().Where(publish => TestLink.Text(publish) == "?").ToList();
        Assert.Equal(passes ? 1 : 0, got.Count);
        Assert.Equal(passes ? 0 : 1, _broker.Counters.UncertainRequests);
        Assert.Equal(ReasonCode.NotAuthorized, Back("first").PublishAcknowledged(answer));
        Assert.Equal(passes ? ReasonCode.Success : ReasonCode.NotAuthorized, second.PublishAcknowledged(answer));
        Assert.Equal(passes ? 1 : 0, requester.All().Count);
    }

    [Fact]
    public void A_message_too_large_for_one_member_goes_to_one_that_can_take_it()
    {
        var narrow = _broker.Subscriber("narrow", "$share/g/t", with: connect => connect with { MaximumPacketSize = 100 });
        var wide = Enumerable.Range(0, 2).Select(i => _broker.Subscriber($"wide{i}", "$share/g/t")).ToList();
        var publisher = _broker.Connect("publisher");
        var large = new string('x', 200);
        for (var i = 0; i < 10; i++)
        {
            publisher.PublishAcknowledged("t", large);
        }

        narrow.ExpectNothing();
        Assert.Equal(10, wide.Sum(member => member.All().Count));
        publisher.PublishAcknowledged("t", "small");
        narrow.NextMessage("small");
        Assert.Equal(0, _broker.Counters.TooLargeForReceiver);

        wide.ForEach(member => member.Lose());
        narrow.All();
        Assert.Equal(ReasonCode.Success, publisher.PublishAcknowledged("t", large));
        narrow.ExpectNothing();
        Assert.True(_broker.Counters.TooLargeForReceiver > 0);
    }

    [Fact]
    public void Members_that_come_and_go_lose_no_message_between_them()
    {
        var publisher = _broker.Connect("publisher");
        var random = new Random(12);
        var members = new List<TestLink> { Member("member0") };
        var expected = new HashSet<string>();
        for (var i = 1; i < 400; i++)
        {
            expected.Add($"{i}");
            publisher.PublishAcknowledged("t", $"{i}");
            members.Add(Member($"member{i}", receiveMaximum: (ushort)random.Next(1, 4)));
            var leaving = members[random.Next(members.Count - 1)];
            members.Remove(leaving);
            Take(leaving, random.Next(3));
            if (random.Next(2) == 0)
            {
                leaving.Send(new DisconnectPacket { SessionExpiryInterval = 0 });
            }
            else
            {
                leaving.Lose();
                _broker.TurnSeconds(101);
            }
        }

        while (members.Sum(member => Take(member, int.MaxValue)) > 0)
        {
        }

        Assert.Empty(expected);
        Assert.Equal((0, 0), (_broker.Counters.DroppedWithSession, _broker.Counters.DroppedQueueFull));

        int Take(TestLink member, int most)
        {
            var taken = 0;
            foreach (var publish in member.All().OfType<PublishPacket>().Take(most))
            {
                expected.Remove(TestLink.Text(publish));
                member.Acknowledge(publish);
                taken++;
            }

            return taken;
        }
    }

    private static IEnumerable<string> Texts(TestLink client) => client.All().Cast<PublishPacket>().Select(TestLink.Text);

    private TestLink Member(string clientId, QualityOfService qos = QualityOfService.AtLeastOnce, ushort receiveMaximum = 1) =>
        _broker.Subscriber(
            clientId, "$share/g/t", qos, connect => connect with { SessionExpiryInterval = 100, ReceiveMaximum = receiveMaximum });

    private TestLink Back(string clientId) => _broker.Connect(clientId, connect => connect with { SessionExpiryInterval = 100 });
}
