using Antiphon.Client.Publishing;
using Antiphon.Client.Tests.Peers;
using Antiphon.Protocol;
using Antiphon.Protocol.Properties;

namespace Antiphon.Client.Tests.Publishing;

public sealed class PublishingTests
{
    private static readonly ApplicationMessage AtLeastOnce = new() { Topic = "a", QoS = QualityOfService.AtLeastOnce };
    private static readonly ApplicationMessage AtMostOnce = new() { Topic = "a" };

    [Fact]
    [Trait("Label", "MQTT-2.2.1-2")]
    [Trait("Label", "MQTT-2.2.2-1")]
    [Trait("Label", "MQTT-3.3.1-2")]
    [Trait("Label", "MQTT-3.3.2-1")]
    [Trait("Label", "MQTT-4.3.1-1")]
    public async Task A_QoS_0_message_completes_when_it_is_in_the_output()
    {
        using var server = new ScriptedServer();
        await using var client = MqttClient.Start(server.Options);
        using var connection = await server.AcceptAsync(ScriptedServer.Accepted);

        var result = await client.PublishAsync(AtMostOnce with { Payload = "x"u8.ToArray(), Retain = true }, Limit.Token);

        Assert.Equal(ReasonCode.Success, result.ReasonCode);
        await connection.ExpectAsync("31 05 0001 'a' 00 'x'");
    }

    [Fact]
    [Trait("Label", "MQTT-3.3.2-13")]
    [Trait("Label", "MQTT-3.3.2-19")]
    [Trait("Label", "MQTT-3.3.4-6")]
    public async Task Every_property_of_a_message_goes_out()
    {
        using var server = new ScriptedServer();
        await using var client = MqttClient.Start(server.Options);
        using var connection = await server.AcceptAsync(ScriptedServer.Accepted);

        await client.PublishAsync(
            AtMostOnce with
            {
                PayloadIsUtf8 = true,
                MessageExpiryInterval = 9,
                ContentType = "t",
                ResponseTopic = "r",
                CorrelationData = new byte[] { 7 },
                UserProperties = [new UserProperty("k", "v")],
            },
            Limit.Token);

        await connection.ExpectAsync("30 1E 0001 'a' 1A 01 01 02 00000009 03 0001 't' 08 0001 'r' 09 0001 07 26 0001 'k' 0001 'v'");
    }

    [Fact]
    [Trait("Label", "MQTT-4.3.2-1")]
    [Trait("Label", "MQTT-4.3.2-2")]
    public async Task A_QoS_1_message_completes_with_its_PUBACK()
    {
        using var server = new ScriptedServer();
        await using var client = MqttClient.Start(server.Options);
        using var connection = await server.AcceptAsync(ScriptedServer.Accepted);

        var publishing = client.PublishAsync(AtLeastOnce, Limit.Token).AsTask();
        await connection.ExpectAsync("32 06 0001 'a' 0001 00");
        Assert.False(publishing.IsCompleted);
        await connection.SendAsync("40 11 0001 10 0D 1F 0003 'why' 26 0001 'k' 0001 'v'");

        var result = await publishing;
        Assert.True(result.NoMatchingSubscribers);
        Assert.Equal("why", result.ReasonString);
        Assert.Equal([new UserProperty("k", "v")], result.UserProperties);
    }

    [Fact]
    [Trait("Label", "MQTT-4.4.0-2")]
    public async Task A_refused_message_is_an_exception_and_not_sent_again()
    {
        using var server = new ScriptedServer();
        await using var client = MqttClient.Start(server.Options);
        using var first = await server.AcceptAsync(ScriptedServer.Accepted);
        var publishing = client.PublishAsync(AtLeastOnce, Limit.Token).AsTask();
        await first.ReadAsync();
        await first.SendAsync("40 08 0001 87 04 1F 0001 'n'");

        var exception = await Assert.ThrowsAsync<RefusedException>(() => publishing);

        Assert.Equal(
            ("PUBLISH", "a", ReasonCode.NotAuthorized, "n"),
            (exception.Operation, exception.Topic, exception.ReasonCode, exception.ReasonString));
        first.Dispose();
        using var second = await server.AcceptAsync(ScriptedServer.AcceptedSessionPresent);
        await client.PublishAsync(AtMostOnce, Limit.Token);
        await second.ExpectAsync("30 04 0001 'a' 00");
    }

