using System.Text;
using Antiphon.Client.Tests.Peers;
using Antiphon.Protocol;

namespace Antiphon.Client.Tests.Publishing;

/// <summary>QoS 2 towards the server, byte by byte.</summary>
public sealed class ExactlyOncePublishingTests
{
    private static readonly ApplicationMessage Message = new() { Topic = "a", QoS = QualityOfService.ExactlyOnce };

    [Fact]
    [Trait("Label", "MQTT-4.3.3-1")]
    [Trait("Label", "MQTT-4.3.3-2")]
    [Trait("Label", "MQTT-4.3.3-4")]
    [Trait("Label", "MQTT-2.2.1-5")]
    [Trait("Label", "MQTT-3.6.1-1")]
    public async Task A_message_completes_with_its_PUBCOMP_and_says_what_PUBREC_said()
    {
        await using var pair = await Pair.ConnectAsync();
        var publishing = pair.Client.PublishAsync(Message, Limit.Token).AsTask();
        await pair.Server.ExpectAsync("34 06 0001 'a' 0001 00");
        await pair.Server.SendAsync("50 0A 0001 10 06 1F 0003 'why'");
        await pair.Server.ExpectAsync("62 02 0001");
        Assert.False(publishing.IsCompleted);
        await pair.Server.SendAsync("70 02 0001");

        var result = await publishing.InTime();

        Assert.True(result.NoMatchingSubscribers);
        Assert.Equal("why", result.ReasonString);
    }

    [Fact]
    [Trait("Label", "MQTT-4.4.0-2")]
    public async Task A_PUBREC_that_refuses_is_an_exception_and_gives_the_identifier_and_the_quota_back()
    {
        await using var pair = await Pair.ConnectAsync("20 06 00 00 03 21 0001");
        var publishing = pair.Client.PublishAsync(Message, Limit.Token).AsTask();
        var next = pair.Client.PublishAsync(Message, Limit.Token).AsTask();
        await pair.Server.ExpectAsync("34 06 0001 'a' 0001 00");
        await pair.Server.SendAsync("50 03 0001 97");

        Assert.Equal(ReasonCode.QuotaExceeded, (await Assert.ThrowsAsync<RefusedException>(() => publishing.InTime())).ReasonCode);
        await pair.Server.ExpectAsync("34 06 0001 'a' 0002 00");
        await pair.Server.SendAsync("50 02 0002 70 02 0002");
        await next.InTime();
    }

    [Fact]
    [Trait("Label", "MQTT-3.3.4-7")]
    [Trait("Label", "MQTT-4.9.0-2")]
    public async Task The_quota_comes_back_with_PUBCOMP_not_with_PUBREC()
    {
        await using var pair = await Pair.ConnectAsync("20 06 00 00 03 21 0001");
        var one = pair.Client.PublishAsync(Message, Limit.Token).AsTask();
        var two = pair.Client.PublishAsync(Message, Limit.Token).AsTask();
        await pair.Server.ExpectAsync("34 06 0001 'a' 0001 00");
        await pair.Server.SendAsync("50 02 0001");
        await pair.Server.ExpectAsync("62 02 0001");

        await pair.Server.SendAsync("70 02 0001");
        await pair.Server.ExpectAsync("34 06 0001 'a' 0002 00");
        await pair.Server.SendAsync("50 02 0002 70 02 0002");
        await Task.WhenAll(one, two).InTime();
    }

