using System.Net;
using Antiphon.Broker;
using Antiphon.Conformance.Hostile.Tables;

namespace Antiphon.Conformance.Hostile;

/// <summary>What does not come in time: half packets, and packets a byte at a time.</summary>
public sealed class TimeLimitTests(ITestOutputHelper output)
{
    private static readonly TimeSpan Short = TimeSpan.FromMilliseconds(500);

    private static readonly TimeSpan KeepAlive = TimeSpan.FromSeconds(1);

    /// <summary>A timing wheel fires up to a tick late, and the machine may be busy.</summary>
    private static readonly TimeSpan Slack = TimeSpan.FromSeconds(5);

    [Fact]
    public async Task Who_begins_with_less_than_a_CONNECT_is_closed_after_ConnectTimeout_without_a_word()
    {
        await using var broker = BrokerHost.Start(new BrokerOptions { Port = 0, ConnectTimeout = Short });
        await using var pair = await WatchPair.StartAsync(EndPoint(broker));
        string[] halves = ["", "10", "10 7F", "10 7F 0004 'MQ'", "10 7F 0004 'MQTT' 05 02 003C 00"];
        await Task.WhenAll(halves.Select(async half =>
        {
            await using var client = await Peer.OpenAsync(EndPoint(broker));
            await client.SendAsync(half);

            var took = await TimeAsync(async () => Assert.Null(await client.NextAsync()));

            output.WriteLine($"closed {took.TotalMilliseconds:F0} ms after «{half}»");
            Assert.InRange(took, Short / 2, Short + Slack);
        }));
        await pair.ExchangeAsync();
    }

    [Fact]
    public async Task A_CONNECT_a_byte_at_a_time_has_to_be_over_within_ConnectTimeout()
    {
        await using var broker = BrokerHost.Start(new BrokerOptions { Port = 0, ConnectTimeout = Short });
        await using var client = await Peer.OpenAsync(EndPoint(broker));

        var took = await TimeAsync(
            () => DripAsync(client, "10 7F 0004 'MQTT' 05 02 003C 00 0060 78*96", async () => Assert.Null(await client.NextAsync())));

        Assert.InRange(took, Short / 2, Short + Slack);
    }

    [Fact]
    [Trait("Label", "MQTT-3.1.2-22")]
    public async Task With_Keep_Alive_half_a_packet_ends_after_one_and_a_half_times_of_it_with_0x8D_also_while_bytes_come()
    {
        await using var broker = BrokerHost.Start(new BrokerOptions { Port = 0 });
        await using var pair = await WatchPair.StartAsync(EndPoint(broker));
        string[] halves = ["30", "30 7F 0001 'a' 00", "40 02 00", "82 7F 0001 00 0001", "E0", "30 7F 0060 78*96"];
        await Task.WhenAll(halves.Select(async half =>
        {
            await using var client = await Peer.ConnectAsync(EndPoint(broker), "10[ \"MQTT\" 05 02 0001 () \"~\" ]");

            var took = await TimeAsync(() => DripAsync(client, half, () => client.ExpectEndAsync(0x8D)));

            output.WriteLine($"ended {took.TotalMilliseconds:F0} ms after the first byte of «{half}»");
            Assert.InRange(took, KeepAlive, 1.5 * KeepAlive + Slack);
        }));
        await pair.ExchangeAsync();
    }

    [Fact]
    public async Task With_Keep_Alive_0_half_a_packet_ends_after_PacketTimeout_with_0x8D_and_silence_between_packets_does_not()
    {
        await using var broker = BrokerHost.Start(new BrokerOptions { Port = 0, PacketTimeout = Short });
        await using var silent = await Peer.ConnectAsync(EndPoint(broker));
        await using var half = await Peer.ConnectAsync(EndPoint(broker));
        await using var dripping = await Peer.ConnectAsync(EndPoint(broker));
        await half.SendAsync("30 7F 0001");

        var took = await TimeAsync(
            () => Task.WhenAll(half.ExpectEndAsync(0x8D), DripAsync(dripping, "30 7F 0060 78*96", () => dripping.ExpectEndAsync(0x8D))));

        Assert.InRange(took, Short / 2, Short + Slack);
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

    private static async Task<TimeSpan> TimeAsync(Func<Task> what)
    {
        var started = TimeProvider.System.GetTimestamp();
        await what();
        return TimeProvider.System.GetElapsedTime(started);
    }

    /// <summary>Sends a byte every 50 ms until the expected end has come.</summary>
    private static async Task DripAsync(Peer client, string text, Func<Task> expectEnd)
    {
        var ending = expectEnd();
        using var rhythm = new PeriodicTimer(TimeSpan.FromMilliseconds(50), TimeProvider.System);
        foreach (var one in Rendered.Bytes(text))
        {
            if (ending.IsCompleted || !await client.SendAsync([one]))
            {
                break;
            }

            await rhythm.WaitForNextTickAsync(TestContext.Current.CancellationToken);
        }

        await ending;
    }
}
