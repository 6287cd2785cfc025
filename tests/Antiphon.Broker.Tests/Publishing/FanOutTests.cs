using Antiphon.Broker.Publishing;
using Antiphon.Protocol;
using Antiphon.Protocol.Packets;

namespace Antiphon.Broker.Tests.Publishing;

/// <summary>A message that concerns very many is delivered in slices, and nobody but its publisher waits for it.</summary>
public sealed class FanOutTests
{
    private const int Turn = FanOuts.StepsPerTurn;
    private const int Many = 5 * Turn / 2;

    private readonly HandTurnedBroker _broker = new();

    [Fact]
    public void A_message_to_very_many_goes_out_in_slices_and_is_acknowledged_after_the_last()
    {
        var subscribers = Subscribers(Many);
        var publisher = _broker.Connect("publisher");
        var sent = _broker.Counters.MessagesSent;

        Receive(publisher, Packet("t", "1", identifier: 1));
        publisher.Flush();
        publisher.ExpectNothing();

        var turns = 0;
        for (; _broker.Engine.HasWork; turns++)
        {
            var before = _broker.Counters.MessagesSent;
            publisher.ExpectNothing();
            OneTurn();
            Assert.InRange(_broker.Counters.MessagesSent - before, 0, Turn);
        }

        Assert.InRange(turns, Many / Turn, 100);
        Assert.Equal(Many, _broker.Counters.MessagesSent - sent);
        Assert.Equal(ReasonCode.Success, publisher.ExpectAnswer(PacketType.PubAck, new(1)));
        Assert.All(subscribers, subscriber => subscriber.NextMessage("1"));
        Assert.All(subscribers, subscriber => subscriber.ExpectNothing());
    }

    [Fact]
    public void Others_go_on_meanwhile()
    {
        var subscribers = Subscribers(Many);
        var publisher = _broker.Connect("publisher");
        var requester = _broker.Subscriber("requester", "small");
        Receive(publisher, Packet("t", "1", identifier: 1));

        for (var i = 1; _broker.Engine.HasWork && i < 5; i++)
        {
            Receive(requester, Packet("small", $"{i}", identifier: i));
            OneTurn();
            Assert.Equal(i, requester.ExpectAnswer(PacketType.PubAck, new((ushort)i)) == ReasonCode.Success ? i : 0);
            requester.Acknowledge(requester.NextMessage($"{i}"));
        }

        _broker.Settle();
        Assert.All(subscribers, subscriber => subscriber.NextMessage("1"));
    }

    [Fact]
    [Trait("Label", "MQTT-4.6.0-6")]
    public void Nothing_of_the_same_publisher_overtakes_it()
    {
        var subscribers = Subscribers(Many);
        var last = subscribers[^1];
        last.Subscribe("small", QualityOfService.AtMostOnce);
        subscribers[0].Subscribe("small", QualityOfService.AtMostOnce);
        var publisher = _broker.Connect("publisher");

        Receive(
            publisher,
            Packet("t", "1", identifier: 1),
            Packet("small", "2", identifier: 2),
            Packet("t", "3"),
            Packet("small", "4"),
            PingReqPacket.Instance);
        OneTurn();
        Receive(publisher, Packet("small", "5", identifier: 3));
        _broker.Settle();

        foreach (var subscriber in new[] { subscribers[0], last })
        {
            Assert.Equal(["1", "2", "3", "4", "5"], subscriber.All().Cast<PublishPacket>().Select(TestLink.Text));
        }

        Assert.All(subscribers.Skip(1).SkipLast(1), subscriber => Assert.Equal(2, subscriber.All().Count));
        publisher.ExpectAnswer(PacketType.PubAck, new(1));
        publisher.ExpectAnswer(PacketType.PubAck, new(2));
        publisher.Next<PingRespPacket>();
        publisher.ExpectAnswer(PacketType.PubAck, new(3));
    }

