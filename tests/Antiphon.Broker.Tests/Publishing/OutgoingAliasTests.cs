using Antiphon.Protocol;
using Antiphon.Protocol.Packets;

namespace Antiphon.Broker.Tests.Publishing;

/// <summary>Topic Aliases from the broker to its clients (MQTT 5 §3.3.2.3.4).</summary>
public sealed class OutgoingAliasTests
{
    private const string Topic = "a/topic/of/some/length";

    private readonly HandTurnedBroker _broker = new();

    [Theory]
    [Trait("Label", "MQTT-3.3.2-8")]
    [Trait("Label", "MQTT-3.3.2-11")]
    [Trait("Label", "MQTT-3.1.2-26")]
    [InlineData(QualityOfService.AtMostOnce)]
    [InlineData(QualityOfService.AtLeastOnce)]
    public void A_topic_that_comes_again_is_taught_and_then_stands_for_itself(QualityOfService qos)
    {
        var subscriber = _broker.Subscriber("subscriber", "#", qos, connect => connect with { TopicAliasMaximum = 1 });
        var publisher = _broker.Connect("publisher");
        for (ushort i = 1; i <= 4; i++)
        {
            var identifier = new PacketIdentifier(qos == QualityOfService.AtMostOnce ? (ushort)0 : i);
            publisher.Send(new PublishPacket(TestLink.Message(Topic, $"{i}", qos)) { PacketIdentifier = identifier });
        }

        Assert.Equal([(Topic, null), (Topic, 1), ("", 1), ("", 1)], Sent(subscriber));
    }

    [Fact]
    public void A_QoS_2_message_has_its_topic_though_the_client_knows_an_alias_for_it()
    {
        var subscriber = _broker.Subscriber(
            "subscriber", "#", QualityOfService.ExactlyOnce, connect => connect with { TopicAliasMaximum = 1 });
        var publisher = _broker.Connect("publisher");
        publisher.PublishAcknowledged(Topic);
        publisher.PublishAcknowledged(Topic);

        publisher.PublishExactlyOnce(Topic);
        publisher.PublishExactlyOnce(Topic);
        publisher.PublishAcknowledged(Topic);

        Assert.Equal([(Topic, null), (Topic, 1), (Topic, null), (Topic, null), ("", 1)], Sent(subscriber));
    }

    [Fact]
    public void Aliases_count_in_what_a_Session_holds_and_where_there_is_no_room_topics_go_without()
    {
        // A sixteenth of it for one Session: 64 KB.
        var broker = new HandTurnedBroker(new BrokerOptions { MaximumSessionBytes = 1024 * 1024, MaximumOutgoingTopicAliases = 1000 });
        var narrow = broker.Subscriber(
            "narrow", "#", with: connect => connect with { TopicAliasMaximum = 1000, SessionExpiryInterval = 100 });
        var publisher = broker.Connect("publisher");
        var before = broker.Engine.SessionBytes;
        for (var round = 0; round < 3; round++)
        {
            for (var i = 0; i < 200; i++)
            {
                for (var repeat = 0; repeat < 3; repeat++)
                {
                    publisher.Publish($"{i}/{new string('t', 900)}", "x");
                }
            }

            Assert.InRange(broker.Engine.SessionBytes - before, 55_000, 65_536);
        }

        var sent = Sent(narrow);
        Assert.Equal(1800, sent.Count);
        Assert.InRange(sent.Count(each => each.Topic == ""), 30, 600);
        narrow.Lose();
        Assert.Equal(before, broker.Engine.SessionBytes);

        // A table that takes more than there is room for is not begun.
        var wide = new HandTurnedBroker(
            new BrokerOptions { MaximumSessionBytes = 1024 * 1024, MaximumOutgoingTopicAliases = ushort.MaxValue });
        var subscriber = wide.Subscriber("subscriber", "#", with: connect => connect with { TopicAliasMaximum = ushort.MaxValue });
        for (var i = 0; i < 3; i++)
        {
            wide.Connect($"publisher{i}").Publish(Topic);
        }

        Assert.All(Sent(subscriber), each => Assert.Equal((Topic, null), each));
    }

    [Fact]
    [Trait("Label", "MQTT-3.1.2-27")]
    public void A_client_that_takes_none_is_sent_none_and_a_topic_that_would_not_get_shorter_has_none()
    {
        var without = _broker.Subscriber("without", "#");
        var with = _broker.Subscriber("with", "#", with: connect => connect with { TopicAliasMaximum = 10 });
        var publisher = _broker.Connect("publisher");
        for (var i = 0; i < 4; i++)
        {
            publisher.Publish("a/b");
            publisher.Publish(Topic);
        }

        Assert.All(Sent(without), sent => Assert.Null(sent.Alias));
        var sent = Sent(with);
        Assert.Equal(Enumerable.Repeat(("a/b", (ushort?)null), 4), sent.Where((_, i) => i % 2 == 0));
        Assert.Equal([Topic, Topic, "", ""], sent.Where((_, i) => i % 2 == 1).Select(each => each.Topic));
    }

