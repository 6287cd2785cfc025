using System.Text;
using Antiphon.Broker.ResponseTopics;
using Antiphon.Protocol;
using Antiphon.Protocol.Packets;

namespace Antiphon.Broker.Tests.ResponseTopics;

public sealed class OwnResponseTopicsTests
{
    [Fact]
    public void A_request_is_answered_on_the_requesters_own_response_topic()
    {
        var broker = new HandTurnedBroker();
        var (requester, root) = Requester(broker);
        var responder = broker.Subscriber("responder", "service");
        requester.Subscribe(root + "/0", identifier: 5);

        Assert.Equal(ReasonCode.Success, requester.PublishAcknowledged(Request(root + "/0")));
        var request = responder.NextMessage("?").Message;
        Assert.Equal(ReasonCode.Success, responder.PublishAcknowledged(Answer(request)));

        var response = requester.NextMessage("!");
        Assert.Equal(root + "/0", response.Message.Topic);
        Assert.Equal([5u], response.SubscriptionIdentifiers);
        Assert.Equal([1, 2, 3], response.Message.CorrelationData!.Value.ToArray());
    }

    [Fact]
    public void Response_Information_is_unguessable_different_for_each_and_lasts_as_long_as_the_Session()
    {
        var broker = new HandTurnedBroker();
        var roots = Enumerable.Range(0, 100).Select(i => Requester(broker, $"requester{i}").Root).ToList();

        Assert.Equal(100, roots.Distinct().Count());
        Assert.All(roots, root => Assert.Matches("^\\$reply/[A-Za-z0-9_-]{22}$", root));
        Assert.Equal(roots[7], Requester(broker, "requester7").Root);
        var fresh = broker.Connect("requester7", connect => connect with { CleanStart = true, RequestResponseInformation = true });
        Assert.NotEqual(roots[7], fresh.ConnAck.ResponseInformation);
    }

    [Theory]
    [InlineData("{other}")]
    [InlineData("{other}/0")]
    [InlineData("{other}/#")]
    [InlineData("{own}x")]
    [InlineData("{own}x/0")]
    [InlineData("$reply")]
    [InlineData("$reply/")]
    [InlineData("$reply/#")]
    [InlineData("$reply/+")]
    [InlineData("$reply/+/0")]
    [InlineData("$share/g/{own}")]
    [InlineData("$share/g/{own}/#")]
    [InlineData("$share/g/{other}/#")]
    [InlineData("$share/g/$reply/#")]
    public void A_filter_in_the_space_of_response_topics_that_is_not_ones_own_is_refused_with_0x87(string filter)
    {
        var broker = new HandTurnedBroker();
        var (_, other) = Requester(broker, "other");
        var (client, own) = Requester(broker, "client");

        var answer = client.Subscribe(
            filter.Replace("{other}", other, StringComparison.Ordinal).Replace("{own}", own, StringComparison.Ordinal));

        Assert.Equal([ReasonCode.NotAuthorized], answer.ReasonCodes);
        Assert.Equal(0, broker.Counters.Subscriptions);
    }

    [Theory]
    [InlineData("{own}")]
    [InlineData("{own}/0")]
    [InlineData("{own}/+/x")]
    [InlineData("{own}/#")]
    public void A_filter_at_or_below_ones_own_root_is_granted_and_can_be_given_up(string filter)
    {
        var broker = new HandTurnedBroker();
        var (client, own) = Requester(broker);
        filter = filter.Replace("{own}", own, StringComparison.Ordinal);

        Assert.Equal([ReasonCode.GrantedQoS1], client.Subscribe(filter).ReasonCodes);
        Assert.Equal(1, broker.Counters.Subscriptions);
        Assert.Equal([ReasonCode.Success], client.Unsubscribe(filter).ReasonCodes);
        Assert.Equal([ReasonCode.NoSubscriptionExisted], client.Unsubscribe(filter).ReasonCodes);
        Assert.Equal(0, broker.Counters.Subscriptions);
    }

    [Fact]
    public void Without_asking_for_Response_Information_there_is_no_own_topic()
    {
        var client = new HandTurnedBroker().Connect("client");

        Assert.Equal([ReasonCode.NotAuthorized], client.Subscribe("$reply/anything").ReasonCodes);
    }

    [Theory]
    [InlineData("#")]
    [InlineData("+/#")]
    [InlineData("+/+/+")]
    [InlineData("$share/g/#")]
    public void No_wildcard_sees_a_response(string filter)
    {
        var broker = new HandTurnedBroker();
        var spy = broker.Subscriber("spy", filter);
        var (requester, root) = Requester(broker);
        requester.Subscribe(root + "/#");

        requester.Publish(root + "/0", "!");

        requester.NextMessage("!");
        spy.ExpectNothing();
    }

