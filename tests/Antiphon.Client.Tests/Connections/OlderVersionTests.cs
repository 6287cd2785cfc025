using System.Threading.Channels;
using Antiphon.Client.Tests.Peers;
using Antiphon.Protocol;
using Antiphon.Protocol.Packets;
using Antiphon.Protocol.Properties;

namespace Antiphon.Client.Tests.Connections;

/// <summary>MQTT 3.1.1 byte by byte.</summary>
public sealed class OlderVersionTests
{
    private const string Accepted = "20 02 00 00";

    private static readonly Func<ReceivedMessage, CancellationToken, ValueTask> Ignore = (_, _) => ValueTask.CompletedTask;

    [Fact]
    public async Task CONNECT_says_what_3_1_1_can_and_Clean_Session_holds_for_every_connection()
    {
        using var listener = new ScriptedServer();
        await using var client = MqttClient.Start(Older(listener.Options) with
        {
            UserName = "u",
            Password = "p"u8.ToArray(),
            Will = new Will(new ApplicationMessage { Topic = "w", Payload = "x"u8.ToArray(), QoS = QualityOfService.AtLeastOnce }),
        });
        for (var i = 0; i < 2; i++)
        {
            using var server = await listener.AcceptAsync();
            await server.ExpectAsync("10 19 0004 'MQTT' 04 CE 003C 0001 'c' 0001 'w' 0001 'x' 0001 'u' 0001 'p'");
            await server.SendAsync(Accepted);
            await client.WaitUntilConnectedAsync(Limit.Token);
            Assert.Equal(TimeSpan.Zero, client.Server!.SessionExpiry);
        }
    }

    [Fact]
    public async Task Without_Clean_Start_the_Session_is_resumed()
    {
        using var listener = new ScriptedServer();
        await using var client = MqttClient.Start(Older(listener.Options) with { CleanStart = false });
        using var first = await listener.AcceptAsync();
        await first.ExpectAsync("10 0D 0004 'MQTT' 04 00 003C 0001 'c'");
        await first.SendAsync("20 02 01 00");
        await client.WaitUntilConnectedAsync(Limit.Token);

        Assert.True(client.Server!.SessionPresent);
        Assert.Equal(Timeout.InfiniteTimeSpan, client.Server.SessionExpiry);
        Assert.False(client.Server.SubscriptionIdentifierAvailable);
        Assert.False(client.Server.SharedSubscriptionAvailable);
        Assert.True(client.Server.RetainAvailable);
        Assert.Equal(65_535, client.Server.ReceiveMaximum);
        Assert.Equal(ProtocolVersion.V311, client.ProtocolVersion);
    }

    [Theory]
    [InlineData("01", ReasonCode.UnsupportedProtocolVersion)]
    [InlineData("02", ReasonCode.ClientIdentifierNotValid)]
    [InlineData("03", ReasonCode.ServerUnavailable)]
    [InlineData("04", ReasonCode.BadUserNameOrPassword)]
    [InlineData("05", ReasonCode.NotAuthorized)]
    public async Task A_return_code_comes_out_as_its_Reason_Code(string returnCode, ReasonCode reasonCode)
    {
        using var listener = new ScriptedServer();
        var connecting = MqttClient.ConnectAsync(Older(listener.Options), Limit.Token);
        using var server = await listener.AcceptAsync($"20 02 00 {returnCode}");

        Assert.Equal(reasonCode, (await Assert.ThrowsAsync<ConnectionException>(() => connecting.InTime())).ReasonCode);
    }

