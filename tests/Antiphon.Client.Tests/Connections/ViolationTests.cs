using Antiphon.Client.Tests.Peers;

namespace Antiphon.Client.Tests.Connections;

public sealed class ViolationTests
{
    [Theory]
    [InlineData("00 00", "81")] // Forbidden type.
    [InlineData("D1 00", "81")] // Reserved flags [MQTT-2.1.3-1].
    [InlineData("30 FFFFFFFFFF", "81")] // Remaining Length of five bytes.
    [InlineData("36 06 0001 'a' 0001 00", "81")] // QoS 3 [MQTT-3.3.1-4].
    [InlineData("E0 06 00 04 1F 0001 FF", "81")] // Not UTF-8 [MQTT-1.5.4-1].
    [InlineData("20 03 00 00 00", "82")] // A second CONNACK [MQTT-3.2.0-2].
    [InlineData("C0 00", "82")] // PINGREQ is a client's.
    [InlineData("F0 00", "82")] // AUTH without a method.
    [InlineData("40 02 0007", "82")] // PUBACK for nothing.
    [InlineData("90 04 0007 00 00", "82")] // SUBACK for nothing.
    [InlineData("B0 04 0007 00 00", "82")] // UNSUBACK for nothing.
    [InlineData("30 07 0001 'a' 03 23 0001", "94")] // A Topic Alias that was not allowed [MQTT-3.1.2-27].
    [InlineData("30 E907", "95")] // 1,001 bytes and a header; allowed are 1,000.
    [Trait("Label", "MQTT-1.5.4-1")]
    [Trait("Label", "MQTT-2.1.3-1")]
    [Trait("Label", "MQTT-3.3.1-4")]
    [Trait("Label", "MQTT-4.12.0-7")]
    public async Task A_server_that_breaks_the_rules_is_told_which_and_connected_to_again(string bytes, string code)
    {
        using var server = new ScriptedServer();
        await using var client = MqttClient.Start(server.Options with { MaximumPacketSize = 1000 });
        using var first = await server.AcceptAsync(ScriptedServer.Accepted);
        await first.SendAsync(bytes);

        await first.ExpectAsync($"E0 01 {code}");
        await first.ExpectEndAsync();
        first.Dispose();
        using var second = await server.AcceptAsync(ScriptedServer.Accepted);
        await client.WaitUntilConnectedAsync(Limit.Token);
    }

    [Fact]
    public async Task A_connection_reset_in_the_middle_of_a_packet_is_a_loss()
    {
        using var server = new ScriptedServer();
        await using var client = MqttClient.Start(server.Options);
        var states = new StateLog(client);
        using var first = await server.AcceptAsync(ScriptedServer.Accepted);
        await client.WaitUntilConnectedAsync(Limit.Token);
        await first.SendAsync("30 10 0001");
        first.Reset();

        await states.NextAsync(ConnectionState.Reconnecting);
        using var second = await server.AcceptAsync(ScriptedServer.Accepted);
        await client.WaitUntilConnectedAsync(Limit.Token);
    }
}
