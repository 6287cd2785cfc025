using System.Threading.Channels;
using Antiphon.Client.Tests.Peers;
using Antiphon.Protocol;

namespace Antiphon.Client.Tests.Stores;

/// <summary>A program that is killed at each step of a handshake and started again: at least once, and exactly once, as promised.</summary>
public sealed class RestartTests : IDisposable
{
    private const string Present = ScriptedServer.AcceptedSessionPresent;
    private const string New = ScriptedServer.Accepted;

    private static readonly ApplicationMessage Message = new() { Topic = "a" };

    private readonly ScriptedServer _listener = new();
    private readonly TemporaryFile _file = new();

    public void Dispose()
    {
        _listener.Dispose();
        _file.Dispose();
    }

    [Theory]
    [InlineData(Present, "3A 06 0001 'a' 0001 00")]
    [InlineData(New, "32 06 0001 'a' 0001 00")]
    [Trait("Label", "MQTT-4.4.0-1")]
    [Trait("Label", "MQTT-4.3.2-3")]
    [Trait("Label", "MQTT-3.1.2-23")]
    public async Task A_QoS_1_message_without_PUBACK_is_sent_again(string connAck, string again)
    {
        await using (var run = await BeginAsync(New))
        {
            Begin(run, QualityOfService.AtLeastOnce);
            await run.Server.ExpectAsync("32 06 0001 'a' 0001 00");
        }

        await using (var run = await BeginAsync(connAck))
        {
            await run.Server.ExpectAsync(again);
            await run.Server.SendAsync("40 02 0001");
            await PublishAsync(run, 2);
        }

        await ExpectNothingLeftAsync();
    }

    [Theory]
    [InlineData(Present, "3C 06 0001 'a' 0001 00")]
    [InlineData(New, "34 06 0001 'a' 0001 00")]
    [Trait("Label", "MQTT-4.4.0-1")]
    [Trait("Label", "MQTT-4.3.3-3")]
    public async Task A_QoS_2_message_without_PUBREC_is_sent_again(string connAck, string again)
    {
        await using (var run = await BeginAsync(New))
        {
            Begin(run);
            await run.Server.ExpectAsync("34 06 0001 'a' 0001 00");
        }

        await using (var run = await BeginAsync(connAck))
        {
            await run.Server.ExpectAsync(again);
            await run.Server.SendAsync("50 02 0001");
            await run.Server.ExpectAsync("62 02 0001");
            await run.Server.SendAsync("70 02 0001");
            await PublishAsync(run, 2);
        }

        await ExpectNothingLeftAsync();
    }

    [Fact]
    [Trait("Label", "MQTT-4.3.3-5")]
    [Trait("Label", "MQTT-4.3.3-6")]
    public async Task A_QoS_2_message_with_PUBREC_has_only_its_PUBREL_sent_again()
    {
        await using (var run = await BeginAsync(New))
        {
            Begin(run);
            await run.Server.ExpectAsync("34 06 0001 'a' 0001 00");
            await run.Server.SendAsync("50 02 0001");
            await run.Server.ExpectAsync("62 02 0001");
        }

        await using (var run = await BeginAsync(Present))
        {
            await run.Server.ExpectAsync("62 02 0001");
        }

        await using (var run = await BeginAsync(Present))
        {
            await run.Server.ExpectAsync("62 02 0001");
            await run.Server.SendAsync("70 03 0001 92");
            await PublishAsync(run, 2);
        }

        await ExpectNothingLeftAsync();
    }

    [Fact]
    [Trait("Label", "MQTT-3.2.2-5")]
    public async Task A_QoS_2_message_with_PUBREC_is_the_servers_when_it_has_lost_the_Session()
    {
        await using (var run = await BeginAsync(New))
        {
            Begin(run);
            await run.Server.ExpectAsync("34 06 0001 'a' 0001 00");
            await run.Server.SendAsync("50 02 0001");
            await run.Server.ExpectAsync("62 02 0001");
        }

        await using (var run = await BeginAsync(New))
        {
            await PublishAsync(run, 2);
            Assert.Equal(1, run.Client.Counters.RestoredPublishFailures);
        }

        await ExpectNothingLeftAsync();
    }

