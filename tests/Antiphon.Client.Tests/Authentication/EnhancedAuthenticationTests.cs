using Antiphon.Client.Tests.Peers;
using Antiphon.Client.Tests.Time;
using Antiphon.Protocol;

namespace Antiphon.Client.Tests.Authentication;

public sealed class EnhancedAuthenticationTests : IDisposable
{
    private const string Connect = "10 25 0004 'MQTT' 05 02 003C 17 11 0000012C 21 0400 27 01000000 19 01 15 0001 'm' 16 0001 'b' 0001 'c'";
    private const string Reconnect =
        "10 25 0004 'MQTT' 05 00 003C 17 11 0000012C 21 0400 27 01000000 19 01 15 0001 'm' 16 0001 'b' 0001 'c'";
    private const string Accepted = "20 0C 00 00 09 15 0001 'm' 16 0002 'ok'";

    private readonly ScriptedServer _server = new();

    private MqttClientOptions Options => _server.Options with { Authentication = () => new SpelledExchange() };

    public void Dispose() => _server.Dispose();

    [Fact]
    [Trait("Label", "MQTT-3.1.2-30")]
    [Trait("Label", "MQTT-4.12.0-3")]
    [Trait("Label", "MQTT-4.12.0-5")]
    public async Task CONNECT_begins_an_exchange_that_goes_on_in_AUTH_and_nothing_else_is_sent_before_CONNACK()
    {
        await using var client = MqttClient.Start(Options);
        var publishing = client.PublishAsync(new ApplicationMessage { Topic = "a" }, Limit.Token);
        using var connection = await _server.AcceptAsync();
        await connection.ExpectAsync(Connect);
        await connection.SendAsync("F0 0A 18 08 15 0001 'm' 16 0001 'x'");
        await connection.ExpectAsync("F0 0B 18 09 15 0001 'm' 16 0002 'x!'");
        await connection.SendAsync("F0 06 18 04 15 0001 'm'");
        await connection.ExpectAsync("F0 0A 18 08 15 0001 'm' 16 0001 '!'");
        await connection.SendAsync(Accepted);

        await connection.ExpectAsync("30 04 0001 'a' 00");
        await publishing;
        await client.WaitUntilConnectedAsync(Limit.Token);
    }

    [Theory]
    [InlineData("82", "F0 06 18 04 15 0001 'n'")] // Another method [MQTT-4.12.0-5].
    [InlineData("82", "F0 06 00 04 15 0001 'm'")] // Success belongs into CONNACK.
    [InlineData("82", "F0 06 19 04 15 0001 'm'")] // Re-authenticate is a client's.
    [InlineData("82", "F0 00")] // Success in its shortest form.
    [InlineData("82", "20 03 00 00 00")] // CONNACK without the method [MQTT-4.12.0-5].
    [InlineData("82", "20 07 00 00 04 15 0001 'n'")] // CONNACK with another.
    [InlineData("80", "20 07 00 00 04 15 0001 'm'")] // CONNACK that the method is not content with.
    [InlineData("82", "30 04 0001 'a' 00")] // Anything else before CONNACK.
    [InlineData("81", "F1 06 18 04 15 0001 'm'")] // Reserved flags [MQTT-3.15.1-1].
    [InlineData("81", "F0 06 87 04 15 0001 'm'")] // A Reason Code of another packet [MQTT-3.15.2-1].
    [Trait("Label", "MQTT-3.15.1-1")]
    [Trait("Label", "MQTT-3.15.2-1")]
    [Trait("Label", "MQTT-4.12.0-5")]
    public async Task A_server_that_goes_on_wrongly_is_told_and_left(string code, string bytes)
    {
        await using var client = MqttClient.Start(Options);
        using (var first = await _server.AcceptAsync())
        {
            await first.ExpectAsync(Connect);
            await first.SendAsync(bytes);
            await first.ExpectAsync($"E0 01 {code}");
            await first.ExpectEndAsync();
        }

        using var second = await _server.AcceptAsync();
        await second.ExpectAsync(Connect);
        await second.SendAsync(Accepted);
        await client.WaitUntilConnectedAsync(Limit.Token);
    }

