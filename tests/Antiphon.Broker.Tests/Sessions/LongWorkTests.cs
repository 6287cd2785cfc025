using Antiphon.Protocol;
using Antiphon.Protocol.Packets;

namespace Antiphon.Broker.Tests.Sessions;

/// <summary>
/// What many clients leave behind, or few of them much, must not grow with its square, and no turn may do all of it.
/// The limits of time are generous: a quadratic way would take minutes.
/// </summary>
public sealed class LongWorkTests
{
    private const int Many = 100_000;
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    private readonly HandTurnedBroker _broker = new(new BrokerOptions
    {
        MaximumSubscriptions = Many,
        MaximumQueuedMessages = Many,
        MaximumInflight = ushort.MaxValue,
        MaximumSessionBytes = 16L * 1024 * 1024 * 1024,
    });

    [Fact]
    public void A_hundred_thousand_share_groups_on_one_topic_come_and_go_one_by_one()
    {
        var start = TimeProvider.System.GetTimestamp();
        var client = _broker.Connect("client");
        for (var i = 0; i < Many; i++)
        {
            Assert.Equal(ReasonCode.Success, client.Subscribe($"$share/{i}/t", QualityOfService.AtMostOnce).ReasonCodes[0]);
        }

        for (var i = 0; i < Many; i++)
        {
            client.Unsubscribe($"$share/{i}/t");
        }

        Assert.Equal(0, _broker.Counters.Subscriptions);
        Assert.InRange(TimeProvider.System.GetElapsedTime(start), TimeSpan.Zero, Limit);
    }

    [Theory]
    [InlineData("t/{0}")]
    [InlineData("$share/{0}/t")]
    [InlineData("$share/group/t/{0}")]
    public void A_Session_with_a_hundred_thousand_subscriptions_ends_in_slices(string filter)
    {
        var client = _broker.Connect("client");
        for (var i = 0; i < Many; i++)
        {
            client.Subscribe(string.Format(null, filter, i), QualityOfService.AtMostOnce);
        }

        var other = _broker.Connect("other");
        _broker.Engine.Ended(client.Connection, _broker.Now);

        // It is gone at once, for those who publish and for those who look for it.
        Assert.Null(_broker.Engine.FindSession("client"));
        Assert.Equal(1, _broker.Counters.Sessions);
        Assert.Equal(ReasonCode.NoMatchingSubscribers, PublishNow(other, "t/5"));
        if (filter != "$share/{0}/t")
        {
            // To a hundred thousand groups it would go in slices too.
            Assert.Equal(ReasonCode.NoMatchingSubscribers, PublishNow(other, "t"));
        }

        var turns = Turns(() => _broker.Counters.Subscriptions);
        Assert.InRange(turns.Count, Many / EndedSessionsSteps - 1, Many / EndedSessionsSteps + 2);
        Assert.All(turns, removed => Assert.InRange(removed, 0, EndedSessionsSteps));
        Assert.Equal(0, _broker.Counters.Subscriptions);
    }

    [Fact]
    public void A_Session_with_a_hundred_thousand_messages_ends_in_slices_and_a_member_of_its_share_group_gets_them()
    {
        var away = Subscriber("away", "$share/group/t");
        away.Lose();
        var publisher = _broker.Connect("publisher");
        for (var i = 0; i < Many; i++)
        {
            Assert.Equal(ReasonCode.Success, PublishNow(publisher, "t"));
        }

        var heir = Subscriber("heir", "$share/group/t");
        heir.Lose();
        var restarted = _broker.Open();
        restarted.Send(new ConnectPacket { ClientId = "away", CleanStart = true });

        Assert.Equal(Many, _broker.Counters.Redispatched);
        Assert.Equal(0, _broker.Counters.DroppedWithSession + _broker.Counters.DroppedQueueFull);
    }