    [Fact]
    public void Overlapping_subscriptions_to_ones_own_topic_get_one_copy()
    {
        var broker = new HandTurnedBroker();
        var (requester, root) = Requester(broker);
        requester.Subscribe(root + "/#", QualityOfService.AtMostOnce, 1);
        requester.Subscribe(root + "/0", QualityOfService.AtLeastOnce, 2);
        requester.Subscribe(root + "/1", QualityOfService.AtLeastOnce, 3);

        requester.Send(new PublishPacket(TestLink.Message(root + "/0", "!", QualityOfService.AtLeastOnce)) { PacketIdentifier = new(9) });

        var publish = Assert.IsType<PublishPacket>(Assert.Single(requester.All(), packet => packet is PublishPacket));
        Assert.Equal([1u, 2u], publish.SubscriptionIdentifiers.Order());
        Assert.Equal(QualityOfService.AtLeastOnce, publish.Message.QoS);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(ResponseSubscriptions.Few)]
    [InlineData(ResponseSubscriptions.Few + 1)]
    [InlineData(100)]
    public void Few_or_many_subscriptions_to_ones_own_topics_match_alike(int count)
    {
        var broker = new HandTurnedBroker();
        var (requester, root) = Requester(broker);
        for (var i = 0; i < count; i++)
        {
            requester.Subscribe($"{root}/{i}", QualityOfService.AtMostOnce, (uint)i + 1);
        }

        Assert.Equal(ReasonCode.NoMatchingSubscribers, requester.PublishAcknowledged($"{root}/{count}"));
        Assert.Equal(ReasonCode.Success, requester.PublishAcknowledged($"{root}/{count - 1}", "!"));
        Assert.Equal([(uint)count], requester.NextMessage("!").SubscriptionIdentifiers);

        requester.Subscribe(root + "/+", QualityOfService.AtMostOnce, 1000);
        requester.Publish($"{root}/0", "both");
        Assert.Equal([1u, 1000u], requester.NextMessage("both").SubscriptionIdentifiers.Order());

        for (var i = 0; i < count; i++)
        {
            requester.Unsubscribe($"{root}/{i}");
        }

        requester.Publish($"{root}/0", "one");
        Assert.Equal([1000u], requester.NextMessage("one").SubscriptionIdentifiers);
        requester.Unsubscribe(root + "/+");
        Assert.Equal(ReasonCode.NoMatchingSubscribers, requester.PublishAcknowledged($"{root}/0"));
        Assert.Equal(0, broker.Counters.Subscriptions);
    }