    [Fact]
    [Trait("Label", "MQTT-4.4.0-1")]
    [Trait("Label", "MQTT-4.6.0-1")]
    [Trait("Label", "MQTT-3.3.1-1")]
    public async Task What_was_unacknowledged_is_sent_again_with_DUP_and_in_order_when_the_Session_is_there()
    {
        using var server = new ScriptedServer();
        await using var client = MqttClient.Start(server.Options);
        using var first = await server.AcceptAsync(ScriptedServer.Accepted);
        await client.WaitUntilConnectedAsync(Limit.Token);
        var publishes = new[] { "1", "2", "3" }
            .Select(payload => AtLeastOnce with { Payload = System.Text.Encoding.UTF8.GetBytes(payload) })
            .Select(message => client.PublishAsync(message, Limit.Token).AsTask())
            .ToArray();
        await first.ExpectAsync("32 07 0001 'a' 0001 00 '1'");
        await first.ExpectAsync("32 07 0001 'a' 0002 00 '2'");
        await first.ExpectAsync("32 07 0001 'a' 0003 00 '3'");
        await first.SendAsync("40 02 0002");
        await publishes[1];
        first.Reset();
        using var second = await server.AcceptAsync(ScriptedServer.AcceptedSessionPresent);

        await second.ExpectAsync("3A 07 0001 'a' 0001 00 '1'");
        await second.ExpectAsync("3A 07 0001 'a' 0003 00 '3'");
        await second.SendAsync("40 02 0001 40 02 0003");
        await Task.WhenAll(publishes).InTime();
    }

    [Fact]
    [Trait("Label", "MQTT-3.2.2-5")]
    public async Task What_was_unacknowledged_is_sent_as_new_behind_the_subscriptions_when_the_Session_is_gone()
    {
        using var server = new ScriptedServer();
        await using var client = MqttClient.Start(server.Options);
        using var first = await server.AcceptAsync(ScriptedServer.Accepted);
        var subscribing = client.SubscribeAsync("f", (_, _) => ValueTask.CompletedTask, null, Limit.Token);
        await first.ExpectAsync("82 09 0001 02 0B01 0001 'f' 01");
        await first.SendAsync("90 04 0001 00 01");
        await subscribing;
        var publishing = client.PublishAsync(AtLeastOnce, Limit.Token).AsTask();
        await first.ExpectAsync("32 06 0001 'a' 0002 00");
        first.Reset();
        using var second = await server.AcceptAsync(ScriptedServer.Accepted);

        await second.ExpectAsync("82 09 0003 02 0B01 0001 'f' 01");
        await second.ExpectAsync("32 06 0001 'a' 0002 00");
        await second.SendAsync("40 02 0002");
        await publishing;
    }

    [Fact]
    public async Task What_is_sent_again_keeps_to_a_smaller_Receive_Maximum()
    {
        using var server = new ScriptedServer();
        await using var client = MqttClient.Start(server.Options);
        using var first = await server.AcceptAsync(ScriptedServer.Accepted);
        await client.WaitUntilConnectedAsync(Limit.Token);
        var one = client.PublishAsync(AtLeastOnce, Limit.Token).AsTask();
        var two = client.PublishAsync(AtLeastOnce, Limit.Token).AsTask();
        await first.ReadAsync();
        await first.ReadAsync();
        first.Reset();
        using var second = await server.AcceptAsync("20 06 01 00 03 21 0001");
        var three = client.PublishAsync(AtLeastOnce, Limit.Token).AsTask();

        await second.ExpectAsync("3A 06 0001 'a' 0001 00");
        await second.SendAsync("40 02 0001");
        await second.ExpectAsync("3A 06 0001 'a' 0002 00");
        await second.SendAsync("40 02 0002");
        await second.ExpectAsync("32 06 0001 'a' 0003 00");
        await second.SendAsync("40 02 0003");
        await Task.WhenAll(one, two, three).InTime();
    }