    [Fact]
    [Trait("Label", "MQTT-4.4.0-1")]
    [Trait("Label", "MQTT-4.6.0-1")]
    [Trait("Label", "MQTT-4.6.0-4")]
    [Trait("Label", "MQTT-4.3.3-3")]
    [Trait("Label", "MQTT-4.3.3-5")]
    [Trait("Label", "MQTT-4.3.3-6")]
    [Trait("Label", "MQTT-3.3.1-1")]
    public async Task After_a_reconnect_PUBREL_and_PUBLISH_are_sent_again_each_in_their_order()
    {
        using var listener = new ScriptedServer();
        await using var client = MqttClient.Start(listener.Options);
        using var first = await listener.AcceptAsync(ScriptedServer.Accepted);
        await client.WaitUntilConnectedAsync(Limit.Token);
        var publishes = Enumerable.Range(1, 5)
            .Select(i => Message with
            {
                Payload = Encoding.UTF8.GetBytes($"{i}"),
                QoS = i == 4 ? QualityOfService.AtLeastOnce : QualityOfService.ExactlyOnce,
            })
            .Select(message => client.PublishAsync(message).AsTask())
            .ToArray();
        for (var i = 1; i <= 5; i++)
        {
            await first.ExpectAsync($"{(i == 4 ? "32" : "34")} 07 0001 'a' 000{i} 00 '{i}'");
        }

        await first.SendAsync("50 02 0005 50 02 0002");
        await first.ExpectAsync("62 02 0005");
        await first.ExpectAsync("62 02 0002");
        first.Reset();
        using var second = await listener.AcceptAsync(ScriptedServer.AcceptedSessionPresent);

        await second.ExpectAsync("62 02 0005");
        await second.ExpectAsync("62 02 0002");
        await second.ExpectAsync("3C 07 0001 'a' 0001 00 '1'");
        await second.ExpectAsync("3C 07 0001 'a' 0003 00 '3'");
        await second.ExpectAsync("3A 07 0001 'a' 0004 00 '4'");

        // The first PUBREL with the identifier 2 had come through, so that the server does not know it any more.
        await second.SendAsync("70 02 0005 70 03 0002 92 50 02 0001 50 02 0003 40 02 0004");
        await second.ExpectAsync("62 02 0001");
        await second.ExpectAsync("62 02 0003");
        await second.SendAsync("70 02 0001 70 02 0003");
        Assert.All(await Task.WhenAll(publishes).InTime(), result => Assert.Equal(ReasonCode.Success, result.ReasonCode));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    [Trait("Label", "MQTT-3.2.2-5")]
    public async Task A_lost_Session_leaves_the_outcome_of_a_QoS_2_message_unknown(bool recorded)
    {
        using var listener = new ScriptedServer();
        await using var client = MqttClient.Start(listener.Options);
        using var first = await listener.AcceptAsync(ScriptedServer.Accepted);
        await client.WaitUntilConnectedAsync(Limit.Token);
        var publishing = client.PublishAsync(Message, Limit.Token).AsTask();
        await first.ExpectAsync("34 06 0001 'a' 0001 00");
        if (recorded)
        {
            await first.SendAsync("50 02 0001");
            await first.ExpectAsync("62 02 0001");
        }

        first.Reset();
        using var second = await listener.AcceptAsync(ScriptedServer.Accepted);

        var exception = await Assert.ThrowsAsync<ConnectionException>(() => publishing.InTime());
        Assert.True(exception.Sent);
        var next = client.PublishAsync(Message, Limit.Token).AsTask();
        await second.ExpectAsync("34 06 0001 'a' 0002 00");
        await second.SendAsync("50 02 0002 70 02 0002");
        await next.InTime();
    }

    [Fact]
    public async Task A_server_that_forgets_between_PUBREC_and_PUBREL_has_not_delivered()
    {
        await using var pair = await Pair.ConnectAsync();
        var publishing = pair.Client.PublishAsync(Message, Limit.Token).AsTask();
        await pair.Server.ReadAsync();
        await pair.Server.SendAsync("50 02 0001 70 03 0001 92");

        Assert.Equal(
            ReasonCode.PacketIdentifierNotFound, (await Assert.ThrowsAsync<RefusedException>(() => publishing.InTime())).ReasonCode);
    }

    [Fact]
    public async Task A_PUBREC_that_nothing_waits_for_is_told_so_and_its_PUBCOMP_ignored()
    {
        await using var pair = await Pair.ConnectAsync();
        await pair.Server.SendAsync("50 02 0007");
        await pair.Server.ExpectAsync("62 03 0007 92");
        await pair.Server.SendAsync("70 03 0007 92 50 03 0007 80");

        await pair.Client.PublishAsync(new ApplicationMessage { Topic = "a" }, Limit.Token);
        await pair.Server.ExpectAsync("30 04 0001 'a' 00");
    }

    [Theory]
    [InlineData(QualityOfService.ExactlyOnce, "40 02 0001")] // PUBACK for QoS 2.
    [InlineData(QualityOfService.AtLeastOnce, "50 02 0001")] // PUBREC for QoS 1.
    [InlineData(QualityOfService.ExactlyOnce, "70 02 0001")] // PUBCOMP before PUBREC.
    [Trait("Label", "MQTT-3.3.4-1")]
    public async Task An_acknowledgement_of_another_handshake_ends_the_connection(QualityOfService qos, string bytes)
    {
        await using var pair = await Pair.ConnectAsync();
        var publishing = pair.Client.PublishAsync(Message with { QoS = qos }, Limit.Token).AsTask();
        await pair.Server.ReadAsync();
        await pair.Server.SendAsync(bytes);

        await pair.Server.ExpectAsync("E0 01 82");
        Assert.False(publishing.IsCompleted);
        pair.Server.Dispose();
        await pair.Client.DisposeAsync().InTime();
        Assert.True((await Assert.ThrowsAsync<ConnectionException>(() => publishing.InTime())).Sent);
    }

    [Fact]
    [Trait("Label", "MQTT-4.3.3-7")]
    public async Task A_message_on_its_way_does_not_expire()
    {
        using var listener = new ScriptedServer();
        var clock = new Time.ManualTimeProvider();
        await using var client = MqttClient.Start(listener.Options with { TimeProvider = clock, KeepAlive = TimeSpan.Zero });
        using var first = await listener.AcceptAsync(ScriptedServer.Accepted);
        await client.WaitUntilConnectedAsync(Limit.Token);
        var publishing = client.PublishAsync(Message with { MessageExpiryInterval = 5 }, Limit.Token).AsTask();
        await first.ExpectAsync("34 0B 0001 'a' 0001 05 02 00000005");
        clock.Advance(TimeSpan.FromSeconds(9));
        first.Reset();
        using var second = await listener.AcceptAsync(ScriptedServer.AcceptedSessionPresent);

        await second.ExpectAsync("3C 0B 0001 'a' 0001 05 02 00000001");
        await second.SendAsync("50 02 0001 70 02 0001");
        await publishing.InTime();
    }
}
