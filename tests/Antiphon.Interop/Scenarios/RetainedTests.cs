using Antiphon.Interop.Libraries;
using Antiphon.Protocol;
using Antiphon.Protocol.Packets;

namespace Antiphon.Interop.Scenarios;

/// <summary>Retained messages, and the flag that marks them.</summary>
public sealed class RetainedTests(Peers peers)
{
    [Theory]
    [MemberData(nameof(Cases.All), MemberType = typeof(Cases))]
    public async Task A_retained_message_comes_with_the_flag_to_who_subscribes_later_and_without_it_to_the_others(
        Library library, ProtocolVersion version, QualityOfService qos)
    {
        await using var scenario = await Scenario.BeginAsync(peers, library);
        var publisher = await scenario.ConnectAsync(version);
        var before = await scenario.ConnectAsync(version);
        await before.SubscribeAsync(scenario.Topic("a"), qos);
        await publisher.PublishAsync(scenario.Topic("a"), "on", qos, message => message with { Retain = true });
        var live = await before.ReceiveAsync();
        Assert.Equal(("on", false, qos), (live.Text, live.Message.Retain, live.Message.QoS));

        var later = await scenario.ConnectAsync(version);
        await later.SubscribeAsync(scenario.Topic("a"), qos);

        var retained = await later.ReceiveAsync();
        Assert.Equal(("on", true, qos), (retained.Text, retained.Message.Retain, retained.Message.QoS));
    }

    [Theory]
    [MemberData(nameof(Cases.BothVersions), MemberType = typeof(Cases))]
    public async Task The_newest_replaces_the_older_and_an_empty_one_removes_it(Library library, ProtocolVersion version)
    {
        await using var scenario = await Scenario.BeginAsync(peers, library);
        var publisher = await scenario.ConnectAsync(version);
        foreach (var (level, payload) in new[] { ("a", "1"), ("b", "1"), ("c", "1"), ("a", "2"), ("b", "") })
        {
            await publisher.PublishAsync(
                scenario.Topic(level), payload, QualityOfService.AtLeastOnce, message => message with { Retain = true });
        }

        var later = await scenario.ConnectAsync(version);
        await later.SubscribeAsync(scenario.Topic("+"), QualityOfService.AtLeastOnce);
        await publisher.PublishAsync(scenario.Topic("end"), "end", QualityOfService.AtLeastOnce);

        var received = await later.ReceiveUntilAsync("end");
        Assert.Equal(
            [(scenario.Topic("a"), "2"), (scenario.Topic("c"), "1")],
            received.Select(seen => (seen.Message.Topic, seen.Text)).OrderBy(seen => seen.Topic, StringComparer.Ordinal));
        Assert.All(received, seen => Assert.True(seen.Message.Retain));
    }

    [Theory]
    [MemberData(nameof(Cases.BothVersions), MemberType = typeof(Cases))]
    public async Task Subscribing_again_brings_retained_messages_again(Library library, ProtocolVersion version)
    {
        Assert.SkipWhen(library == Library.Antiphon, OneSubscriptionEach);
        await using var scenario = await Scenario.BeginAsync(peers, library);
        var client = await scenario.ConnectAsync(version);
        await client.PublishAsync(scenario.Topic("a"), "on", QualityOfService.AtLeastOnce, message => message with { Retain = true });

        await client.SubscribeAsync(scenario.Topic("a"), QualityOfService.AtLeastOnce);
        Assert.Equal("on", (await client.ReceiveAsync()).Text);
        await client.SubscribeAsync(scenario.Topic("a"), QualityOfService.AtLeastOnce);
        Assert.Equal("on", (await client.ReceiveAsync()).Text);
    }

    [Theory]
    [MemberData(nameof(Cases.Version5), MemberType = typeof(Cases))]
    public async Task Retain_Handling_1_brings_them_only_to_a_new_subscription(Library library)
    {
        Assert.SkipWhen(library == Library.Antiphon, OneSubscriptionEach);
        await using var scenario = await Scenario.BeginAsync(peers, library);
        var client = await scenario.ConnectAsync(ProtocolVersion.V5);
        await client.PublishAsync(scenario.Topic("a"), "on", QualityOfService.AtLeastOnce, message => message with { Retain = true });

        for (var i = 0; i < 2; i++)
        {
            await client.SubscribeAsync(
                scenario.Topic("a"), QualityOfService.AtLeastOnce, with => with with { RetainHandling = RetainHandling.SendIfNew });
        }

        await client.PublishAsync(scenario.Topic("a"), "end", QualityOfService.AtLeastOnce);
        Assert.Equal(["on"], (await client.ReceiveUntilAsync("end")).Select(seen => seen.Text));
    }

    [Theory]
    [MemberData(nameof(Cases.Version5), MemberType = typeof(Cases))]
    public async Task Retain_Handling_2_brings_none(Library library)
    {
        await using var scenario = await Scenario.BeginAsync(peers, library);
        var client = await scenario.ConnectAsync(ProtocolVersion.V5);
        await client.PublishAsync(scenario.Topic("a"), "on", QualityOfService.AtLeastOnce, message => message with { Retain = true });

        await client.SubscribeAsync(
            scenario.Topic("a"), QualityOfService.AtLeastOnce, with => with with { RetainHandling = RetainHandling.DoNotSend });

        await client.PublishAsync(scenario.Topic("a"), "end", QualityOfService.AtLeastOnce);
        Assert.Empty(await client.ReceiveUntilAsync("end"));
    }

    [Theory]
    [MemberData(nameof(Cases.Version5), MemberType = typeof(Cases))]
    public async Task Retain_As_Published_keeps_the_flag(Library library)
    {
        await using var scenario = await Scenario.BeginAsync(peers, library);
        var client = await scenario.ConnectAsync(ProtocolVersion.V5);
        await client.SubscribeAsync(scenario.Topic("a"), QualityOfService.AtLeastOnce, with => with with { RetainAsPublished = true });

        await client.PublishAsync(scenario.Topic("a"), "kept", QualityOfService.AtLeastOnce, message => message with { Retain = true });
        await client.PublishAsync(scenario.Topic("a"), "not kept", QualityOfService.AtLeastOnce);

        Assert.Equal(
            [("kept", true), ("not kept", false)], (await client.ReceiveAsync(2)).Select(seen => (seen.Text, seen.Message.Retain)));
    }

    private const string OneSubscriptionEach =
        "Our client has one subscription for each Topic Filter, and says so instead of sending SUBSCRIBE again.";
}
