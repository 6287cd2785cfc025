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
        Assert.Equal(ReasonCode.NoMatchingSubscribers, PublishNow(other, "t"));

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

    private TestLink Subscriber(string clientId, string filter)
    {
        var link = _broker.Connect(clientId, connect => connect with { SessionExpiryInterval = 3600 });
        link.Subscribe(filter, QualityOfService.AtLeastOnce);
        return link;
    }

    /// <summary>Publishes without a turn of the loop.</summary>
    private ReasonCode PublishNow(TestLink publisher, string topic)
    {
        var publish = new PublishPacket(TestLink.Message(topic, "x", QualityOfService.AtLeastOnce)) { PacketIdentifier = new(1) };
        _broker.Engine.Receive(publisher.Connection, TestLink.Bytes(publish), _broker.Now);
        publisher.Flush();
        return publisher.Next<AcknowledgementPacket>().ReasonCode;
    }
}
