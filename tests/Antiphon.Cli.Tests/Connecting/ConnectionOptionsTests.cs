using System.Net;
using System.Net.Sockets;
using System.Text;
using Antiphon.Protocol;
using Antiphon.Protocol.Packets;
using Antiphon.Protocol.Wire;
using Antiphon.Tests.Running;

namespace Antiphon.Cli.Tests.Connecting;

public sealed class ConnectionOptionsTests
{
    [Fact]
    public async Task No_broker_is_exit_code_3_and_says_what_to_do()
    {
        int port;
        using (var listener = new TcpListener(IPAddress.Loopback, 0))
        {
            listener.Start();
            port = ((IPEndPoint)listener.LocalEndpoint).Port;
        }

        var end = await Running.Cli.RunAtAsync(port, "request", "device_1/relay_1", "1");

        Assert.Equal((3, ""), (end.ExitCode, end.Output));
        Assert.Equal(
            $"No connection to 127.0.0.1:{port}: Connection refused. "
            + $"Check --host and --port, or start a broker: antiphon broker --port {port}\n",
            end.Errors);
    }

    [Theory]
    [InlineData(ReasonCode.BadUserNameOrPassword, null, ".")]
    [InlineData(ReasonCode.NotAuthorized, null, ".")]
    [InlineData(ReasonCode.NotAuthorized, "Clients have to say who they are.", ": Clients have to say who they are.")]
    [InlineData(ReasonCode.NotAuthorized, "red \u001b[31m", ": red \uFFFD[31m.")]
    public async Task A_broker_that_does_not_let_us_in_is_exit_code_4(ReasonCode refusal, string? said, string printed)
    {
        using var broker = new RefusingBroker(refusal, said);

        var end = await Running.Cli.RunAtAsync(broker.Port, "pub", "device_1/relay_1", "1");

        Assert.Equal((4, ""), (end.ExitCode, end.Output));
        Assert.Equal(
            $"127.0.0.1:{broker.Port} refused the connection: 0x{(byte)refusal:X2} {refusal}{printed} "
            + "Say who you are with --username, and the password in ANTIPHON_PASSWORD or by --password-file.\n",
            end.Errors);
    }

    [Theory]
    [InlineData(ReasonCode.NotAuthorized, "The token has expired.", "ey", ": The token has expired.")]
    [InlineData(ReasonCode.NotAuthorized, null, "ey", ". Check --username and the password.")]
    [InlineData(ReasonCode.BadUserNameOrPassword, "No such user", "wrong", ": No such user. Check --username and the password.")]
    [InlineData(
        ReasonCode.BadUserNameOrPassword,
        "No such user",
        null,
        ": No such user. No password was given: put it into ANTIPHON_PASSWORD, or into a file for --password-file.")]
    public async Task What_the_broker_says_about_a_user_is_printed(ReasonCode refusal, string? said, string? password, string printed)
    {
        using var broker = new RefusingBroker(refusal, said);
        await using var run = ProgramRun.StartBuilt(
            "antiphon",
            ["pub", "a", "1", "--username", "ann", .. Running.Cli.At(broker.Port)],
            environment: password is null ? null : new Dictionary<string, string> { ["ANTIPHON_PASSWORD"] = password });

        var end = await run.EndAsync();

        Assert.Equal((4, ""), (end.ExitCode, end.Output));
        Assert.Equal($"127.0.0.1:{broker.Port} refused the connection: 0x{(byte)refusal:X2} {refusal}{printed}\n", end.Errors);
    }

    [Theory]
    [InlineData(
        "HTTP/1.1 400 Bad Request\r\n\r\n",
        "speaks HTTP, not MQTT; if a broker is reached by WebSocket there, give its address with --url ws://HOST:PORT/PATH")]
    [InlineData("SSH-2.0-OpenSSH_9.2\r\n", "speaks SSH, not MQTT")]
    [InlineData("\u0015\u0003\u0001\u0000\u0002\u0002\u0046", "speaks TLS, not plain MQTT; use --tls")]
    public async Task A_server_that_speaks_something_else_did_not_refuse(string answer, string sentence)
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var port = ((IPEndPoint)listener.LocalEndpoint).Port;
        await using var run = Running.Cli.StartAt(port, "pub", "a", "1");
        using (var socket = await listener.AcceptSocketAsync(TestContext.Current.CancellationToken))
        {
            await socket.SendAsync(Encoding.Latin1.GetBytes(answer), TestContext.Current.CancellationToken);
            socket.Shutdown(SocketShutdown.Send);
            while (await socket.ReceiveAsync(new byte[1024], TestContext.Current.CancellationToken) > 0)
            {
                // Its CONNECT, and what it says at the end.
            }
        }

        var end = await run.EndAsync();

