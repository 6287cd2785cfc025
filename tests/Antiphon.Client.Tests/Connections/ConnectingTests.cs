using Antiphon.Client.Tests.Peers;
using Antiphon.Client.Tests.Time;
using Antiphon.Protocol;
using Antiphon.Protocol.Packets;
using Antiphon.Protocol.Properties;

namespace Antiphon.Client.Tests.Connections;

public sealed class ConnectingTests
{
    [Fact]
    [Trait("Label", "MQTT-3.1.0-1")]
    [Trait("Label", "MQTT-3.1.2-11")]
    [Trait("Label", "MQTT-3.1.2-13")]
    [Trait("Label", "MQTT-3.1.2-16")]
    [Trait("Label", "MQTT-3.1.2-18")]
    public async Task The_first_packet_is_CONNECT_with_what_the_defaults_say()
    {
        using var server = new ScriptedServer();
        await using var client = MqttClient.Start(server.Options);
        using var connection = await server.AcceptAsync();

        // Clean Start, Keep Alive 60 s, Session Expiry 300 s, Receive Maximum 1024, Maximum Packet Size 16 MiB,
        // Request Response Information.
        await connection.ExpectAsync("10 1D 0004 'MQTT' 05 02 003C 0F 11 0000012C 21 0400 27 01000000 19 01 0001 'c'");
    }

    [Fact]
    [Trait("Label", "MQTT-3.1.2-9")]
    [Trait("Label", "MQTT-3.1.2-12")]
    [Trait("Label", "MQTT-3.1.2-17")]
    [Trait("Label", "MQTT-3.1.2-19")]
    [Trait("Label", "MQTT-3.1.3-1")]
    [Trait("Label", "MQTT-3.1.3-3")]
    [Trait("Label", "MQTT-3.1.3-4")]
    [Trait("Label", "MQTT-3.1.3-11")]
    [Trait("Label", "MQTT-3.1.3-12")]
    public async Task Everything_that_the_options_say_stands_in_CONNECT()
    {
        using var server = new ScriptedServer();
        await using var client = MqttClient.Start(server.Options with
        {
            CleanStart = false,
            KeepAlive = TimeSpan.Zero,
            SessionExpiry = Timeout.InfiniteTimeSpan,
            ReceiveMaximum = 5,
            MaximumPacketSize = 1000,
            RequestResponseInformation = false,
            UserName = "u",
            Password = "p"u8.ToArray(),
            UserProperties = [new UserProperty("k", "v")],
            Will = new Will(new ApplicationMessage
            {
                Topic = "w",
                Payload = "gone"u8.ToArray(),
                QoS = QualityOfService.AtLeastOnce,
                Retain = true,
            })
            {
                DelayInterval = 7,
            },
        });
        using var connection = await server.AcceptAsync();

        await connection.ExpectAsync(
            "10 37 0004 'MQTT' 05 EC 0000 14 11 FFFFFFFF 21 0005 27 000003E8 26 0001 'k' 0001 'v' 0001 'c' "
            + "05 18 00000007 0001 'w' 0004 'gone' 0001 'u' 0001 'p'");
    }

    [Fact]
    public async Task A_Session_that_ends_with_the_connection_asks_for_no_expiry()
    {
        using var server = new ScriptedServer();
        await using var client = MqttClient.Start(server.Options with { SessionExpiry = TimeSpan.Zero });
        using var connection = await server.AcceptAsync();

        await connection.ExpectAsync("10 18 0004 'MQTT' 05 02 003C 0A 21 0400 27 01000000 19 01 0001 'c'");
    }

