using Antiphon.Interop.Libraries;
using Antiphon.Protocol;

namespace Antiphon.Interop.Scenarios;

/// <summary>Shared subscriptions; our broker and Debian's serve them to MQTT 3.1.1 too.</summary>
public sealed class SharedTests(Peers peers)
{
    private const string NotWithout5 = "Our client does not ask for a shared subscription with MQTT 3.1.1, which has none.";

    [Theory]
    [MemberData(nameof(Cases.All), MemberType = typeof(Cases))]
    public async Task Each_message_goes_to_one_member_and_each_member_gets_some(
        Library library, ProtocolVersion version, QualityOfService qos)
    {
        Assert.SkipWhen(library == Library.Antiphon && version == ProtocolVersion.V311, NotWithout5);
        await using var scenario = await Scenario.BeginAsync(peers, library);
        var publisher = await scenario.ConnectAsync(version);
        var members = new List<Actor>();
        for (var i = 0; i < 3; i++)
        {
            members.Add(await JoinAsync(scenario, version, qos));
        }

        var jobs = Enumerable.Range(10, 30).Select(number => $"{number}").ToArray();
        await PublishAsync(scenario, publisher, qos, [.. jobs]);

        var received = new List<string[]>();
        foreach (var member in members)
        {
            received.Add([.. (await member.ReceiveUntilAsync("end")).Select(seen => seen.Text)]);
        }

        Assert.Equal(jobs, received.SelectMany(texts => texts).Order());
        Assert.All(received, texts => Assert.NotEmpty(texts));
        Assert.All(received, texts => Assert.Equal(texts.Order(), texts));
    }

    [Theory]
    [MemberData(nameof(Cases.BothVersions), MemberType = typeof(Cases))]
    public async Task When_a_member_leaves_the_others_get_everything(Library library, ProtocolVersion version)
    {
        Assert.SkipWhen(library == Library.Antiphon && version == ProtocolVersion.V311, NotWithout5);
        await using var scenario = await Scenario.BeginAsync(peers, library);
        var publisher = await scenario.ConnectAsync(version);
        var stays = await JoinAsync(scenario, version, QualityOfService.AtLeastOnce);
        var leaves = await JoinAsync(scenario, version, QualityOfService.AtLeastOnce);
        var disconnects = await JoinAsync(scenario, version, QualityOfService.AtLeastOnce);

        await leaves.UnsubscribeAsync(scenario.Shared("jobs/+"));
        await disconnects.DisconnectAsync();
        await PublishAsync(scenario, publisher, QualityOfService.AtLeastOnce, "1", "2", "3", "4");

        Assert.Equal(["1", "2", "3", "4"], (await stays.ReceiveUntilAsync("end")).Select(seen => seen.Text));
        Assert.Empty(await leaves.ReceiveUntilAsync("end"));
    }

    [Theory]
    [MemberData(nameof(Cases.BothVersions), MemberType = typeof(Cases))]
    public async Task A_subscription_of_ones_own_beside_a_shared_one_gets_everything(Library library, ProtocolVersion version)
    {
        Assert.SkipWhen(library == Library.Antiphon && version == ProtocolVersion.V311, NotWithout5);
        await using var scenario = await Scenario.BeginAsync(peers, library);
        var publisher = await scenario.ConnectAsync(version);
        var member = await JoinAsync(scenario, version, QualityOfService.AtLeastOnce);
        var logger = await scenario.ConnectAsync(version);
        await logger.SubscribeAsync(scenario.Topic("#"), QualityOfService.AtLeastOnce);

        await PublishAsync(scenario, publisher, QualityOfService.AtLeastOnce, "1", "2");

        Assert.Equal(["1", "2"], (await member.ReceiveUntilAsync("end")).Select(seen => seen.Text));
        Assert.Equal(["1", "2"], (await logger.ReceiveUntilAsync("end")).Select(seen => seen.Text));
    }

    [Theory]
    [MemberData(nameof(Cases.Version5), MemberType = typeof(Cases))]
    public async Task Members_of_both_versions_share(Library library)
    {
        Assert.SkipWhen(library == Library.Antiphon, NotWithout5);
        await using var scenario = await Scenario.BeginAsync(peers, library);
        var publisher = await scenario.ConnectAsync(ProtocolVersion.V5);
        var older = await JoinAsync(scenario, ProtocolVersion.V311, QualityOfService.AtLeastOnce);
        var newer = await JoinAsync(scenario, ProtocolVersion.V5, QualityOfService.AtLeastOnce);

        await PublishAsync(scenario, publisher, QualityOfService.AtLeastOnce, "1", "2", "3", "4");

        var first = await older.ReceiveUntilAsync("end");
        var second = await newer.ReceiveUntilAsync("end");
        Assert.NotEmpty(first);
        Assert.NotEmpty(second);
        Assert.Equal(["1", "2", "3", "4"], first.Concat(second).Select(seen => seen.Text).Order());
    }

    private static async Task<Actor> JoinAsync(Scenario scenario, ProtocolVersion version, QualityOfService qos)
    {
        var member = await scenario.ConnectAsync(version);
        await member.SubscribeAsync(scenario.Shared("jobs/+"), qos);
        await member.SubscribeAsync(scenario.Topic("end"), qos);
        return member;
    }

    private static async Task PublishAsync(Scenario scenario, Actor publisher, QualityOfService qos, params string[] jobs)
    {
        foreach (var job in jobs)
        {
            await publisher.PublishAsync(scenario.Topic($"jobs/{job}"), job, qos);
        }

        await publisher.PublishAsync(scenario.Topic("end"), "end", qos);
    }
}