        Assert.Equal(3, end.ExitCode);
        Assert.Equal(
            $"No connection: 127.0.0.1:{port} {sentence}. Check that an MQTT broker listens there, and --host and --port.\n", end.Errors);
    }

    [Fact]
    public async Task The_password_comes_from_the_environment()
    {
        using var broker = new RefusingBroker(ReasonCode.NotAuthorized);
        await using var run = ProgramRun.StartBuilt(
            "antiphon",
            ["sub", "a", "--username", "ann", "--client-id", "me", .. Running.Cli.At(broker.Port)],
            environment: new Dictionary<string, string> { ["ANTIPHON_PASSWORD"] = "secret" });
        await run.EndAsync();

        var connect = await broker.Connect;

        Assert.Equal(("me", "ann", "secret"), (connect.ClientId, connect.UserName, Encoding.UTF8.GetString(connect.Password!.Value.Span)));
    }

    [Fact]
    public async Task The_password_comes_from_a_file_without_its_line_end()
    {
        using var broker = new RefusingBroker(ReasonCode.NotAuthorized);
        var file = Path.GetTempFileName();
        await File.WriteAllTextAsync(file, "secret\n", TestContext.Current.CancellationToken);
        await Running.Cli.RunAtAsync(broker.Port, "sub", "a", "--username", "ann", "--password-file", file);
        File.Delete(file);

        var connect = await broker.Connect;

        Assert.Equal("secret", Encoding.UTF8.GetString(connect.Password!.Value.Span));
    }

    [Fact]
    public async Task Without_a_password_none_is_sent()
    {
        using var broker = new RefusingBroker(ReasonCode.NotAuthorized);
        await Running.Cli.RunAtAsync(broker.Port, "sub", "a", "--username", "ann");

        var connect = await broker.Connect;

        Assert.Equal(("ann", false), (connect.UserName, connect.Password.HasValue));
    }

    [Fact]
    public async Task A_password_to_prove_is_not_sent()
    {
        using var broker = new RefusingBroker(ReasonCode.BadAuthenticationMethod);
        await using var run = ProgramRun.StartBuilt(
            "antiphon",
            ["sub", "a", "--username", "ann", "--auth-method", "SCRAM-SHA-256", .. Running.Cli.At(broker.Port)],
            environment: new Dictionary<string, string> { ["ANTIPHON_PASSWORD"] = "secret" });
        var end = await run.EndAsync();

        var connect = await broker.Connect;

        Assert.Equal(4, end.ExitCode);
        Assert.Equal(("SCRAM-SHA-256", null, false), (connect.AuthenticationMethod, connect.UserName, connect.Password.HasValue));
        Assert.StartsWith("n,,n=ann,r=", Encoding.UTF8.GetString(connect.AuthenticationData!.Value.Span), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_Will_is_left_as_the_command_line_says()
    {
        using var broker = new RefusingBroker(ReasonCode.NotAuthorized);
        await Running.Cli.RunAtAsync(
            broker.Port, "sub", "a",
            "--will-topic", "w", "--will-payload", "gone", "--will-qos", "2", "--will-retain", "--will-delay", "5s");

        var connect = await broker.Connect;

        var will = connect.Will!;
        Assert.Equal(
            ("w", "gone", QualityOfService.ExactlyOnce, true, 5u),
            (
                will.Message.Topic,
                Encoding.UTF8.GetString(will.Message.Payload.Span),
                will.Message.QoS,
                will.Message.Retain,
                will.DelayInterval));
    }

    /// <summary>Takes one CONNECT and refuses it.</summary>
    private sealed class RefusingBroker : IDisposable
    {
        private readonly TcpListener _listener = new(IPAddress.Loopback, 0);

        public RefusingBroker(ReasonCode refusal, string? said = null)
        {
            _listener.Start();
            Connect = RefuseAsync(refusal, said);
        }

        public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

        public Task<ConnectPacket> Connect { get; }

        public void Dispose() => _listener.Dispose();

        private async Task<ConnectPacket> RefuseAsync(ReasonCode refusal, string? said)
        {
            using var socket = await _listener.AcceptSocketAsync(TestContext.Current.CancellationToken);
            var buffer = new byte[4096];
            var length = 0;
            ConnectPacket? connect;
            while (!TryRead(buffer.AsSpan(0, length), out connect))
            {
                length += await socket.ReceiveAsync(buffer.AsMemory(length), TestContext.Current.CancellationToken);
            }

            var text = Encoding.UTF8.GetBytes(said ?? "");
            byte[] properties = said is null ? [] : [0x1F, 0, (byte)text.Length, .. text];
            byte[] answer = [0x20, (byte)(3 + properties.Length), 0, (byte)refusal, (byte)properties.Length, .. properties];
            await socket.SendAsync(answer, TestContext.Current.CancellationToken);
            socket.Shutdown(SocketShutdown.Send);
            return connect!;
        }

        private static bool TryRead(ReadOnlySpan<byte> input, out ConnectPacket? connect)
        {
            connect = null;
            if (FrameReader.TryRead(input, 4096, out var frame, out _) == FrameStatus.Complete
                && PacketDecoder.TryDecode(frame, ProtocolVersion.V5, out var packet, out _))
            {
                connect = (ConnectPacket)packet;
            }

            return connect is not null;
        }
    }
}
