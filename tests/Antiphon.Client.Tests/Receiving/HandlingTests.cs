using System.Threading.Channels;
using Antiphon.Client.Tests.Peers;
using Antiphon.Protocol;
using Antiphon.Protocol.Packets;

namespace Antiphon.Client.Tests.Receiving;

public sealed class HandlingTests
{
    [Fact]
    [Trait("Label", "MQTT-4.3.2-4")]
    public async Task A_message_is_acknowledged_after_its_handler()
    {
        await using var pair = await Pair.ConnectAsync();
        var gate = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var entered = new TaskCompletionSource<ReceivedMessage>(TaskCreationOptions.RunContinuationsAsynchronously);
        await pair.SubscribeAsync("a", async (message, _) =>
        {
            entered.TrySetResult(message);
            await gate.Task;
        });

        await pair.Server.SendAsync("3A 09 0001 'a' 0007 02 0B01 'x'");
        var message = await entered.Task.InTime();
        Assert.True(message.Dup);
        Assert.Equal("x", message.Text);

        // The output is in order: had the PUBACK left, it would come first.
        await pair.Client.PublishAsync(new ApplicationMessage { Topic = "b" }, Limit.Token);
        await pair.Server.ExpectAsync("30 04 0001 'b' 00");
        gate.SetResult();
        await pair.Server.ExpectAsync("40 02 0007");
    }

    [Fact]
    [Trait("Label", "MQTT-4.6.0-2")]
    public async Task Acknowledgements_leave_in_the_order_of_arrival()
    {
        await using var pair = await Pair.ConnectAsync();
        var acknowledgements = Channel.CreateUnbounded<Acknowledgement>();
        await pair.SubscribeRawAsync(
            "a", (in PublishView _, in Acknowledgement acknowledgement) => acknowledgements.Writer.TryWrite(acknowledgement));
        await pair.Server.SendAsync("32 08 0001 'a' 0001 02 0B01 32 08 0001 'a' 0002 02 0B01 32 08 0001 'a' 0003 02 0B01");
        var first = await acknowledgements.Reader.ReadAsync(Limit.Token);
        var second = await acknowledgements.Reader.ReadAsync(Limit.Token);
        var third = await acknowledgements.Reader.ReadAsync(Limit.Token);

        third.Complete();
        third.Complete(ReasonCode.UnspecifiedError);
        second.Complete(ReasonCode.QuotaExceeded);
        await pair.Client.PublishAsync(new ApplicationMessage { Topic = "b" }, Limit.Token);
        first.Complete();

        await pair.Server.ExpectAsync("30 04 0001 'b' 00");
        await pair.Server.ExpectAsync("40 02 0001");
        await pair.Server.ExpectAsync("40 03 0002 97");
        await pair.Server.ExpectAsync("40 02 0003");
        Assert.Throws<ArgumentException>(() => first.Complete(ReasonCode.SessionTakenOver));
    }

    [Fact]
    [Trait("Label", "MQTT-3.3.4-6")]
    public async Task A_message_that_is_passed_on_leaves_its_Subscription_Identifier_behind()
    {
        await using var pair = await Pair.ConnectAsync();
        var received = new TaskCompletionSource<ReceivedMessage>(TaskCreationOptions.RunContinuationsAsynchronously);
        await pair.SubscribeAsync("a", (message, _) =>
        {
            received.SetResult(message);
            return ValueTask.CompletedTask;
        });

        await pair.Server.SendAsync("30 0B 0001 'a' 06 0B01 03 0001 't' 'x'");
        await pair.Client.PublishAsync((await received.Task.InTime()).Message with { Topic = "b" }, Limit.Token);

        await pair.Server.ExpectAsync("30 09 0001 'b' 04 03 0001 't' 'x'");
    }

    [Fact]
    public async Task An_acknowledgement_for_an_earlier_connection_is_dropped()
    {
        await using var pair = await Pair.ConnectAsync();
        var acknowledgements = Channel.CreateUnbounded<Acknowledgement>();
        await pair.SubscribeRawAsync(
            "a", (in PublishView _, in Acknowledgement acknowledgement) => acknowledgements.Writer.TryWrite(acknowledgement));
        await pair.Server.SendAsync("32 08 0001 'a' 0001 02 0B01");
        var old = await acknowledgements.Reader.ReadAsync(Limit.Token);
        Assert.True(old.IsNeeded);
        pair.Server.Reset();
        using var second = await pair.Listener.AcceptAsync(ScriptedServer.AcceptedSessionPresent);
        await second.SendAsync("3A 08 0001 'a' 0005 02 0B01");
        var current = await acknowledgements.Reader.ReadAsync(Limit.Token);

        old.Complete();
        await pair.Client.PublishAsync(new ApplicationMessage { Topic = "b" }, Limit.Token);
        current.Complete();

        await second.ExpectAsync("30 04 0001 'b' 00");
        await second.ExpectAsync("40 02 0005");
    }