    [Theory]
    [InlineData("F0 06 18 04 15 0001 'm'")]
    [InlineData(Accepted)]
    public async Task A_server_that_speaks_when_it_is_our_turn_is_told_and_left(string bytes)
    {
        var never = new TaskCompletionSource();
        await using var client = MqttClient.Start(Options with { Authentication = () => new SpelledExchange { MayAnswer = never.Task } });
        using var first = await _server.AcceptAsync();
        await first.ExpectAsync(Connect);
        await first.SendAsync($"F0 06 18 04 15 0001 'm' {bytes}");

        await first.ExpectAsync("E0 01 82");
        await first.ExpectEndAsync();
    }

    [Fact]
    [Trait("Label", "MQTT-4.12.0-6")]
    [Trait("Label", "MQTT-4.12.0-7")]
    public async Task Without_a_method_in_CONNECT_there_is_no_AUTH_from_either_side()
    {
        await using var client = MqttClient.Start(_server.Options);
        using (var first = await _server.AcceptAsync("F0 06 18 04 15 0001 'm'"))
        {
            await first.ExpectEndAsync();
        }

        using (var second = await _server.AcceptAsync("20 07 00 00 04 15 0001 'm'"))
        {
            await second.ExpectEndAsync();
        }

        using var third = await _server.AcceptAsync(ScriptedServer.Accepted);
        await client.WaitUntilConnectedAsync(Limit.Token);
        Assert.Contains(
            "[MQTT-4.12.0-7]",
            (await Assert.ThrowsAsync<InvalidOperationException>(() => client.ReauthenticateAsync(Limit.Token))).Message,
            StringComparison.Ordinal);
        await third.SendAsync("F0 06 18 04 15 0001 'm'");
        await third.ExpectAsync("E0 01 82");
    }

