using Antiphon.Client.Tests.Peers;
using Antiphon.Client.Tests.Time;

namespace Antiphon.Client.Tests.Connections;

public sealed class KeepAliveOnTheWireTests
{
    private readonly ManualTimeProvider _clock = new();

    [Fact]
    [Trait("Label", "MQTT-3.1.2-20")]
    public async Task A_quiet_connection_is_pinged_and_goes_on_when_answered()
    {
        using var server = new ScriptedServer();
        await using var client = MqttClient.Start(server.Options with { TimeProvider = _clock });
        using var connection = await server.AcceptAsync(ScriptedServer.Accepted);
        await client.WaitUntilConnectedAsync(Limit.Token);

        _clock.Advance(TimeSpan.FromSeconds(45));
        await connection.ExpectAsync("C0 00");
        var before = client.Counters.BytesReceived;
        await connection.SendAsync("D0 00");
        await _clock.WhenTimerAsync(due => due <= TimeSpan.FromSeconds(10));
        while (client.Counters.BytesReceived == before)
        {
            await Task.Yield();
        }

        _clock.Advance(TimeSpan.FromSeconds(44));
        Assert.Equal(ConnectionState.Connected, client.State);
        _clock.Advance(TimeSpan.FromSeconds(1));
        await connection.ExpectAsync("C0 00");
    }

    [Fact]
    public async Task A_ping_without_an_answer_ends_the_connection()
    {
        using var server = new ScriptedServer();
        await using var client = MqttClient.Start(server.Options with { TimeProvider = _clock });
        var states = new StateLog(client);
        using var connection = await server.AcceptAsync(ScriptedServer.Accepted);
        await client.WaitUntilConnectedAsync(Limit.Token);

        _clock.Advance(TimeSpan.FromSeconds(45));
        await connection.ExpectAsync("C0 00");
        _clock.Advance(TimeSpan.FromSeconds(10));

        await connection.ExpectEndAsync();
        var change = await states.NextAsync(ConnectionState.Reconnecting);
        Assert.Contains("PINGREQ", change.Exception!.Message, StringComparison.Ordinal);
    }

    [Fact]
    [Trait("Label", "MQTT-3.1.2-21")]
    [Trait("Label", "MQTT-3.2.2-21")]
    [Trait("Label", "MQTT-3.1.2-21")]
    public async Task The_servers_own_Keep_Alive_holds()
    {
        using var server = new ScriptedServer();
        await using var client = MqttClient.Start(server.Options with { TimeProvider = _clock });
        using var connection = await server.AcceptAsync("20 06 00 00 03 13 0004");
        await client.WaitUntilConnectedAsync(Limit.Token);

        _clock.Advance(TimeSpan.FromSeconds(3));

        await connection.ExpectAsync("C0 00");
    }
}
