using Antiphon.Client;
using Antiphon.Tests.Running;

namespace Antiphon.Cli.Tests.Brokers;

/// <summary><c>antiphon broker</c> by a configuration file.</summary>
public sealed class ConfigurationTests : IDisposable
{
    private const string Plain = """{ "listeners": [ { "url": "mqtt://127.0.0.1:0" } ] }""";

    private readonly BrokerFolder _folder = new();

    private TlsOptions Trusting => new() { CertificateAuthorities = _folder.Certificates.Authority.Alone };

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task It_listens_as_the_file_says_with_TLS_and_WebSocket_too()
    {
        _folder.Certificates.Issue("localhost", file: "server");
        await using var broker = _folder.Start(
            """
            // The folder of this file is where the names of files begin.
            {
              "listeners": [
                { "url": "mqtt://127.0.0.1:0" },
                { "url": "mqtts://127.0.0.1:0", "certificate": "server.pem", "key": "server.key" },
                { "url": "wss://127.0.0.1:0/mqtt", "certificate": "server.pem", "key": "server.key" },
              ],
              "limits": { "packetSize": 1000 },
            }
            """);

        await using var plain = await BrokerFolder.ConnectAsync(await BrokerFolder.PortAsync(broker));
        await using var encrypted = await BrokerFolder.ConnectAsync(
            await BrokerFolder.PortAsync(broker, "mqtts://127.0.0.1:"), options => options with { Tls = Trusting });
        await using var socket = await BrokerFolder.ConnectAsync(
            await BrokerFolder.PortAsync(broker, "wss://127.0.0.1:"),
            options => options with { Tls = Trusting, WebSocket = new WebSocketOptions() });

        Assert.All((MqttClient[])[plain, encrypted, socket], client => Assert.Equal(1000u, client.Server!.MaximumPacketSize));
    }

    [Fact]
    public async Task A_certificate_on_the_command_line_makes_it_listen_with_TLS()
    {
        var files = _folder.Certificates.Issue("localhost");
        await using var broker = Running.Cli.Start("broker", "--port", "0", "--cert", files.Certificate, "--key", files.Key!);

        await using var client = await BrokerFolder.ConnectAsync(
            await BrokerFolder.PortAsync(broker, "mqtts://127.0.0.1:"), options => options with { Tls = Trusting });

        Assert.Equal(ConnectionState.Connected, client.State);
    }

