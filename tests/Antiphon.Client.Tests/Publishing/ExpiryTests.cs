using Antiphon.Client.Tests.Peers;
using Antiphon.Client.Tests.Time;
using Antiphon.Protocol;

namespace Antiphon.Client.Tests.Publishing;

public sealed class ExpiryTests
{
    private static readonly ApplicationMessage Message = new()
    {
        Topic = "a",
        ContentType = "t",
        MessageExpiryInterval = 10,
        QoS = QualityOfService.AtLeastOnce,
    };

    private readonly ManualTimeProvider _clock = new();

    [Fact]
    public async Task Time_spent_waiting_is_taken_off_the_expiry()
    {
        using var server = new ScriptedServer();
        await using var client = MqttClient.Start(server.Options with { TimeProvider = _clock, ConnectTimeout = TimeSpan.FromHours(1) });
        using var connection = await server.AcceptAsync();
        await connection.ReadAsync();
        var publishing = client.PublishAsync(Message, Limit.Token).AsTask();

        _clock.Advance(TimeSpan.FromMilliseconds(3999));
        await connection.SendAsync(ScriptedServer.Accepted);

        await connection.ExpectAsync("32 0F 0001 'a' 0001 09 02 00000007 03 0001 't'");
        await connection.SendAsync("40 02 0001");
        await publishing;
    }

    [Fact]
    public async Task A_message_that_expires_while_it_waits_is_not_sent()
    {
        using var server = new ScriptedServer();
        await using var client = MqttClient.Start(server.Options with { TimeProvider = _clock, ConnectTimeout = TimeSpan.FromHours(1) });
        using var connection = await server.AcceptAsync();
        await connection.ReadAsync();
        var expired = client.PublishAsync(Message, Limit.Token).AsTask();
        var lasting = client.PublishAsync(new ApplicationMessage { Topic = "b" }, Limit.Token).AsTask();

        _clock.Advance(TimeSpan.FromSeconds(10));
        await connection.SendAsync(ScriptedServer.Accepted);

        await connection.ExpectAsync("30 04 0001 'b' 00");
        await lasting;
        Assert.False((await Assert.ThrowsAsync<ConnectionException>(() => expired)).Sent);
    }

    [Fact]
    public async Task What_an_existing_Session_is_owed_is_sent_again_with_the_time_that_is_left_of_it()
    {
        using var server = new ScriptedServer();
        await using var client = MqttClient.Start(
            server.Options with { TimeProvider = _clock, ConnectTimeout = TimeSpan.FromHours(1), KeepAlive = TimeSpan.Zero });
        using var first = await server.AcceptAsync(ScriptedServer.Accepted);
        await client.WaitUntilConnectedAsync(Limit.Token);
        var publishing = client.PublishAsync(Message, Limit.Token).AsTask();
        await first.ExpectAsync("32 0F 0001 'a' 0001 09 02 0000000A 03 0001 't'");

        using var second = await ReconnectAsync(server, first, TimeSpan.FromSeconds(4), ScriptedServer.AcceptedSessionPresent);
        await second.ExpectAsync("3A 0F 0001 'a' 0001 09 02 00000006 03 0001 't'");
        await second.SendAsync("40 02 0001");
        await publishing;
    }

    [Fact]
    public async Task What_has_expired_is_not_sent_again()
    {
        using var server = new ScriptedServer();
        await using var client = MqttClient.Start(
            server.Options with { TimeProvider = _clock, ConnectTimeout = TimeSpan.FromHours(1), KeepAlive = TimeSpan.Zero });
        using var first = await server.AcceptAsync(ScriptedServer.Accepted);
        await client.WaitUntilConnectedAsync(Limit.Token);
        var publishing = client.PublishAsync(Message, Limit.Token).AsTask();
        await first.ExpectAsync("32 0F 0001 'a' 0001 09 02 0000000A 03 0001 't'");

        using var second = await ReconnectAsync(server, first, TimeSpan.FromSeconds(10), ScriptedServer.AcceptedSessionPresent);

        Assert.True((await Assert.ThrowsAsync<ConnectionException>(() => publishing)).Sent);
        var next = client.PublishAsync(Message, Limit.Token).AsTask();
        await second.ExpectAsync("32 0F 0001 'a' 0002 09 02 0000000A 03 0001 't'");
        await second.SendAsync("40 02 0002");
        await next;
    }

    [Fact]
    public async Task An_expired_message_is_not_published_anew_when_the_Session_is_gone()
    {
        using var server = new ScriptedServer();
        await using var client = MqttClient.Start(
            server.Options with { TimeProvider = _clock, ConnectTimeout = TimeSpan.FromHours(1), KeepAlive = TimeSpan.Zero });
        using var first = await server.AcceptAsync(ScriptedServer.Accepted);
        await client.WaitUntilConnectedAsync(Limit.Token);
        var publishing = client.PublishAsync(Message, Limit.Token).AsTask();
        await first.ReadAsync();

        using var second = await ReconnectAsync(server, first, TimeSpan.FromSeconds(10), ScriptedServer.Accepted);

        Assert.True((await Assert.ThrowsAsync<ConnectionException>(() => publishing)).Sent);
    }

    private async Task<ScriptedConnection> ReconnectAsync(
        ScriptedServer server, ScriptedConnection connection, TimeSpan after, string connAck)
    {
        connection.Reset();
        var next = await server.AcceptAsync();
        await next.ReadAsync();
        _clock.Advance(after);
        await next.SendAsync(connAck);
        return next;
    }
}