    [Fact]
    public async Task A_made_up_client_id_is_kept_and_its_Session_ends_with_the_client()
    {
        using var server = new ScriptedServer();
        await using var client = MqttClient.Start(server.Options with { ClientId = null, Random = new Random(1) });
        using var first = await server.AcceptAsync();
        var before = await first.ReadAsync();
        await first.SendAsync(ScriptedServer.Accepted);
        first.Dispose();
        using var second = await server.AcceptAsync();
        var after = await second.ReadAsync();
        await second.SendAsync(ScriptedServer.Accepted);
        await client.WaitUntilConnectedAsync(Limit.Token);
        var dispose = client.DisposeAsync();

        Assert.Matches("^antiphon-[0-9a-f]{16}$", client.ClientId);
        Assert.Equal(before[^27..], after[^27..]);
        await second.ExpectAsync("E0 07 00 05 11 00000000");
        second.Dispose();
        await dispose.InTime();
    }

    [Fact]
    [Trait("Label", "MQTT-3.1.3-7")]
    public async Task A_reconnect_uses_the_assigned_client_id_and_resumes_the_Session()
    {
        using var server = new ScriptedServer();
        await using var client = MqttClient.Start(server.Options with { ClientId = "", SessionExpiry = TimeSpan.Zero });
        using var first = await server.AcceptAsync("20 09 00 00 06 12 0003 'abc'");
        await client.WaitUntilConnectedAsync(Limit.Token);
        first.Dispose();
        using var second = await server.AcceptAsync();

        Assert.Equal("abc", client.ClientId);
        await second.ExpectAsync("10 1A 0004 'MQTT' 05 00 003C 0A 21 0400 27 01000000 19 01 0003 'abc'");
    }

    [Fact]
    public async Task What_the_server_says_in_CONNACK_can_be_read()
    {
        using var server = new ScriptedServer();
        await using var client = MqttClient.Start(server.Options with { CleanStart = false });
        using var connection = await server.AcceptAsync(
            "20 31 01 00 2E 11 0000000A 13 0005 21 0014 22 0003 24 01 25 00 27 00000100 28 00 29 00 2A 00 "
            + "1A 0002 'ri' 1F 0002 'hi' 26 0001 'k' 0001 'v'");
        await client.WaitUntilConnectedAsync(Limit.Token);

        var said = client.Server!;
        Assert.True(said.SessionPresent);
        Assert.Equal(TimeSpan.FromSeconds(10), said.SessionExpiry);
        Assert.Equal(TimeSpan.FromSeconds(5), said.KeepAlive);
        Assert.Equal(20, said.ReceiveMaximum);
        Assert.Equal(3, said.TopicAliasMaximum);
        Assert.Equal(QualityOfService.AtLeastOnce, said.MaximumQoS);
        Assert.False(said.RetainAvailable);
        Assert.Equal(256u, said.MaximumPacketSize);
        Assert.False(said.WildcardSubscriptionAvailable);
        Assert.False(said.SubscriptionIdentifierAvailable);
        Assert.False(said.SharedSubscriptionAvailable);
        Assert.Equal("ri", said.ResponseInformation);
        Assert.Equal("hi", said.ReasonString);
        Assert.Equal([new UserProperty("k", "v")], said.UserProperties);
    }

    [Fact]
    public async Task What_the_server_leaves_out_of_CONNACK_has_the_defaults_of_the_standard()
    {
        using var server = new ScriptedServer();
        await using var client = MqttClient.Start(server.Options);
        using var connection = await server.AcceptAsync(ScriptedServer.Accepted);
        await client.WaitUntilConnectedAsync(Limit.Token);

        var said = client.Server!;
        Assert.Equal(TimeSpan.FromMinutes(5), said.SessionExpiry);
        Assert.Equal(TimeSpan.FromSeconds(60), said.KeepAlive);
        Assert.Equal(65_535, said.ReceiveMaximum);
        Assert.Equal(QualityOfService.ExactlyOnce, said.MaximumQoS);
        Assert.Null(said.MaximumPacketSize);
        Assert.True(
            said.RetainAvailable
            && said.WildcardSubscriptionAvailable
            && said.SubscriptionIdentifierAvailable
            && said.SharedSubscriptionAvailable);
    }

