using System.Buffers;
using System.Net;
using Antiphon.Bench.Calls.Roles;
using MQTTnet;
using MQTTnet.Exceptions;
using MQTTnet.Formatter;
using MQTTnet.Protocol;
using MQTTnet.Server;

namespace Antiphon.Bench.Calls.Peers;

/// <summary>
/// MQTTnet with request and response written by hand: one subscription for all answers, told apart by Correlation Data. That is better
/// than its own RPC client, which subscribes anew for each call.
/// </summary>
internal static class MqttNetPeer
{
    /// <summary>MQTTnet's server, with room in its queues: it drops messages beyond 250 by default.</summary>
    public static IDisposable StartBroker(int port)
    {
        var server = new MqttServerFactory().CreateMqttServer(new MqttServerOptionsBuilder()
            .WithDefaultEndpoint()
            .WithDefaultEndpointPort(port)
            .WithDefaultEndpointBoundIPAddress(IPAddress.Loopback)
            .WithDefaultEndpointBoundIPV6Address(IPAddress.None)
            .WithMaxPendingMessagesPerClient(ushort.MaxValue)
            .Build());
        server.StartAsync().GetAwaiter().GetResult();
        return server;
    }

    public static async Task<ICaller> RequestAsync(int port, CallScenario scenario)
    {
        var client = new MqttClientFactory().CreateMqttClient();
        var calls = new OpenCalls(scenario, hops: false);
        client.ApplicationMessageReceivedAsync += received =>
        {
            calls.End(received.ApplicationMessage.CorrelationData, PayloadOf(received.ApplicationMessage).Span);
            return Task.CompletedTask;
        };
        await ConnectAsync(client, port);
        var responseTopic = $"bench/answers/{client.Options.ClientId}";
        var quality = (MqttQualityOfServiceLevel)scenario.Quality;
        await client.SubscribeAsync(responseTopic, quality);
        return new Caller(client, calls, responseTopic, quality);
    }

    public static async Task<Answering> RespondAsync(int port, CallScenario scenario)
    {
        var client = new MqttClientFactory().CreateMqttClient();
        client.ApplicationMessageReceivedAsync += received =>
        {
            // Not awaited: the next request is handled while this answer waits for its PUBACK.
            _ = AnswerAsync(client, received.ApplicationMessage);
            return Task.CompletedTask;
        };
        await ConnectAsync(client, port);
        await client.SubscribeAsync(Peer.Topic, (MqttQualityOfServiceLevel)scenario.Quality);
        return new Answering(port, async () =>
        {
            await client.DisconnectAsync();
            client.Dispose();
        });
    }

    private static async Task AnswerAsync(IMqttClient client, MqttApplicationMessage request)
    {
        try
        {
            await client.PublishAsync(new MqttApplicationMessage
            {
                Topic = request.ResponseTopic,
                Payload = request.Payload,
                QualityOfServiceLevel = request.QualityOfServiceLevel,
                CorrelationData = request.CorrelationData,
            });
        }
        catch (MqttCommunicationException failure)
        {
            // The requester counts the call as failed, for want of an answer; here is why.
            Console.Error.WriteLine(failure.Message);
        }
    }

    private static Task<MqttClientConnectResult> ConnectAsync(IMqttClient client, int port) =>
        client.ConnectAsync(new MqttClientOptionsBuilder()
            .WithTcpServer("127.0.0.1", port)
            .WithProtocolVersion(MqttProtocolVersion.V500)
            .WithClientId($"bench-{Environment.ProcessId}")
            .Build());

    private static ReadOnlyMemory<byte> PayloadOf(MqttApplicationMessage message) =>
        message.Payload.IsSingleSegment ? message.Payload.First : message.Payload.ToArray();

    private sealed class Caller(IMqttClient client, OpenCalls calls, string responseTopic, MqttQualityOfServiceLevel quality) : ICaller
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
                    var publishing = client.PublishAsync(new MqttApplicationMessage
                    {
                        Topic = Peer.Topic,
                        Payload = new ReadOnlySequence<byte>(call.Payload),
                        QualityOfServiceLevel = quality,
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
                catch (Exception failure) when (failure is MqttCommunicationException or TimeoutException)
                {
                    log.HasFailed(failure.Message);
                }
            }
        }

        public async ValueTask DisposeAsync()
        {
            await client.DisconnectAsync();
            client.Dispose();
            calls.Dispose();
        }
    }
}
