using System.Threading.Channels;
using Antiphon.Client.Tests.Peers;
using Antiphon.Protocol;
using Antiphon.Protocol.Packets;

namespace Antiphon.Client.Tests.Subscribing;

public sealed class SubscribingTests
{
    [Fact]
    [Trait("Label", "MQTT-3.8.1-1")]
    [Trait("Label", "MQTT-3.8.3-1")]
    [Trait("Label", "MQTT-3.8.3-2")]
    public async Task All_options_stand_in_SUBSCRIBE()
    {
        await using var pair = await Pair.ConnectAsync();
        var subscribing = pair.Client.SubscribeAsync(
            "a/+",
            (_, _) => ValueTask.CompletedTask,
            new SubscribeOptions
            {
                MaximumQoS = QualityOfService.AtMostOnce,
                NoLocal = true,
                RetainAsPublished = true,
                RetainHandling = RetainHandling.DoNotSend,
                UserProperties = [new("k", "v")],
            },
            Limit.Token);

        await pair.Server.ExpectAsync("82 12 0001 09 0B01 26 0001 'k' 0001 'v' 0003 'a/+' 2C");
        await pair.Server.SendAsync("90 04 0001 00 00");

        var subscription = await subscribing;
        Assert.Equal(QualityOfService.AtMostOnce, subscription.GrantedQoS);
        Assert.Equal("a/+", subscription.TopicFilter);
    }

    [Fact]
    public async Task A_refused_subscription_is_an_exception_and_its_filter_free_again()
    {
        await using var pair = await Pair.ConnectAsync();
        var subscribing = pair.Client.SubscribeAsync("a", (_, _) => ValueTask.CompletedTask, null, Limit.Token);
        await pair.Server.ReadAsync();
        await pair.Server.SendAsync("90 04 0001 00 87");

        var exception = await Assert.ThrowsAsync<RefusedException>(() => subscribing);

        Assert.Equal(("SUBSCRIBE", "a", ReasonCode.NotAuthorized), (exception.Operation, exception.Topic, exception.ReasonCode));
        await pair.SubscribeAsync("a", (_, _) => ValueTask.CompletedTask, packet: 2, identifier: 2);
    }

    [Theory]
    [InlineData("20 05 00 00 02 28 00", "a/#", ReasonCode.WildcardSubscriptionsNotSupported)]
    [InlineData("20 05 00 00 02 2A 00", "$share/g/a", ReasonCode.SharedSubscriptionsNotSupported)]
    [InlineData("20 08 00 00 05 27 00000008", "a", ReasonCode.PacketTooLarge)]
    public async Task What_the_server_has_said_it_lacks_is_not_asked_for(string connAck, string filter, ReasonCode code)
    {
        await using var pair = await Pair.ConnectAsync(connAck);

        var exception = await Assert.ThrowsAsync<RefusedException>(
            () => pair.Client.SubscribeAsync(filter, (_, _) => ValueTask.CompletedTask, null, Limit.Token));

        Assert.Equal(code, exception.ReasonCode);
    }

