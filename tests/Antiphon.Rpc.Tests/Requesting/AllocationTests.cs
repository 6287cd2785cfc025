using Antiphon.Broker;
using Antiphon.Client;
using Antiphon.Client.Publishing;
using Antiphon.Protocol;
using Antiphon.Protocol.Packets;
using Antiphon.Rpc.Requesting.Calls;
using Antiphon.Rpc.Requesting.Topics;

namespace Antiphon.Rpc.Tests.Requesting;

/// <summary>What a call allocates in steady state. Alone, since the counter is the process's.</summary>
[CollectionDefinition(DisableParallelization = true)]
public sealed class Alone;

[Collection<Alone>]
public sealed class AllocationTests
{
    [Fact]
    public void Waiting_allocates_nothing()
    {
        var owner = new Owner();
        var channel = new ResponseChannel(owner, 1, null);
        channel.Opening("r/1", "c", null!);
        channel.Subscribed(null);
        var table = new CallTable(16, 1);
        var content = new CallContent(
            "t", 1, default, RequestOptions.Default, channel, QualityOfService.AtLeastOnce, TimeSpan.FromSeconds(1), null);
        var correlation = new byte[16];
        void Exchange()
        {
            var call = owner.Pool.Rent();
            var response = call.Task;
            call.Begin(content, default);
            table.Began(call);
            call.CancelWith(CancellationToken.None);
            table.TryStart(out _);
            Correlation.Write(correlation, 1, call.Number);
            table.Acknowledged(call, ReasonCode.Success, default);
            table.Find(channel, correlation, out _);
            table.Answered(call, call.Answer(default, default, strict: false, default));
            table.Ended.Dequeue();
            call.Run(call.Version);
            response.GetAwaiter().GetResult();
        }

        Exchange();
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 1000; i++)
        {
            Exchange();
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    /// <summary>
    /// Requester, client, our broker, client and a responder below the RPC layer, all in this process: what is left is the response,
    /// which is the caller's. Its payload and properties in one array, the copy that holds them, and the response itself, about 250 bytes;
    /// the rest is for what the shared array pool does not give back at once.
    /// </summary>
    [Fact]
    public async Task A_whole_call_allocates_only_the_response()
    {
        const int Calls = 20_000;
        const int Concurrency = 16;
        await using var broker = BrokerHost.Start(new BrokerOptions { Port = 0 });
        await using var device = await MqttClient.ConnectAsync("127.0.0.1", broker.Port, Limit.Token);
        var topics = new Dictionary<int, string>();
        await device.SubscribeRawAsync(
            "t",
            (in message, in acknowledgement) =>
            {
                acknowledgement.Complete();
                var key = message.ResponseTopic.Length;
                if (!topics.TryGetValue(key, out var topic))
                {
                    topics.Add(key, topic = System.Text.Encoding.UTF8.GetString(message.ResponseTopic));
                }

                Span<byte> properties = stackalloc byte[19];
                properties[0] = 9;
                properties[2] = 16;
                message.CorrelationData.CopyTo(properties[3..]);
#pragma warning disable CA2012 // Nobody waits for it, and QoS 0 is done at once.
                _ = device.Publishes.PublishAsync(
                    new PublishContent { Topic = message.ResponseTopic, Payload = message.Payload, Properties = properties },
                    CancellationToken.None);
#pragma warning restore CA2012
            },
            cancellationToken: Limit.Token);
        await using var client = await MqttClient.ConnectAsync("127.0.0.1", broker.Port, Limit.Token);
        await using var requester = new Requester(client, new RequesterOptions { Timeout = TimeSpan.FromSeconds(25) });
        var payload = new byte[100];
        async Task CallAsync(int count)
        {
            for (var i = 0; i < count; i++)
            {
                await requester.RequestAsync("t", payload);
            }
        }

        // Away from the test framework's synchronization context, which allocates for each continuation.
        Task AllAsync() => Task.Run(
            () => Task.WhenAll(Enumerable.Range(0, Concurrency).Select(_ => CallAsync(Calls / Concurrency))), Limit.Token);
        await AllAsync().InTime();
        var before = GC.GetTotalAllocatedBytes(precise: true);
        await AllAsync().InTime();
        var perCall = (double)(GC.GetTotalAllocatedBytes(precise: true) - before) / Calls;
        TestContext.Current.TestOutputHelper!.WriteLine($"{perCall:0} bytes per call");

        Assert.InRange(perCall, 0, 400);
    }

    private sealed class Owner : ICallOwner, IChannelOwner
    {
        public TimeSpan Now => TimeSpan.Zero;

        public Owner()
        {
            Pool = new CallPool(this);
        }

        public CallPool Pool { get; }

        public void Opened(ResponseChannel channel, MqttException? failure)
        {
        }

        public void Arrived(ResponseChannel channel, bool isOnItsTopic, in PublishView message) => throw new NotSupportedException();

        public void Published(Call call, in PublishResult result, MqttException? failure) => throw new NotSupportedException();

        public void Cancel(Call call, CancellationToken cancellationToken) => throw new NotSupportedException();

        public void Release(SingleCall call) => Pool.Return(call);
    }
}
