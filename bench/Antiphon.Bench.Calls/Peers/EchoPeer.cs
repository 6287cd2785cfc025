using System.Text;
using Antiphon.Bench.Calls.Roles;
using Antiphon.Client;
using Antiphon.Protocol;
using Antiphon.Protocol.Packets;

namespace Antiphon.Bench.Calls.Peers;

/// <summary>
/// The raw echo: the least that a call costs with our <see cref="MqttClient"/>, without Requester and Responder. The reference for their
/// ratios. Both handlers run on the receive loop, and one message object a publish is all that it allocates itself.
/// </summary>
internal static class EchoPeer
{
    public static async Task<ICaller> RequestAsync(int port, CallScenario scenario, bool hops)
    {
        var client = await MqttClient.ConnectAsync("127.0.0.1", port);
        var calls = new OpenCalls(scenario, hops);
        var responseTopic = $"bench/answers/{client.ClientId}";
        var quality = (QualityOfService)scenario.Quality;
        await client.SubscribeRawAsync(responseTopic, (in message, in acknowledgement) =>
        {
            calls.End(message.CorrelationData, message.Payload);
            acknowledgement.Complete();
        }, new SubscribeOptions { MaximumQoS = quality });
        return new Caller(client, calls, responseTopic, quality);
    }

    public static async Task<Answering> RespondAsync(int port, CallScenario scenario)
    {
        var client = await MqttClient.ConnectAsync("127.0.0.1", port);
        var echo = new Echo(client);
        await client.SubscribeRawAsync(Peer.Topic, echo.Answer, new SubscribeOptions { MaximumQoS = (QualityOfService)scenario.Quality });
        return new Answering(port, client.DisposeAsync);
    }

    private sealed class Caller(MqttClient client, OpenCalls calls, string responseTopic, QualityOfService quality) : ICaller
    {
        public async Task RunAsync(int slot, CallLog log)
        {
            var call = calls[slot];
            while (log.GoesOn)
            {
                var start = CallLog.Now;
                var answer = call.Begin(OpenCalls.DeadlineOf(start));
                try
                {
                    var publishing = client.PublishAsync(new ApplicationMessage
                    {
                        Topic = Peer.Topic,
                        Payload = call.Payload,
                        QoS = quality,
                        ResponseTopic = responseTopic,
                        CorrelationData = call.Correlation,
                    });
                    if (await answer)
                    {
                        log.Answered(start);
                    }
                    else
                    {
                        log.HasFailed("The answer belongs to another request.");
                    }

                    await publishing;
                }
                catch (Exception failure) when (failure is MqttException or TimeoutException)
                {
                    log.HasFailed(failure.Message);
                }
            }
        }

        public async ValueTask DisposeAsync()
        {
            await client.DisposeAsync();
            calls.Dispose();
        }
    }

    /// <summary>
    /// The handler; it runs on the receive loop, one message at a time, so that its buffers serve every message: a publish copies them
    /// before it returns.
    /// </summary>
    private sealed class Echo(MqttClient client)
    {
        private readonly byte[] _payload = new byte[CallScenario.Payload];
        private readonly byte[] _correlation = new byte[OpenCall.CorrelationSize];
        private byte[] _topicBytes = [];
        private string _topic = "";

        public void Answer(in PublishView request, in Acknowledgement acknowledgement)
        {
            if (!request.ResponseTopic.SequenceEqual(_topicBytes))
            {
                _topicBytes = request.ResponseTopic.ToArray();
                _topic = Encoding.UTF8.GetString(_topicBytes);
            }

            request.Payload.CopyTo(_payload);
            request.CorrelationData.CopyTo(_correlation);
            Sent.Observe(client.PublishAsync(new ApplicationMessage
            {
                Topic = _topic,
                Payload = _payload.AsMemory(0, request.Payload.Length),
                QoS = request.QoS,
                CorrelationData = _correlation.AsMemory(0, request.CorrelationData.Length),
            }));
            acknowledgement.Complete();
        }
    }
}