    [Theory]
    [InlineData("84")]
    [InlineData("85")]
    [InlineData("86")]
    [InlineData("87")]
    [InlineData("8A")]
    [InlineData("8C")]
    [Trait("Label", "MQTT-4.13.2-1")]
    public async Task A_refusal_that_no_other_try_can_mend_stops_the_client(string code)
    {
        using var server = new ScriptedServer();
        await using var client = MqttClient.Start(server.Options);
        var waiting = client.WaitUntilConnectedAsync(Limit.Token);
        using var connection = await server.AcceptAsync($"20 03 00 {code} 00");

        var exception = await Assert.ThrowsAsync<ConnectionException>(() => waiting);

        Assert.Equal((ReasonCode)Convert.ToByte(code, 16), exception.ReasonCode);
        Assert.Equal(ConnectionState.Stopped, client.State);
        await Assert.ThrowsAsync<ConnectionException>(
            () => client.PublishAsync(new ApplicationMessage { Topic = "a" }, Limit.Token).AsTask());
    }

    [Theory]
    [InlineData("8E")]
    [InlineData("87")]
    [Trait("Label", "MQTT-4.13.2-1")]
    public async Task A_DISCONNECT_that_no_other_try_can_mend_stops_the_client(string code)
    {
        using var server = new ScriptedServer();
        await using var client = MqttClient.Start(server.Options);
        var states = new StateLog(client);
        using var connection = await server.AcceptAsync(ScriptedServer.Accepted);
        await connection.SendAsync($"E0 01 {code}");

        var change = await states.NextAsync(ConnectionState.Stopped);

        Assert.Equal((ReasonCode)Convert.ToByte(code, 16), change.ReasonCode);
        Assert.IsType<ConnectionException>(change.Exception);
        await connection.ExpectEndAsync();
    }

    [Fact]
    public async Task A_refusal_that_may_pass_is_tried_again()
    {
        using var server = new ScriptedServer();
        await using var client = MqttClient.Start(server.Options);
        var states = new StateLog(client);
        using var first = await server.AcceptAsync("20 08 00 88 05 1F 0002 'no'");
        using var second = await server.AcceptAsync(ScriptedServer.Accepted);

        var change = await states.NextAsync(ConnectionState.Reconnecting);

        Assert.Equal(ReasonCode.ServerUnavailable, change.ReasonCode);
        Assert.Contains("no", change.Exception!.Message, StringComparison.Ordinal);
        await client.WaitUntilConnectedAsync(Limit.Token);
    }

    [Fact]
    [Trait("Label", "MQTT-3.14.2-1")]
    public async Task A_server_that_says_goodbye_with_a_Reason_Code_of_clients_violates_the_protocol()
    {
        using var server = new ScriptedServer();
        await using var client = MqttClient.Start(server.Options);
        using var connection = await server.AcceptAsync(ScriptedServer.Accepted);
        await connection.SendAsync("E0 01 04");

        await connection.ExpectAsync("E0 01 82");
    }

    [Fact]
    public async Task A_server_that_says_goodbye_is_heard_and_connected_to_again()
    {
        using var server = new ScriptedServer();
        await using var client = MqttClient.Start(server.Options);
        var states = new StateLog(client);
        using var first = await server.AcceptAsync(ScriptedServer.Accepted);
        await first.SendAsync("E0 0B 9C 09 1C 0001 's' 1F 0002 'go'");

        var change = await states.NextAsync(ConnectionState.Reconnecting);

        var exception = Assert.IsType<ConnectionException>(change.Exception);
        Assert.Equal(ReasonCode.UseAnotherServer, exception.ReasonCode);
        Assert.Equal(("s", "go"), (exception.ServerReference, exception.ReasonString));
        using var second = await server.AcceptAsync(ScriptedServer.Accepted);
        Assert.Equal(ConnectionState.Connected, (await states.NextAsync(ConnectionState.Connected)).State);
    }

