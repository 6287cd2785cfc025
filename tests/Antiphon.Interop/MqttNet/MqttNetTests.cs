using Antiphon.Broker;
using Antiphon.Client;
using Antiphon.Protocol;
using Antiphon.Rpc;

namespace Antiphon.Interop.MqttNet;

/// <summary>
/// MQTTnet's client through our broker, and our client through MQTTnet's server, with a thousand requests outstanding on one connection.
/// What is asked for is progress: with a stall of 200 ms every few kilobytes it would take minutes.
/// </summary>
public sealed class MqttNetTests
{
    private const int Outstanding = 1024;
    private const int Calls = 40 * Outstanding;
    private const int PayloadSize = 100;
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    [Theory]
    [InlineData(BrokerTransport.Automatic, QualityOfService.AtMostOnce)]
    [InlineData(BrokerTransport.Automatic, QualityOfService.AtLeastOnce)]
    [InlineData(BrokerTransport.Sockets, QualityOfService.AtMostOnce)]
    public async Task Its_client_gets_its_answers_through_our_broker(BrokerTransport transport, QualityOfService qos)
    {
        await using var broker = BrokerHost.Start(new BrokerOptions { Port = 0, Transport = transport });
        await using var responder = await MqttNetResponder.StartAsync(broker.Port, "relay_1", qos);
        await using var requester = await MqttNetRequester.StartAsync(broker.Port, "answers", qos);

        await CallAsync(payload => requester.RequestAsync("relay_1", payload));
    }

    [Fact]
    public async Task Our_client_gets_its_answers_through_its_server()
    {
        using var server = await MqttNetServer.StartAsync();
        await using var device = await MqttClient.ConnectAsync("127.0.0.1", server.Port, TestContext.Current.CancellationToken);
        await using var responder = new Responder(device, new ResponderOptions { MaximumWaiting = Outstanding });
        await responder.RespondAsync("relay_1", request => request.Text, cancellationToken: TestContext.Current.CancellationToken);
        await using var controller = await MqttClient.ConnectAsync("127.0.0.1", server.Port, TestContext.Current.CancellationToken);
        await using var requester = new Requester(controller, new RequesterOptions { Timeout = Limit });

        await CallAsync(
            async payload => (await requester.RequestAsync("relay_1", payload, null, TestContext.Current.CancellationToken)).Text);
    }

    /// <summary>So many loops, each of which asks again when it has its answer; each answer has to be that of its request.</summary>
    private static async Task CallAsync(Func<string, Task<string>> call)
    {
        var begun = 0;
        var loops = Enumerable.Range(0, Outstanding).Select(_ => Task.Run(async () =>
        {
            while (Interlocked.Increment(ref begun) is var number && number <= Calls)
            {
                var payload = $"{number}".PadRight(PayloadSize);
                Assert.Equal(payload, await call(payload));
            }
        }));
        await Task.WhenAll(loops).WaitAsync(Limit, TestContext.Current.CancellationToken);
    }
}
