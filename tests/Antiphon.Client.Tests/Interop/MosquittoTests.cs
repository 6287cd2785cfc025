using System.Threading.Channels;
using Antiphon.Client.Tests.Peers;
using Antiphon.Protocol;
using Antiphon.Protocol.Properties;

namespace Antiphon.Client.Tests.Interop;

/// <summary>Against a broker that is not ours.</summary>
public sealed class MosquittoTests
{
    [Theory]
    [InlineData(QualityOfService.AtMostOnce)]
    [InlineData(QualityOfService.AtLeastOnce)]
    [InlineData(QualityOfService.ExactlyOnce)]
    public async Task A_message_arrives_as_it_was_published(QualityOfService qos)
    {
        await using var mosquitto = await Mosquitto.StartAsync();
        await using var client = await MqttClient.ConnectAsync(mosquitto.Options, Limit.Token);
        var received = Channel.CreateUnbounded<ReceivedMessage>();
        await using var subscription = await client.SubscribeAsync(
            "a/+",
            (message, token) => received.Writer.WriteAsync(message, token),
            new SubscribeOptions { MaximumQoS = QualityOfService.ExactlyOnce },
            Limit.Token);

        var message = new ApplicationMessage
        {
            Topic = "a/b",
            Payload = "ü"u8.ToArray(),
            QoS = qos,
            PayloadIsUtf8 = true,
            ContentType = "text/plain",
            ResponseTopic = "r",
            CorrelationData = new byte[] { 1, 2 },
            UserProperties = [new("k", "1"), new("k", "2")],
        };
        var result = await client.PublishAsync(message, Limit.Token);
        var arrived = await received.Reader.ReadAsync(Limit.Token);

        Assert.Equal(ReasonCode.Success, result.ReasonCode);
        Assert.Equal(QualityOfService.ExactlyOnce, subscription.GrantedQoS);
        Assert.Same(subscription, arrived.Subscription);
        Assert.Equal("ü", arrived.Text);
        Assert.Equal("a/b", arrived.Topic);
        Assert.Equal(qos, arrived.Message.QoS);
        Assert.True(arrived.Message.PayloadIsUtf8);
        Assert.Equal("text/plain", arrived.Message.ContentType);
        Assert.Equal("r", arrived.Message.ResponseTopic);
        Assert.Equal([1, 2], arrived.Message.CorrelationData!.Value.ToArray());
        Assert.Equal<UserProperty>([new("k", "1"), new("k", "2")], arrived.Message.UserProperties);
    }

    [Theory]
    [InlineData(QualityOfService.AtMostOnce)]
    [InlineData(QualityOfService.AtLeastOnce)]
    [InlineData(QualityOfService.ExactlyOnce)]
    public async Task A_message_goes_round_in_MQTT_3_1_1(QualityOfService qos)
    {
        await using var mosquitto = await Mosquitto.StartAsync();
        await using var client = await MqttClient.ConnectAsync(
            mosquitto.Options with { ProtocolVersion = ProtocolVersion.V311 }, Limit.Token);
        var received = Channel.CreateUnbounded<ReceivedMessage>();
        await using var subscription = await client.SubscribeAsync(
            "a/#",
            (message, token) => received.Writer.WriteAsync(message, token),
            new SubscribeOptions { MaximumQoS = QualityOfService.ExactlyOnce },
            Limit.Token);

        await client.PublishAsync(new ApplicationMessage { Topic = "a/b", Payload = "x"u8.ToArray(), QoS = qos }, Limit.Token);
        var arrived = await received.Reader.ReadAsync(Limit.Token);

        Assert.Equal(("a/b", "x", qos), (arrived.Topic, arrived.Text, arrived.Message.QoS));
    }

    [Fact]
    public async Task Aliases_of_both_sides_are_understood()
    {
        await using var mosquitto = await Mosquitto.StartAsync();
        await using var client = await MqttClient.ConnectAsync(mosquitto.Options with { TopicAliasMaximum = 10 }, Limit.Token);
        Assert.InRange((int)client.Server!.TopicAliasMaximum, 1, 65_535);
        var received = Channel.CreateUnbounded<string>();
        await client.SubscribeAsync(
            "+/topic", (message, token) => received.Writer.WriteAsync(message.Topic + message.Text, token), null, Limit.Token);

        for (var i = 0; i < 20; i++)
        {
            await client.PublishAsync(
                new ApplicationMessage { Topic = $"{i % 2}/topic", Payload = new[] { (byte)('a' + i) }, QoS = (QualityOfService)(i % 3) },
                Limit.Token);
            Assert.Equal($"{i % 2}/topic{(char)('a' + i)}", await received.Reader.ReadAsync(Limit.Token));
        }
    }

    [Fact]
    public async Task Nobody_listening_is_told_with_the_result()
    {
        await using var mosquitto = await Mosquitto.StartAsync();
        await using var client = await MqttClient.ConnectAsync(mosquitto.Options, Limit.Token);

        var result = await client.PublishAsync(
            new ApplicationMessage { Topic = "nobody", QoS = QualityOfService.AtLeastOnce }, Limit.Token);

        Assert.True(result.NoMatchingSubscribers);
    }

