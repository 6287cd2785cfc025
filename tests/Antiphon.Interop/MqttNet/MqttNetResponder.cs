using Antiphon.Protocol;
using MQTTnet;
using MQTTnet.Formatter;
using MQTTnet.Protocol;

namespace Antiphon.Interop.MqttNet;

/// <summary>A client of MQTTnet that answers each request with what was in it.</summary>
internal sealed class MqttNetResponder : IAsyncDisposable
{
    private readonly IMqttClient _client = new MqttClientFactory().CreateMqttClient();

    private MqttNetResponder()
    {
    }

    public static async Task<MqttNetResponder> StartAsync(int port, string topic, QualityOfService qos)
    {
        var responder = new MqttNetResponder();
        responder._client.ApplicationMessageReceivedAsync += received =>
        {
            // Not awaited: the next request is handled while this answer waits for its PUBACK.
            _ = responder.AnswerAsync(received.ApplicationMessage);
            return Task.CompletedTask;
        };
        await ConnectAsync(responder._client, port);
        await responder._client.SubscribeAsync(topic, (MqttQualityOfServiceLevel)qos);
        return responder;
    }

    /// <summary>Connects as its users do, with MQTT 5 and nothing else said.</summary>
    public static Task ConnectAsync(IMqttClient client, int port) => client.ConnectAsync(
        new MqttClientOptionsBuilder().WithTcpServer("127.0.0.1", port).WithProtocolVersion(MqttProtocolVersion.V500).Build(),
        TestContext.Current.CancellationToken);

    public async ValueTask DisposeAsync()
    {
        await _client.DisconnectAsync();
        _client.Dispose();
    }

    private async Task AnswerAsync(MqttApplicationMessage request) => await _client.PublishAsync(new MqttApplicationMessage
    {
        Topic = request.ResponseTopic,
        Payload = request.Payload,
        QualityOfServiceLevel = request.QualityOfServiceLevel,
        CorrelationData = request.CorrelationData,
    });
}
