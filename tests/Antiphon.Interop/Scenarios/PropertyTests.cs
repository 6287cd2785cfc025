using System.Text;
using Antiphon.Interop.Libraries;
using Antiphon.Protocol;
using Antiphon.Protocol.Packets;
using Antiphon.Protocol.Properties;

namespace Antiphon.Interop.Scenarios;

/// <summary>Properties of MQTT 5 from end to end.</summary>
public sealed class PropertyTests(Peers peers)
{
    [Theory]
    [MemberData(nameof(Cases.Version5WithEachQoS), MemberType = typeof(Cases))]
    public async Task All_properties_of_a_message_arrive(Library library, QualityOfService qos)
    {
        await using var scenario = await Scenario.BeginAsync(peers, library);
        var subscriber = await scenario.ConnectAsync(ProtocolVersion.V5);
        var publisher = await scenario.ConnectAsync(ProtocolVersion.V5);
        await subscriber.SubscribeAsync(scenario.Topic("a"), qos);
        var message = new ApplicationMessage
        {
            Topic = scenario.Topic("a"),
            Payload = "{\"°C\": 23.5}"u8.ToArray(),
            QoS = qos,
            PayloadIsUtf8 = true,
            MessageExpiryInterval = 600,
            ContentType = "application/json; größe=1",
            ResponseTopic = scenario.Topic("answers"),
            CorrelationData = new byte[] { 0, 255, 7, 0 },
            UserProperties =
            [
                new UserProperty("step", "1"),
                new UserProperty("step", "2"),
                new UserProperty("room", "Küche"),
                new UserProperty("", ""),
            ],
        };

        await publisher.PublishAsync(message);

        AssertSame.Message(message, (await subscriber.ReceiveAsync()).Message);
    }

    [Theory]
    [MemberData(nameof(Cases.Version5), MemberType = typeof(Cases))]
    public async Task User_Properties_keep_their_order(Library library)
    {
        Assert.SkipWhen(library == Library.MqttJs, "MQTT.js holds User Properties as one list of values for each name.");
        await using var scenario = await Scenario.BeginAsync(peers, library);
        var subscriber = await scenario.ConnectAsync(ProtocolVersion.V5);
        var publisher = await scenario.ConnectAsync(ProtocolVersion.V5);
        await subscriber.SubscribeAsync(scenario.Topic("a"), QualityOfService.AtLeastOnce);
        UserProperty[] properties = [new("b", "1"), new("a", "2"), new("b", "1"), new("c", ""), new("a", "1")];

        await publisher.PublishAsync(
            scenario.Topic("a"), "x", QualityOfService.AtLeastOnce, message => message with { UserProperties = properties });

        Assert.Equal(properties, (await subscriber.ReceiveAsync()).Message.UserProperties);
    }

    [Theory]
    [MemberData(nameof(Cases.Version5), MemberType = typeof(Cases))]
    public async Task The_Message_Expiry_Interval_runs_while_a_message_waits(Library library)
    {
        await using var scenario = await Scenario.BeginAsync(peers, library);
        var subscriber = await scenario.ConnectAsync(ProtocolVersion.V5, how => how.Lasting());
        var publisher = await scenario.ConnectAsync(ProtocolVersion.V5);
        await subscriber.SubscribeAsync(scenario.Topic("a"), QualityOfService.AtLeastOnce);
        await publisher.SubscribeAsync(scenario.Topic("will"), QualityOfService.AtLeastOnce);
        await subscriber.CutAsync();
        await publisher.PublishAsync(
            scenario.Topic("a"), "long", QualityOfService.AtLeastOnce, message => message with { MessageExpiryInterval = 100 });
        await publisher.PublishAsync(
            scenario.Topic("a"), "short", QualityOfService.AtLeastOnce, message => message with { MessageExpiryInterval = 1 });

        // A delayed Will shows how far the broker's own clock is.
        var will = new ApplicationMessage { Topic = scenario.Topic("will"), QoS = QualityOfService.AtLeastOnce };
        var clock = await scenario.ConnectAsync(
            ProtocolVersion.V5, how => how.Lasting() with { Will = new Will(will) { DelayInterval = 3 } });
        await clock.CutAsync();
        await publisher.ReceiveAsync();
        await subscriber.ConnectAsync();
        await publisher.PublishAsync(scenario.Topic("a"), "end", QualityOfService.AtLeastOnce);

        var received = Assert.Single(await subscriber.ReceiveUntilAsync("end"));
        Assert.Equal("long", received.Text);
        Assert.InRange(received.Message.MessageExpiryInterval!.Value, 1u, 98u);
    }

