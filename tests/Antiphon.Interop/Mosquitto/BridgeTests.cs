using Antiphon.Broker;
using Antiphon.Client;
using Antiphon.Protocol;
using Antiphon.Rpc;

namespace Antiphon.Interop.Mosquitto;

/// <summary>mosquitto's own bridge leads to our broker.</summary>
public sealed class BridgeTests
{
    [Fact]
    public async Task With_its_default_settings_messages_go_both_ways_once_and_keep_their_Retain_flag()
    {
        await using var here = BrokerHost.Start(new BrokerOptions { Port = 0 });
        await using var there = await MosquittoBroker.StartAsync($"connection edge\naddress 127.0.0.1:{here.Port}\ntopic # both 1\n");
        await using var near = await ConnectAsync(here.Port);
        await using var far = await ConnectAsync(there.Port);
        var heard = new Heard();
        await heard.ListenAsync(near, "near");
        await heard.ListenAsync(far, "far");

        // The bridge takes its time; what was published before it came is retained at either end.
        await near.PublishAsync(Retained("from/near", "1"), Cancellation);
        await far.PublishAsync(Retained("from/far", "2"), Cancellation);
        await heard.UntilAsync("near from/near 1", "near from/far 2", "far from/near 1", "far from/far 2");
        await far.PublishAsync(Retained("from/far", "3"), Cancellation);
        await near.PublishAsync(Retained("from/near", "4"), Cancellation);
        await heard.UntilAsync("near from/far 3", "far from/near 4");
        await near.PublishAsync(Retained("end", "5"), Cancellation);
        await far.PublishAsync(Retained("end", "6"), Cancellation);
        await heard.UntilAsync("far end 5", "near end 6");

        // What echoes would have come before the end, since they are on the same way.
        Assert.Equal(1, heard.Count("near from/near 4"));
        Assert.Equal(1, heard.Count("far from/far 3"));
        await using var late = await ConnectAsync(here.Port);
        var retained = new Heard();
        await retained.ListenAsync(late, "late");
        await retained.UntilAsync("late from/far 3", "late from/near 4");
    }

    [Fact]
    public async Task With_MQTT_5_exchanges_go_across_it_in_both_directions()
    {
        await using var here = BrokerHost.Start(new BrokerOptions { Port = 0 });
        await using var there = await MosquittoBroker.StartAsync(
            $"""
            connection edge
            address 127.0.0.1:{here.Port}
            bridge_protocol_version mqttv50
            topic relay/far/+ in 1
            topic $reply/# out 1
            topic relay/near/+ out 1
            topic clients/# in 1

            """);
        await using var near = await ConnectAsync(here.Port);
        await using var far = await ConnectAsync(there.Port);
        await using var nearResponder = new Responder(near);
        await using var farResponder = new Responder(far);
        await nearResponder.RespondAsync("relay/near/+", request => "near: " + request.Text, cancellationToken: Cancellation);
        await farResponder.RespondAsync("relay/far/+", request => "far: " + request.Text, cancellationToken: Cancellation);
        await using var nearRequester = new Requester(near);
        await using var farRequester = new Requester(far);

        Assert.Equal("far: on", await AskAsync(nearRequester, "relay/far/1"));
        Assert.Equal("near: on", await AskAsync(farRequester, "relay/near/1"));
    }

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <summary>Until the bridge has come, nobody is there, or nothing comes back.</summary>
    private static async Task<string> AskAsync(Requester requester, string topic)
    {
        while (true)
        {
            try
            {
                var response = await requester.RequestAsync(
                    topic, "on", new RequestOptions { Timeout = TimeSpan.FromSeconds(10) }, cancellationToken: Cancellation);
                return response.Text;
            }
            catch (RequestException failure) when (failure is NoResponderException or RequestTimeoutException)
            {
                Cancellation.ThrowIfCancellationRequested();
            }
        }
    }

    private static ApplicationMessage Retained(string topic, string payload) =>
        new() { Topic = topic, Payload = System.Text.Encoding.UTF8.GetBytes(payload), QoS = QualityOfService.AtLeastOnce, Retain = true };

    private static Task<MqttClient> ConnectAsync(int port) => MqttClient.ConnectAsync("127.0.0.1", port, Cancellation);

    /// <summary>What was heard at which end.</summary>
    private sealed class Heard
    {
        private readonly Lock _lock = new();
        private readonly List<string> _lines = [];
        private TaskCompletionSource _next = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task<Subscription> ListenAsync(MqttClient client, string end) => client.SubscribeAsync(
            "#",
            (message, _) =>
            {
                lock (_lock)
                {
                    _lines.Add($"{end} {message.Topic} {System.Text.Encoding.UTF8.GetString(message.Payload.Span)}");
                    _next.SetResult();
                    _next = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                }

                return ValueTask.CompletedTask;
            },
            cancellationToken: Cancellation);

        public int Count(string line)
        {
            lock (_lock)
            {
                return _lines.Count(heard => heard == line);
            }
        }

        public async Task UntilAsync(params string[] lines)
        {
            while (true)
            {
                Task next;
                lock (_lock)
                {
                    if (lines.All(_lines.Contains))
                    {
                        return;
                    }

                    next = _next.Task;
                }

                await next.WaitAsync(Cancellation);
            }
        }
    }
}
