using System.Threading.Channels;
using Antiphon.Client.Tests.Peers;
using Antiphon.Client.Tests.Time;

namespace Antiphon.Client.Tests.Receiving;

/// <summary>A resumed Session brings its messages before the program has subscribed.</summary>
public sealed class HeldMessagesTests
{
    [Theory]
    [InlineData("32", "40 02 000")]
    [InlineData("34", "50 02 000")]
    public async Task They_wait_for_their_handlers_and_come_in_order_before_what_is_new(string publish, string acknowledgement)
    {
        await using var pair = await ResumeAsync();
        var seen = Channel.CreateUnbounded<string>();

        // The Subscription Identifier is one that the earlier client of this Session had given.
        await pair.Server.SendAsync(
            $"{publish} 09 0001 'a' 0001 02 0B01 '1' {publish} 09 0001 'b' 0002 02 0B02 '2' {publish} 09 0001 'a' 0003 02 0B01 '3'");
        await pair.Server.SendAsync("30 04 0001 'z' 00");
        await FenceAsync(pair.Server);
        await SubscribeAsync(pair, "a", seen, "32 07 0001 'a' 0004 00 '4'");
        Assert.Equal("1", await seen.Reader.ReadAsync(Limit.Token));
        Assert.Equal("3", await seen.Reader.ReadAsync(Limit.Token));
        Assert.Equal("4", await seen.Reader.ReadAsync(Limit.Token));
        await pair.Server.ExpectAsync($"{acknowledgement}1");

        await SubscribeAsync(pair, "b", seen, "");
        Assert.Equal("2", await seen.Reader.ReadAsync(Limit.Token));
        await pair.Server.ExpectAsync($"{acknowledgement}2");
        await pair.Server.ExpectAsync($"{acknowledgement}3");
        await pair.Server.ExpectAsync("40 02 0004");
        Assert.Equal(1, pair.Client.Counters.UnhandledMessages);
    }

    [Fact]
    [Trait("Label", "MQTT-4.5.0-2")]
    public async Task They_are_acknowledged_when_the_time_is_up()
    {
        var clock = new ManualTimeProvider();
        await using var pair = await ResumeAsync(
            options => options with { TimeProvider = clock, KeepAlive = TimeSpan.Zero, HoldForHandlers = TimeSpan.FromSeconds(3) });
        await pair.Server.SendAsync("32 06 0001 'a' 0001 00 34 06 0001 'a' 0002 00");
        await FenceAsync(pair.Server);
        clock.Advance(TimeSpan.FromSeconds(3));

        await pair.Server.ExpectAsync("40 02 0001");
        await pair.Server.ExpectAsync("50 02 0002");
        await pair.Server.SendAsync("32 06 0001 'a' 0003 00");
        await pair.Server.ExpectAsync("40 02 0003");
        Assert.Equal(3, pair.Client.Counters.UnhandledMessages);
    }

    [Theory]
    [InlineData(ScriptedServer.AcceptedSessionPresent, 0)]
    [InlineData(ScriptedServer.Accepted, 10)]
    public async Task They_do_not_wait_if_the_program_does_not_want_it_or_there_was_no_Session(string connAck, int seconds)
    {
        await using var pair = await Pair.ConnectAsync(
            connAck, options => options with { CleanStart = false, HoldForHandlers = TimeSpan.FromSeconds(seconds) });
        await pair.Server.SendAsync("32 06 0001 'a' 0001 00");

        await pair.Server.ExpectAsync("40 02 0001");
    }

    [Fact]
    public async Task A_held_message_that_comes_again_over_the_next_connection_is_handled_once()
    {
        using var listener = new ScriptedServer();
        await using var client = MqttClient.Start(listener.Options with { CleanStart = false });
        using var first = await listener.AcceptAsync(ScriptedServer.AcceptedSessionPresent);
        await first.SendAsync("34 07 0001 'a' 0001 00 'x'");
        await FenceAsync(first);
        first.Reset();
        using var second = await listener.AcceptAsync(ScriptedServer.AcceptedSessionPresent);
        await second.SendAsync("3C 07 0001 'a' 0001 00 'x'");
        await FenceAsync(second);
        var seen = Channel.CreateUnbounded<string>();
        var subscribing = client.SubscribeAsync("a", (message, token) => seen.Writer.WriteAsync(message.Text, token), null, Limit.Token);
        var subscribe = Convert.ToHexString(await second.ReadAsync());
        await second.SendAsync($"90 04 {subscribe[4..8]} 00 01");
        await subscribing.InTime();

        Assert.Equal("x", await seen.Reader.ReadAsync(Limit.Token));
        await second.ExpectAsync("50 02 0001");
        Assert.False(seen.Reader.TryRead(out _));
    }

    /// <summary>Waits until the client has taken everything so far: it answers a PUBREL at once, whatever else waits.</summary>
    private static async Task FenceAsync(ScriptedConnection server)
    {
        await server.SendAsync("62 02 0099");
        await server.ExpectAsync("70 03 0099 92");
    }

    private static Task<Pair> ResumeAsync(Func<MqttClientOptions, MqttClientOptions>? change = null) => Pair.ConnectAsync(
        ScriptedServer.AcceptedSessionPresent,
        options => change is null ? options with { CleanStart = false } : change(options with { CleanStart = false }));

    private static async Task SubscribeAsync(Pair pair, string filter, Channel<string> seen, string before)
    {
        var subscribing = pair.Client.SubscribeAsync(
            filter, (message, token) => seen.Writer.WriteAsync(message.Text, token), null, Limit.Token);
        var subscribe = Convert.ToHexString(await pair.Server.ReadAsync());
        await pair.Server.SendAsync($"{before} 90 04 {subscribe[4..8]} 00 01");
        await subscribing.InTime();
    }
}