    [Theory]
    [InlineData("40 03 0001 87", 1)]
    [InlineData("40 03 0001 10", 0)]
    [Trait("Label", "MQTT-4.4.0-1")]
    public async Task A_refusal_of_what_an_earlier_program_sent_is_counted(string pubAck, int failures)
    {
        await using (var run = await BeginAsync(New))
        {
            Begin(run, QualityOfService.AtLeastOnce);
            await run.Server.ReadAsync();
        }

        await using (var run = await BeginAsync(Present))
        {
            await run.Server.ExpectAsync("3A 06 0001 'a' 0001 00");
            await run.Server.SendAsync(pubAck);
            await PublishAsync(run, 2);
            Assert.Equal(failures, run.Client.Counters.RestoredPublishFailures);
        }

        await ExpectNothingLeftAsync();
    }

    [Fact]
    [Trait("Label", "MQTT-4.6.0-1")]
    [Trait("Label", "MQTT-4.6.0-4")]
    public async Task Everything_keeps_its_order_and_its_identifiers()
    {
        await using (var run = await BeginAsync(New))
        {
            for (var i = 1; i <= 6; i++)
            {
                Begin(run, i == 3 ? QualityOfService.AtLeastOnce : QualityOfService.ExactlyOnce);
                await run.Server.ReadAsync();
            }

            await run.Server.SendAsync("50 02 0005 50 02 0002 50 02 0006");
            await run.Server.ExpectAsync("62 02 0005");
            await run.Server.ExpectAsync("62 02 0002");
            await run.Server.ExpectAsync("62 02 0006");
            await run.Server.SendAsync("70 02 0006");
            await PublishAsync(run, 7);
        }

        await using (var run = await BeginAsync(Present))
        {
            await run.Server.ExpectAsync("62 02 0005");
            await run.Server.ExpectAsync("62 02 0002");
            await run.Server.ExpectAsync("3C 06 0001 'a' 0001 00");
            await run.Server.ExpectAsync("3A 06 0001 'a' 0003 00");
            await run.Server.ExpectAsync("3C 06 0001 'a' 0004 00");
            Begin(run);
            await run.Server.ExpectAsync("34 06 0001 'a' 0006 00");
        }
    }

    [Fact]
    [Trait("Label", "MQTT-4.3.3-10")]
    public async Task A_received_QoS_2_message_is_handled_again_only_if_its_handler_had_not_ended()
    {
        var handled = Channel.CreateUnbounded<string>();
        var never = new TaskCompletionSource();
        await using (var run = await BeginAsync(New))
        {
            await run.SubscribeAsync(async (message, token) =>
            {
                await handled.Writer.WriteAsync(message.Text, token);
                await never.Task.WaitAsync(token);
            });
            await run.Server.SendAsync("34 07 0001 'a' 0001 00 'x'");
            Assert.Equal("x", await handled.Reader.ReadAsync(Limit.Token));
        }

        await using (var run = await BeginAsync(Present))
        {
            await run.SubscribeAsync((message, token) => handled.Writer.WriteAsync(message.Text, token));
            await run.Server.SendAsync("3C 07 0001 'a' 0001 00 'x'");
            Assert.Equal("x", await handled.Reader.ReadAsync(Limit.Token));
            await run.Server.ExpectAsync("50 02 0001");
        }

        await using (var run = await BeginAsync(Present))
        {
            await run.SubscribeAsync((message, token) => handled.Writer.WriteAsync(message.Text, token));
            await run.Server.SendAsync("3C 07 0001 'a' 0001 00 'x'");
            await run.Server.ExpectAsync("50 02 0001");
            await run.Server.SendAsync("62 02 0001");
            await run.Server.ExpectAsync("70 02 0001");
        }

        await using (var run = await BeginAsync(Present))
        {
            await run.SubscribeAsync((message, token) => handled.Writer.WriteAsync(message.Text, token));
            await run.Server.SendAsync("62 02 0001");
            await run.Server.ExpectAsync("70 03 0001 92");
            await run.Server.SendAsync("34 07 0001 'a' 0001 00 'y'");
            Assert.Equal("y", await handled.Reader.ReadAsync(Limit.Token));
        }
    }