    [Fact]
    public void What_goes_to_many_on_another_topic_goes_before_it_and_on_the_same_topic_behind_it()
    {
        var subscribers = Subscribers(Many);
        var members = Enumerable.Range(0, 4 * FanOuts.Few).Select(
            i => _broker.Subscriber($"member{i}", "room", QualityOfService.AtMostOnce)).ToList();
        var (publisher, other) = (_broker.Connect("publisher"), _broker.Connect("other"));
        Receive(publisher, Packet("t", "1"));
        OneTurn();

        Receive(other, Packet("room", "2", identifier: 1), Packet("t", "3", identifier: 2));
        OneTurn();

        Assert.All(members, member => member.NextMessage("2"));
        other.ExpectAnswer(PacketType.PubAck, new(1));
        other.ExpectNothing();
        _broker.Settle();
        other.ExpectAnswer(PacketType.PubAck, new(2));
        Assert.All(subscribers, subscriber => Assert.Equal(
            ["1", "3"], subscriber.All().Cast<PublishPacket>().Select(TestLink.Text)));
    }

    [Fact]
    public void Two_messages_to_one_topic_arrive_in_the_same_order_though_the_second_is_for_few_enough()
    {
        const int Left = 4 * FanOuts.Few;
        var subscribers = Subscribers(Many);
        var (publisher, other) = (_broker.Connect("publisher"), _broker.Connect("other"));
        Receive(publisher, Packet("t", "1"));
        OneTurn();
        foreach (var subscriber in subscribers.Skip(Left))
        {
            Receive(subscriber, new UnsubscribePacket { PacketIdentifier = new(9), TopicFilters = ["t"] });
        }

        Receive(other, Packet("t", "2"));
        _broker.Settle();

        Assert.All(subscribers.Take(Left), subscriber => Assert.Equal(
            ["1", "2"], subscriber.All().Cast<PublishPacket>().Select(TestLink.Text)));
    }

    [Fact]
    public void A_turn_has_so_many_deliveries_for_all_publishers_together()
    {
        const int Receivers = Turn / 4;
        var subscribers = Subscribers(Receivers);
        var publishers = Enumerable.Range(0, 4).Select(i => _broker.Connect($"publisher{i}")).ToList();
        foreach (var publisher in publishers)
        {
            Receive(publisher, Enumerable.Range(0, 5).Select(i => Packet("t", $"{i}")));
        }

        Assert.InRange(_broker.Counters.MessagesSent, 3 * Receivers, 4 * Receivers);
        while (_broker.Engine.HasWork)
        {
            var before = _broker.Counters.MessagesSent;
            OneTurn();
            Assert.InRange(_broker.Counters.MessagesSent - before, 0, Turn + Receivers);
        }

        Assert.All(subscribers, subscriber => Assert.Equal(20, subscriber.All().Count));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(11)]
    public void Who_comes_or_goes_meanwhile_gets_nothing_and_everybody_else_gets_it_once(int afterTurns)
    {
        var subscribers = Subscribers(Many);
        var publisher = _broker.Connect("publisher");
        Receive(publisher, new PublishPacket(TestLink.Message("t", "1") with { Retain = true }));
        for (var i = 0; i < afterTurns; i++)
        {
            OneTurn();
        }

        // From all over the list: who leaves is replaced by the last. What they have got until then is theirs.
        var random = new Random(7);
        var left = subscribers.Where(_ => random.Next(10) == 0).ToList();
        var before = left.ToDictionary(subscriber => subscriber, subscriber => subscriber.All().Count);
        foreach (var subscriber in left)
        {
            var isUnsubscribe = random.Next(2) == 0;
            if (isUnsubscribe)
            {
                Receive(subscriber, new UnsubscribePacket { PacketIdentifier = new(9), TopicFilters = ["t"] });
            }
            else
            {
                _broker.Engine.Ended(subscriber.Connection, _broker.Now);
            }
        }

        var late = _broker.Open();
        Receive(
            late,
            new ConnectPacket { ClientId = "late" },
            new SubscribePacket { PacketIdentifier = new(1), Subscriptions = [new("t", new(QualityOfService.AtMostOnce))] });
        _broker.Settle();

        Assert.All(subscribers.Except(left), subscriber => Assert.Single(subscriber.All()));
        Assert.All(left, subscriber => Assert.Empty(subscriber.All().OfType<PublishPacket>()));
        Assert.Contains(0, before.Values);
        Assert.Equal(afterTurns > 1, before.ContainsValue(1));

        // It is retained: who is late gets that, and nothing else.
        Assert.True(Assert.Single(late.All().OfType<PublishPacket>()).Message.Retain);
    }

