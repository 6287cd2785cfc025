using System.Net;
using Antiphon.Broker;

namespace Antiphon.Conformance.Hostile;

/// <summary>What clients leave in a broker has bounds. Who reaches one is told; the connection and a pair beside go on.</summary>
public sealed class BoundsTests
{
    [Fact]
    public Task Retained_messages_beyond_the_bound_are_refused_with_0x97() =>
        WatchAsync(new BrokerOptions { MaximumRetainedMessages = 100 }, async broker =>
        {
            await using var client = await Peer.ConnectAsync(broker);
            for (var number = 1; number <= 300; number++)
            {
                await client.SendAsync($"33[ \"retained/{number}\" {number:X4} () 'x' ]");
                await client.ExpectAsync(0x40, number <= 100 ? (byte)0x10 : (byte)0x97);
            }

            await client.SendAsync("33[ \"retained/1\" 0001 () 'another' ]");
            await client.ExpectAsync(0x40, 0x10);
        });

    [Fact]
    public Task Bytes_of_retained_messages_beyond_the_bound_are_refused_with_0x97() =>
        WatchAsync(new BrokerOptions { MaximumRetainedBytes = 1024 * 1024 }, async broker =>
        {
            await using var client = await Peer.ConnectAsync(broker);
            var refused = 0;
            for (var number = 1; number <= 40; number++)
            {
                await client.SendAsync($"33[ \"retained/{number}\" {number:X4} () 78*50000 ]");
                refused += Assert.NotNull(await client.NextAsync()).Body is [_, _, 0x97, ..] ? 1 : 0;
            }

            Assert.InRange(refused, 20, 35);
        });

    [Fact]
    public Task Sessions_beyond_the_bound_are_refused_with_0x97() => WatchAsync(new BrokerOptions { MaximumSessions = 20 }, async broker =>
    {
        // The pair has two.
        for (var number = 1; number <= 50; number++)
        {
            await using var client = await Peer.OpenAsync(broker);
            await client.SendAsync("10[ \"MQTT\" 05 02 0000 ( 11 0000003C ) \"~\" ]");
            await client.ExpectAsync(0x20, number <= 18 ? (byte)0x00 : (byte)0x97);
        }
    });

    [Fact]
    public Task Wills_beyond_the_bound_are_refused_with_0x97() =>
        WatchAsync(new BrokerOptions { MaximumSessionBytes = 2 * 1024 * 1024 }, async broker =>
        {
            var refused = 0;
            for (var number = 1; number <= 100; number++)
            {
                await using var client = await Peer.OpenAsync(broker);
                await client.SendAsync("10[ \"MQTT\" 05 06 0000 ( 11 0000003C ) \"~\" ( 18 0000003C ) \"will\" s{ 77*65000 } ]");
                refused += Assert.NotNull(await client.NextAsync()).Body[1] switch
                {
                    0x00 => 0,
                    0x97 => 1,
                    var code => throw new InvalidOperationException($"CONNACK {code:X2}"),
                };
            }

            Assert.InRange(refused, 60, 75);
        });

    private static async Task WatchAsync(BrokerOptions options, Func<DnsEndPoint, Task> attack)
    {
        await using var host = BrokerHost.Start(options with { Port = 0 });
        var broker = new DnsEndPoint("127.0.0.1", host.Port);
        await using var pair = await WatchPair.StartAsync(broker);
        await attack(broker);
        await pair.ExchangeAsync();
    }
}
