using Antiphon.Broker;
using Antiphon.Client;
using Antiphon.Rpc.Tests.Servers;
using Antiphon.Rpc.Tests.Timing;

namespace Antiphon.Rpc.Tests.Exchanges;

/// <summary>A CONNECT comes to the broker behind the one that the client made after giving it up.</summary>
public sealed class LateConnectTests
{
    [Fact]
    public async Task A_device_whose_own_late_CONNECT_takes_over_its_Session_comes_back_and_answers()
    {
        await using var broker = BrokerHost.Start(new BrokerOptions { Port = 0 });
        var clock = new ManualTime();
        var connect = new TaskCompletionSource<byte[]>(TaskCreationOptions.RunContinuationsAsynchronously);
        var opened = 0;
        var options = new MqttClientOptions
        {
            ClientId = "device",
            TimeProvider = clock,
            ReconnectDelay = TimeSpan.Zero,
            MaximumReconnectDelay = TimeSpan.Zero,
            OpenStream = _ => ValueTask.FromResult(
                Interlocked.Increment(ref opened) == 1
                    ? new ScriptedStream(bytes => connect.TrySetResult(bytes.ToArray()))
                    : broker.ConnectInProcess()),
        };
        await using var device = MqttClient.Start(options);
        var late = await connect.Task.InTime();
        clock.Advance(options.ConnectTimeout);
        await device.WaitUntilConnectedAsync(Limit.Token);
        await using var responder = new Responder(device);
        await responder.RespondAsync("relay", _ => "on", cancellationToken: Limit.Token);

        await using var slow = broker.ConnectInProcess();
        await slow.WriteAsync(late, Limit.Token);

        await Wait.Until(() => device.Counters.Reconnects == 1);
        await using var client = await MqttClient.ConnectAsync(
            options with { ClientId = "controller", TimeProvider = TimeProvider.System }, Limit.Token);
        await using var requester = new Requester(client, new RequesterOptions { Timeout = TimeSpan.FromMinutes(1) });
        Assert.Equal("on", await AskAsync(requester));
    }

    /// <summary>Until the device has subscribed again, nobody listens.</summary>
    private static async Task<string> AskAsync(Requester requester)
    {
        var limit = Limit.Token;
        while (true)
        {
            try
            {
                return (await requester.RequestAsync("relay", "", null, limit)).Text;
            }
            catch (NoResponderException)
            {
                limit.ThrowIfCancellationRequested();
            }
        }
    }
}