    [Fact]
    public async Task A_message_of_a_megabyte_comes_back_whole()
    {
        await using var mosquitto = await Mosquitto.StartAsync();
        await using var client = await MqttClient.ConnectAsync(mosquitto.Options, Limit.Token);
        var received = new TaskCompletionSource<byte[]>(TaskCreationOptions.RunContinuationsAsynchronously);
        await client.SubscribeAsync(
            "large",
            (message, _) =>
            {
                received.SetResult(message.Payload.ToArray());
                return ValueTask.CompletedTask;
            },
            null,
            Limit.Token);
        var payload = new byte[1_000_000];
        new Random(1).NextBytes(payload);

        await client.PublishAsync(
            new ApplicationMessage { Topic = "large", Payload = payload, QoS = QualityOfService.AtLeastOnce }, Limit.Token);

        Assert.Equal(payload, await received.Task.InTime());
    }

    [Theory]
    [InlineData(QualityOfService.AtLeastOnce)]
    [InlineData(QualityOfService.ExactlyOnce)]
    public async Task A_thousand_concurrent_publishes_all_arrive_once_and_in_order(QualityOfService qos)
    {
        await using var mosquitto = await Mosquitto.StartAsync();
        await using var client = await MqttClient.ConnectAsync(mosquitto.Options, Limit.Token);
        var received = Channel.CreateUnbounded<string>();
        await client.SubscribeAsync(
            "n",
            (message, token) => received.Writer.WriteAsync(message.Text, token),
            new SubscribeOptions { MaximumQoS = qos },
            Limit.Token);

        var publishes = Enumerable.Range(0, 1000)
            .Select(i => new ApplicationMessage { Topic = "n", Payload = System.Text.Encoding.UTF8.GetBytes($"{i}"), QoS = qos })
            .Select(message => client.PublishAsync(message).AsTask())
            .ToArray();
        await Task.WhenAll(publishes).InTime();

        for (var i = 0; i < 1000; i++)
        {
            Assert.Equal($"{i}", await received.Reader.ReadAsync(Limit.Token));
        }
    }

    [Fact]
    public async Task A_restarted_server_is_found_and_subscribed_to_again()
    {
        var mosquitto = await Mosquitto.StartAsync();
        await using var client = await MqttClient.ConnectAsync(mosquitto.Options, Limit.Token);
        var received = Channel.CreateUnbounded<string>();
        await client.SubscribeAsync("a", (message, token) => received.Writer.WriteAsync(message.Text, token), null, Limit.Token);

        await mosquitto.DisposeAsync();
        var offline = client.PublishAsync(
            new ApplicationMessage { Topic = "a", Payload = "x"u8.ToArray(), QoS = QualityOfService.AtLeastOnce }, Limit.Token);
        await using var again = await Mosquitto.StartAsync(mosquitto.Port);

        Assert.Equal(ReasonCode.Success, (await offline).ReasonCode);
        Assert.Equal("x", await received.Reader.ReadAsync(Limit.Token));
        Assert.Equal(1, client.Counters.Reconnects);
    }

    [Fact]
    public async Task What_came_while_away_is_delivered_by_the_kept_session()
    {
        await using var mosquitto = await Mosquitto.StartAsync();
        var options = mosquitto.Options with { ClientId = "keeper", CleanStart = false };
        var received = Channel.CreateUnbounded<string>();
        await using (var client = await MqttClient.ConnectAsync(options, Limit.Token))
        {
            Assert.False(client.Server!.SessionPresent);
            await client.SubscribeAsync("a", (_, _) => ValueTask.CompletedTask, null, Limit.Token);
        }

        await using var publisher = await MqttClient.ConnectAsync(mosquitto.Options, Limit.Token);
        await publisher.PublishAsync(
            new ApplicationMessage { Topic = "a", Payload = "kept"u8.ToArray(), QoS = QualityOfService.AtLeastOnce }, Limit.Token);

        await using var back = MqttClient.Start(options);
        var subscribed = back.SubscribeAsync("a", (message, token) => received.Writer.WriteAsync(message.Text, token), null, Limit.Token);
        await subscribed;

        Assert.True(back.Server!.SessionPresent);
        await publisher.PublishAsync(
            new ApplicationMessage { Topic = "a", Payload = "new"u8.ToArray(), QoS = QualityOfService.AtLeastOnce }, Limit.Token);
        Assert.Contains("new", new[] { await received.Reader.ReadAsync(Limit.Token), await received.Reader.ReadAsync(Limit.Token) });
    }