    [Fact]
    [Trait("Label", "MQTT-3.3.4-7")]
    [Trait("Label", "MQTT-3.3.4-8")]
    [Trait("Label", "MQTT-4.9.0-2")]
    [Trait("Label", "MQTT-3.3.4-8")]
    [Trait("Label", "MQTT-4.9.0-1")]
    [Trait("Label", "MQTT-4.9.0-3")]
    public async Task No_more_is_in_flight_than_the_server_allows()
    {
        using var server = new ScriptedServer();
        await using var client = MqttClient.Start(server.Options);
        using var connection = await server.AcceptAsync("20 06 00 00 03 21 0002");
        await client.WaitUntilConnectedAsync(Limit.Token);
        var publishes = Enumerable.Range(0, 3).Select(_ => client.PublishAsync(AtLeastOnce, Limit.Token).AsTask()).ToArray();
        await connection.ExpectAsync("32 06 0001 'a' 0001 00");
        await connection.ExpectAsync("32 06 0001 'a' 0002 00");

        // Other packets go on [MQTT-3.3.4-8].
        var subscribing = client.SubscribeAsync("f", (_, _) => ValueTask.CompletedTask, null, Limit.Token);
        await connection.ExpectAsync("82 09 0003 02 0B01 0001 'f' 01");
        await connection.SendAsync("40 02 0002");
        await connection.ExpectAsync("32 06 0001 'a' 0004 00");
        await connection.SendAsync("40 02 0001 40 02 0004 90 04 0003 00 01");
        await Task.WhenAll(publishes).InTime();
        await subscribing;
    }

    [Fact]
    public async Task A_message_published_without_a_connection_waits_for_it()
    {
        using var server = new ScriptedServer();
        await using var client = MqttClient.Start(server.Options);
        var one = client.PublishAsync(AtMostOnce with { Payload = "1"u8.ToArray() }, Limit.Token).AsTask();
        var two = client.PublishAsync(AtLeastOnce with { Payload = "2"u8.ToArray() }, Limit.Token).AsTask();
        Assert.False(one.IsCompleted);

        using var connection = await server.AcceptAsync(ScriptedServer.Accepted);

        await connection.ExpectAsync("30 05 0001 'a' 00 '1'");
        await connection.ExpectAsync("32 07 0001 'a' 0001 00 '2'");
        await one;
        await connection.SendAsync("40 02 0001");
        await two;
    }

    [Fact]
    public async Task More_bytes_than_may_wait_are_not_taken_but_one_large_message_is()
    {
        using var server = new ScriptedServer();
        await using var client = MqttClient.Start(server.Options with { MaximumWaitingBytes = 20 });
        var large = client.PublishAsync(AtMostOnce with { Payload = new byte[16] }, Limit.Token).AsTask();

        var exception = await Assert.ThrowsAsync<QueueFullException>(() => client.PublishAsync(AtMostOnce, Limit.Token).AsTask());

        Assert.Equal(
            "The message to «a» was not taken: 22 bytes wait to be sent, "
            + "and with it there would be more than the 20 that MaximumWaitingBytes allows.",
            exception.Message);
        using var connection = await server.AcceptAsync(ScriptedServer.Accepted);
        await connection.ExpectAsync("30 14 0001 'a' 00 00000000000000000000000000000000");
        await large;
        await client.PublishAsync(AtMostOnce, Limit.Token);
        await connection.ExpectAsync("30 04 0001 'a' 00");
    }

    [Theory]
    [InlineData(1, int.MaxValue, 1)]
    [InlineData(int.MaxValue, 1, 600)]
    public async Task Places_are_kept_free_for_what_says_why_there_is_no_more(int messages, int bytes, int size)
    {
        using var server = new ScriptedServer();
        await using var client = MqttClient.Start(
            server.Options with { MaximumQueuedMessages = messages, MaximumWaitingBytes = bytes, ReceiveMaximum = 2 });
        PublishStatus Publish(bool hasReservedPlace)
        {
            lock (client.Session.Gate)
            {
                return client.Session.Publish(
                    new PublishContent { Topic = "a"u8, Payload = new byte[size], HasReservedPlace = hasReservedPlace }, null, 0).Status;
            }
        }

        Assert.Equal([PublishStatus.Taken, PublishStatus.Failed], [Publish(false), Publish(false)]);
        Assert.Equal([PublishStatus.Taken, PublishStatus.Taken, PublishStatus.Failed], [Publish(true), Publish(true), Publish(true)]);
    }