    [Theory]
    [MemberData(nameof(Cases.Version5), MemberType = typeof(Cases))]
    public async Task A_message_comes_with_the_identifiers_of_the_subscriptions_that_it_matches(Library library)
    {
        Assert.SkipWhen(library == Library.Antiphon, "Our client chooses Subscription Identifiers itself, and keeps them to itself.");
        await using var scenario = await Scenario.BeginAsync(peers, library);
        var subscriber = await scenario.ConnectAsync(ProtocolVersion.V5);
        var publisher = await scenario.ConnectAsync(ProtocolVersion.V5);
        await subscriber.SubscribeAsync(scenario.Topic("a"), QualityOfService.AtLeastOnce, identifier: 7);
        await subscriber.SubscribeAsync(scenario.Topic("#"), QualityOfService.AtLeastOnce, identifier: 268_435_455);
        await subscriber.SubscribeAsync(scenario.Topic("b"), QualityOfService.AtLeastOnce);

        foreach (var level in new[] { "a", "b", "c" })
        {
            await publisher.PublishAsync(scenario.Topic(level), level, QualityOfService.AtLeastOnce);
        }

        await publisher.PublishAsync(scenario.Topic("end"), "end", QualityOfService.AtLeastOnce);

        // Overlapping subscriptions bring one message with all identifiers, or one for each (MQTT 5 §3.3.4).
        var received = await subscriber.ReceiveUntilAsync("end");
        Assert.Equal([7u, 268_435_455u], IdentifiersOf("a"));
        Assert.Equal([268_435_455u], IdentifiersOf("b"));
        Assert.Equal([268_435_455u], IdentifiersOf("c"));

        IEnumerable<uint> IdentifiersOf(string level) =>
            received.Where(seen => seen.Text == level).SelectMany(seen => seen.SubscriptionIdentifiers).Order();
    }

    [Theory]
    [MemberData(nameof(Cases.Version5), MemberType = typeof(Cases))]
    public async Task No_Local_leaves_out_what_the_client_published_itself(Library library)
    {
        await using var scenario = await Scenario.BeginAsync(peers, library);
        var client = await scenario.ConnectAsync(ProtocolVersion.V5);
        var other = await scenario.ConnectAsync(ProtocolVersion.V5);
        await client.SubscribeAsync(scenario.Topic("a"), QualityOfService.AtLeastOnce, with => with with { NoLocal = true });

        await client.PublishAsync(scenario.Topic("a"), "own", QualityOfService.AtLeastOnce);
        await other.PublishAsync(scenario.Topic("a"), "other", QualityOfService.AtLeastOnce);
        await other.PublishAsync(scenario.Topic("a"), "end", QualityOfService.AtLeastOnce);

        Assert.Equal(["other"], (await client.ReceiveUntilAsync("end")).Select(seen => seen.Text));
    }

    [Theory]
    [MemberData(nameof(Cases.Version5WithEachQoS), MemberType = typeof(Cases))]
    public async Task A_Topic_Alias_of_the_publisher_stands_for_the_topic(Library library, QualityOfService qos)
    {
        await using var scenario = await Scenario.BeginAsync(peers, library);
        var subscriber = await scenario.ConnectAsync(ProtocolVersion.V5);

        // Our client and MQTT.js give them by themselves; with Paho they are the application's.
        var byItself = library is Library.MqttJs or Library.Antiphon;
        var publisher = await scenario.ConnectAsync(ProtocolVersion.V5, how => how with { AssignsTopicAliases = byItself });
        await subscriber.SubscribeAsync(scenario.Topic("#"), qos);

        for (var i = 1; i <= 3; i++)
        {
            await publisher.PublishAsync(
                i == 1 || byItself ? scenario.Topic("long/topic") : "", $"{i}", qos, topicAlias: byItself ? null : (ushort)1);
        }

        var received = await subscriber.ReceiveAsync(3);
        Assert.Equal(["1", "2", "3"], received.Select(seen => seen.Text));
        Assert.All(received, seen => Assert.Equal(scenario.Topic("long/topic"), seen.Message.Topic));

        // Our client gives an alias to a topic that comes a second time.
        Assert.Equal(
            library == Library.Antiphon ? 2 : 1, publisher.Relay.CountFromClient(Encoding.UTF8.GetBytes(scenario.Topic("long/topic"))));
    }

    [Theory]
    [MemberData(nameof(Cases.Version5WithEachQoS), MemberType = typeof(Cases))]
    public async Task A_Topic_Alias_of_the_broker_stands_for_the_topic(Library library, QualityOfService qos)
    {
        await using var scenario = await Scenario.BeginAsync(peers, library);
        var subscriber = await scenario.ConnectAsync(ProtocolVersion.V5, how => how with { TopicAliasMaximum = 5 });
        var publisher = await scenario.ConnectAsync(ProtocolVersion.V5);
        await subscriber.SubscribeAsync(scenario.Topic("#"), qos);

        for (var i = 1; i <= 3; i++)
        {
            await publisher.PublishAsync(scenario.Topic("long/topic"), $"{i}", qos);
        }

        var received = await subscriber.ReceiveAsync(3);
        Assert.Equal(["1", "2", "3"], received.Select(seen => seen.Text));
        Assert.All(received, seen => Assert.Equal(scenario.Topic("long/topic"), seen.Message.Topic));

        // Our broker gives an alias to a topic that comes a second time. It gives none with QoS 2,
        // where MQTT.js 5.16.0 would lose the topic. mosquitto 2.0.11 gives none at all.
        if (Peers.MiddleFor(library) == Middle.Antiphon)
        {
            Assert.Equal(
                qos == QualityOfService.ExactlyOnce ? 3 : 2,
                subscriber.Relay.CountFromBroker(Encoding.UTF8.GetBytes(scenario.Topic("long/topic"))));
        }
    }
}
