using System.Buffers;
using System.Collections.Concurrent;
using System.Text;
using Antiphon.Protocol;
using MQTTnet;
using MQTTnet.Protocol;

namespace Antiphon.Interop.MqttNet;

/// <summary>
/// A client of MQTTnet that asks, by hand: one subscription for all answers, which are told apart by Correlation Data.
/// </summary>
internal sealed class MqttNetRequester : IAsyncDisposable
{
    private readonly IMqttClient _client = new MqttClientFactory().CreateMqttClient();
    private readonly ConcurrentDictionary<string, TaskCompletionSource<string>> _open = new();
    private readonly string _responseTopic;
    private readonly MqttQualityOfServiceLevel _qos;
    private int _lastCorrelation;

    private MqttNetRequester(string responseTopic, QualityOfService qos)
    {
        _responseTopic = responseTopic;
        _qos = (MqttQualityOfServiceLevel)qos;
    }

    public static async Task<MqttNetRequester> StartAsync(int port, string responseTopic, QualityOfService qos)
    {
        var requester = new MqttNetRequester(responseTopic, qos);
        requester._client.ApplicationMessageReceivedAsync += received =>
        {
            var answer = received.ApplicationMessage;
            if (requester._open.TryRemove(Encoding.UTF8.GetString(answer.CorrelationData), out var open))
            {
                open.SetResult(Encoding.UTF8.GetString(answer.Payload));
            }

            return Task.CompletedTask;
        };
        await MqttNetResponder.ConnectAsync(requester._client, port);
        await requester._client.SubscribeAsync(responseTopic, requester._qos);
        return requester;
    }

    public async Task<string> RequestAsync(string topic, string text)
    {
        var correlation = $"{Interlocked.Increment(ref _lastCorrelation)}";
        var answer = _open.GetOrAdd(correlation, _ => new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously));
        await _client.PublishAsync(new MqttApplicationMessage
        {
            Topic = topic,
            Payload = new ReadOnlySequence<byte>(Encoding.UTF8.GetBytes(text)),
            QualityOfServiceLevel = _qos,
            ResponseTopic = _responseTopic,
            CorrelationData = Encoding.UTF8.GetBytes(correlation),
        });
        return await answer.Task;
    }

    public async ValueTask DisposeAsync()
    {
        await _client.DisconnectAsync();
        _client.Dispose();
    }
}
