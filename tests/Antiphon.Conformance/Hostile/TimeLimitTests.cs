using System.Net;
using Antiphon.Broker;
using Antiphon.Conformance.Hostile.Tables;

namespace Antiphon.Conformance.Hostile;

/// <summary>What does not come in time: half packets, and packets a byte at a time.</summary>
public sealed class TimeLimitTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(4);

    /// <summary>Deadlines are met up to some ticks of the broker's timing wheel late.</summary>
    private static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(100);

    private readonly HandClock _clock = new();

    [Fact]
    public async Task Who_begins_with_less_than_a_CONNECT_is_closed_after_ConnectTimeout_without_a_word()
    {
        await using var broker = Start(options => options with { ConnectTimeout = Limit });
        await using var pair = await WatchPair.StartAsync(EndPoint(broker));
        string[] halves = ["", "10", "10 7F", "10 7F 0004 'MQ'", "10 7F 0004 'MQTT' 05 02 003C 00"];
        var clients = await Task.WhenAll(halves.Select(async half =>
        {
            var client = await Peer.OpenAsync(EndPoint(broker));
            await client.SendAsync(half);
            return client;
        }));
        await UntilOpenAsync(broker, pair, 2 + clients.Length);

        _clock.Turn(Limit - Tick);
        await pair.ExchangeAsync();
        Assert.Equal(2 + clients.Length, broker.Counters.Connections);
        _clock.Turn(2 * Tick);
        await pair.ExchangeAsync();

        foreach (var client in clients)
        {
            Assert.Null(await client.NextAsync());
            await client.DisposeAsync();
        }

        await pair.ExchangeAsync();
    }

    [Fact]
    public async Task A_CONNECT_a_byte_at_a_time_has_to_be_over_within_ConnectTimeout()
    {
        await using var broker = Start(options => options with { ConnectTimeout = Limit });
        await using var pair = await WatchPair.StartAsync(EndPoint(broker));
        await using var client = await Peer.OpenAsync(EndPoint(broker));
        await UntilOpenAsync(broker, pair, 3);

        await DripAsync(broker, pair, client, "10 7F 0004 'MQTT' 05 02 003C 00 0060 78*96", Limit);

        Assert.Null(await client.NextAsync());
    }

    [Fact]
    [Trait("Label", "MQTT-3.1.2-22")]
    public async Task With_Keep_Alive_half_a_packet_ends_after_one_and_a_half_times_of_it_with_0x8D_also_while_bytes_come()
    {
        await using var broker = Start();
        await using var pair = await WatchPair.StartAsync(EndPoint(broker));
        foreach (var half in new[] { "30", "30 7F 0001 'a' 00", "40 02 00", "82 7F 0001 00 0001", "E0", "30 7F 0060 78*96" })
        {
            await using var client = await Peer.ConnectAsync(EndPoint(broker), "10[ \"MQTT\" 05 02 0004 () \"~\" ]");

            await DripAsync(broker, pair, client, half, TimeSpan.FromSeconds(1.5 * 4));

            await client.ExpectEndAsync(0x8D);
        }

        await pair.ExchangeAsync();
    }

    [Fact]
    public async Task With_Keep_Alive_0_half_a_packet_ends_after_PacketTimeout_with_0x8D_and_silence_between_packets_does_not()
    {
        await using var broker = Start(options => options with { PacketTimeout = Limit });
        await using var pair = await WatchPair.StartAsync(EndPoint(broker));
        await using var silent = await Peer.ConnectAsync(EndPoint(broker));
        await using var dripping = await Peer.ConnectAsync(EndPoint(broker));

        await DripAsync(broker, pair, dripping, "30 7F 0060 78*96", Limit);

        await dripping.ExpectEndAsync(0x8D);
        await silent.SendAsync("C0 00");
        Assert.Equal(0xD0, Assert.NotNull(await silent.NextAsync()).First);
    }

    [Theory]
    [InlineData("")]
    [InlineData("30")]
    [InlineData("30 7F 0001 'a' 00")]
    [InlineData("82 7F 0001 00 0001")]
    public async Task Who_stops_sending_in_mid_packet_is_closed_at_once(string half)
    {
        await using var broker = BrokerHost.Start(new BrokerOptions { Port = 0 });
        await using var client = await Peer.ConnectAsync(EndPoint(broker));
        await client.SendAsync(half);

        client.EndSending();

        Assert.Null(await client.NextAsync());
    }

    private static DnsEndPoint EndPoint(BrokerHost broker) => new("127.0.0.1", broker.Port);

    private BrokerHost Start(Func<BrokerOptions, BrokerOptions>? with = null)
    {
        var options = new BrokerOptions { Port = 0, TimeProvider = _clock };
        return BrokerHost.Start(with is null ? options : with(options));
    }

    /// <summary>Waits until the broker has taken all connections; the pair's messages are turns of the broker.</summary>
    private static async Task UntilOpenAsync(BrokerHost broker, WatchPair pair, int connections)
    {
        while (broker.Counters.Connections < connections)
        {
            await pair.ExchangeAsync();
        }
    }

    /// <summary>
    /// Sends a byte at a time while the clock is turned:
    /// one before the limit all is well, and just behind it it is over.
    /// </summary>
    private async Task DripAsync(BrokerHost broker, WatchPair pair, Peer client, string text, TimeSpan limit)
    {
        var bytes = Rendered.Bytes(text);
        var open = broker.Counters.Connections;
        await client.SendAsync([bytes[0]]);
        await SettleAsync();
        for (var i = 1; i < Math.Min(bytes.Length, 10); i++)
        {
            _clock.Turn((limit - Tick) / 10);
            await client.SendAsync([bytes[i]]);
            await SettleAsync();
        }

        _clock.Turn(limit - Tick - (limit - Tick) / 10 * (Math.Min(bytes.Length, 10) - 1));
        await SettleAsync();
        Assert.Equal(open, broker.Counters.Connections);
        _clock.Turn(3 * Tick);
        await SettleAsync();

        // Two exchanges that began after the last change are turns of the broker in which it saw the clock, and the byte.
        async Task SettleAsync()
        {
            await pair.ExchangeAsync();
            await pair.ExchangeAsync();
        }
    }
}
