using System.Threading.Channels;
using Antiphon.Client.Tests.Peers;
using Antiphon.Protocol;
using Antiphon.Protocol.Packets;

namespace Antiphon.Client.Tests.Receiving;

/// <summary>QoS 2 from the server, byte by byte: a message comes to its handler once.</summary>
public sealed class ExactlyOnceHandlingTests
{
    private const string Publish = "34 09 0001 'a' 0001 02 0B01 'x'";
    private const string Again = "3C 09 0001 'a' 0001 02 0B01 'x'";

    [Fact]
    public async Task QoS_2_can_be_asked_for()
    {
        await using var pair = await Pair.ConnectAsync();
        var subscribing = pair.Client.SubscribeAsync(
            "a", (_, _) => ValueTask.CompletedTask, new SubscribeOptions { MaximumQoS = QualityOfService.ExactlyOnce }, Limit.Token);
        await pair.Server.ExpectAsync("82 09 0001 02 0B01 0001 'a' 02");
        await pair.Server.SendAsync("90 04 0001 00 02");

        Assert.Equal(QualityOfService.ExactlyOnce, (await subscribing.InTime()).GrantedQoS);
    }

    [Fact]
    [Trait("Label", "MQTT-3.3.4-1")]
    [Trait("Label", "MQTT-4.3.3-8")]
    [Trait("Label", "MQTT-4.3.3-10")]
    [Trait("Label", "MQTT-4.3.3-11")]
    [Trait("Label", "MQTT-4.3.3-12")]
    [Trait("Label", "MQTT-2.2.1-5")]
    public async Task A_message_is_handled_once_until_its_PUBREL_and_its_identifier_means_another_afterwards()
    {
        await using var pair = await Pair.ConnectAsync();
        var seen = Channel.CreateUnbounded<string>();
        await pair.SubscribeAsync("a", (message, token) => seen.Writer.WriteAsync(message.Text, token));

        await pair.Server.SendAsync(Publish);
        await pair.Server.ExpectAsync("50 02 0001");
        await pair.Server.SendAsync(Again);
        await pair.Server.ExpectAsync("50 02 0001");
        await pair.Server.SendAsync("62 02 0001");
        await pair.Server.ExpectAsync("70 02 0001");
        await pair.Server.SendAsync("62 02 0001");
        await pair.Server.ExpectAsync("70 03 0001 92");
        await pair.Server.SendAsync("34 09 0001 'a' 0001 02 0B01 'y'");
        await pair.Server.ExpectAsync("50 02 0001");

        Assert.Equal("x", await seen.Reader.ReadAsync(Limit.Token));
        Assert.Equal("y", await seen.Reader.ReadAsync(Limit.Token));
        Assert.False(seen.Reader.TryRead(out _));
    }

    [Fact]
    [Trait("Label", "MQTT-4.6.0-3")]
    public async Task PUBRECs_keep_the_order_of_the_messages()
    {
        await using var pair = await Pair.ConnectAsync();
        var held = new List<Acknowledgement>();
        await pair.SubscribeRawAsync("a", (in PublishView _, in Acknowledgement acknowledgement) =>
        {
            held.Add(acknowledgement);
            if (held.Count == 3)
            {
                held.Reverse();
                held.ForEach(one => one.Complete());
            }
        });

        await pair.Server.SendAsync("34 08 0001 'a' 0003 02 0B01 34 08 0001 'a' 0001 02 0B01 34 08 0001 'a' 0002 02 0B01");

        await pair.Server.ExpectAsync("50 02 0003");
        await pair.Server.ExpectAsync("50 02 0001");
        await pair.Server.ExpectAsync("50 02 0002");
    }

    [Fact]
    [Trait("Label", "MQTT-4.3.3-10")]
    public async Task A_handler_that_runs_while_the_connection_is_lost_is_not_run_again()
    {
        using var listener = new ScriptedServer();
        await using var client = MqttClient.Start(listener.Options);
        using var first = await listener.AcceptAsync(ScriptedServer.Accepted);
        var gate = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var entered = Channel.CreateUnbounded<bool>();
        await SubscribeAsync(client, first, async (message, token) =>
        {
            await entered.Writer.WriteAsync(message.Dup, token);
            await gate.Task;
        });
        await first.SendAsync(Publish);
        Assert.False(await entered.Reader.ReadAsync(Limit.Token));
        first.Reset();
        using var second = await listener.AcceptAsync(ScriptedServer.AcceptedSessionPresent);
        await second.SendAsync(Again);

        // The PUBACK of a message that nobody wants has to wait for the PUBREC before it.
        await second.SendAsync("32 08 0001 'b' 0009 02 0B02");
        gate.SetResult();

        await second.ExpectAsync("50 02 0001");
        await second.ExpectAsync("40 02 0009");
        await second.SendAsync("62 02 0001");
        await second.ExpectAsync("70 02 0001");
        Assert.False(entered.Reader.TryRead(out _));
    }