    [Fact]
    public async Task More_messages_than_may_wait_are_not_taken()
    {
        using var server = new ScriptedServer();
        await using var client = MqttClient.Start(server.Options with { MaximumQueuedMessages = 2 });
        var one = client.PublishAsync(AtMostOnce with { Payload = "1"u8.ToArray() }, Limit.Token).AsTask();
        var two = client.PublishAsync(AtLeastOnce with { Payload = "2"u8.ToArray() }, Limit.Token).AsTask();

        var exception = await Assert.ThrowsAsync<QueueFullException>(() => client.PublishAsync(AtMostOnce, Limit.Token).AsTask());

        Assert.Equal("a", exception.Topic);
        using var connection = await server.AcceptAsync(ScriptedServer.Accepted);
        await connection.ExpectAsync("30 05 0001 'a' 00 '1'");
        await connection.ExpectAsync("32 07 0001 'a' 0001 00 '2'");
        await connection.SendAsync("40 02 0001");
        await Task.WhenAll(one, two).InTime();
        await client.PublishAsync(AtMostOnce, Limit.Token);
    }

    [Theory]
    [InlineData("20 05 00 00 02 24 00", true, false, "", ReasonCode.QoSNotSupported)]
    [InlineData("20 05 00 00 02 25 00", false, true, "", ReasonCode.RetainNotSupported)]
    [InlineData("20 08 00 00 05 27 00000008", true, false, "x", ReasonCode.PacketTooLarge)]
    [Trait("Label", "MQTT-3.2.2-11")]
    [Trait("Label", "MQTT-3.2.2-14")]
    [Trait("Label", "MQTT-3.2.2-15")]
    public async Task What_the_server_would_not_take_is_refused_here(
        string connAck, bool acknowledged, bool retain, string payload, ReasonCode code)
    {
        using var server = new ScriptedServer();
        await using var client = MqttClient.Start(server.Options);
        var message = new ApplicationMessage
        {
            Topic = "a",
            QoS = acknowledged ? QualityOfService.AtLeastOnce : QualityOfService.AtMostOnce,
            Retain = retain,
            Payload = System.Text.Encoding.UTF8.GetBytes(payload),
        };
        var early = client.PublishAsync(message, Limit.Token).AsTask();
        using var connection = await server.AcceptAsync(connAck);
        await client.WaitUntilConnectedAsync(Limit.Token);

        Assert.Equal(code, (await Assert.ThrowsAsync<RefusedException>(() => early)).ReasonCode);
        Assert.Equal(
            code, (await Assert.ThrowsAsync<RefusedException>(() => client.PublishAsync(message, Limit.Token).AsTask())).ReasonCode);
        await client.PublishAsync(AtMostOnce, Limit.Token);
        await connection.ExpectAsync("30 04 0001 'a' 00");
    }

    [Fact]
    [Trait("Label", "MQTT-3.3.2-2")]
    [Trait("Label", "MQTT-3.3.2-14")]
    [Trait("Label", "MQTT-4.7.0-1")]
    [Trait("Label", "MQTT-4.7.3-1")]
    [Trait("Label", "MQTT-4.7.3-2")]
    public async Task What_has_no_form_on_the_wire_is_an_argument_mistake()
    {
        using var server = new ScriptedServer();
        await using var client = MqttClient.Start(server.Options);

        ApplicationMessage[] mistakes =
        [
            AtMostOnce with { QoS = (QualityOfService)3 },
            AtMostOnce with { Topic = "" },
            AtMostOnce with { Topic = "a/#" },
            AtMostOnce with { Topic = "a\0" },
            AtMostOnce with { ResponseTopic = "r/+" },
            AtMostOnce with { ContentType = new string('x', 70_000) },
        ];

        foreach (var mistake in mistakes)
        {
            await Assert.ThrowsAnyAsync<ArgumentException>(() => client.PublishAsync(mistake, Limit.Token).AsTask());
        }
    }

    [Fact]
    public async Task Cancelling_withdraws_a_message_that_still_waits()
    {
        using var server = new ScriptedServer();
        await using var client = MqttClient.Start(server.Options);
        using var source = new CancellationTokenSource();
        var cancelled = client.PublishAsync(AtLeastOnce, source.Token).AsTask();
        var kept = client.PublishAsync(AtMostOnce, Limit.Token).AsTask();
        await source.CancelAsync();

        var exception = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => cancelled);