    [Fact]
    public async Task The_timeout_of_connecting_holds_for_the_whole_exchange()
    {
        var clock = new ManualTimeProvider();
        var connecting = MqttClient.ConnectAsync(Options with { TimeProvider = clock }, Limit.Token);
        using var connection = await _server.AcceptAsync();
        await connection.ExpectAsync(Connect);
        await connection.SendAsync("F0 06 18 04 15 0001 'm'");
        await connection.ExpectAsync("F0 0A 18 08 15 0001 'm' 16 0001 '!'");

        clock.Advance(TimeSpan.FromSeconds(10));

        Assert.Contains("within 10 s", (await Assert.ThrowsAsync<ConnectionException>(() => connecting)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_client_that_stops_within_the_exchange_says_so()
    {
        await using var client = MqttClient.Start(Options);
        using var connection = await _server.AcceptAsync();
        await connection.ExpectAsync(Connect);
        var disposing = client.DisposeAsync();

        await connection.ExpectAsync("E0 00");
        connection.Dispose();
        await disposing.InTime();
    }

    [Fact]
    public async Task An_exchange_that_cannot_begin_is_a_connection_that_was_not_made()
    {
        var failure = await Assert.ThrowsAsync<ConnectionException>(
            () => MqttClient.ConnectAsync(
                Options with { Authentication = () => throw new InvalidOperationException("no token") }, Limit.Token));
        Assert.Contains("no token", failure.Message, StringComparison.Ordinal);

        failure = await Assert.ThrowsAsync<ConnectionException>(
            () => MqttClient.ConnectAsync(
                Options with { Authentication = () => new SpelledExchange { First = new byte[65_536] } }, Limit.Token));
        Assert.Contains("65,535", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    [Trait("Label", "MQTT-4.12.1-1")]
    public async Task Reauthentication_begins_with_0x19_and_messages_go_on_meanwhile()
    {
        await using var client = MqttClient.Start(Options);
        using var connection = await AcceptAsync();
        await client.WaitUntilConnectedAsync(Limit.Token);

        var again = client.ReauthenticateAsync(Limit.Token);
        await connection.ExpectAsync("F0 0A 19 08 15 0001 'm' 16 0001 'b'");
        await client.PublishAsync(new ApplicationMessage { Topic = "a" }, Limit.Token);
        await connection.ExpectAsync("30 04 0001 'a' 00");
        await connection.SendAsync("F0 0A 18 08 15 0001 'm' 16 0001 'x'");
        await connection.ExpectAsync("F0 0B 18 09 15 0001 'm' 16 0002 'x!'");
        await Assert.ThrowsAsync<InvalidOperationException>(() => client.ReauthenticateAsync(Limit.Token));
        Assert.False(again.IsCompleted);
        await connection.SendAsync("F0 0B 00 09 15 0001 'm' 16 0002 'ok'");
        await again;

        // And once more.
        again = client.ReauthenticateAsync(Limit.Token);
        await connection.ExpectAsync("F0 0A 19 08 15 0001 'm' 16 0001 'b'");
        await connection.SendAsync("F0 0B 00 09 15 0001 'm' 16 0002 'ok'");
        await again;
        Assert.Equal(ConnectionState.Connected, client.State);
    }

    [Fact]
    [Trait("Label", "MQTT-4.12.1-2")]
    public async Task Reauthentication_that_this_side_is_not_content_with_ends_the_connection()
    {
        await using var client = MqttClient.Start(Options);
        using var connection = await AcceptAsync();
        await client.WaitUntilConnectedAsync(Limit.Token);

        var again = client.ReauthenticateAsync(Limit.Token);
        await connection.ExpectAsync("F0 0A 19 08 15 0001 'm' 16 0001 'b'");
        await connection.SendAsync("F0 0B 00 09 15 0001 'm' 16 0002 'no'");

        await connection.ExpectAsync("E0 01 80");
        await connection.ExpectEndAsync();
        connection.Dispose();
        var failure = await Assert.ThrowsAsync<ConnectionException>(() => again);
        Assert.Contains("«no» is not ok", failure.Message, StringComparison.Ordinal);
        using var next = await AcceptAsync(Reconnect);
    }

    [Fact]
    public async Task Reauthentication_that_the_server_is_not_content_with_stops_the_client()
    {
        await using var client = MqttClient.Start(Options);
        var states = new StateLog(client);
        using var connection = await AcceptAsync();
        await client.WaitUntilConnectedAsync(Limit.Token);

        var again = client.ReauthenticateAsync(Limit.Token);
        await connection.ExpectAsync("F0 0A 19 08 15 0001 'm' 16 0001 'b'");
        await connection.SendAsync("E0 01 87");
        connection.Dispose();

        Assert.Equal(ReasonCode.NotAuthorized, (await Assert.ThrowsAsync<ConnectionException>(() => again)).ReasonCode);
        await states.NextAsync(ConnectionState.Stopped);
        await Assert.ThrowsAsync<ConnectionException>(() => client.ReauthenticateAsync(Limit.Token));
    }

    [Theory]
    [InlineData("F0 06 00 04 15 0001 'm'")] // Nobody asked.
    [InlineData("F0 06 18 04 15 0001 'm'")]
    [InlineData("F0 06 19 04 15 0001 'm'")]
    public async Task AUTH_outside_an_exchange_is_a_violation(string bytes)
    {
        await using var client = MqttClient.Start(Options);
        using var connection = await AcceptAsync();
        await connection.SendAsync(bytes);

        await connection.ExpectAsync("E0 01 82");
    }

    [Fact]
    [Trait("Label", "MQTT-4.12.1-1")]
    public async Task Reauthentication_keeps_the_method_and_needs_a_connection()
    {
        var method = "m";
        await using var client = MqttClient.Start(Options with { Authentication = () => new SpelledExchange(method) });
        Assert.Contains(
            "no connection",
            (await Assert.ThrowsAsync<ConnectionException>(() => client.ReauthenticateAsync(Limit.Token))).Message,
            StringComparison.Ordinal);
        using var connection = await AcceptAsync();
        await client.WaitUntilConnectedAsync(Limit.Token);
        method = "n";

        Assert.Contains(
            "[MQTT-4.12.1-1]",
            (await Assert.ThrowsAsync<InvalidOperationException>(() => client.ReauthenticateAsync(Limit.Token))).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    [Trait("Label", "MQTT-3.2.2-15")]
    public async Task AUTH_that_the_server_would_not_take_is_not_sent()
    {
        await using var client = MqttClient.Start(Options);
        using var connection = await _server.AcceptAsync();
        await connection.ExpectAsync(Connect);
        await connection.SendAsync("20 11 00 00 0E 15 0001 'm' 16 0002 'ok' 27 0000000B");
        await client.WaitUntilConnectedAsync(Limit.Token);

        var again = client.ReauthenticateAsync(Limit.Token);
        await connection.ExpectAsync("E0 01 80");
        connection.Dispose();
        Assert.Contains(
            "12 bytes; the server accepts 11",
            (await Assert.ThrowsAsync<ConnectionException>(() => again)).Message,
            StringComparison.Ordinal);
    }

    private async Task<ScriptedConnection> AcceptAsync(string connect = Connect)
    {
        var connection = await _server.AcceptAsync();
        await connection.ExpectAsync(connect);
        await connection.SendAsync(Accepted);
        return connection;
    }
}