    [Fact]
    public void A_client_in_a_hundred_thousand_share_groups_comes_and_goes_in_slices_and_no_message_is_given_to_who_is_away()
    {
        var often = Subscriber("often", "u");
        for (var i = 0; i < Many; i++)
        {
            often.Subscribe($"$share/g/t/{i}", QualityOfService.AtLeastOnce);
        }

        var other = _broker.Connect("other");
        for (var i = 0; i < Many; i += Many / 10)
        {
            other.Subscribe($"$share/g/t/{i}", QualityOfService.AtLeastOnce);
        }

        var publisher = _broker.Connect("publisher");
        for (var round = 0; round < 3; round++)
        {
            _broker.Engine.Ended(often.Connection, _broker.Now);
            Assert.True(_broker.Engine.HasWork);
            for (var i = 0; i < Many; i += Many / 10)
            {
                Assert.Equal(ReasonCode.Success, PublishNow(publisher, $"t/{i}"));
                Assert.Equal(ReasonCode.Success, PublishNow(publisher, $"t/{i}"));
            }

            // All went to the other, though few groups have been told so far.
            other.Flush();
            var got = other.All().Cast<PublishPacket>().ToList();
            Assert.Equal(20, got.Count);
            got.ForEach(other.Acknowledge);

            // It comes and goes before all have been told, too.
            often = _broker.Open();
            often.Send(new ConnectPacket { ClientId = "often", CleanStart = false, SessionExpiryInterval = 3600 });
            for (var i = 0; i < Many; i += Many / 10)
            {
                Assert.Equal(ReasonCode.Success, PublishNow(publisher, $"t/{i}"));
                Assert.Equal(ReasonCode.Success, PublishNow(publisher, $"t/{i}"));
            }

            // Equally busy members take turns again.
            other.Flush();
            got = [.. other.All().Cast<PublishPacket>()];
            Assert.Equal(10, got.Count);
            got.ForEach(other.Acknowledge);
            often.Flush();
            got = [.. often.All().OfType<PublishPacket>()];
            Assert.Equal(10, got.Count);
            got.ForEach(often.Acknowledge);
        }
    }

    [Fact]
    public void A_long_queue_goes_to_another_member_in_slices_when_the_connection_is_lost_and_who_is_back_gets_the_rest_in_order()
    {
        const int Count = 5 * Broker.Publishing.Redispatch.StepsPerTurn;
        var first = Subscriber("first", "$share/g/t", receiveMaximum: 1);
        first.Subscribe("own", QualityOfService.AtLeastOnce);
        var publisher = _broker.Connect("publisher");
        for (var i = 0; i < Count; i++)
        {
            Assert.Equal(ReasonCode.Success, PublishNow(publisher, i % 10 == 0 ? "own" : "t", $"{i}"));
        }

        var second = Subscriber("second", "$share/g/t");
        _broker.Engine.Ended(first.Connection, _broker.Now);
        var before = _broker.Counters.Redispatched;
        Assert.InRange(before, 1, Broker.Publishing.Redispatch.StepsPerTurn);
        Assert.True(_broker.Engine.HasWork);
        _broker.Engine.Advance(_broker.Now);
        _broker.Engine.Flush(_broker.Now);
        _broker.Engine.Advance(_broker.Now);
        Assert.InRange(_broker.Counters.Redispatched - before, 1, 2 * Broker.Publishing.Redispatch.StepsPerTurn);
        var passed = _broker.Counters.Redispatched;

        // New ones come, and the client is back before all was looked at.
        Assert.Equal(ReasonCode.Success, PublishNow(publisher, "own", "last"));
        var back = _broker.Open();
        back.Send(new ConnectPacket { ClientId = "first", CleanStart = false, SessionExpiryInterval = 3600 });

        Assert.Equal(passed, _broker.Counters.Redispatched);
        second.Flush();
        var toSecond = Numbers(second);
        var toFirst = Numbers(first).Concat(Numbers(back)).ToList();
        Assert.Equal(passed, toSecond.Count);
        Assert.Equal(toSecond.Order(), toSecond);
        Assert.Equal(toFirst.Order(), toFirst);
        Assert.Equal(Count + 1, toFirst.Concat(toSecond).Distinct().Count());
        Assert.DoesNotContain(toSecond, number => number % 10 == 0);

        static List<int> Numbers(TestLink link) =>
            [.. link.All().OfType<PublishPacket>().Where(publish => !publish.Dup).Select(TestLink.Text)
                .Select(text => text == "last" ? int.MaxValue : int.Parse(text, null))];
    }

