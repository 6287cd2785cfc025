using Antiphon.Broker;
using Antiphon.Client;

namespace Antiphon.Rpc.Tests.Responding;

/// <summary>What needs the threads of the pool: a handler that blocks one of them.</summary>
public sealed class ResponderThreadTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_handler_that_blocks_holds_nobody_up()
    {
        await using var broker = BrokerHost.Start(new BrokerOptions { Port = 0 });
        await using var device = await MqttClient.ConnectAsync("127.0.0.1", broker.Port, Token);
        await using var responder = new Responder(device);
        using var go = new ManualResetEventSlim();
        await responder.RespondAsync(
            "relay/+",
            request =>
            {
                if (request.Text == "block")
                {
                    go.Wait(Token);
                }

                return request.Text;
            },
            cancellationToken: Token);
        await using var client = await MqttClient.ConnectAsync("127.0.0.1", broker.Port, Token);
        await using var requester = new Requester(client, new RequesterOptions { Timeout = TimeSpan.FromSeconds(25) });
        var blocked = requester.RequestAsync("relay/1", "block", cancellationToken: Token).AsTask();
        for (var i = 2; i < 10; i++)
        {
            Assert.Equal("quick", (await requester.RequestAsync("relay/1", "quick", cancellationToken: Token)).Text);
        }

        Assert.False(blocked.IsCompleted);
        go.Set();
        Assert.Equal("block", (await blocked).Text);
    }
}
