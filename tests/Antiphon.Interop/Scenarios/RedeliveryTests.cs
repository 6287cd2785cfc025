using Antiphon.Interop.Libraries;
using Antiphon.Protocol;
using Antiphon.Protocol.Packets;

namespace Antiphon.Interop.Scenarios;

/// <summary>An acknowledgement is lost with the connection: with QoS 1 the message comes again, with QoS 2 it does not.</summary>
public sealed class RedeliveryTests(Peers peers)
{
    public static MatrixTheoryData<Library, ProtocolVersion, PacketType> Acknowledgements => new(
        Enum.GetValues<Library>(), [ProtocolVersion.V311, ProtocolVersion.V5], [PacketType.PubAck, PacketType.PubRec, PacketType.PubComp]);

    [Theory]
    [MemberData(nameof(Acknowledgements))]
    public async Task A_message_whose_acknowledgement_the_broker_did_not_get_comes_again_with_QoS_1_only(
        Library library, ProtocolVersion version, PacketType lost)
    {
        var qos = lost == PacketType.PubAck ? QualityOfService.AtLeastOnce : QualityOfService.ExactlyOnce;
        await using var scenario = await Scenario.BeginAsync(peers, library);
        var subscriber = await scenario.ConnectAsync(version, how => how.Lasting());
        var publisher = await scenario.ConnectAsync(version);
        await subscriber.SubscribeAsync(scenario.Topic("a"), qos);

        var isLost = subscriber.Relay.LoseFromClientAsync(lost);
        await publisher.PublishAsync(scenario.Topic("a"), "message", qos);
        await isLost;
        subscriber.Relay.Cut();
        var seenBefore = await subscriber.ReceiveUntilClosedAsync();
        Assert.True((await subscriber.ConnectAsync()).SessionPresent);
        await publisher.PublishAsync(scenario.Topic("a"), "end", qos);
        var received = (IReadOnlyList<Seen>)[.. seenBefore, .. await subscriber.ReceiveUntilAsync("end")];

        Assert.All(received, seen => Assert.Equal("message", seen.Text));
        if (qos == QualityOfService.AtLeastOnce)
        {
            Assert.Equal([false, true], received.Select(seen => seen.Dup));
        }
        else
        {
            Assert.Single(received);
        }
    }

    [Theory]
    [MemberData(nameof(Acknowledgements))]
    public async Task A_message_whose_acknowledgement_the_publisher_did_not_get_is_sent_again_and_arrives_again_with_QoS_1_only(
        Library library, ProtocolVersion version, PacketType lost)
    {
        var qos = lost == PacketType.PubAck ? QualityOfService.AtLeastOnce : QualityOfService.ExactlyOnce;
        await using var scenario = await Scenario.BeginAsync(peers, library);
        var subscriber = await scenario.ConnectAsync(version);
        var publisher = await scenario.ConnectAsync(version, how => how.Lasting());
        await subscriber.SubscribeAsync(scenario.Topic("a"), qos);

        var isLost = publisher.Relay.LoseFromBrokerAsync(lost);
        var publishing = publisher.PublishAsync(scenario.Topic("a"), "message", qos);
        await isLost;
        await publisher.CutAsync();
        Assert.True((await publisher.ConnectAsync()).SessionPresent);
        await publishing;
        await publisher.PublishAsync(scenario.Topic("a"), "end", qos);
        var received = await subscriber.ReceiveUntilAsync("end");

        Assert.All(received, seen => Assert.Equal("message", seen.Text));
        Assert.Equal(qos == QualityOfService.AtLeastOnce ? 2 : 1, received.Count);
    }
}