    [Fact]
    [Trait("Label", "MQTT-4.3.3-10")]
    public async Task A_handler_that_ended_without_a_connection_does_not_get_the_message_again()
    {
        var handled = Channel.CreateUnbounded<string>();
        var lost = new TaskCompletionSource();
        await using (var run = await BeginAsync(New))
        {
            run.Client.StateChanged += (_, change) =>
            {
                if (change.State == ConnectionState.Reconnecting)
                {
                    lost.TrySetResult();
                }
            };
            await run.SubscribeAsync(async (message, token) =>
            {
                await handled.Writer.WriteAsync(message.Text, token);
                await lost.Task;
                await handled.Writer.WriteAsync("done", token);
            });
            await run.Server.SendAsync("34 07 0001 'a' 0001 00 'x' 34 07 0001 'a' 0002 00 'y'");
            Assert.Equal("x", await handled.Reader.ReadAsync(Limit.Token));
            await run.Server.SendAsync("E0 02 8B 00");

            // The second handler begins when the first has been dealt with.
            Assert.Equal("done", await handled.Reader.ReadAsync(Limit.Token));
            Assert.Equal("y", await handled.Reader.ReadAsync(Limit.Token));
            await run.Client.DisposeAsync();
        }

        while (handled.Reader.TryRead(out _))
        {
            // Whether the second ended in time is not the question.
        }

        await using var again = await BeginAsync(Present);
        await again.SubscribeAsync((message, token) => handled.Writer.WriteAsync(message.Text, token));
        await again.Server.SendAsync("3C 07 0001 'a' 0001 00 'x'");
        await again.Server.ExpectAsync("50 02 0001");
        Assert.False(handled.Reader.TryRead(out _));
    }

    [Fact]
    [Trait("Label", "MQTT-4.3.3-10")]
    public async Task A_handler_that_was_told_to_end_gets_the_message_again()
    {
        var handled = Channel.CreateUnbounded<string>();
        using (var store = new FileSessionStore(_file.Path))
        {
            var hour = TimeSpan.FromHours(1);
            await using var client = MqttClient.Start(
                _listener.Options with { CleanStart = false, SessionStore = store, ReconnectDelay = hour, MaximumReconnectDelay = hour });
            using var server = await _listener.AcceptAsync(New);
            var subscribing = client.SubscribeAsync(
                "a",
                async (message, token) =>
                {
                    await handled.Writer.WriteAsync(message.Text, token);
                    await new TaskCompletionSource().Task.WaitAsync(token);
                },
                new SubscribeOptions { MaximumQoS = QualityOfService.ExactlyOnce },
                Limit.Token);
            await server.ReadAsync();
            await server.SendAsync("90 04 0001 00 02 34 07 0001 'a' 0001 00 'x'");
            await subscribing.InTime();
            Assert.Equal("x", await handled.Reader.ReadAsync(Limit.Token));
        }

        await using var again = await BeginAsync(Present);
        await again.SubscribeAsync((message, token) => handled.Writer.WriteAsync(message.Text, token));
        await again.Server.SendAsync("3C 07 0001 'a' 0001 00 'x'");
        Assert.Equal("x", await handled.Reader.ReadAsync(Limit.Token));
    }

    [Fact]
    public async Task A_handler_that_outlives_its_client_writes_nothing_into_the_store_of_the_next_one()
    {
        var begun = new TaskCompletionSource();
        var store = new MemorySessionStore();
        var client = MqttClient.Start(_listener.Options with { CleanStart = false, SessionStore = store });
        using var server = await _listener.AcceptAsync(New);
        var acknowledgement = default(Acknowledgement);
        var subscribing = client.SubscribeRawAsync(
            "a",
            (in message, in toComplete) =>
            {
                acknowledgement = toComplete;
                begun.SetResult();
            },
            new SubscribeOptions { MaximumQoS = QualityOfService.ExactlyOnce },
            Limit.Token);
        await server.ReadAsync();
        await server.SendAsync("90 04 0001 00 02 34 07 0001 'a' 0001 00 'x'");
        await subscribing.InTime();
        await begun.Task.InTime();
        await client.DisposeAsync().InTime();

        acknowledgement.Complete();

        Assert.Empty(store.Load()!.Received);
    }

