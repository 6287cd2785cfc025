using Antiphon.Interop.Libraries;
using Antiphon.Protocol;
using Antiphon.Protocol.Packets;

namespace Antiphon.Interop.Scenarios;

/// <summary>What a Session keeps while its client is away, and when it ends.</summary>
public sealed class SessionTests(Peers peers)
{
    [Theory]
    [MemberData(nameof(Cases.Acknowledged), MemberType = typeof(Cases))]
    public async Task Messages_for_who_was_cut_off_wait_and_arrive_in_order(Library library, ProtocolVersion version, QualityOfService qos)
    {
        await using var scenario = await Scenario.BeginAsync(peers, library);
        var subscriber = await scenario.CreateAsync(version, how => how.Lasting());
        var publisher = await scenario.ConnectAsync(version);
        Assert.False((await subscriber.ConnectAsync()).SessionPresent);
        await subscriber.SubscribeAsync(scenario.Topic("a"), qos);
        await subscriber.CutAsync();
        foreach (var number in new[] { "1", "2", "3", "4", "5" })
        {
            await publisher.PublishAsync(scenario.Topic("a"), number, qos);
        }

        Assert.True((await subscriber.ConnectAsync()).SessionPresent);
        await publisher.PublishAsync(scenario.Topic("a"), "end", qos);

        Assert.Equal(["1", "2", "3", "4", "5"], (await subscriber.ReceiveUntilAsync("end")).Select(seen => seen.Text));
    }

    [Theory]
    [MemberData(nameof(Cases.Acknowledged), MemberType = typeof(Cases))]
    public async Task Messages_for_who_has_disconnected_wait_and_arrive_in_order(
        Library library, ProtocolVersion version, QualityOfService qos)
    {
        await using var scenario = await Scenario.BeginAsync(peers, library);
        var subscriber = await scenario.ConnectAsync(version, how => how.Lasting());
        var publisher = await scenario.ConnectAsync(version);
        await subscriber.SubscribeAsync(scenario.Topic("a"), qos);
        await subscriber.DisconnectAsync();
        foreach (var number in new[] { "1", "2", "3", "4", "5" })
        {
            await publisher.PublishAsync(scenario.Topic("a"), number, qos);
        }

        Assert.True((await subscriber.ConnectAsync()).SessionPresent);
        var received = await subscriber.ReceiveAsync(5);

        Assert.Equal(["1", "2", "3", "4", "5"], received.Select(seen => seen.Text));
        Assert.All(received, seen => Assert.False(seen.Dup));
    }

    [Theory]
    [MemberData(nameof(Cases.BothVersions), MemberType = typeof(Cases))]
    public async Task Who_starts_clean_finds_neither_subscriptions_nor_messages(Library library, ProtocolVersion version)
    {
        await using var scenario = await Scenario.BeginAsync(peers, library);
        var before = await scenario.ConnectAsync(version, how => how.Lasting());
        var publisher = await scenario.ConnectAsync(version);
        await before.SubscribeAsync(scenario.Topic("a"), QualityOfService.AtLeastOnce);
        await before.DisconnectAsync();
        await publisher.PublishAsync(scenario.Topic("a"), "while away", QualityOfService.AtLeastOnce);

        var after = await scenario.CreateAsync(version, how => how with { ClientId = before.ClientId });
        Assert.False((await after.ConnectAsync()).SessionPresent);
        await after.SubscribeAsync(scenario.Topic("end"), QualityOfService.AtLeastOnce);
        await publisher.PublishAsync(scenario.Topic("a"), "back again", QualityOfService.AtLeastOnce);
        await publisher.PublishAsync(scenario.Topic("end"), "end", QualityOfService.AtLeastOnce);

        Assert.Empty(await after.ReceiveUntilAsync("end"));
    }

    [Theory]
    [MemberData(nameof(Cases.BothVersions), MemberType = typeof(Cases))]
    public async Task A_Session_that_was_not_asked_to_last_ends_with_its_connection(Library library, ProtocolVersion version)
    {
        await using var scenario = await Scenario.BeginAsync(peers, library);
        var client = await scenario.ConnectAsync(version, how => how with { Clean = version == ProtocolVersion.V311 });
        await client.SubscribeAsync(scenario.Topic("a"), QualityOfService.AtLeastOnce);
        await client.DisconnectAsync();

        var next = await scenario.CreateAsync(version, how => how.Lasting() with { ClientId = client.ClientId });

        Assert.False((await next.ConnectAsync()).SessionPresent);
    }

    [Theory]
    [MemberData(nameof(Cases.Version5), MemberType = typeof(Cases))]
    public async Task A_Session_ends_when_its_Session_Expiry_Interval_is_over(Library library)
    {
        await using var scenario = await Scenario.BeginAsync(peers, library);
        var watcher = await scenario.ConnectAsync(ProtocolVersion.V5);
        await watcher.SubscribeAsync(scenario.Topic("will"), QualityOfService.AtLeastOnce);
        var will = new ApplicationMessage
        {
            Topic = scenario.Topic("will"),
            Payload = "over"u8.ToArray(),
            QoS = QualityOfService.AtLeastOnce,
        };
        var client = await scenario.ConnectAsync(
            ProtocolVersion.V5, how => how with { Clean = false, SessionExpiry = 1, Will = new Will(will) { DelayInterval = 300 } });
        await client.CutAsync();

        // A Will goes out with the end of its Session at the latest, and so tells of it.
        Assert.Equal("over", (await watcher.ReceiveAsync()).Text);

        Assert.False((await client.ConnectAsync()).SessionPresent);
    }

    [Theory]
    [MemberData(nameof(Cases.BothVersions), MemberType = typeof(Cases))]
    public async Task Who_connects_with_a_Client_Identifier_in_use_takes_its_place(Library library, ProtocolVersion version)
    {
        var middle = Peers.MiddleFor(library);
        Assert.SkipWhen(
            library == Library.Antiphon && (middle == Middle.Mosquitto || version == ProtocolVersion.V311),
            "Our client connects again where no DISCONNECT names the reason: with 3.1.1, and from mosquitto 2.0.11.");
        await using var scenario = await Scenario.BeginAsync(peers, library);
        var first = await scenario.ConnectAsync(version, how => how.Lasting());
        await first.SubscribeAsync(scenario.Topic("a"), QualityOfService.AtLeastOnce);

        var second = await scenario.CreateAsync(version, how => how.Lasting() with { ClientId = first.ClientId });

        Assert.True((await second.ConnectAsync()).SessionPresent);
        Assert.Equal(
            version == ProtocolVersion.V5 && middle == Middle.Antiphon ? (int)ReasonCode.SessionTakenOver : null,
            await first.ClosedAsync());
    }
}
