using System.Text;
using Antiphon.Protocol;
using Antiphon.Protocol.Packets;
using Antiphon.Protocol.Properties;

namespace Antiphon.Broker.Tests.Retained;

public sealed class RetainedMessageTests
{
    private readonly HandTurnedBroker _broker = new();

    [Fact]
    [Trait("Label", "MQTT-3.3.1-5")]
    [Trait("Label", "MQTT-3.3.1-9")]
    public void The_last_message_with_RETAIN_is_kept_for_later_subscribers_and_no_other()
    {
        var publisher = _broker.Connect("publisher");
        publisher.Publish(ToRetain("t", "first"));
        publisher.Publish(ToRetain("t", "second"));

        var subscriber = _broker.Subscriber("later", "t");

        Assert.True(subscriber.NextMessage("second").Message.Retain);
        subscriber.ExpectNothing();
        Assert.Equal(1, _broker.Counters.RetainedMessages);
    }

    [Fact]
    [Trait("Label", "MQTT-3.3.1-12")]
    [Trait("Label", "MQTT-3.3.1-13")]
    public void Those_who_are_there_get_it_as_any_message_with_RETAIN_if_they_want_it_as_published()
    {
        var plain = _broker.Subscriber("plain", "t");
        var asPublished = _broker.Connect("as published");
        asPublished.Subscribe("t", new SubscriptionOptions(QualityOfService.AtLeastOnce, RetainAsPublished: true));

        _broker.Connect("publisher").Publish(ToRetain("t", "x"));

        Assert.False(plain.NextMessage("x").Message.Retain);
        Assert.True(asPublished.NextMessage("x").Message.Retain);
        plain.ExpectNothing();
        asPublished.ExpectNothing();
    }

    [Theory]
    [InlineData(QualityOfService.AtMostOnce)]
    [InlineData(QualityOfService.AtLeastOnce)]
    [Trait("Label", "MQTT-3.3.1-6")]
    [Trait("Label", "MQTT-3.3.1-7")]
    public void An_empty_one_is_passed_on_and_removes_the_one_before(QualityOfService qos)
    {
        var publisher = _broker.Connect("publisher");
        publisher.Publish(ToRetain("a/b", "x"));
        var there = _broker.Subscriber("there", "a/b");
        there.NextMessage("x");

        publisher.Send(new PublishPacket(ToRetain("a/b", "", qos)) { PacketIdentifier = new((ushort)qos) });

        there.NextMessage("");
        _broker.Subscriber("later", "a/b").ExpectNothing();
        Assert.Equal(0, _broker.Counters.RetainedMessages);
        Assert.Equal(0, _broker.Counters.RetainedBytes);
    }

    [Fact]
    [Trait("Label", "MQTT-3.3.1-7")]
    public void An_empty_one_where_there_is_none_leaves_nothing_behind()
    {
        _broker.Connect("publisher").Publish(ToRetain("a/b/c", ""));

        Assert.Equal(0, _broker.Counters.RetainedMessages);
        Assert.Equal(0, _broker.Counters.RetainedBytes);
    }

    [Fact]
    [Trait("Label", "MQTT-3.3.1-8")]
    public void A_message_without_RETAIN_leaves_it_as_it_is()
    {
        var publisher = _broker.Connect("publisher");
        publisher.Publish(ToRetain("t", "kept"));
        publisher.Publish("t", "passes");
        publisher.Publish("t");

        var subscriber = _broker.Subscriber("later", "t");

        subscriber.NextMessage("kept");
        subscriber.ExpectNothing();
    }

    [Fact]
    [Trait("Label", "MQTT-3.3.2-4")]
    [Trait("Label", "MQTT-3.3.2-17")]
    public void It_comes_with_all_that_belongs_to_it()
    {
        var message = new ApplicationMessage
        {
            Topic = "t",
            QoS = QualityOfService.AtLeastOnce,
            Retain = true,
            Payload = Encoding.UTF8.GetBytes(new string('x', 5000)),
            ContentType = "text/plain",
            CorrelationData = new byte[] { 0, 9 },
            MessageExpiryInterval = 5,
            PayloadIsUtf8 = true,
            ResponseTopic = "answers",
            UserProperties = [new UserProperty("b", "2"), new UserProperty("a", "1"), new UserProperty("b", "3")],
        };
        _broker.Connect("publisher").PublishAcknowledged(message);

        var received = _broker.Subscriber("later", "t").Next<PublishPacket>().Message;

        Assert.Equal(message.Payload.ToArray(), received.Payload.ToArray());
        Assert.Equal(message.CorrelationData!.Value.ToArray(), received.CorrelationData!.Value.ToArray());
        Assert.Equal(message.UserProperties, received.UserProperties);
        Assert.Equal(
            message with { Payload = default, CorrelationData = null, UserProperties = [] },
            received with { Payload = default, CorrelationData = null, UserProperties = [] });
    }

    [Theory]
    [InlineData(QualityOfService.AtLeastOnce, QualityOfService.AtLeastOnce, QualityOfService.AtLeastOnce)]
    [InlineData(QualityOfService.AtLeastOnce, QualityOfService.AtMostOnce, QualityOfService.AtMostOnce)]
    [InlineData(QualityOfService.AtMostOnce, QualityOfService.AtLeastOnce, QualityOfService.AtMostOnce)]
    [Trait("Label", "MQTT-3.8.4-8")]
    public void It_has_the_lower_QoS_and_the_identifier_of_the_subscription(
        QualityOfService published, QualityOfService granted, QualityOfService expected)
    {
        _broker.Connect("publisher").Send(new PublishPacket(ToRetain("t", "x", published)) { PacketIdentifier = new((ushort)published) });
        var subscriber = _broker.Connect("later");
        subscriber.Subscribe("other", identifier: 8);

        subscriber.Subscribe("+", granted, identifier: 7);

        var publish = subscriber.NextMessage("x");
        Assert.Equal(expected, publish.Message.QoS);
        Assert.Equal([7u], publish.SubscriptionIdentifiers);
    }