    [Fact]
    [Trait("Label", "MQTT-3.2.2-5")]
    public async Task What_was_received_in_a_lost_Session_is_forgotten()
    {
        await using (var run = await BeginAsync(New))
        {
            await run.Server.SendAsync("34 06 0001 'a' 0001 00");
            await run.Server.ExpectAsync("50 02 0001");
        }

        await using (var run = await BeginAsync(New))
        {
            await PublishAsync(run, 1);
        }

        await using var last = await BeginAsync(Present);
        await last.Server.SendAsync("62 02 0001");
        await last.Server.ExpectAsync("70 03 0001 92");
    }

    [Fact]
    [Trait("Label", "MQTT-3.2.2-4")]
    public async Task A_Session_that_the_store_knows_nothing_of_is_left_for_good()
    {
        using var store = new FileSessionStore(_file.Path);
        await using var client = MqttClient.Start(_listener.Options with { CleanStart = false, SessionStore = store });
        var waiting = client.WaitUntilConnectedAsync(Limit.Token);
        using var server = await _listener.AcceptAsync(Present);

        Assert.Contains("CleanStart", (await Assert.ThrowsAsync<ConnectionException>(() => waiting)).Message, StringComparison.Ordinal);
        await server.ExpectEndAsync();
        Assert.Equal(ConnectionState.Stopped, client.State);
        Assert.Null(store.Load());
    }

    [Fact]
    [Trait("Label", "MQTT-3.1.2-4")]
    public async Task Clean_Start_throws_away_what_was_stored()
    {
        await using (var run = await BeginAsync(New))
        {
            Begin(run);
            await run.Server.ReadAsync();
        }

        await using (var run = await BeginAsync(New, options => options with { CleanStart = true }))
        {
            await PublishAsync(run, 1);
        }

        await ExpectNothingLeftAsync();
    }

    [Fact]
    [Trait("Label", "MQTT-3.1.3-2")]
    public async Task A_store_of_another_Session_is_refused()
    {
        await using (var run = await BeginAsync(New))
        {
        }

        using var store = new FileSessionStore(_file.Path);
        var options = _listener.Options with { CleanStart = false, SessionStore = store };

        Assert.Contains(
            "«other»",
            Assert.Throws<ArgumentException>(() => MqttClient.Start(options with { ClientId = "other" })).Message,
            StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => MqttClient.Start(options with { ProtocolVersion = ProtocolVersion.V311 }));
        Assert.Throws<ArgumentException>(() => MqttClient.Start(options with { ClientId = null }));
    }

    [Fact]
    public async Task Messages_are_kept_in_the_older_version_too()
    {
        static MqttClientOptions Older(MqttClientOptions options) => options with { ProtocolVersion = ProtocolVersion.V311 };
        await using (var run = await BeginAsync("20 02 00 00", Older))
        {
            Begin(run, QualityOfService.AtLeastOnce);
            await run.Server.ExpectAsync("32 05 0001 'a' 0001");
        }

        await using (var run = await BeginAsync("20 02 01 00", Older))
        {
            await run.Server.ExpectAsync("3A 05 0001 'a' 0001");
        }
    }

    private static void Begin(Run run, QualityOfService qos = QualityOfService.ExactlyOnce) =>
        run.Client.PublishAsync(Message with { QoS = qos }).AsTask().ContinueWith(task => task.Exception, TaskScheduler.Default);

    /// <summary>A whole handshake, which shows that what came before it has been dealt with.</summary>
    private static async Task PublishAsync(Run run, int identifier)
    {
        var publishing = run.Client.PublishAsync(Message with { QoS = QualityOfService.ExactlyOnce }, Limit.Token).AsTask();
        var publish = Convert.ToHexString(await run.Server.ReadAsync());
        Assert.Equal(Convert.ToHexString(Bytes.Of($"34 06 0001 'a' {identifier:X4} 00")), publish);
        await run.Server.SendAsync($"50 02 {identifier:X4}");
        await run.Server.ExpectAsync($"62 02 {identifier:X4}");
        await run.Server.SendAsync($"70 02 {identifier:X4}");
        await publishing.InTime();
    }

    private Task<Run> BeginAsync(string connAck, Func<MqttClientOptions, MqttClientOptions>? change = null) =>
        Run.BeginAsync(_listener, _file.Path, connAck, change);

    private async Task ExpectNothingLeftAsync()
    {
        await using var run = await BeginAsync(Present);
        await PublishAsync(run, 1);
    }
}