    [Fact]
    public async Task The_command_line_counts_more_than_the_environment_and_that_more_than_the_file()
    {
        _folder.Write(
            "antiphon.json",
            """
            { "listeners": [ { "url": "ws://127.0.0.1:0" }, { "url": "mqtt://127.0.0.1:0" } ],
              "limits": { "packetSize": 1000, "receiveMaximum": 10, "topicAliases": 3, "sessionExpiry": 10 } }
            """);
        await using var broker = ProgramRun.StartBuilt(
            "antiphon",
            [
                "broker", "--config", _folder.Config, "--port", "0", "--max-packet-size", "3000", "--set", "limits.sessionExpiry=30",
            ],
            environment: new Dictionary<string, string>
            {
                ["ANTIPHON__LIMITS__PACKETSIZE"] = "2000",
                ["ANTIPHON__LIMITS__RECEIVEMAXIMUM"] = "20",
            });

        await using var client = await BrokerFolder.ConnectAsync(await BrokerFolder.PortAsync(broker));
        var server = client.Server!;
        Assert.Equal(
            (3000u, 20, TimeSpan.FromSeconds(30)), (server.MaximumPacketSize, (int)server.ReceiveMaximum, server.SessionExpiry));
        await broker.TerminateAsync();
        Assert.DoesNotContain("ws://", (await broker.EndAsync()).Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_environment_says_settings_without_a_file_as_well()
    {
        await using var broker = ProgramRun.StartBuilt(
            "antiphon",
            ["broker"],
            environment: new Dictionary<string, string> { ["ANTIPHON__LISTENERS__0__URL"] = "ws://127.0.0.1:0/there" });

        Assert.EndsWith("/there", await broker.OutputLineAsync("listening ws://127.0.0.1:"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_file_with_mistakes_starts_nothing_and_says_them_all()
    {
        _folder.Certificates.Issue("one");
        _folder.Certificates.Issue("two");
        const string Json = """
            {
              "listeners": [
                { "url": "mqtt://127.0.0.1:0" },
                { "url": "mqtts://127.0.0.1:1", "certificate": "one.pem", "key": "two.key" },
                { "url": "mqtts://127.0.0.1:2", "certificate": "none.pem" }
              ],
              "users": { "passwordFile": "nobody" },
              "limitz": { }
            }
            """;
        await using var broker = _folder.Start(Json);
        var end = await broker.EndAsync();

        Assert.Equal((2, ""), (end.ExitCode, end.Output));
        string[] expected =
        [
            $"{_folder.Config}:4:70: error: The private key in «{_folder.PathOf("two.key")}» is not that of the certificate in «",
            $"{_folder.Config}:5:52: error: The file «{_folder.PathOf("none.pem")}» cannot be read: ",
            $"{_folder.Config}:7:30: error: The password file «{_folder.PathOf("nobody")}» cannot be read: ",
            $"{_folder.Config}:8:3: error: There is no setting «limitz»; do you mean «limits»?",
        ];
        var told = end.Errors.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(expected.Length, told.Length);
        Assert.All(expected.Zip(told), pair => Assert.StartsWith(pair.First, pair.Second, StringComparison.Ordinal));

        var check = await Running.Cli.RunAsync("broker", "check", _folder.Config);
        Assert.Equal((2, end.Errors, ""), (check.ExitCode, check.Output, check.Errors));
    }

    [Fact]
    public async Task Check_tells_warnings_and_that_the_file_can_be_used()
    {
        _folder.Certificates.Issue("server", lastDay: 2);
        _folder.Write(
            "antiphon.json",
            """{ "listeners": [ { "url": "mqtts://127.0.0.1:0", "certificate": "server.pem", "key": "server.key" } ] }""");

        var end = await Running.Cli.RunAsync("broker", "check", _folder.Config, "--set", "limits.qos=1");

        Assert.Equal((0, $"«{_folder.Config}» can be used.\n"), (end.ExitCode, end.Errors));
        Assert.StartsWith(
            $"{_folder.Config}:1:65: warning: The certificate in «{_folder.PathOf("server.pem")}» expires on ",
            Assert.Single(end.Lines),
            StringComparison.Ordinal);
        Assert.Equal(2, (await Running.Cli.RunAsync("broker", "check", _folder.Config, "--set", "limits.qos=9")).ExitCode);
    }

    [Fact]
    public async Task Schema_prints_the_schema()
    {
        var end = await Running.Cli.RunAsync("broker", "schema");

        Assert.Equal((0, Antiphon.Server.Configuration.ConfigurationSchema.Text), (end.ExitCode, end.Output));
    }

    [Theory]
    [InlineData("mqtt")]
    [InlineData("ws")]
    public async Task A_port_that_is_taken_is_told_with_its_line_and_nothing_is_left_running(string protocol)
    {
        await using var other = Running.Cli.StartBroker();
        await using var broker = _folder.Start(
            $$"""
            { "listeners": [
              { "url": "mqtt://127.0.0.1:0" },
              { "url": "{{protocol}}://127.0.0.1:{{other.Port}}" } ] }
            """);

        var end = await broker.EndAsync();

        Assert.Equal((1, ""), (end.ExitCode, end.Output));
        Assert.StartsWith(
            $"{_folder.Config}:3:12: The broker cannot listen on 127.0.0.1:{other.Port}: Address already in use. ",
            end.Errors.Split('\n', StringSplitOptions.RemoveEmptyEntries)[^1],
            StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", end.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task SIGHUP_has_the_files_read_again_and_a_bad_one_changes_nothing()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Windows has no such signal.");
        await using var broker = _folder.Start(Plain.Replace("} ]", "} ], \"log\": { \"level\": \"error\" }", StringComparison.Ordinal));
        var port = await BrokerFolder.PortAsync(broker);
        await using var client = await BrokerFolder.ConnectAsync(port);

        _folder.Write("antiphon.json", """{ "listeners": 1 }""");
        await broker.HangUpAsync();
        await broker.ErrorLineAsync($"Did not reload {_folder.Config}; everything stays as it is.");

        _folder.Write("antiphon.json", Plain);
        await broker.HangUpAsync();
        await broker.ErrorLineAsync($"Reloaded {_folder.Config}.");

        Assert.Equal(ConnectionState.Connected, client.State);
        await using var second = await BrokerFolder.ConnectAsync(port, options => options with { ClientId = "second" });
        await broker.ErrorLineAsync("Client «second» connected");
        await broker.TerminateAsync();
        Assert.DoesNotContain(client.ClientId, (await broker.EndAsync()).Errors.Split("Reloaded")[0], StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_change_of_the_password_file_is_taken_over_without_being_asked()
    {
        await PasswdAsync("ann");
        await using var broker = Running.Cli.Start("broker", "--port", "0", "--password-file", _folder.PathOf("users"));
        var port = await BrokerFolder.PortAsync(broker);

        await PasswdAsync("bob");
        await broker.ErrorLineAsync("Reloaded the configuration.");

        await using var bob = await BrokerFolder.ConnectAsync(
            port, options => options with { UserName = "bob", Password = "secret"u8.ToArray() });
        Assert.Equal(ConnectionState.Connected, bob.State);
    }

    private async Task PasswdAsync(string user)
    {
        await using var run = ProgramRun.StartBuilt(
            "antiphon", ["passwd", _folder.PathOf("users"), user, "--password-from-stdin"], input: "secret");
        Assert.Equal(0, (await run.EndAsync()).ExitCode);
    }
}