    [Fact]
    [Trait("Label", "MQTT-4.3.3-10")]
    public void A_QoS_2_message_whose_client_has_come_back_meanwhile_is_the_same_and_what_comes_next_waits()
    {
        var subscribers = Subscribers(Many);
        subscribers[0].Subscribe("small", QualityOfService.AtMostOnce);
        var publisher = Connect();
        var message = TestLink.Message("t", "1", QualityOfService.ExactlyOnce);
        Receive(publisher, new PublishPacket(message) { PacketIdentifier = new(1) });
        OneTurn();

        var again = _broker.Open();
        Receive(
            again,
            new ConnectPacket { ClientId = "publisher", CleanStart = false, SessionExpiryInterval = 100 },
            new PublishPacket(message) { PacketIdentifier = new(1), Dup = true },
            Packet("small", "2"));
        Assert.True(_broker.Engine.HasWork);
        _broker.Settle();

        Assert.True(again.Next<ConnAckPacket>().SessionPresent);
        Assert.Equal(ReasonCode.Success, again.ExpectAnswer(PacketType.PubRec, new(1)));
        Assert.Equal(["1", "2"], subscribers[0].All().Cast<PublishPacket>().Select(TestLink.Text));
        Assert.All(subscribers.Skip(1), subscriber => Assert.Single(subscriber.All()));

        TestLink Connect() => _broker.Connect("publisher", connect => connect with { SessionExpiryInterval = 100 });
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Who_publishes_and_goes_has_said_goodbye_all_the_same(bool saysGoodbye)
    {
        var subscribers = Subscribers(Many);
        var watcher = _broker.Subscriber("watcher", "small", QualityOfService.AtMostOnce);
        var publisher = _broker.Connect(
            "publisher", connect => connect with { Will = new Will(TestLink.Message("small", "lost")) });

        Receive(publisher, Packet("t", "1"), Packet("small", "2"));
        if (saysGoodbye)
        {
            Receive(publisher, new DisconnectPacket { ReasonCode = ReasonCode.Success });
        }

        _broker.Engine.Ended(publisher.Connection, _broker.Now);
        _broker.Settle();

        Assert.All(subscribers, subscriber => subscriber.NextMessage("1"));
        Assert.Equal(saysGoodbye ? ["2"] : ["2", "lost"], watcher.All().Cast<PublishPacket>().Select(TestLink.Text));
        Assert.Null(_broker.Engine.FindSession("publisher"));
        Assert.Equal(Many + 1, _broker.Counters.Connections);
    }

    [Fact]
    public void A_Will_follows_what_its_client_has_published()
    {
        var subscribers = Subscribers(Many);
        var publisher = _broker.Connect("publisher", connect => connect with { Will = new Will(TestLink.Message("t", "2")) });
        Receive(publisher, Packet("t", "1"));
        OneTurn();

        // Another connection takes its place, with a new Session.
        Receive(_broker.Open(), new ConnectPacket { ClientId = "publisher", CleanStart = true });
        _broker.Settle();

        Assert.All(subscribers, subscriber => Assert.Equal(
            ["1", "2"], subscriber.All().Cast<PublishPacket>().Select(TestLink.Text)));
    }

    [Fact]
    public void Answers_may_come_before_the_last_responder_has_got_the_request()
    {
        var responders = Subscribers(Many);
        var requester = _broker.Connect("requester", connect => connect with { RequestResponseInformation = true });
        var topic = requester.ConnAck.ResponseInformation!;
        requester.Subscribe(topic, QualityOfService.AtMostOnce);
        Receive(requester, new PublishPacket(TestLink.Message("t", "?") with { ResponseTopic = topic, CorrelationData = new byte[4] }));

        // Whoever has got it answers before anybody else gets it.
        var answered = 0;
        var response = new PublishPacket(
            TestLink.Message(topic, "!", QualityOfService.AtLeastOnce) with { CorrelationData = new byte[4] })
        { PacketIdentifier = new(1) };
        do
        {
            OneTurn();
            foreach (var responder in responders)
            {
                if (responder.TryNext() is PublishPacket)
                {
                    answered++;
                    Receive(responder, response);
                }
            }
        }
        while (_broker.Engine.HasWork);

        Assert.Equal(Many, answered);
        Assert.Equal((0, 0), (_broker.Counters.UninvitedResponses, _broker.Counters.OpenExchanges));
        Assert.Equal(Many, requester.All().Count);
    }

    [Fact]
    public void An_exchange_that_has_ended_meanwhile_admits_nobody_any_more()
    {
        var responders = Subscribers(Many);
        var requester = _broker.Connect("requester", connect => connect with { RequestResponseInformation = true });
        var topic = requester.ConnAck.ResponseInformation!;
        requester.Subscribe(topic, QualityOfService.AtMostOnce);
        Receive(requester, new PublishPacket(TestLink.Message("t", "?") with { ResponseTopic = topic }));
        OneTurn();
        Assert.Equal(1, _broker.Counters.OpenExchanges);

        _broker.Advance(_broker.Options.ExchangeTimeout + TimeSpan.FromSeconds(1));
        _broker.Settle();

        Assert.All(responders, responder => responder.NextMessage("?"));
        Assert.Equal(0, _broker.Counters.OpenExchanges);
        Assert.Equal(ReasonCode.NotAuthorized, responders[0].PublishAcknowledged(topic, "late"));
    }

    [Fact]
    [Trait("Label", "MQTT-3.3.4-2")]
    public void Overlapping_subscriptions_are_one_delivery_here_too()
    {
        for (var i = 0; i < Turn; i++)
        {
            var link = _broker.Connect($"two{i}");
            link.Send(
                Subscribe("a/b", QualityOfService.AtMostOnce, identifier: 1),
                Subscribe("a/+", QualityOfService.AtLeastOnce, identifier: 2));
            link.All();
        }

        var both = _broker.Connect("both");
        both.Subscribe("a/+", QualityOfService.AtLeastOnce, identifier: 3);
        both.Subscribe("#", new SubscriptionOptions(QualityOfService.AtMostOnce, NoLocal: true), identifier: 4);
        var shared = _broker.Subscriber("shared", "$share/g/a/#");

        Assert.Equal(ReasonCode.Success, both.PublishAcknowledged("a/b", "x"));

        var own = both.NextMessage("x");
        Assert.Equal((QualityOfService.AtLeastOnce, 3u), (own.Message.QoS, own.SubscriptionIdentifiers.Single()));
        shared.NextMessage("x");
        Assert.Equal(Turn + 2, _broker.Counters.MessagesSent);

        static SubscribePacket Subscribe(string filter, QualityOfService qos, ushort identifier) => new()
        {
            PacketIdentifier = new(identifier),
            SubscriptionIdentifier = identifier,
            Subscriptions = [new(filter, new(qos))],
        };
    }

    [Fact]
    public void Very_many_share_groups_get_their_copies_in_slices()
    {
        var member = _broker.Connect("member");
        for (var i = 0; i < Many; i++)
        {
            member.Subscribe($"$share/{i}/t", QualityOfService.AtMostOnce);
        }

        var publisher = _broker.Connect("publisher");
        Receive(publisher, Packet("t", "1", identifier: 1));
        for (var i = 0; i < Many / Turn; i++)
        {
            publisher.ExpectNothing();
            OneTurn();
        }

        _broker.Settle();
        Assert.Equal(ReasonCode.Success, publisher.ExpectAnswer(PacketType.PubAck, new(1)));
        Assert.Equal(Many, member.All().Count);
    }

    [Fact]
    public void Branches_that_lead_nowhere_are_gone_through_in_slices()
    {
        const int Levels = 13;
        const int Branches = 1 << Levels;
        var broker = new HandTurnedBroker(new BrokerOptions { MaximumSubscriptions = Branches });
        var client = broker.Connect("client");
        for (var i = 0; i < Branches; i++)
        {
            var levels = Enumerable.Range(0, Levels).Select(level => (i >> level & 1) == 0 ? "+" : "x");
            client.Subscribe(string.Join('/', levels) + "/never", QualityOfService.AtMostOnce);
        }

        var publisher = broker.Connect("publisher");
        var publish = new PublishPacket(
            TestLink.Message(string.Join('/', Enumerable.Repeat("x", Levels)) + "/ever", "1", QualityOfService.AtLeastOnce))
        { PacketIdentifier = new(1) };
        broker.Engine.Receive(publisher.Connection, TestLink.Bytes(publish), broker.Now);

        var turns = 0;
        for (; broker.Engine.HasWork; turns++)
        {
            publisher.ExpectNothing();
            broker.Engine.Advance(broker.Now);
            broker.Engine.Flush(broker.Now);
        }

        // 2^14 - 1 levels begin like the topic.
        const int Steps = FanOuts.StepsPerTurn - FanOuts.StepsForNew;
        Assert.InRange(turns, 2 * Branches / Steps, 2 * Branches / Steps + 2);
        Assert.Equal(ReasonCode.NoMatchingSubscribers, publisher.ExpectAnswer(PacketType.PubAck, new(1)));
    }

    [Fact]
    public void Who_waits_is_not_taken_for_silent_and_what_it_sends_is_not_taken_for_half_a_packet()
    {
        Subscribers(Many);
        var publisher = _broker.Connect("publisher", connect => connect with { KeepAlive = 1 });
        Receive(publisher, Packet("t", "1"), Packet("small", new string('x', 100_000)), Packet("small", "2"));
        Assert.True(publisher.IsPaused);

        for (var i = 0; i < 3; i++)
        {
            _broker.Advance(TimeSpan.FromSeconds(200));
            OneTurn();
            Assert.True(publisher.Connection.IsOnHold && publisher.Connection.IsOpen);
        }

        _broker.Settle();
        Assert.False(publisher.IsPaused);
        publisher.ExpectNothing();
        Assert.Equal(3, _broker.Counters.MessagesReceived);
    }

    private List<TestLink> Subscribers(int count) =>
        [.. Enumerable.Range(0, count).Select(i => _broker.Subscriber(
            $"subscriber{i}", "t", QualityOfService.AtMostOnce, connect => connect with { KeepAlive = 0 }))];

    private static PublishPacket Packet(string topic, string payload, int identifier = 0) =>
        new(TestLink.Message(topic, payload, identifier == 0 ? QualityOfService.AtMostOnce : QualityOfService.AtLeastOnce))
        {
            PacketIdentifier = new((ushort)identifier),
        };

    /// <summary>Bytes arrive, and no turn has ended yet.</summary>
    private void Receive(TestLink link, params IEnumerable<Packet> packets) =>
        _broker.Engine.Receive(link.Connection, TestLink.Bytes(packets), _broker.Now);

    private void OneTurn()
    {
        _broker.Engine.Advance(_broker.Now);
        _broker.Engine.Flush(_broker.Now);
    }
}