    [Fact]
    public void Ten_thousand_subscriptions_to_ones_own_topics_do_not_make_each_message_dear()
    {
        const int Count = 10_000;
        var broker = new HandTurnedBroker(new BrokerOptions { MaximumSubscriptions = Count });
        var (requester, root) = Requester(broker);
        for (var i = 0; i < Count; i++)
        {
            requester.Subscribe($"{root}/{i}", QualityOfService.AtMostOnce);
        }

        var start = TimeProvider.System.GetTimestamp();
        for (var i = 0; i < 20 * Count; i++)
        {
            requester.Publish($"{root}/{i % Count}", "!");
        }

        Assert.Equal(20 * Count, broker.Counters.MessagesSent);

        // Half a second. Each compared with all, 2e9 times, it would take more than a minute.
        Assert.InRange(TimeProvider.System.GetElapsedTime(start), TimeSpan.Zero, TimeSpan.FromSeconds(20));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    [Trait("Label", "MQTT-3.3.1-13")]
    public void A_response_with_RETAIN_is_not_retained_and_says_so_to_who_wants_that_as_published(bool overlapping)
    {
        var broker = new HandTurnedBroker();
        var (requester, root) = Requester(broker);
        var options = new SubscriptionOptions(QualityOfService.AtMostOnce) { RetainAsPublished = true };
        requester.Subscribe(root + "/0", options);
        if (overlapping)
        {
            requester.Subscribe(root + "/#", options);
        }

        requester.Publish(TestLink.Message(root + "/0", "!") with { Retain = true });

        Assert.True(requester.NextMessage("!").Message.Retain);
        requester.Subscribe(root + "/+");
        requester.ExpectNothing();
        Assert.Equal(0, broker.Counters.RetainedMessages);
    }

    [Fact]
    public void A_response_waits_for_a_requester_that_is_away_and_ends_with_its_Session()
    {
        var broker = new HandTurnedBroker();
        var (requester, root) = Requester(broker);
        requester.Subscribe(root + "/0");
        var responder = broker.Subscriber("responder", "service");
        requester.PublishAcknowledged(Request(root + "/0"));
        requester.PublishAcknowledged(Request(root + "/0") with { CorrelationData = new byte[] { 9 } });
        requester.Lose();

        Assert.Equal(ReasonCode.Success, responder.PublishAcknowledged(Answer(responder.Next<PublishPacket>().Message)));
        var (back, _) = Requester(broker);
        back.NextMessage("!");
        back.Lose();
        broker.TurnSeconds(61);

        Assert.NotEqual(ReasonCode.Success, responder.PublishAcknowledged(Answer(responder.Next<PublishPacket>().Message)));
    }

    [Fact]
    public void Nobody_but_who_received_the_request_may_answer()
    {
        var broker = new HandTurnedBroker();
        var (requester, root) = Requester(broker);
        requester.Subscribe(root + "/0");
        var responder = broker.Subscriber("responder", "service");
        var other = broker.Subscriber("other", "other");
        requester.PublishAcknowledged(Request(root + "/0"));
        var request = responder.Next<PublishPacket>().Message;

        Assert.Equal(ReasonCode.NotAuthorized, other.PublishAcknowledged(Answer(request)));
        Assert.Equal(ReasonCode.NotAuthorized, responder.PublishAcknowledged(Answer(request) with { CorrelationData = new byte[] { 7 } }));
        Assert.Equal(ReasonCode.Success, responder.PublishAcknowledged(Answer(request)));
        Assert.Equal(ReasonCode.NotAuthorized, responder.PublishAcknowledged(Answer(request)));

        requester.NextMessage("!");
        requester.ExpectNothing();
        Assert.Equal(0, broker.Counters.OpenExchanges);
    }

    [Theory]
    [Trait("Label", "MQTT-3.4.2-2")]
    [Trait("Label", "MQTT-3.5.2-2")]
    [InlineData(QualityOfService.AtLeastOnce, false, true, "40 BB 01 0007 87 B6 01 1F 00B3")]
    [InlineData(QualityOfService.ExactlyOnce, false, true, "50 BB 01 0007 87 B6 01 1F 00B3")]
    [InlineData(QualityOfService.AtLeastOnce, false, false, "40 03 0007 87")]
    [InlineData(QualityOfService.ExactlyOnce, false, false, "50 03 0007 87")]
    [InlineData(QualityOfService.AtLeastOnce, true, true, "40 03 0007 10")]
    [InlineData(QualityOfService.ExactlyOnce, true, true, "50 03 0007 10")]
    [InlineData(QualityOfService.AtMostOnce, false, true, "")]
    public void Who_may_not_answer_is_told_why_in_these_bytes(QualityOfService qos, bool dup, bool wantsReason, string expected)
    {
        var broker = new HandTurnedBroker();
        var (requester, root) = Requester(broker);
        requester.Subscribe(root + "/0");
        var uninvited = broker.Connect("uninvited", connect => connect with { RequestProblemInformation = wantsReason });
        var before = uninvited.Received.Length;

        uninvited.Send(new PublishPacket(TestLink.Message(root + "/0", "!", qos)) { PacketIdentifier = new(7), Dup = dup });

        var received = uninvited.Received[before..].ToArray();
        var bytes = Convert.FromHexString(expected.Replace(" ", "", StringComparison.Ordinal));
        Assert.Equal(Convert.ToHexString(bytes), Convert.ToHexString(received.AsSpan(0, Math.Min(received.Length, bytes.Length))));
        Assert.Equal(
            expected.EndsWith("B3", StringComparison.Ordinal)
                ? "It is $SYS, where only the broker publishes; or a response topic, where only who received a request may answer it: "
                    + "the response is late, uninvited, or one more than was asked for."
                : "",
            Encoding.UTF8.GetString(received.AsSpan(bytes.Length)));
        Assert.Equal(1, broker.Counters.UninvitedResponses);
        requester.ExpectNothing();
    }

    private static (TestLink Client, string Root) Requester(HandTurnedBroker broker, string clientId = "requester")
    {
        var client = broker.Connect(clientId, connect => connect with { RequestResponseInformation = true, SessionExpiryInterval = 60 });
        return (client, client.ConnAck.ResponseInformation!);
    }

    private static ApplicationMessage Request(string responseTopic) =>
        TestLink.Message("service", "?") with { ResponseTopic = responseTopic, CorrelationData = new byte[] { 1, 2, 3 } };

    private static ApplicationMessage Answer(ApplicationMessage request) =>
        TestLink.Message(request.ResponseTopic!, "!") with { CorrelationData = request.CorrelationData };
}