    [Fact]
    public void A_Session_whose_messages_wait_for_their_PUBCOMP_ends_in_slices()
    {
        const int Count = 3 * EndedSessionsSteps;
        var client = _broker.Subscriber("client", "t", QualityOfService.ExactlyOnce);
        var publisher = _broker.Connect("publisher");
        for (var i = 0; i < Count; i++)
        {
            publisher.PublishExactlyOnce("t");
        }

        foreach (var publish in client.All().Cast<PublishPacket>())
        {
            client.Answer(PacketType.PubRec, publish.PacketIdentifier);
        }

        _broker.Engine.Ended(client.Connection, _broker.Now);

        Assert.InRange(Turns(() => _broker.Engine.BufferBytes).Count, 3, 5);
        Assert.Equal(0, _broker.Counters.Sessions - 1);
    }

    [Fact]
    public void Taking_the_first_of_many_subscriptions_copies_none()
    {
        var session = new Broker.Sessions.Session("client");
        var list = new Broker.Subscriptions.SubscriptionList();
        for (var i = 0; i < Many; i++)
        {
            list.Add(new Broker.Subscriptions.Subscription(session, $"t/{i}"));
        }

        var allocated = GC.GetAllocatedBytesForCurrentThread();
        var left = Many;
        for (; list.TryTake(out var taken); left--)
        {
            Assert.False(list.TryGet(taken.TopicFilter, out _));
        }

        Assert.Equal(0, left);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - allocated, 0, 4096);
    }

    [Fact]
    public void Twenty_thousand_Sessions_expire_at_once_in_slices()
    {
        for (var i = 0; i < 20_000; i++)
        {
            var client = _broker.Connect($"client{i}", connect => connect with { SessionExpiryInterval = 60 });
            client.Subscribe($"t/{i}", QualityOfService.AtMostOnce);
            client.Lose();
        }

        _broker.Advance(TimeSpan.FromSeconds(61));

        var ended = Turns(() => _broker.Counters.Sessions);
        Assert.All(ended, ends => Assert.InRange(ends, 0, BrokerEngine.DeadlinesPerTurn));
        Assert.Equal(0, _broker.Counters.Sessions + _broker.Counters.Subscriptions);
    }

    private const int EndedSessionsSteps = Broker.Sessions.EndedSessions.StepsPerTurn;

    /// <summary>Turns of the loop until nothing is left to do.</summary>
    /// <returns>By how much a figure fell in each.</returns>
    private List<long> Turns(Func<long> figure)
    {
        var falls = new List<long>();
        do
        {
            var before = figure();
            _broker.Engine.Advance(_broker.Now);
            _broker.Engine.Flush(_broker.Now);
            falls.Add(before - figure());
        }
        while (_broker.Engine.HasWork);
        return falls;
    }

    private TestLink Subscriber(string clientId, string filter, ushort? receiveMaximum = null)
    {
        var link = _broker.Connect(
            clientId, connect => connect with { SessionExpiryInterval = 3600, ReceiveMaximum = receiveMaximum });
        link.Subscribe(filter, QualityOfService.AtLeastOnce);
        return link;
    }

    /// <summary>Publishes without a turn of the loop.</summary>
    private ReasonCode PublishNow(TestLink publisher, string topic, string payload = "x")
    {
        var publish = new PublishPacket(TestLink.Message(topic, payload, QualityOfService.AtLeastOnce)) { PacketIdentifier = new(1) };
        _broker.Engine.Receive(publisher.Connection, TestLink.Bytes(publish), _broker.Now);
        publisher.Flush();
        return publisher.Next<AcknowledgementPacket>().ReasonCode;
    }
}