    [Fact]
    public async Task All_three_QoS_go_out_and_what_is_unacknowledged_goes_out_again()
    {
        using var listener = new ScriptedServer();
        await using var client = MqttClient.Start(Older(listener.Options) with { CleanStart = false });
        using var first = await listener.AcceptAsync(Accepted);
        await client.WaitUntilConnectedAsync(Limit.Token);
        await client.PublishAsync(Message(QualityOfService.AtMostOnce), Limit.Token);
        var one = client.PublishAsync(Message(QualityOfService.AtLeastOnce), Limit.Token).AsTask();
        var two = client.PublishAsync(Message(QualityOfService.ExactlyOnce), Limit.Token).AsTask();
        await first.ExpectAsync("30 03 0001 'a'");
        await first.ExpectAsync("32 05 0001 'a' 0001");
        await first.ExpectAsync("34 05 0001 'a' 0002");
        await first.SendAsync("50 02 0002");
        await first.ExpectAsync("62 02 0002");
        first.Reset();
        using var second = await listener.AcceptAsync("20 02 01 00");

        await second.ExpectAsync("62 02 0002");
        await second.ExpectAsync("3A 05 0001 'a' 0001");
        await second.SendAsync("70 02 0002 40 02 0001");
        await Task.WhenAll(one, two).InTime();
    }

    [Fact]
    public async Task Messages_find_their_handlers_by_filter_and_are_acknowledged_without_a_code()
    {
        await using var pair = await Pair.ConnectAsync(Accepted, Older);
        var seen = Channel.CreateUnbounded<string>();
        var subscribing = pair.Client.SubscribeAsync(
            "a/+",
            (message, token) => seen.Writer.WriteAsync(message.Text, token),
            new SubscribeOptions { MaximumQoS = QualityOfService.ExactlyOnce },
            Limit.Token);
        await pair.Server.ExpectAsync("82 08 0001 0003 'a/+' 02");
        await pair.Server.SendAsync("90 03 0001 02");
        var subscription = await subscribing.InTime();
        await pair.Server.SendAsync("30 06 0003 'a/b' '0' 32 08 0003 'a/b' 0007 '1' 34 08 0003 'a/b' 0008 '2' 62 02 0009");

        for (var i = 0; i < 3; i++)
        {
            Assert.Equal($"{i}", await seen.Reader.ReadAsync(Limit.Token));
        }

        var answers = new List<string>();
        for (var i = 0; i < 3; i++)
        {
            answers.Add(Convert.ToHexString(await pair.Server.ReadAsync()));
        }

        Assert.Equal(["40020007", "50020008", "70020009"], answers.Order());
        var leaving = subscription.UnsubscribeAsync(Limit.Token);
        await pair.Server.ExpectAsync("A2 07 0002 0003 'a/+'");
        await pair.Server.SendAsync("B0 02 0002");
        await leaving.InTime();
    }

    [Fact]
    public async Task A_Receive_Maximum_that_cannot_be_told_is_not_enforced()
    {
        await using var pair = await Pair.ConnectAsync(
            Accepted, options => Older(options) with { ReceiveMaximum = 1, EnforceReceiveMaximum = true });
        await pair.Server.SendAsync("34 05 0001 'a' 0001 34 05 0001 'a' 0002");

        await pair.Server.ExpectAsync("50 02 0001");
        await pair.Server.ExpectAsync("50 02 0002");
        Assert.Equal(0, pair.Client.Counters.ReceiveMaximumExceeded);
    }

    [Fact]
    public async Task SUBACK_0x80_is_a_refusal()
    {
        await using var pair = await Pair.ConnectAsync(Accepted, Older);
        var subscribing = pair.Client.SubscribeAsync("a", Ignore, null, Limit.Token);
        await pair.Server.ReadAsync();
        await pair.Server.SendAsync("90 03 0001 80");

        Assert.Equal(ReasonCode.UnspecifiedError, (await Assert.ThrowsAsync<RefusedException>(() => subscribing.InTime())).ReasonCode);
    }

