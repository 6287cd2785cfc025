using Antiphon.Interop.Libraries;
using Antiphon.Protocol;
using Antiphon.Protocol.Properties;

namespace Antiphon.Interop.Scenarios;

/// <summary>One library publishes, another receives, each with either version.</summary>
public sealed class MixedTests(Peers peers)
{
    private static readonly ProtocolVersion[] Versions = [ProtocolVersion.V311, ProtocolVersion.V5];

    public static MatrixTheoryData<Library, Library, ProtocolVersion, ProtocolVersion> Pairs =>
        new(Enum.GetValues<Library>(), Enum.GetValues<Library>(), Versions, Versions);

    [Theory]
    [MemberData(nameof(Pairs))]
    public async Task A_message_of_one_library_and_version_arrives_at_another(
        Library publishing, Library receiving, ProtocolVersion published, ProtocolVersion received)
    {
        await using var scenario = await Scenario.BeginAsync(peers, receiving);
        var subscriber = await scenario.ConnectAsync(received);
        var publisher = await scenario.ConnectAsync(published, library: publishing);
        await subscriber.SubscribeAsync(scenario.Topic("+/a"), QualityOfService.ExactlyOnce);
        var messages = Enum.GetValues<QualityOfService>().Select(qos => new ApplicationMessage
        {
            Topic = scenario.Topic($"{(int)qos}/a"),
            Payload = "23,5 °C"u8.ToArray(),
            QoS = qos,
            ContentType = published == ProtocolVersion.V5 ? "text/plain" : null,
            UserProperties = published == ProtocolVersion.V5 ? [new UserProperty("room", "Küche")] : [],
        }).ToArray();

        foreach (var message in messages)
        {
            await publisher.PublishAsync(message);
        }

        foreach (var message in messages)
        {
            var expected = received == ProtocolVersion.V5 ? message : message with { ContentType = null, UserProperties = [] };
            AssertSame.Message(expected, (await subscriber.ReceiveAsync()).Message);
        }
    }
}