    [Fact]
    public async Task A_program_that_comes_back_with_its_store_gets_and_sends_everything_once()
    {
        await using var mosquitto = await Mosquitto.StartAsync();
        using var file = new Stores.TemporaryFile();
        var once = new SubscribeOptions { MaximumQoS = QualityOfService.ExactlyOnce };
        await using var other = await MqttClient.ConnectAsync(mosquitto.Options, Limit.Token);
        var sent = Channel.CreateUnbounded<string>();
        await other.SubscribeAsync("out", (message, token) => sent.Writer.WriteAsync(message.Text, token), once, Limit.Token);
        var received = Channel.CreateUnbounded<string>();
        for (var run = 0; run < 3; run++)
        {
            using var store = new FileSessionStore(file.Path);
            await using var client = await MqttClient.ConnectAsync(
                mosquitto.Options with { ClientId = "keeper", CleanStart = false, SessionStore = store }, Limit.Token);
            Assert.Equal(run > 0, client.Server!.SessionPresent);
            await client.SubscribeAsync("in", (message, token) => received.Writer.WriteAsync(message.Text, token), once, Limit.Token);
            for (var i = 0; run > 0 && i < 20; i++)
            {
                Assert.Equal($"{i}", await received.Reader.ReadAsync(Limit.Token));
            }

            _ = Enumerable.Range(0, 20).Select(i => PublishAsync(client, "out", $"{run}.{i}")).ToArray();
            await client.DisposeAsync();
            await Task.WhenAll(Enumerable.Range(0, 20).Select(i => PublishAsync(other, "in", $"{i}"))).InTime();
        }

        using (var store = new FileSessionStore(file.Path))
        {
            await using var last = await MqttClient.ConnectAsync(
                mosquitto.Options with { ClientId = "keeper", CleanStart = false, SessionStore = store }, Limit.Token);
            await PublishAsync(last, "out", "end");
        }

        var arrived = new List<string>();
        do
        {
            arrived.Add(await sent.Reader.ReadAsync(Limit.Token));
        }
        while (arrived[^1] != "end");

        Assert.Equal(arrived.Distinct().Count(), arrived.Count);
        Assert.Equal(61, arrived.Count);
        Assert.False(received.Reader.TryRead(out _));
    }

    [Fact]
    public async Task A_burst_beyond_our_Receive_Maximum_comes_through_over_one_connection()
    {
        await using var mosquitto = await Mosquitto.StartAsync();
        await using var client = await MqttClient.ConnectAsync(mosquitto.Options with { ReceiveMaximum = 100 }, Limit.Token);
        await using var other = await MqttClient.ConnectAsync(mosquitto.Options, Limit.Token);
        var gate = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var received = Channel.CreateUnbounded<string>();
        await client.SubscribeAsync(
            "n",
            async (message, token) =>
            {
                await gate.Task;
                await received.Writer.WriteAsync(message.Text, token);
            },
            null,
            Limit.Token);
        await Task.WhenAll(Enumerable.Range(0, 1_500).Select(i => PublishAsync(other, "n", $"{i}"))).InTime();
        gate.SetResult();

        for (var i = 0; i < 1_500; i++)
        {
            Assert.Equal($"{i}", await received.Reader.ReadAsync(Limit.Token));
        }

        Assert.Equal(0, client.Counters.Reconnects);
    }

    [Fact]
    public async Task Messages_of_a_shared_subscription_are_dealt_out()
    {
        await using var mosquitto = await Mosquitto.StartAsync();
        await using var one = await MqttClient.ConnectAsync(mosquitto.Options, Limit.Token);
        await using var two = await MqttClient.ConnectAsync(mosquitto.Options, Limit.Token);
        var received = Channel.CreateUnbounded<string>();
        await one.SubscribeAsync("$share/g/s/#", (message, token) => received.Writer.WriteAsync(message.Text, token), null, Limit.Token);
        await two.SubscribeAsync("$share/g/s/#", (message, token) => received.Writer.WriteAsync(message.Text, token), null, Limit.Token);

        for (var i = 0; i < 10; i++)
        {
            await one.PublishAsync(
                new ApplicationMessage { Topic = "s/x", Payload = new[] { (byte)('0' + i) }, QoS = QualityOfService.AtLeastOnce },
                Limit.Token);
        }

        var all = new List<string>();
        for (var i = 0; i < 10; i++)
        {
            all.Add(await received.Reader.ReadAsync(Limit.Token));
        }

        Assert.Equal(["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"], all.Order());
        Assert.False(received.Reader.TryRead(out _));
    }

    [Fact]
    public async Task An_unsubscribed_handler_hears_nothing_more()
    {
        await using var mosquitto = await Mosquitto.StartAsync();
        await using var client = await MqttClient.ConnectAsync(mosquitto.Options, Limit.Token);
        var subscription = await client.SubscribeAsync("a", (_, _) => ValueTask.CompletedTask, null, Limit.Token);

        await subscription.UnsubscribeAsync(Limit.Token);
        var result = await client.PublishAsync(new ApplicationMessage { Topic = "a", QoS = QualityOfService.AtLeastOnce }, Limit.Token);

        Assert.True(result.NoMatchingSubscribers);
    }

    private static async Task PublishAsync(MqttClient client, string topic, string payload)
    {
        try
        {
            await client.PublishAsync(new ApplicationMessage
            {
                Topic = topic,
                Payload = System.Text.Encoding.UTF8.GetBytes(payload),
                QoS = QualityOfService.ExactlyOnce,
            });
        }
        catch (ConnectionException stopped) when (stopped.Sent)
        {
            // The program ends. Its store knows what is left to do.
        }
    }
}
