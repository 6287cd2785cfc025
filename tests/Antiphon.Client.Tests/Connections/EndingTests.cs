using Antiphon.Client.Tests.Peers;
using Antiphon.Protocol;

namespace Antiphon.Client.Tests.Connections;

public sealed class EndingTests
{
    private static readonly ApplicationMessage Message = new() { Topic = "a", QoS = QualityOfService.AtLeastOnce };

    [Fact]
    [Trait("Label", "MQTT-3.14.4-1")]
    [Trait("Label", "MQTT-3.14.4-2")]
    public async Task Disconnecting_sends_what_was_published_then_DISCONNECT_and_closes()
    {
        using var server = new ScriptedServer();
        await using var client = MqttClient.Start(server.Options);
        using var connection = await server.AcceptAsync(ScriptedServer.Accepted);
        await client.WaitUntilConnectedAsync(Limit.Token);

        await client.PublishAsync(Message with { QoS = QualityOfService.AtMostOnce }, Limit.Token);
        var disconnecting = client.DisconnectAsync(ReasonCode.DisconnectWithWillMessage, Limit.Token);

        await connection.ExpectAsync("30 04 0001 'a' 00");
        await connection.ExpectAsync("E0 01 04");
        await connection.ExpectEndAsync();
        connection.Dispose();
        await disconnecting;
        Assert.Equal(ConnectionState.Stopped, client.State);
    }

    [Fact]
    [Trait("Label", "MQTT-3.14.2-1")]
    public async Task A_reason_that_is_not_a_clients_is_an_argument_mistake()
    {
        using var server = new ScriptedServer();
        await using var client = MqttClient.Start(server.Options);

        await Assert.ThrowsAsync<ArgumentException>(() => client.DisconnectAsync(ReasonCode.SessionTakenOver, Limit.Token));
    }

    [Fact]
    public async Task Disposing_ends_every_pending_operation_and_says_what_had_been_sent()
    {
        using var server = new ScriptedServer();
        await using var client = MqttClient.Start(server.Options);
        using var connection = await server.AcceptAsync("20 06 00 00 03 21 0001");
        await client.WaitUntilConnectedAsync(Limit.Token);
        var sent = client.PublishAsync(Message, Limit.Token).AsTask();
        var waiting = client.PublishAsync(Message, Limit.Token).AsTask();
        var subscribing = client.SubscribeAsync("a", (_, _) => ValueTask.CompletedTask, null, Limit.Token);
        await connection.ExpectAsync("32 06 0001 'a' 0001 00");
        await connection.ExpectAsync("82 09 0002 02 0B01 0001 'a' 01");

        var disposing = client.DisposeAsync();
        await connection.ExpectAsync("E0 00");
        connection.Dispose();
        await disposing.InTime();

        var exception = await Assert.ThrowsAsync<ConnectionException>(() => sent);
        Assert.True(exception.Sent);
        Assert.Equal(1, exception.Unacknowledged);
        Assert.False((await Assert.ThrowsAsync<ConnectionException>(() => waiting)).Sent);
        await Assert.ThrowsAsync<ConnectionException>(() => subscribing);
        await Assert.ThrowsAsync<ConnectionException>(() => client.WaitUntilConnectedAsync(Limit.Token));
        await Assert.ThrowsAsync<ConnectionException>(() => client.PublishAsync(Message, Limit.Token).AsTask());
        await Assert.ThrowsAsync<ConnectionException>(
            () => client.SubscribeAsync("b", (_, _) => ValueTask.CompletedTask, null, Limit.Token));
        await client.DisposeAsync().InTime();
        await client.DisconnectAsync(cancellationToken: Limit.Token);
    }

    [Fact]
    public async Task Disposing_does_not_wait_for_a_server_that_never_answered()
    {
        using var server = new ScriptedServer();
        var client = MqttClient.Start(server.Options);
        using var connection = await server.AcceptAsync();

        await client.DisposeAsync().InTime();

        Assert.Equal(ConnectionState.Stopped, client.State);
    }

    [Fact]
    public async Task A_cancelled_disconnect_closes_at_once()
    {
        using var server = new ScriptedServer();
        await using var client = MqttClient.Start(server.Options with { TimeProvider = new Time.ManualTimeProvider() });
        using var connection = await server.AcceptAsync(ScriptedServer.Accepted);
        await client.WaitUntilConnectedAsync(Limit.Token);
        using var source = new CancellationTokenSource();

        // The server keeps its half open, and the hand-turned clock stands: only the token can end this.
        var disconnecting = client.DisconnectAsync(cancellationToken: source.Token);
        await connection.ExpectAsync("E0 00");
        await source.CancelAsync();

        await disconnecting.InTime();
    }

    [Fact]
    public async Task A_handler_of_StateChanged_may_dispose_the_client_and_throw()
    {
        using var server = new ScriptedServer();
        var client = MqttClient.Start(server.Options);
        var disposed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        client.StateChanged += async (_, change) =>
        {
            if (change.State == ConnectionState.Connected)
            {
                await client.DisposeAsync();
                disposed.SetResult();
            }
        };
        client.StateChanged += (_, _) => throw new InvalidOperationException("on purpose");
        using var connection = await server.AcceptAsync(ScriptedServer.Accepted);
        await connection.ExpectAsync("E0 00");
        connection.Dispose();

        await disposed.Task.InTime();
        await client.DisposeAsync().InTime();
    }
}