        Assert.IsType<PublishWithdrawnException>(exception);
        Assert.Equal(source.Token, exception.CancellationToken);
        using var connection = await server.AcceptAsync(ScriptedServer.Accepted);
        await connection.ExpectAsync("30 04 0001 'a' 00");
        await kept;
    }

    [Fact]
    public async Task Cancelling_what_has_been_written_only_ends_the_wait()
    {
        using var server = new ScriptedServer();
        await using var client = MqttClient.Start(server.Options);
        using var first = await server.AcceptAsync(ScriptedServer.Accepted);
        await client.WaitUntilConnectedAsync(Limit.Token);
        using var source = new CancellationTokenSource();
        var cancelled = client.PublishAsync(AtLeastOnce, source.Token).AsTask();
        await first.ExpectAsync("32 06 0001 'a' 0001 00");
        await source.CancelAsync();
        var exception = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => cancelled);
        Assert.IsNotType<PublishWithdrawnException>(exception);
        first.Reset();

        using var second = await server.AcceptAsync(ScriptedServer.AcceptedSessionPresent);
        await second.ExpectAsync("3A 06 0001 'a' 0001 00");
        await second.SendAsync("40 02 0001");
        var next = client.PublishAsync(AtLeastOnce, Limit.Token).AsTask();
        await second.ExpectAsync("32 06 0001 'a' 0002 00");
        await second.SendAsync("40 02 0002");
        await next;
    }

    [Fact]
    public async Task A_token_that_has_fired_already_publishes_nothing()
    {
        using var server = new ScriptedServer();
        await using var client = MqttClient.Start(server.Options);

        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            () => client.PublishAsync(AtLeastOnce, new CancellationToken(canceled: true)).AsTask());
    }

    [Fact]
    public async Task Publishers_wait_while_the_server_does_not_read()
    {
        using var server = new ScriptedServer();
        await using var client = MqttClient.Start(server.Options with { MaximumQueuedBytes = 100_000 });
        using var connection = await server.AcceptAsync(ScriptedServer.Accepted);
        await client.WaitUntilConnectedAsync(Limit.Token);
        var message = AtMostOnce with { Payload = new byte[60_000] };

        // The kernel's buffers take some; the client's own bound stops the rest.
        var published = 0;
        Task<PublishResult> blocked;
        while (true)
        {
            blocked = client.PublishAsync(message, Limit.Token).AsTask();
            published++;
            if (!blocked.IsCompleted)
            {
                break;
            }

            Assert.True(published < 100_000, "Publishers never had to wait.");
        }

        for (var i = 0; i < published; i++)
        {
            Assert.Equal(60_000 + 4 + 4, (await connection.ReadAsync()).Length);
        }

        await blocked.InTime();
    }

    [Fact]
    public async Task QoS_0_messages_that_a_lost_connection_took_with_it_are_counted()
    {
        using var server = new ScriptedServer();
        await using var client = MqttClient.Start(server.Options with { MaximumQueuedBytes = 50_000_000 });
        var states = new StateLog(client);
        using var connection = await server.AcceptAsync(ScriptedServer.Accepted);
        await client.WaitUntilConnectedAsync(Limit.Token);
        for (var i = 0; i < 200; i++)
        {
            await client.PublishAsync(AtMostOnce with { Payload = new byte[100_000] }, Limit.Token);
        }

        connection.Reset();
        using var second = await server.AcceptAsync(ScriptedServer.Accepted);
        await states.NextAsync(ConnectionState.Reconnecting);

        Assert.InRange(client.Counters.DroppedMessages, 1, 200);
        Assert.Equal(200, client.Counters.MessagesSent);
    }

    [Fact]
    public async Task A_result_read_twice_is_a_mistake_and_harms_nobody()
    {
        using var server = new ScriptedServer();
        await using var client = MqttClient.Start(server.Options);
        using var connection = await server.AcceptAsync(ScriptedServer.Accepted);
        await client.WaitUntilConnectedAsync(Limit.Token);
        var publishing = client.PublishAsync(AtLeastOnce, Limit.Token);
        await connection.ReadAsync();
        await connection.SendAsync("40 02 0001");
        await publishing;

        await Assert.ThrowsAsync<InvalidOperationException>(async () => await publishing);
    }
}