    [Fact]
    public void Topics_that_do_not_come_again_take_no_alias_from_one_that_does()
    {
        var subscriber = _broker.Subscriber("subscriber", "#", with: connect => connect with { TopicAliasMaximum = 1 });
        var publisher = _broker.Connect("publisher");
        publisher.Publish(Topic);
        publisher.Publish(Topic);
        Sent(subscriber);
        for (var i = 0; i < 10; i++)
        {
            publisher.Publish($"answers/{i}");
            publisher.Publish(Topic);
        }

        Assert.Equal(
            Enumerable.Range(0, 10).SelectMany(i => new (string, ushort?)[] { ($"answers/{i}", null), ("", 1) }),
            Sent(subscriber));
    }

    [Fact]
    [Trait("Label", "MQTT-3.3.2-7")]
    public void A_new_connection_is_taught_anew()
    {
        var subscriber = _broker.Subscriber(
            "subscriber", "#", with: connect => connect with { TopicAliasMaximum = 1, SessionExpiryInterval = 100 });
        var publisher = _broker.Connect("publisher");
        publisher.PublishAcknowledged(Topic);
        publisher.PublishAcknowledged(Topic);
        publisher.PublishAcknowledged(Topic);
        Assert.Equal([(Topic, null), (Topic, 1), ("", 1)], Sent(subscriber));
        subscriber.Lose();

        var back = _broker.Connect("subscriber", connect => connect with { TopicAliasMaximum = 1, SessionExpiryInterval = 100 });

        Assert.Equal([(Topic, null), (Topic, 1), ("", 1)], Sent(back));
        back.Lose();
        Assert.All(Sent(_broker.Connect("subscriber")), sent => Assert.Equal((Topic, null), sent));
    }

    [Fact]
    [Trait("Label", "MQTT-3.1.2-24")]
    public void A_packet_that_was_too_large_has_taught_nothing_and_the_alias_makes_no_packet_too_large()
    {
        var subscriber = _broker.Subscriber(
            "subscriber", "#", with: connect => connect with { TopicAliasMaximum = 1, MaximumPacketSize = 64 });
        var publisher = _broker.Connect("publisher");
        var longest = new string('x', 64 - 2 - 2 - Topic.Length - 1);

        publisher.Publish(Topic, new string('x', 64));
        publisher.Publish(Topic, new string('x', 64));
        publisher.Publish(Topic, longest);
        publisher.Publish(Topic, longest);
        publisher.Publish(Topic, "short");
        publisher.Publish(Topic, "short");
        publisher.Publish(Topic, new string('y', 50));

        Assert.Equal([(Topic, null), (Topic, null), (Topic, 1), ("", 1), ("", 1)], Sent(subscriber));
        Assert.Equal(2, _broker.Counters.TooLargeForReceiver);
    }

    [Theory]
    [InlineData(3, 10, 3)]
    [InlineData(10, 3, 3)]
    [InlineData(10, 0, 0)]
    public void There_are_as_many_as_both_sides_allow_and_each_topic_arrives_under_its_own_name(ushort option, ushort client, int highest)
    {
        var broker = new HandTurnedBroker(new BrokerOptions { MaximumOutgoingTopicAliases = option });
        var subscriber = broker.Subscriber("subscriber", "#", with: connect => connect with { TopicAliasMaximum = client });
        var publisher = broker.Connect("publisher");
        var random = new Random(4);
        var expected = new List<string>();
        for (var i = 0; i < 2000; i++)
        {
            var topic = $"topic/number/{Math.Min(random.Next(12), random.Next(12))}";
            expected.Add(topic);
            publisher.Publish(topic);
        }

        var known = new Dictionary<ushort, string>();
        var sent = Sent(subscriber);
        Assert.Equal(expected, sent.Select(Resolve));
        Assert.Equal(highest, sent.Max(each => each.Alias ?? 0));

        string Resolve((string Topic, ushort? Alias) each)
        {
            if (each.Alias is { } alias && each.Topic.Length > 0)
            {
                known[alias] = each.Topic;
            }

            return each.Topic.Length > 0 ? each.Topic : known[each.Alias!.Value];
        }
    }

    private static List<(string Topic, ushort? Alias)> Sent(TestLink subscriber) =>
        [.. subscriber.All().Cast<PublishPacket>().Select(publish => (publish.Message.Topic, publish.TopicAlias))];
}
