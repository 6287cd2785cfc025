using Antiphon.Interop.Libraries;
using Antiphon.Protocol;
using Antiphon.Protocol.Packets;

namespace Antiphon.Interop.Scenarios;

/// <summary>The broker keeps to what a client says that it can take.</summary>
public sealed class LimitTests(Peers peers)
{
    public static MatrixTheoryData<Library, QualityOfService> Version5Acknowledged =>
        new(Enum.GetValues<Library>(), [QualityOfService.AtLeastOnce, QualityOfService.ExactlyOnce]);

    [Theory]
    [MemberData(nameof(Version5Acknowledged))]
    public async Task With_a_Receive_Maximum_of_1_messages_come_one_by_one(Library library, QualityOfService qos)
    {
        await using var scenario = await Scenario.BeginAsync(peers, library);
        var subscriber = await scenario.ConnectAsync(ProtocolVersion.V5, how => how.Lasting() with { ReceiveMaximum = 1 });
        var publisher = await scenario.ConnectAsync(ProtocolVersion.V5);
        await subscriber.SubscribeAsync(scenario.Topic("a"), qos);
        await subscriber.SubscribeAsync(scenario.Topic("b"), QualityOfService.AtMostOnce);

        // The first message stays unacknowledged; QoS 0 is not counted, and so comes through.
        var isLost = subscriber.Relay.LoseFromClientAsync(qos == QualityOfService.AtLeastOnce ? PacketType.PubAck : PacketType.PubRec);
        foreach (var number in new[] { "1", "2", "3" })
        {
            await publisher.PublishAsync(scenario.Topic("a"), number, qos);
        }

        await isLost;
        await publisher.PublishAsync(scenario.Topic("b"), "end", QualityOfService.AtMostOnce);
        var before = await subscriber.ReceiveUntilAsync("end");
        await subscriber.CutAsync();
        await subscriber.ConnectAsync();
        await publisher.PublishAsync(scenario.Topic("a"), "end", qos);
        var after = await subscriber.ReceiveUntilAsync("end");

        Assert.All(before, seen => Assert.Equal("1", seen.Text));
        Assert.True(before.Count <= 1, $"{before.Count} messages came at once.");
        Assert.Equal(["1", "2", "3"], before.Concat(after).Select(seen => seen.Text).Distinct());
        Assert.Equal(qos == QualityOfService.AtLeastOnce ? 4 : 3, before.Count + after.Count);
    }

    [Theory]
    [MemberData(nameof(Cases.Version5WithEachQoS), MemberType = typeof(Cases))]
    public async Task What_is_longer_than_a_subscribers_Maximum_Packet_Size_goes_to_the_others_only(Library library, QualityOfService qos)
    {
        await using var scenario = await Scenario.BeginAsync(peers, library);
        var small = await scenario.ConnectAsync(ProtocolVersion.V5, how => how with { MaximumPacketSize = 200 });
        var large = await scenario.ConnectAsync(ProtocolVersion.V5);
        var publisher = await scenario.ConnectAsync(ProtocolVersion.V5);
        await small.SubscribeAsync(scenario.Topic("a"), qos);
        await large.SubscribeAsync(scenario.Topic("a"), qos);

        var fits = new string('x', 100);
        var doesNotFit = new string('y', 1000);
        foreach (var payload in new[] { fits, doesNotFit, fits, "end" })
        {
            await publisher.PublishAsync(scenario.Topic("a"), payload, qos);
        }

        Assert.Equal([fits, fits], (await small.ReceiveUntilAsync("end")).Select(seen => seen.Text));
        Assert.Equal([fits, doesNotFit, fits], (await large.ReceiveUntilAsync("end")).Select(seen => seen.Text));
    }
}
