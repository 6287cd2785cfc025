using Antiphon.Broker;
using Antiphon.Client;

namespace Antiphon.Rpc.Tests.Exchanges;

public sealed class InProcessTests
{
    [Fact]
    public async Task Requester_and_responder_exchange_through_a_broker_in_the_process_without_sockets()
    {
        var token = TestContext.Current.CancellationToken;
        await using var broker = BrokerHost.Start(new BrokerOptions { Port = 0 });
        var options = new MqttClientOptions { OpenStream = _ => ValueTask.FromResult(broker.ConnectInProcess()) };
        await using var device = await MqttClient.ConnectAsync(options, token);
        await using var responder = new Responder(device);
        await responder.RespondAsync("device_1/relay_1", request => $"relay is {request.Text}", cancellationToken: token);
        await using var controller = await MqttClient.ConnectAsync(options, token);
        await using var requester = new Requester(controller, new RequesterOptions { Timeout = TimeSpan.FromSeconds(30) });

        var responses = await Task.WhenAll(Enumerable.Range(0, 100).Select(
            i => requester.RequestAsync("device_1/relay_1", $"{i}", cancellationToken: token).AsTask()));

        Assert.Equal(Enumerable.Range(0, 100).Select(i => $"relay is {i}"), responses.Select(response => response.Text));
        await controller.DisconnectAsync(cancellationToken: token);
        Assert.Equal(ConnectionState.Stopped, controller.State);
    }

    [Fact]
    public async Task A_client_whose_stream_ends_opens_another()
    {
        var token = TestContext.Current.CancellationToken;
        await using var broker = BrokerHost.Start(new BrokerOptions { Port = 0 });
        var streams = new List<Stream>();
        var options = new MqttClientOptions
        {
            ReconnectDelay = TimeSpan.Zero,
            OpenStream = _ =>
            {
                streams.Add(broker.ConnectInProcess());
                return ValueTask.FromResult(streams[^1]);
            },
        };
        await using var client = await MqttClient.ConnectAsync(options, token);
        var again = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        client.StateChanged += (_, change) =>
        {
            // The first connection may be told of only now; the second finds the Session there.
            if (change is { State: ConnectionState.Connected, SessionPresent: true })
            {
                again.TrySetResult();
            }
        };

        await streams[0].DisposeAsync();

        await again.Task.WaitAsync(TimeSpan.FromSeconds(30), token);
        Assert.Equal(2, streams.Count);
    }
}
