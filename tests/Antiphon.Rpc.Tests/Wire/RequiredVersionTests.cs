using Antiphon.Client;
using Antiphon.Protocol;

namespace Antiphon.Rpc.Tests.Wire;

public sealed class RequiredVersionTests
{
    [Fact]
    public async Task A_client_of_MQTT_3_1_1_is_turned_away_with_the_reason()
    {
        await using var client = MqttClient.Start(new MqttClientOptions
        {
            ProtocolVersion = ProtocolVersion.V311,
            OpenStream = _ => ValueTask.FromException<Stream>(new IOException("Nobody is there.")),
        });

        Action[] attempts = [() => _ = new Requester(client), () => _ = new Responder(client)];
        foreach (var attempt in attempts)
        {
            var refusal = Assert.Throws<ArgumentException>(attempt);
            Assert.EndsWith("need MQTT 5 (§4.10).", refusal.Message, StringComparison.Ordinal);
        }
    }
}