    [Fact]
    public async Task A_QoS_0_message_needs_no_acknowledgement()
    {
        await using var pair = await Pair.ConnectAsync();
        var needed = new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously);
        await pair.SubscribeRawAsync("a", (in PublishView _, in Acknowledgement acknowledgement) =>
        {
            acknowledgement.Complete();
            needed.SetResult(acknowledgement.IsNeeded);
        });

        await pair.Server.SendAsync("30 06 0001 'a' 02 0B01");

        Assert.False(await needed.Task.InTime());
    }

    [Fact]
    [Trait("Label", "MQTT-3.3.4-9")]
    public async Task A_server_that_exceeds_our_Receive_Maximum_is_told_so_if_it_is_enforced()
    {
        await using var pair = await Pair.ConnectAsync(
            change: options => options with { ReceiveMaximum = 2, EnforceReceiveMaximum = true });
        await pair.SubscribeRawAsync("a", (in PublishView _, in Acknowledgement _) => { });

        await pair.Server.SendAsync("32 08 0001 'a' 0001 02 0B01 34 08 0001 'a' 0002 02 0B01 32 08 0001 'a' 0003 02 0B01");

        await pair.Server.ExpectAsync("E0 01 93");
    }

    [Fact]
    public async Task What_exceeds_our_Receive_Maximum_is_taken_and_counted()
    {
        await using var pair = await Pair.ConnectAsync(change: options => options with { ReceiveMaximum = 1 });
        var held = new List<Acknowledgement>();
        await pair.SubscribeRawAsync("a", (in PublishView _, in Acknowledgement acknowledgement) =>
        {
            held.Add(acknowledgement);
            if (held.Count == 3)
            {
                held.ForEach(one => one.Complete());
            }
        });

        await pair.Server.SendAsync("32 08 0001 'a' 0001 02 0B01 32 08 0001 'a' 0002 02 0B01 32 08 0001 'a' 0003 02 0B01");

        await pair.Server.ExpectAsync("40 02 0001");
        await pair.Server.ExpectAsync("40 02 0002");
        await pair.Server.ExpectAsync("40 02 0003");
        Assert.Equal(2, pair.Client.Counters.ReceiveMaximumExceeded);
    }

    [Fact]
    public async Task Messages_come_one_at_a_time_and_in_order()
    {
        await using var pair = await Pair.ConnectAsync();
        var seen = Channel.CreateUnbounded<string>();
        var running = 0;
        await pair.SubscribeAsync("a", async (message, token) =>
        {
            Assert.Equal(1, Interlocked.Increment(ref running));
            await Task.Yield();
            Interlocked.Decrement(ref running);
            await seen.Writer.WriteAsync(message.Text, token);
        });

        await pair.Server.SendAsync(string.Concat(Enumerable.Range(0, 10).Select(i => $"30 07 0001 'a' 02 0B01 '{i}'")));

        for (var i = 0; i < 10; i++)
        {
            Assert.Equal($"{i}", await seen.Reader.ReadAsync(Limit.Token));
        }

        Assert.Equal(0, pair.Client.Counters.HandlerFailures);
    }

    [Fact]
    public async Task As_many_handlers_run_at_once_as_asked_for_and_PUBACKs_keep_their_order()
    {
        await using var pair = await Pair.ConnectAsync();
        var entered = Channel.CreateUnbounded<(string Text, TaskCompletionSource Gate)>();
        await pair.SubscribeAsync(
            "a",
            async (message, token) =>
            {
                var gate = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                await entered.Writer.WriteAsync((message.Text, gate), token);
                await gate.Task;
            },
            new SubscribeOptions { MaximumConcurrency = 2 });
        await pair.Server.SendAsync("32 09 0001 'a' 0001 02 0B01 '1' 32 09 0001 'a' 0002 02 0B01 '2' 32 09 0001 'a' 0003 02 0B01 '3'");
        var running = new Dictionary<string, TaskCompletionSource>();
        for (var i = 0; i < 2; i++)
        {
            var (text, gate) = await entered.Reader.ReadAsync(Limit.Token);
            running[text] = gate;
        }

        Assert.Equal(["1", "2"], running.Keys.Order());
        Assert.False(entered.Reader.TryRead(out _));
        running["2"].SetResult();
        var third = await entered.Reader.ReadAsync(Limit.Token);
        Assert.Equal("3", third.Text);
        running["1"].SetResult();
        await pair.Server.ExpectAsync("40 02 0001");
        await pair.Server.ExpectAsync("40 02 0002");
        third.Gate.SetResult();
        await pair.Server.ExpectAsync("40 02 0003");
    }

    [Fact]
    public async Task The_newest_QoS_0_message_is_dropped_when_the_queue_is_full_but_never_a_QoS_1_message()
    {
        await using var pair = await Pair.ConnectAsync();
        var gate = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var seen = Channel.CreateUnbounded<string>();
        await pair.SubscribeAsync(
            "a",
            async (message, token) =>
            {
                await seen.Writer.WriteAsync(message.Text, token);
                await gate.Task;
            },
            new SubscribeOptions { MaximumQueuedMessages = 1 });
        await pair.Server.SendAsync("30 07 0001 'a' 02 0B01 '1'");
        Assert.Equal("1", await seen.Reader.ReadAsync(Limit.Token));

        await pair.Server.SendAsync(
            "30 07 0001 'a' 02 0B01 '2' 30 07 0001 'a' 02 0B01 '3' 32 09 0001 'a' 0001 02 0B01 '4' 32 06 0001 'u' 0002 00");
        gate.SetResult();

        Assert.Equal("2", await seen.Reader.ReadAsync(Limit.Token));
        Assert.Equal("4", await seen.Reader.ReadAsync(Limit.Token));
        await pair.Server.ExpectAsync("40 02 0001");
        Assert.Equal(1, pair.Client.Counters.DroppedMessages);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_handler_that_throws_is_counted_and_the_message_acknowledged(bool raw)
    {
        await using var pair = await Pair.ConnectAsync();
        if (raw)
        {
            await pair.SubscribeRawAsync(
                "a", (in PublishView _, in Acknowledgement _) => throw new InvalidOperationException("on purpose"));
        }
        else
        {
            await pair.SubscribeAsync("a", (_, _) => throw new InvalidOperationException("on purpose"));
        }

        await pair.Server.SendAsync("32 08 0001 'a' 0001 02 0B01 32 08 0001 'a' 0002 02 0B01");

        await pair.Server.ExpectAsync("40 02 0001");
        await pair.Server.ExpectAsync("40 02 0002");
        Assert.Equal(2, pair.Client.Counters.HandlerFailures);
    }

    [Fact]
    public async Task A_handler_may_publish_and_wait_for_the_acknowledgement()
    {
        await using var pair = await Pair.ConnectAsync();
        await pair.SubscribeAsync("a", async (_, token) =>
            await pair.Client.PublishAsync(new ApplicationMessage { Topic = "b", QoS = QualityOfService.AtLeastOnce }, token));

        await pair.Server.SendAsync("32 08 0001 'a' 0009 02 0B01");
        await pair.Server.ExpectAsync("32 06 0001 'b' 0002 00");
        await pair.Server.SendAsync("40 02 0002");

        await pair.Server.ExpectAsync("40 02 0009");
    }

    [Fact]
    public async Task A_handler_may_give_up_its_own_subscription()
    {
        await using var pair = await Pair.ConnectAsync();
        var mine = new TaskCompletionSource<Subscription>(TaskCreationOptions.RunContinuationsAsynchronously);
        var subscription = await pair.SubscribeAsync("a", async (_, token) => await (await mine.Task).UnsubscribeAsync(token));
        mine.SetResult(subscription);

        await pair.Server.SendAsync("32 08 0001 'a' 0009 02 0B01");
        await pair.Server.ExpectAsync("A2 06 0002 00 0001 'a'");
        await pair.Server.SendAsync("B0 04 0002 00 00");

        await pair.Server.ExpectAsync("40 02 0009");
    }

    [Fact]
    public async Task A_handler_may_dispose_the_client()
    {
        var pair = await Pair.ConnectAsync();
        var disposed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await pair.SubscribeAsync("a", async (_, _) =>
        {
            await pair.Client.DisposeAsync();
            disposed.SetResult();
        });

        await pair.Server.SendAsync("32 08 0001 'a' 0009 02 0B01");
        await pair.Server.ExpectAsync("E0 00");
        pair.Server.Dispose();

        await disposed.Task.InTime();
        await pair.DisposeAsync();
    }

    [Fact]
    public async Task Disposing_asks_handlers_to_end_and_waits_for_them()
    {
        var pair = await Pair.ConnectAsync();
        var entered = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var gate = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await pair.SubscribeAsync("a", async (_, token) =>
        {
            entered.SetResult();
            var asked = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            await using var registration = token.Register(asked.SetResult);
            await asked.Task;
            await gate.Task;
        });
        await pair.Server.SendAsync("30 06 0001 'a' 02 0B01");
        await entered.Task.InTime();

        var disposing = pair.Client.DisposeAsync().AsTask();
        await pair.Server.ExpectAsync("E0 00");
        pair.Server.Dispose();
        Assert.False(disposing.IsCompleted);
        gate.SetResult();

        await disposing.InTime();
        await pair.DisposeAsync();
    }

    [Fact]
    public async Task Unsubscribing_waits_for_the_handler()
    {
        await using var pair = await Pair.ConnectAsync();
        var entered = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var gate = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var subscription = await pair.SubscribeAsync("a", async (_, _) =>
        {
            entered.SetResult();
            await gate.Task;
        });
        await pair.Server.SendAsync("30 06 0001 'a' 02 0B01");
        await entered.Task.InTime();

        var leaving = subscription.UnsubscribeAsync(Limit.Token);
        await pair.Server.ReadAsync();
        await pair.Server.SendAsync("B0 04 0002 00 00");
        await pair.Client.PublishAsync(new ApplicationMessage { Topic = "b" }, Limit.Token);
        await pair.Server.ExpectAsync("30 04 0001 'b' 00");
        Assert.False(leaving.IsCompleted);
        gate.SetResult();

        await leaving;
    }
}