    [Fact]
    [Trait("Label", "MQTT-4.3.3-10")]
    public async Task A_message_that_was_handled_is_recorded_again_over_the_next_connection()
    {
        using var listener = new ScriptedServer();
        await using var client = MqttClient.Start(listener.Options);
        using var first = await listener.AcceptAsync(ScriptedServer.Accepted);
        var handled = 0;
        await SubscribeAsync(client, first, (_, _) =>
        {
            Interlocked.Increment(ref handled);
            return ValueTask.CompletedTask;
        });
        await first.SendAsync(Publish);
        await first.ExpectAsync("50 02 0001");
        first.Reset();
        using var second = await listener.AcceptAsync(ScriptedServer.AcceptedSessionPresent);
        await second.SendAsync(Again);

        await second.ExpectAsync("50 02 0001");
        second.Reset();
        using var third = await listener.AcceptAsync(ScriptedServer.AcceptedSessionPresent);
        await third.SendAsync("62 02 0001");
        await third.ExpectAsync("70 02 0001");
        Assert.Equal(1, handled);
    }

    [Fact]
    [Trait("Label", "MQTT-3.2.2-5")]
    public async Task The_identifiers_of_a_lost_Session_mean_new_messages()
    {
        using var listener = new ScriptedServer();
        await using var client = MqttClient.Start(listener.Options);
        using var first = await listener.AcceptAsync(ScriptedServer.Accepted);
        var seen = Channel.CreateUnbounded<string>();
        await SubscribeAsync(client, first, (message, token) => seen.Writer.WriteAsync(message.Text, token));
        await first.SendAsync(Publish);
        await first.ExpectAsync("50 02 0001");
        first.Reset();
        using var second = await listener.AcceptAsync(ScriptedServer.Accepted);
        await second.ReadAsync();
        await second.SendAsync("90 04 0002 00 02" + Publish);

        await second.ExpectAsync("50 02 0001");
        Assert.Equal("x", await seen.Reader.ReadAsync(Limit.Token));
        Assert.Equal("x", await seen.Reader.ReadAsync(Limit.Token));
    }

    [Fact]
    [Trait("Label", "MQTT-4.3.3-9")]
    [Trait("Label", "MQTT-3.5.2-1")]
    public async Task A_refused_message_is_new_when_it_comes_again()
    {
        await using var pair = await Pair.ConnectAsync();
        var handled = 0;
        await pair.SubscribeRawAsync("a", (in PublishView _, in Acknowledgement acknowledgement) =>
        {
            handled++;
            acknowledgement.Complete(ReasonCode.ImplementationSpecificError);
        });

        await pair.Server.SendAsync(Publish);
        await pair.Server.ExpectAsync("50 03 0001 83");
        await pair.Server.SendAsync(Publish);
        await pair.Server.ExpectAsync("50 03 0001 83");
        Assert.Equal(2, handled);
    }

    [Fact]
    [Trait("Label", "MQTT-4.5.0-2")]
    public async Task A_message_that_nobody_wants_is_acknowledged_all_the_same()
    {
        await using var pair = await Pair.ConnectAsync();
        await pair.Server.SendAsync("34 06 0001 'z' 0005 00 62 02 0005");

        await pair.Server.ExpectAsync("50 02 0005");
        await pair.Server.ExpectAsync("70 02 0005");
        Assert.Equal(1, pair.Client.Counters.UnhandledMessages);
    }

    [Fact]
    [Trait("Label", "MQTT-4.3.3-13")]
    public async Task A_message_whose_last_second_is_over_is_handed_on_and_completed()
    {
        var clock = new Time.ManualTimeProvider();
        await using var pair = await Pair.ConnectAsync(change: options => options with { TimeProvider = clock, KeepAlive = TimeSpan.Zero });
        var gate = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var entered = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await pair.SubscribeAsync("a", async (_, _) =>
        {
            entered.SetResult();
            await gate.Task;
        });
        await pair.Server.SendAsync("34 0D 0001 'a' 0001 07 0B01 02 00000001");
        await entered.Task.InTime();
        clock.Advance(TimeSpan.FromSeconds(60));
        gate.SetResult();

        await pair.Server.ExpectAsync("50 02 0001");
        await pair.Server.SendAsync("62 02 0001");
        await pair.Server.ExpectAsync("70 02 0001");
    }

    private static async Task SubscribeAsync(
        MqttClient client, ScriptedConnection server, Func<ReceivedMessage, CancellationToken, ValueTask> handler)
    {
        var subscribing = client.SubscribeAsync(
            "a", handler, new SubscribeOptions { MaximumQoS = QualityOfService.ExactlyOnce }, Limit.Token);
        await server.ExpectAsync("82 09 0001 02 0B01 0001 'a' 02");
        await server.SendAsync("90 04 0001 00 02");
        await subscribing.InTime();
    }
}