    [Fact]
    [Trait("Label", "MQTT-3.8.3-4")]
    public async Task Mistakes_are_told_before_anything_is_sent()
    {
        await using var pair = await Pair.ConnectAsync();
        Func<ReceivedMessage, CancellationToken, ValueTask> handler = (_, _) => ValueTask.CompletedTask;

        await Assert.ThrowsAsync<ArgumentException>(() => pair.Client.SubscribeAsync("a/#/b", handler, null, Limit.Token));
        await Assert.ThrowsAsync<ArgumentException>(
            () => pair.Client.SubscribeAsync("a", handler, new SubscribeOptions { MaximumQoS = (QualityOfService)3 }, Limit.Token));
        var several = await Assert.ThrowsAsync<ArgumentException>(() =>
            pair.Client.SubscribeAsync(
                "$share/g/a",
                handler,
                new SubscribeOptions { NoLocal = true, MaximumConcurrency = 0, MaximumQueuedMessages = 0 },
                Limit.Token));
        Assert.Contains("NoLocal", several.Message, StringComparison.Ordinal);
        Assert.Contains("MaximumConcurrency", several.Message, StringComparison.Ordinal);
        Assert.Contains("MaximumQueuedMessages", several.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_second_subscription_with_the_same_filter_is_a_mistake_until_the_first_is_given_up()
    {
        await using var pair = await Pair.ConnectAsync();
        var subscription = await pair.SubscribeAsync("a", (_, _) => ValueTask.CompletedTask);

        await Assert.ThrowsAsync<InvalidOperationException>(
            () => pair.Client.SubscribeAsync("a", (_, _) => ValueTask.CompletedTask, null, Limit.Token));

        var leaving = subscription.UnsubscribeAsync(Limit.Token);
        await pair.Server.ExpectAsync("A2 06 0002 00 0001 'a'");
        var again = pair.SubscribeAsync("a", (_, _) => ValueTask.CompletedTask, packet: 3, identifier: 2);
        await pair.Server.SendAsync("B0 04 0002 00 00");
        await leaving;
        await again;
    }

    [Fact]
    public async Task A_message_goes_to_the_subscriptions_that_its_identifiers_name()
    {
        await using var pair = await Pair.ConnectAsync();
        var received = Channel.CreateUnbounded<string>();
        await pair.SubscribeAsync("a", (message, token) => received.Writer.WriteAsync($"1 {message.Topic}", token));
        await pair.SubscribeAsync(
            "+", (message, token) => received.Writer.WriteAsync($"2 {message.Topic}", token), packet: 2, identifier: 2);
        await pair.SubscribeAsync(
            "#", (message, token) => received.Writer.WriteAsync($"3 {message.Topic}", token), packet: 3, identifier: 3);

        await pair.Server.SendAsync("32 0A 0001 'a' 0001 04 0B01 0B03");
        await pair.Server.ExpectAsync("40 02 0001");

        Assert.Equal(
            ["1 a", "3 a"], new[] { await received.Reader.ReadAsync(Limit.Token), await received.Reader.ReadAsync(Limit.Token) }.Order());
        Assert.False(received.Reader.TryRead(out _));
    }

    [Fact]
    public async Task Without_identifiers_a_message_goes_to_the_filters_that_match()
    {
        await using var pair = await Pair.ConnectAsync("20 05 00 00 02 29 00");
        var received = Channel.CreateUnbounded<string>();
        var one = pair.Client.SubscribeAsync(
            "a/+", (message, token) => received.Writer.WriteAsync($"1 {message.Topic}", token), null, Limit.Token);
        await pair.Server.ExpectAsync("82 09 0001 00 0003 'a/+' 01");
        await pair.Server.SendAsync("90 04 0001 00 01");
        await one;
        var two = pair.Client.SubscribeAsync(
            "$share/g/b", (message, token) => received.Writer.WriteAsync($"2 {message.Topic}", token), null, Limit.Token);
        await pair.Server.ReadAsync();
        await pair.Server.SendAsync("90 04 0002 00 01");
        await two;

        await pair.Server.SendAsync("30 06 0003 'a/x' 00 30 04 0001 'b' 00");

        Assert.Equal(
            ["1 a/x", "2 b"], new[] { await received.Reader.ReadAsync(Limit.Token), await received.Reader.ReadAsync(Limit.Token) }.Order());
    }

    [Fact]
    public async Task A_message_that_nobody_here_wants_is_acknowledged_and_counted()
    {
        await using var pair = await Pair.ConnectAsync();

        await pair.Server.SendAsync("32 06 0001 'a' 0009 00");

        await pair.Server.ExpectAsync("40 02 0009");
        Assert.Equal(1, pair.Client.Counters.UnhandledMessages);
    }

    [Fact]
    [Trait("Label", "MQTT-2.2.1-6")]
    [Trait("Label", "MQTT-3.10.1-1")]
    [Trait("Label", "MQTT-3.10.3-1")]
    [Trait("Label", "MQTT-3.10.3-2")]
    public async Task Unsubscribing_is_refused_with_an_exception_but_disposing_is_silent()
    {
        await using var pair = await Pair.ConnectAsync();
        var one = await pair.SubscribeAsync("a", (_, _) => ValueTask.CompletedTask);
        var two = await pair.SubscribeAsync("b", (_, _) => ValueTask.CompletedTask, packet: 2, identifier: 2);

        var leaving = one.UnsubscribeAsync(Limit.Token);
        await pair.Server.ExpectAsync("A2 06 0003 00 0001 'a'");
        await pair.Server.SendAsync("B0 04 0003 00 87");
        Assert.Equal(ReasonCode.NotAuthorized, (await Assert.ThrowsAsync<RefusedException>(() => leaving)).ReasonCode);

        var disposing = two.DisposeAsync();
        await pair.Server.ExpectAsync("A2 06 0004 00 0001 'b'");
        await pair.Server.SendAsync("B0 04 0004 00 87");
        await disposing.InTime();
        await two.DisposeAsync().InTime();
    }

    [Fact]
    public async Task A_subscription_given_up_without_a_connection_is_taken_back_at_the_next()
    {
        await using var pair = await Pair.ConnectAsync();
        var subscription = await pair.SubscribeAsync("a", (_, _) => ValueTask.CompletedTask);
        pair.Server.Reset();
        using var pending = await pair.Listener.AcceptAsync();
        await pending.ReadAsync();

        await subscription.UnsubscribeAsync(Limit.Token);

        await pending.SendAsync(ScriptedServer.AcceptedSessionPresent);
        await pending.ExpectAsync("A2 06 0002 00 0001 'a'");
        await pending.SendAsync("B0 04 0002 00 00");
        await pair.Client.PublishAsync(new ApplicationMessage { Topic = "x" }, Limit.Token);
        await pending.ExpectAsync("30 04 0001 'x' 00");
    }

    [Fact]
    public async Task A_cancelled_subscribe_is_taken_back()
    {
        await using var pair = await Pair.ConnectAsync();
        using var source = new CancellationTokenSource();
        var subscribing = pair.Client.SubscribeAsync("a", (_, _) => ValueTask.CompletedTask, null, source.Token);
        await pair.Server.ReadAsync();
        await source.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => subscribing);

        await pair.Server.ExpectAsync("A2 06 0002 00 0001 'a'");
        await pair.Server.SendAsync("90 04 0001 00 01 B0 04 0002 00 00");
        await pair.SubscribeAsync("a", (_, _) => ValueTask.CompletedTask, packet: 3, identifier: 2);
    }

    [Fact]
    public async Task A_subscription_asked_for_without_a_connection_is_made_with_it()
    {
        using var server = new ScriptedServer();
        await using var client = MqttClient.Start(server.Options);
        var subscribing = client.SubscribeAsync("a", (_, _) => ValueTask.CompletedTask, null, Limit.Token);
        using var first = await server.AcceptAsync(ScriptedServer.Accepted);
        await first.ExpectAsync("82 09 0001 02 0B01 0001 'a' 01");
        first.Reset();
        using var second = await server.AcceptAsync(ScriptedServer.AcceptedSessionPresent);

        await second.ExpectAsync("82 09 0002 02 0B01 0001 'a' 01");
        await second.SendAsync("90 04 0002 00 01");
        await subscribing;
    }

    [Fact]
    public async Task A_subscription_refused_after_a_reconnect_says_so_and_is_asked_for_again()
    {
        await using var pair = await Pair.ConnectAsync();
        var subscription = await pair.SubscribeAsync("a", (_, _) => ValueTask.CompletedTask);
        pair.Server.Reset();
        using var second = await pair.Listener.AcceptAsync(ScriptedServer.Accepted);
        await second.ExpectAsync("82 09 0002 02 0B01 0001 'a' 01");
        await second.SendAsync("90 04 0002 00 97");
        await second.SendAsync("E0 00");
        await second.ExpectEndAsync();
        Assert.Equal(ReasonCode.QuotaExceeded, subscription.ReasonCode);

        using var third = await pair.Listener.AcceptAsync(ScriptedServer.AcceptedSessionPresent);
        await third.ExpectAsync("82 09 0003 02 0B01 0001 'a' 01");
    }
}
