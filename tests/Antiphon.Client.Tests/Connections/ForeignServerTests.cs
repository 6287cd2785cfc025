using System.Text;
using Antiphon.Client.Connections;
using Antiphon.Client.Tests.Peers;

namespace Antiphon.Client.Tests.Connections;

/// <summary>A port where something else than an MQTT broker listens is no broker that refuses.</summary>
public sealed class ForeignServerTests
{
    private const string Http = "speaks HTTP, not MQTT; if a broker is reached by WebSocket there, set WebSocket.";
    private const string Tls = "speaks TLS, not plain MQTT; set Tls.";

    [Theory]
    [InlineData("HTTP/1.1 400 Bad Request\r\n", Http)]
    [InlineData("SSH-2.0-OpenSSH_9.2\r\n", "speaks SSH, not MQTT.")]
    [InlineData("\u0015\u0003\u0003\u0000\u0002\u0002\u0046", Tls)]
    [InlineData("\u0016\u0003\u0001\u0000\u0002\u0002\u0046", Tls)]
    [InlineData("220 mail.example ESMTP\r\n", "does not speak MQTT: it begins with «220 mail.example ESMTP».")]
    [InlineData("-ERR unknown command\r\n", "does not speak MQTT: it begins with «-ERR unknown command».")]
    [InlineData(
        "INFO {\"server_id\":\"0123456789abcdef0123\"}",
        "does not speak MQTT: it begins with «INFO {\"server_id\":\"0123456789abc».")]
    [InlineData("H", "does not speak MQTT: it begins with the bytes 48.")]
    [InlineData(
        "\u0000\u0001\u0002\u0003\u0004\u0005\u0006\u0007\u0008",
        "does not speak MQTT: it begins with the bytes 0001020304050607.")]
    public void Its_first_bytes_tell_what_it_speaks(string first, string sentence) =>
        Assert.Equal($"x:1 {sentence}", ForeignServer.Describe(Encoding.Latin1.GetBytes(first), "x:1"));

    [Theory]
    [InlineData("20")]
    [InlineData("20 03 00 00 00")]
    [InlineData("F0 00")]
    [InlineData("F1 00")]
    [InlineData("E0 00")]
    [InlineData("32 32 31")]
    public void What_an_MQTT_packet_may_begin_with_may_be_MQTT(string first) =>
        Assert.Null(ForeignServer.Describe(Bytes.Of(first), "x:1"));

    [Theory]
    [InlineData("HTTP/1.1 400 Bad Request\r\n\r\n", Http)]
    [InlineData("220 mail.example ESMTP\r\n", "does not speak MQTT: it begins with «220 mail.example ESMTP».")]
    public async Task It_is_told_without_a_Reason_Code_and_left_without_a_word(string answer, string sentence)
    {
        using var server = new ScriptedServer();
        var connecting = MqttClient.ConnectAsync(server.Options, Limit.Token);
        using var connection = await server.AcceptAsync();
        await connection.ReadAsync();
        await connection.SendAsync(Encoding.Latin1.GetBytes(answer));

        var failure = await Assert.ThrowsAsync<ConnectionException>(() => connecting.InTime());

        Assert.EndsWith($" {server.Options.Server} {sentence}", $" {failure.Message}", StringComparison.Ordinal);
        Assert.Equal((null, false), (failure.ReasonCode, failure.FromServer));
        await connection.ExpectEndAsync();
    }

    [Theory]
    [InlineData("SSH-2.0-OpenSSH_9.2\r\n")]
    [InlineData("HTTP/1.0 404 File not found\r\n\r\n")]
    [InlineData("\u0020\u0003\u0000\u0084\u0000")]
    public async Task Where_a_WebSocket_is_asked_of_it_the_question_is_whether_it_has_one(string answer)
    {
        using var server = new ScriptedServer();
        var connecting = MqttClient.ConnectAsync(server.Options with { WebSocket = new WebSocketOptions() }, Limit.Token);
        using var connection = await server.AcceptAsync();
        await ScriptedWebSocket.ReadRequestAsync(connection.Stream);
        await connection.SendAsync(Encoding.Latin1.GetBytes(answer));
        connection.Dispose();

        var failure = await Assert.ThrowsAsync<ConnectionException>(() => connecting.InTime());

        Assert.Matches("A WebSocket was not agreed on: .+ Does the server speak WebSocket at this port\\?$|404", failure.Message);
        Assert.DoesNotContain("Unable to connect", failure.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("SSH-2.0-OpenSSH_9.2\r\n")]
    [InlineData("HTTP/1.1 400 Bad Request\r\n\r\n")]
    [InlineData("\u0020\u0003\u0000\u0084\u0000")]
    public async Task Where_TLS_is_asked_of_it_the_question_is_whether_it_speaks_that(string answer)
    {
        using var server = new ScriptedServer();
        var connecting = MqttClient.ConnectAsync(server.Options with { Tls = new TlsOptions() }, Limit.Token);
        using var connection = await server.AcceptAsync();
        await connection.Stream.ReadExactlyAsync(new byte[1], Limit.Token);
        await connection.SendAsync(Encoding.Latin1.GetBytes(answer));
        connection.Dispose();

        var failure = await Assert.ThrowsAsync<ConnectionException>(() => connecting.InTime());

        Assert.EndsWith(" Does the server speak TLS at this port?", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task It_is_tried_again_since_a_broker_may_take_its_place()
    {
        using var server = new ScriptedServer();
        await using var client = MqttClient.Start(server.Options);
        using (var other = await server.AcceptAsync())
        {
            await other.ReadAsync();
            await other.SendAsync("HTTP/1.1 502 Bad Gateway\r\n\r\n"u8.ToArray());
            await other.ExpectEndAsync();
        }

        using var broker = await server.AcceptAsync(ScriptedServer.Accepted);
        await client.WaitUntilConnectedAsync(Limit.Token);
    }
}
