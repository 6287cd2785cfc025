using System.Text;
using Antiphon.Interop.Libraries;
using Antiphon.Protocol;

namespace Antiphon.Interop.Scenarios;

/// <summary>Messages arrive as they were published.</summary>
public sealed class MessageTests(Peers peers)
{
    [Theory]
    [MemberData(nameof(Cases.All), MemberType = typeof(Cases))]
    public async Task Text_nothing_and_a_hundred_thousand_bytes_arrive_as_they_were_published(
        Library library, ProtocolVersion version, QualityOfService qos)
    {
        await using var scenario = await Scenario.BeginAsync(peers, library);
        var subscriber = await scenario.ConnectAsync(version);
        var publisher = await scenario.ConnectAsync(version);
        await subscriber.SubscribeAsync(scenario.Topic("a"), qos);
        byte[][] payloads = ["23,5 °C"u8.ToArray(), [], [.. Enumerable.Range(0, 100_000).Select(i => (byte)(i * 31 % 251))]];

        foreach (var payload in payloads)
        {
            await publisher.PublishAsync(new ApplicationMessage { Topic = scenario.Topic("a"), Payload = payload, QoS = qos });
        }

        var received = await subscriber.ReceiveAsync(3);
        Assert.Equal(payloads, received.Select(seen => seen.Message.Payload.ToArray()));
        Assert.All(received, seen => Assert.Equal((scenario.Topic("a"), qos, false), (seen.Message.Topic, seen.Message.QoS, seen.Dup)));
    }

    [Theory]
    [MemberData(nameof(Cases.All), MemberType = typeof(Cases))]
    public async Task A_hundred_messages_arrive_in_order(Library library, ProtocolVersion version, QualityOfService qos)
    {
        await using var scenario = await Scenario.BeginAsync(peers, library);
        var subscriber = await scenario.ConnectAsync(version);
        var publisher = await scenario.ConnectAsync(version);
        await subscriber.SubscribeAsync(scenario.Topic("numbers"), qos);
        var numbers = Enumerable.Range(1, 100).Select(number => $"{number}").ToArray();

        await Task.WhenAll(numbers.Select(number => publisher.PublishAsync(scenario.Topic("numbers"), number, qos)));

        Assert.Equal(numbers, (await subscriber.ReceiveAsync(100)).Select(seen => seen.Text));
    }

    [Theory]
    [MemberData(nameof(Cases.BothVersions), MemberType = typeof(Cases))]
    public async Task A_message_arrives_with_the_lower_QoS_of_publisher_and_subscriber(Library library, ProtocolVersion version)
    {
        await using var scenario = await Scenario.BeginAsync(peers, library);
        var subscriber = await scenario.ConnectAsync(version);
        var publisher = await scenario.ConnectAsync(version);
        var seen = new List<(QualityOfService, QualityOfService, QualityOfService)>();
        foreach (var granted in Enum.GetValues<QualityOfService>())
        {
            var topic = scenario.Topic($"{(int)granted}");
            await subscriber.SubscribeAsync(topic, granted);
            foreach (var published in Enum.GetValues<QualityOfService>())
            {
                await publisher.PublishAsync(topic, "x", published);
                seen.Add((granted, published, (await subscriber.ReceiveAsync()).Message.QoS));
            }
        }

        Assert.All(seen, one => Assert.Equal((QualityOfService)Math.Min((int)one.Item1, (int)one.Item2), one.Item3));
    }

    [Theory]
    [MemberData(nameof(Cases.BothVersions), MemberType = typeof(Cases))]
    public async Task Wildcards_match_levels(Library library, ProtocolVersion version)
    {
        await using var scenario = await Scenario.BeginAsync(peers, library);
        var one = await scenario.ConnectAsync(version);
        var all = await scenario.ConnectAsync(version);
        var publisher = await scenario.ConnectAsync(version);
        await one.SubscribeAsync(scenario.Topic("+/lamp"), QualityOfService.AtLeastOnce);
        await all.SubscribeAsync(scenario.Topic("#"), QualityOfService.AtLeastOnce);
        string[] topics = ["hall/lamp", "hall/lamp/power", "/lamp", "lamp", "hall/lamp/", "Hall/lamp"];

        foreach (var topic in topics)
        {
            await publisher.PublishAsync(scenario.Topic(topic), topic, QualityOfService.AtLeastOnce);
        }

        await publisher.PublishAsync(scenario.Topic("end/lamp"), "end", QualityOfService.AtLeastOnce);
        Assert.Equal(["hall/lamp", "/lamp", "Hall/lamp"], (await one.ReceiveUntilAsync("end")).Select(seen => seen.Text));
        Assert.Equal(topics, (await all.ReceiveUntilAsync("end")).Select(seen => seen.Text));
    }

    [Theory]
    [MemberData(nameof(Cases.BothVersions), MemberType = typeof(Cases))]
    public async Task Topics_of_any_script_arrive_as_they_are(Library library, ProtocolVersion version)
    {
        await using var scenario = await Scenario.BeginAsync(peers, library);
        var subscriber = await scenario.ConnectAsync(version);
        var publisher = await scenario.ConnectAsync(version);
        await subscriber.SubscribeAsync(scenario.Topic("Küche/+/#"), QualityOfService.AtLeastOnce);
        string[] topics = [scenario.Topic("Küche/温度/a b"), scenario.Topic("Küche/🌡/%2F&="), scenario.Topic("Küche/Ку\u0301хня/\u00fc")];

        foreach (var topic in topics)
        {
            await publisher.PublishAsync(topic, topic, QualityOfService.AtLeastOnce);
        }

        var received = await subscriber.ReceiveAsync(topics.Length);
        Assert.Equal(topics, received.Select(seen => seen.Message.Topic));
        Assert.Equal(topics, received.Select(seen => Encoding.UTF8.GetString(seen.Message.Payload.Span)));
    }

    [Theory]
    [MemberData(nameof(Cases.BothVersions), MemberType = typeof(Cases))]
    public async Task Who_has_unsubscribed_gets_nothing_more(Library library, ProtocolVersion version)
    {
        await using var scenario = await Scenario.BeginAsync(peers, library);
        var subscriber = await scenario.ConnectAsync(version);
        var publisher = await scenario.ConnectAsync(version);
        await subscriber.SubscribeAsync(scenario.Topic("a"), QualityOfService.AtLeastOnce);
        await subscriber.SubscribeAsync(scenario.Topic("b"), QualityOfService.AtLeastOnce);
        await publisher.PublishAsync(scenario.Topic("a"), "before", QualityOfService.AtLeastOnce);
        Assert.Equal("before", (await subscriber.ReceiveAsync()).Text);

        await subscriber.UnsubscribeAsync(scenario.Topic("a"));
        await publisher.PublishAsync(scenario.Topic("a"), "after", QualityOfService.AtLeastOnce);
        await publisher.PublishAsync(scenario.Topic("b"), "end", QualityOfService.AtLeastOnce);

        Assert.Empty(await subscriber.ReceiveUntilAsync("end"));
    }
}