    [Fact]
    public async Task ConnectAsync_fails_with_the_first_try()
    {
        using var server = new ScriptedServer();
        var connecting = MqttClient.ConnectAsync(server.Options, Limit.Token);
        using var connection = await server.AcceptAsync("20 03 00 89 00");

        var exception = await Assert.ThrowsAsync<ConnectionException>(() => connecting);

        Assert.Equal(ReasonCode.ServerBusy, exception.ReasonCode);
    }

    [Fact]
    public async Task ConnectAsync_fails_where_nobody_listens()
    {
        MqttClientOptions options;
        using (var server = new ScriptedServer())
        {
            options = server.Options;
        }

        var exception = await Assert.ThrowsAsync<ConnectionException>(() => MqttClient.ConnectAsync(options, Limit.Token));

        Assert.Contains($"127.0.0.1:{options.Port}", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ConnectAsync_can_be_given_up()
    {
        using var server = new ScriptedServer();
        using var source = new CancellationTokenSource();
        var connecting = MqttClient.ConnectAsync(server.Options, source.Token);
        using var connection = await server.AcceptAsync();
        await connection.ReadAsync();
        await source.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => connecting);
        await connection.ExpectEndAsync();
    }

    [Fact]
    public async Task A_server_that_does_not_answer_CONNECT_is_given_up_in_time()
    {
        using var server = new ScriptedServer();
        var clock = new ManualTimeProvider();
        await using var client = MqttClient.Start(server.Options with { TimeProvider = clock, ConnectTimeout = TimeSpan.FromSeconds(3) });
        var states = new StateLog(client);
        using var connection = await server.AcceptAsync();
        await connection.ReadAsync();

        clock.Advance(TimeSpan.FromSeconds(3));

        await connection.ExpectEndAsync();
        await states.NextAsync(ConnectionState.Reconnecting);
    }

    [Theory]
    [InlineData("D0 00")]
    [InlineData("30 04 0001 'a' 00")]
    [InlineData("20 03 01 00 00")]
    [InlineData("20 02 00 00")]
    [InlineData("FF FF")]
    [Trait("Label", "MQTT-3.2.0-1")]
    [Trait("Label", "MQTT-3.2.2-4")]
    public async Task A_server_that_begins_wrongly_is_left(string bytes)
    {
        using var server = new ScriptedServer();
        await using var client = MqttClient.Start(server.Options);
        using var first = await server.AcceptAsync(bytes);

        await first.ExpectEndAsync();
        first.Dispose();
        using var second = await server.AcceptAsync(ScriptedServer.Accepted);
        await client.WaitUntilConnectedAsync(Limit.Token);
    }

    [Fact]
    public void All_mistakes_in_the_options_are_reported_together()
    {
        var exception = Assert.Throws<ArgumentException>(() => MqttClient.Start(new MqttClientOptions
        {
            Host = "",
            Port = 0,
            KeepAlive = TimeSpan.FromMilliseconds(1500),
            ReceiveMaximum = 0,
            MaximumPacketSize = 0,
            SessionExpiry = TimeSpan.FromSeconds(-5),
            ConnectTimeout = TimeSpan.Zero,
            MaximumReconnectDelay = TimeSpan.Zero,
            MaximumQueuedBytes = 0,
            MaximumQueuedMessages = 0,
            ClientId = "a\0b",
            Will = new Will(new ApplicationMessage { Topic = "a/#" }),
        }));

        string[] wrong =
        [
            "Host", "Port", "KeepAlive", "ReceiveMaximum", "MaximumPacketSize", "SessionExpiry", "ConnectTimeout",
            "MaximumReconnectDelay", "MaximumQueuedBytes", "MaximumQueuedMessages", "ClientId", "Will",
        ];
        foreach (var option in wrong)
        {
            Assert.Contains(option, exception.Message, StringComparison.Ordinal);
        }
    }
}
