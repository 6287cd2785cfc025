using Antiphon.Interop.Libraries;
using Antiphon.Protocol;
using Antiphon.Protocol.Packets;
using Antiphon.Protocol.Properties;

namespace Antiphon.Interop.Scenarios;

/// <summary>What the broker publishes for who is lost.</summary>
public sealed class WillTests(Peers peers)
{
    [Theory]
    [MemberData(nameof(Cases.All), MemberType = typeof(Cases))]
    public async Task A_Will_is_published_when_the_connection_is_cut(Library library, ProtocolVersion version, QualityOfService qos)
    {
        await using var scenario = await Scenario.BeginAsync(peers, library);
        var watcher = await scenario.ConnectAsync(version);
        await watcher.SubscribeAsync(scenario.Topic("+"), qos);
        var client = await scenario.ConnectAsync(version, how => how with { Will = new Will(Gone(scenario, qos)) });

        await client.CutAsync();

        var will = await watcher.ReceiveAsync();
        Assert.Equal((scenario.Topic("will"), "gone", qos, false), (will.Message.Topic, will.Text, will.Message.QoS, will.Message.Retain));
    }

    [Theory]
    [MemberData(nameof(Cases.BothVersions), MemberType = typeof(Cases))]
    public async Task DISCONNECT_deletes_the_Will(Library library, ProtocolVersion version)
    {
        await using var scenario = await Scenario.BeginAsync(peers, library);
        var watcher = await scenario.ConnectAsync(version);
        await watcher.SubscribeAsync(scenario.Topic("+"), QualityOfService.AtLeastOnce);
        var client = await scenario.ConnectAsync(version, how => how with { Will = new Will(Gone(scenario)) });

        await client.DisconnectAsync();

        await watcher.PublishAsync(scenario.Topic("end"), "end", QualityOfService.AtLeastOnce);
        Assert.Empty(await watcher.ReceiveUntilAsync("end"));
    }

    [Theory]
    [MemberData(nameof(Cases.Version5), MemberType = typeof(Cases))]
    public async Task DISCONNECT_with_Will_Message_has_it_published(Library library)
    {
        await using var scenario = await Scenario.BeginAsync(peers, library);
        var watcher = await scenario.ConnectAsync(ProtocolVersion.V5);
        await watcher.SubscribeAsync(scenario.Topic("will"), QualityOfService.AtLeastOnce);
        var client = await scenario.ConnectAsync(ProtocolVersion.V5, how => how with { Will = new Will(Gone(scenario)) });

        await client.DisconnectAsync(ReasonCode.DisconnectWithWillMessage);

        Assert.Equal("gone", (await watcher.ReceiveAsync()).Text);
    }

    [Theory]
    [MemberData(nameof(Cases.Version5), MemberType = typeof(Cases))]
    public async Task A_Will_waits_for_its_Will_Delay_Interval(Library library)
    {
        await using var scenario = await Scenario.BeginAsync(peers, library);
        var watcher = await scenario.ConnectAsync(ProtocolVersion.V5);
        await watcher.SubscribeAsync(scenario.Topic("will"), QualityOfService.AtLeastOnce);
        var client = await scenario.ConnectAsync(
            ProtocolVersion.V5, how => how.Lasting() with { Will = new Will(Gone(scenario)) { DelayInterval = 2 } });
        var started = TimeProvider.System.GetTimestamp();

        await client.CutAsync();

        Assert.Equal("gone", (await watcher.ReceiveAsync()).Text);

        // mosquitto counts whole seconds of a clock that may be about to turn.
        var waited = TimeProvider.System.GetElapsedTime(started);
        Assert.True(waited > TimeSpan.FromSeconds(0.9), $"The Will came after {waited}.");
    }

    [Theory]
    [MemberData(nameof(Cases.Version5), MemberType = typeof(Cases))]
    public async Task Who_comes_back_within_the_Will_Delay_Interval_takes_the_Will_back(Library library)
    {
        await using var scenario = await Scenario.BeginAsync(peers, library);
        var watcher = await scenario.ConnectAsync(ProtocolVersion.V5);
        await watcher.SubscribeAsync(scenario.Topic("+"), QualityOfService.AtLeastOnce);
        var client = await scenario.ConnectAsync(
            ProtocolVersion.V5, how => how.Lasting() with { Will = new Will(Gone(scenario)) { DelayInterval = 300 } });

        await client.CutAsync();
        Assert.True((await client.ConnectAsync()).SessionPresent);

        await watcher.PublishAsync(scenario.Topic("end"), "end", QualityOfService.AtLeastOnce);
        Assert.Empty(await watcher.ReceiveUntilAsync("end"));
    }

    [Theory]
    [MemberData(nameof(Cases.BothVersions), MemberType = typeof(Cases))]
    public async Task A_retained_Will_is_there_for_who_subscribes_later(Library library, ProtocolVersion version)
    {
        await using var scenario = await Scenario.BeginAsync(peers, library);
        var watcher = await scenario.ConnectAsync(version);
        await watcher.SubscribeAsync(scenario.Topic("will"), QualityOfService.AtLeastOnce);
        var client = await scenario.ConnectAsync(version, how => how with { Will = new Will(Gone(scenario) with { Retain = true }) });
        await client.CutAsync();
        Assert.False((await watcher.ReceiveAsync()).Message.Retain);

        var later = await scenario.ConnectAsync(version);
        await later.SubscribeAsync(scenario.Topic("will"), QualityOfService.AtLeastOnce);

        var retained = await later.ReceiveAsync();
        Assert.Equal(("gone", true), (retained.Text, retained.Message.Retain));
    }

    [Theory]
    [MemberData(nameof(Cases.Version5), MemberType = typeof(Cases))]
    public async Task A_Will_carries_its_properties(Library library)
    {
        await using var scenario = await Scenario.BeginAsync(peers, library);
        var watcher = await scenario.ConnectAsync(ProtocolVersion.V5);
        await watcher.SubscribeAsync(scenario.Topic("will"), QualityOfService.AtLeastOnce);
        var message = Gone(scenario) with
        {
            PayloadIsUtf8 = true,
            MessageExpiryInterval = 600,
            ContentType = "text/plain",
            ResponseTopic = scenario.Topic("answers"),
            CorrelationData = new byte[] { 0, 255, 7 },
            UserProperties = [new UserProperty("step", "1"), new UserProperty("step", "2"), new UserProperty("room", "Küche")],
        };
        var client = await scenario.ConnectAsync(ProtocolVersion.V5, how => how with { Will = new Will(message) });

        await client.CutAsync();

        AssertSame.Message(message, (await watcher.ReceiveAsync()).Message);
    }

    private static ApplicationMessage Gone(Scenario scenario, QualityOfService qos = QualityOfService.AtLeastOnce) =>
        new() { Topic = scenario.Topic("will"), Payload = "gone"u8.ToArray(), QoS = qos };
}