    [Fact]
    public async Task UNSUBACK_has_no_code_and_the_connection_goes_on()
    {
        await using var pair = await Pair.ConnectAsync(Accepted, Older);
        var subscribing = pair.Client.SubscribeAsync("a", Ignore, null, Limit.Token);
        await pair.Server.ReadAsync();
        await pair.Server.SendAsync("90 03 0001 01");
        var leaving = (await subscribing.InTime()).UnsubscribeAsync(Limit.Token);
        await pair.Server.ExpectAsync("A2 05 0002 0001 'a'");
        await pair.Server.SendAsync("B0 02 0002");
        await leaving.InTime();

        var publishing = pair.Client.PublishAsync(Message(QualityOfService.AtLeastOnce), Limit.Token).AsTask();
        await pair.Server.ExpectAsync("32 05 0001 'a' 0003");
        await pair.Server.SendAsync("40 02 0003");
        await publishing.InTime();
    }

    [Fact]
    public async Task What_3_1_1_cannot_say_is_refused_before_anything_is_sent()
    {
        await using var pair = await Pair.ConnectAsync(Accepted, Older);
        ApplicationMessage[] messages =
        [
            Message(QualityOfService.AtMostOnce) with { MessageExpiryInterval = 1 },
            Message(QualityOfService.AtMostOnce) with { UserProperties = [new UserProperty("k", "v")] },
            Message(QualityOfService.AtMostOnce) with { ResponseTopic = "r" },
            Message(QualityOfService.AtMostOnce) with { ContentType = "t" },
        ];
        SubscribeOptions[] subscriptions =
        [
            new() { NoLocal = true },
            new() { RetainAsPublished = true },
            new() { RetainHandling = RetainHandling.DoNotSend },
            new() { UserProperties = [new UserProperty("k", "v")] },
        ];

        foreach (var message in messages)
        {
            await Assert.ThrowsAsync<ArgumentException>(() => pair.Client.PublishAsync(message, Limit.Token).AsTask());
        }

        foreach (var options in subscriptions)
        {
            await Assert.ThrowsAsync<ArgumentException>(() => pair.Client.SubscribeAsync("a", Ignore, options, Limit.Token));
        }

        await Assert.ThrowsAsync<ArgumentException>(() => pair.Client.SubscribeAsync("$share/g/a", Ignore, null, Limit.Token));
        await Assert.ThrowsAsync<ArgumentException>(() => pair.Client.DisconnectAsync(ReasonCode.DisconnectWithWillMessage, Limit.Token));
        await pair.Client.DisconnectAsync(cancellationToken: Limit.Token);
        await pair.Server.ExpectAsync("E0 00");
    }

    [Fact]
    public void Options_that_3_1_1_cannot_say_are_reported_together()
    {
        var exception = Assert.Throws<ArgumentException>(() => MqttClient.Start(new MqttClientOptions
        {
            ProtocolVersion = ProtocolVersion.V311,
            UserProperties = [new UserProperty("k", "v")],
            Authentication = () => new ScramSha256Exchange("user", "password"),
            Password = "p"u8.ToArray(),
            ClientId = "",
            CleanStart = false,
            Will = new Will(new ApplicationMessage { Topic = "w" }) { DelayInterval = 1 },
        }));

        foreach (var option in new[] { "UserProperties", "Authentication", "Password", "ClientId", "Will" })
        {
            Assert.Contains(option, exception.Message, StringComparison.Ordinal);
        }

        var options = new MqttClientOptions { ProtocolVersion = (ProtocolVersion)3 };
        Assert.Contains(
            "ProtocolVersion",
            Assert.Throws<ArgumentException>(() => MqttClient.Start(options)).Message,
            StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("E0 00")] // DISCONNECT is a client's.
    [InlineData("F0 00")] // There is no AUTH.
    [InlineData("30 03 0009 '+'")] // A topic that ends behind the packet.
    public async Task A_server_that_breaks_the_rules_is_left_without_a_word_so_that_the_Will_goes_out(string bytes)
    {
        await using var pair = await Pair.ConnectAsync(Accepted, Older);
        await pair.Server.SendAsync(bytes);

        await pair.Server.ExpectEndAsync();
    }

    private static MqttClientOptions Older(MqttClientOptions options) => options with { ProtocolVersion = ProtocolVersion.V311 };

    private static ApplicationMessage Message(QualityOfService qos) => new() { Topic = "a", QoS = qos };
}
