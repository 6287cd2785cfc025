using Antiphon.Bench.Calls.Roles;
using NATS.Client.Core;

namespace Antiphon.Bench.Calls.Peers;

/// <summary>NATS.Net as its guide shows it, with no option set but the address.</summary>
internal static class NatsPeer
{
    public static async Task<ICaller> RequestAsync(int port, CallScenario scenario) =>
        new Caller(await ConnectAsync(port), Peer.Payloads(scenario));

    public static async Task<Answering> RespondAsync(int port)
    {
        var connection = await ConnectAsync(port);
        var subscription = await connection.SubscribeCoreAsync<byte[]>(Peer.Topic);
        await connection.PingAsync();
        var answering = Task.Run(async () =>
        {
            await foreach (var request in subscription.Msgs.ReadAllAsync())
            {
                await request.ReplyAsync(request.Data);
            }
        });
        return new Answering(port, async () =>
        {
            await subscription.DisposeAsync();
            await answering;
            await connection.DisposeAsync();
        });
    }

    private static async Task<NatsConnection> ConnectAsync(int port)
    {
        var connection = new NatsConnection(NatsOpts.Default with { Url = $"nats://127.0.0.1:{port}" });
        await connection.ConnectAsync();
        return connection;
    }

    private sealed class Caller(NatsConnection connection, byte[][] payloads) : ICaller
    {
        public async Task RunAsync(int slot, CallLog log)
        {
            var payload = payloads[slot];
            while (log.GoesOn)
            {
                var start = CallLog.Now;
                try
                {
                    var response = await connection.RequestAsync<byte[], byte[]>(Peer.Topic, payload);
                    if (response.Data.AsSpan().SequenceEqual(payload))
                    {
                        log.Answered(start);
                    }
                    else
                    {
                        log.HasFailed("The answer belongs to another request.");
                    }
                }
                catch (NatsException failure)
                {
                    log.HasFailed(failure.Message);
                }
            }
        }

        public ValueTask DisposeAsync() => connection.DisposeAsync();
    }
}
