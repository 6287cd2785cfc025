using System.Buffers;
using System.Text;
using Antiphon.Client.Tests.Peers;
using Antiphon.Protocol;
using Antiphon.Protocol.Authentication;
using Antiphon.Protocol.Packets;
using Antiphon.Protocol.Wire;

namespace Antiphon.Client.Tests.Authentication;

public sealed class ScramSha256ExchangeTests : IDisposable
{
    private static readonly ScramCredential Credential = ScramCredential.Derive("pencil"u8, "0123456789abcdef"u8, 4096);

    private readonly ScriptedServer _server = new();

    private MqttClientOptions Options => _server.Options with { Authentication = () => new ScramSha256Exchange("user", "pencil") };

    public void Dispose() => _server.Dispose();

    [Fact]
    [Trait("Label", "MQTT-4.12.0-3")]
    public async Task Each_connection_and_each_reauthentication_proves_the_password_afresh()
    {
        await using var client = MqttClient.Start(Options);
        var first = await _server.AcceptAsync();
        var nonces = new HashSet<string>();
        await ConnectAsync(first);
        await client.WaitUntilConnectedAsync(Limit.Token);
        var again = client.ReauthenticateAsync(Limit.Token);
        var begin = await ReadAsync<AuthPacket>(first);
        Assert.Equal(ReasonCode.ReAuthenticate, begin.ReasonCode);
        var proof = await ExchangeAsync(first, begin.AuthenticationData!.Value);
        await SendAsync(first, new AuthPacket { AuthenticationMethod = "SCRAM-SHA-256", AuthenticationData = proof });
        await again;
        first.Dispose();
        using var second = await _server.AcceptAsync();
        await ConnectAsync(second);
        await client.WaitUntilConnectedAsync(Limit.Token);

        Assert.Equal(3, nonces.Count);

        async Task ConnectAsync(ScriptedConnection connection)
        {
            var connect = await ReadAsync<ConnectPacket>(connection);
            Assert.Equal("SCRAM-SHA-256", connect.AuthenticationMethod);
            var proof = await ExchangeAsync(connection, connect.AuthenticationData!.Value);
            await SendAsync(connection, new ConnAckPacket { AuthenticationMethod = "SCRAM-SHA-256", AuthenticationData = proof });
        }

        async Task<byte[]> ExchangeAsync(ScriptedConnection connection, ReadOnlyMemory<byte> clientFirst)
        {
            nonces.Add(Encoding.UTF8.GetString(clientFirst.Span));
            var server = new ScramServerExchange("nonce");
            Assert.True(server.TryReadClientFirst(clientFirst.Span, out var userName, out _));
            Assert.Equal("user", userName);
            await SendAsync(connection, Continue(server.Challenge(Credential)));
            var answer = await ReadAsync<AuthPacket>(connection);
            Assert.True(server.TryReadClientFinal(answer.AuthenticationData!.Value.Span, out var serverFinal, out _));
            return serverFinal;
        }
    }

    [Theory]
    [InlineData("v=AAAA", "does not know the password")]
    [InlineData("", "v=")]
    public async Task A_server_that_does_not_know_the_password_is_left(string serverFinal, string because)
    {
        var connecting = MqttClient.ConnectAsync(Options, Limit.Token);
        using var connection = await _server.AcceptAsync();
        var connect = await ReadAsync<ConnectPacket>(connection);
        var server = new ScramServerExchange("nonce");
        Assert.True(server.TryReadClientFirst(connect.AuthenticationData!.Value.Span, out _, out _));
        await SendAsync(connection, Continue(server.Challenge(Credential)));
        await ReadAsync<AuthPacket>(connection);
        await SendAsync(
            connection,
            new ConnAckPacket { AuthenticationMethod = "SCRAM-SHA-256", AuthenticationData = Encoding.UTF8.GetBytes(serverFinal) });

        await connection.ExpectAsync("E0 01 80");
        connection.Dispose();
        Assert.Contains(because, (await Assert.ThrowsAsync<ConnectionException>(() => connecting)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_server_that_accepts_without_an_exchange_is_left()
    {
        var connecting = MqttClient.ConnectAsync(Options, Limit.Token);
        using var connection = await _server.AcceptAsync();
        await ReadAsync<ConnectPacket>(connection);
        await SendAsync(connection, new ConnAckPacket { AuthenticationMethod = "SCRAM-SHA-256" });

        await connection.ExpectAsync("E0 01 80");
        connection.Dispose();
        Assert.Contains(
            "before it has proved", (await Assert.ThrowsAsync<ConnectionException>(() => connecting)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_server_cannot_make_the_client_hash_for_long()
    {
        var connecting = MqttClient.ConnectAsync(
            Options with { Authentication = () => new ScramSha256Exchange("user", "pencil", maximumIterations: 5000) }, Limit.Token);
        using var connection = await _server.AcceptAsync();
        var connect = await ReadAsync<ConnectPacket>(connection);
        var server = new ScramServerExchange("nonce");
        Assert.True(server.TryReadClientFirst(connect.AuthenticationData!.Value.Span, out _, out _));
        await SendAsync(connection, Continue(server.Challenge(ScramCredential.Derive("pencil"u8, "salt"u8, 5001))));

        await connection.ExpectAsync("E0 01 80");
        connection.Dispose();
        Assert.Contains(
            "4096 to 5000", (await Assert.ThrowsAsync<ConnectionException>(() => connecting)).Message, StringComparison.Ordinal);
    }

    private static AuthPacket Continue(byte[] data) =>
        new() { ReasonCode = ReasonCode.ContinueAuthentication, AuthenticationMethod = "SCRAM-SHA-256", AuthenticationData = data };

    private static async Task SendAsync(ScriptedConnection connection, Packet packet)
    {
        var output = new ArrayBufferWriter<byte>();
        packet.WriteTo(output, ProtocolVersion.V5);
        await connection.SendAsync(output.WrittenSpan.ToArray());
    }

    private static async Task<T> ReadAsync<T>(ScriptedConnection connection)
        where T : Packet
    {
        var bytes = await connection.ReadAsync();
        Assert.Equal(FrameStatus.Complete, FrameReader.TryRead(bytes, 65_536, out var frame, out _));
        Assert.True(PacketDecoder.TryDecode(frame, ProtocolVersion.V5, out var packet, out _));
        return Assert.IsType<T>(packet);
    }
}