    [Fact]
    [Trait("Label", "MQTT-3.3.2-6")]
    public void Its_expiry_counts_on_and_removes_it()
    {
        var publisher = _broker.Connect("publisher");
        publisher.Publish(ToRetain("a/b", "x") with { MessageExpiryInterval = 10 });
        _broker.TurnSeconds(3);
        Assert.Equal(7u, _broker.Subscriber("early", "a/#").NextMessage("x").Message.MessageExpiryInterval);
        _broker.TurnSeconds(6.9);
        Assert.Equal(1u, _broker.Subscriber("late", "a/#").NextMessage("x").Message.MessageExpiryInterval);
        Assert.Equal(1, _broker.Counters.RetainedMessages);

        _broker.TurnSeconds(0.2);

        _broker.Subscriber("too late", "a/#").ExpectNothing();
        Assert.Equal(0, _broker.Counters.RetainedMessages);
        Assert.Equal(0, _broker.Counters.RetainedBytes);
    }

    [Fact]
    public void A_message_that_replaces_another_has_an_expiry_of_its_own_or_none()
    {
        var publisher = _broker.Connect("publisher");
        publisher.Publish(ToRetain("longer", "x") with { MessageExpiryInterval = 10 });
        publisher.Publish(ToRetain("longer", "y") with { MessageExpiryInterval = 20 });
        publisher.Publish(ToRetain("for ever", "x") with { MessageExpiryInterval = 10 });
        publisher.Publish(ToRetain("for ever", "y"));

        _broker.TurnSeconds(15);

        Assert.Equal(2, _broker.Counters.RetainedMessages);
        Assert.Equal(5u, _broker.Subscriber("one", "longer").NextMessage("y").Message.MessageExpiryInterval);
        Assert.Null(_broker.Subscriber("other", "for ever").NextMessage("y").Message.MessageExpiryInterval);
    }

    [Fact]
    public void A_message_expired_from_the_start_replaces_the_one_before_with_nothing()
    {
        var publisher = _broker.Connect("publisher");
        publisher.Publish(ToRetain("t", "before"));

        publisher.Publish(ToRetain("t", "stale") with { MessageExpiryInterval = 0 });

        Assert.Equal(0, _broker.Counters.RetainedMessages);
    }

    [Fact]
    [Trait("Label", "MQTT-4.7.2-1")]
    public void A_wildcard_at_the_beginning_does_not_reach_topics_that_begin_with_a_dollar_sign()
    {
        var publisher = _broker.Connect("publisher");
        publisher.Publish(ToRetain("$own/a", "hidden"));
        publisher.Publish(ToRetain("$own", "hidden"));
        publisher.Publish(ToRetain("b", "plain"));
        publisher.Publish(ToRetain("a/$b", "inside"));

        Assert.Equal(["inside", "plain"], Texts(_broker.Subscriber("multi", "#")));
        Assert.Equal(["inside"], Texts(_broker.Subscriber("single", "+/+")));
        Assert.Equal(["plain"], Texts(_broker.Subscriber("one", "+")));
        Assert.Equal(["hidden", "hidden"], Texts(_broker.Subscriber("named", "$own/#")));
    }

    [Fact]
    public void A_message_to_an_own_response_topic_is_never_retained()
    {
        var requester = _broker.Connect("requester", connect => connect with { RequestResponseInformation = true });
        var topic = requester.ConnAck.ResponseInformation + "/0";
        requester.Subscribe(topic);

        requester.Publish(ToRetain(topic, "x"));

        requester.NextMessage("x");
        Assert.Equal(0, _broker.Counters.RetainedMessages);
        requester.Subscribe(topic);
        requester.ExpectNothing();
    }

    [Fact]
    public void A_retained_request_that_is_replayed_opens_no_exchange()
    {
        var requester = _broker.Connect("requester", connect => connect with { RequestResponseInformation = true });
        var topic = requester.ConnAck.ResponseInformation + "/0";
        requester.Subscribe(topic);
        requester.Publish(ToRetain("service", "?") with { ResponseTopic = topic, CorrelationData = new byte[] { 1 } });
        var responder = _broker.Subscriber("responder", "service");
        responder.NextMessage("?");

        Assert.Equal(0, _broker.Counters.OpenExchanges);
        Assert.Equal(
            ReasonCode.NotAuthorized,
            responder.PublishAcknowledged(TestLink.Message(topic, "!") with { CorrelationData = new byte[] { 1 } }));
        requester.ExpectNothing();
    }

    [Fact]
    public void Without_RetainAvailable_CONNACK_says_so_and_RETAIN_ends_the_connection_with_0x9A()
    {
        var broker = new HandTurnedBroker(new BrokerOptions { RetainAvailable = false });
        var publisher = broker.Connect("publisher");
        Assert.False(publisher.ConnAck.RetainAvailable);

        publisher.Publish(ToRetain("t", "x"));

        publisher.ExpectDisconnect(ReasonCode.RetainNotSupported);
        Assert.Equal(0, broker.Counters.RetainedMessages);
    }

    internal static ApplicationMessage ToRetain(string topic, string payload, QualityOfService qos = QualityOfService.AtMostOnce) =>
        TestLink.Message(topic, payload, qos) with { Retain = true };

    internal static IEnumerable<string> Texts(TestLink link) =>
        link.All().Cast<PublishPacket>().Select(TestLink.Text).Order(StringComparer.Ordinal);
}
