using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using Antiphon.Client;
using Antiphon.Protocol;
using Antiphon.Server;
using Antiphon.Tests.Running;

namespace Antiphon.Cli.Tests.Administration;

/// <summary>The commands of operators, against a server in the test's own process.</summary>
public sealed class AdminCommandTests : IAsyncLifetime
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("antiphon-admin-");
    private ServerHost _server = null!;

    private static CancellationToken Ending => TestContext.Current.CancellationToken;

    private string TokenFile => Path.Combine(_folder.FullName, "admin.token");

    public async ValueTask InitializeAsync() => _server = await ServerHost.StartAsync(
        new ServerOptions
        {
            Listeners = [new ServerListener { Name = "plain", Port = 0 }],
            Admin = new AdminOptions { Port = 0, TokenFile = TokenFile },
        },
        Ending);

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        _folder.Delete(recursive: true);
    }

    [Fact]
    public async Task Status_says_how_the_broker_is()
    {
        var text = await RunAsync("status");
        Assert.Equal((0, ""), (text.ExitCode, text.Errors));
        Assert.Matches("(?m)^state +running$", text.Output);
        Assert.Matches($"(?m)^listens at +mqtt://127.0.0.1:{_server.EndPoints[0].Address.Port}$", text.Output);

        var json = JsonDocument.Parse((await RunAsync("status", "--json")).Output).RootElement;
        Assert.Equal("running", json.GetProperty("state").GetString());
    }

    [Fact]
    public async Task Clients_are_listed_shown_and_kicked()
    {
        await using var client = await ConnectAsync("dev\u001b[31m/1");
        await using var subscription = await client.SubscribeAsync("a/+", (_, _) => ValueTask.CompletedTask, cancellationToken: Ending);

        var list = await RunAsync("clients", "list");
        Assert.Matches("(?m)^CLIENT +USER +ADDRESS +LISTENER +MQTT +TLS +CONNECTED +SILENT$", list.Output);

        // What a client calls itself steers no terminal.
        Assert.Matches("(?m)^dev\uFFFD[[]31m/1 +- +127[.]0[.]0[.]1:[0-9]+ +plain +5 +- +[0-9.]+s +[0-9.]+s$", list.Output);
        var line = JsonDocument.Parse((await RunAsync("clients", "list", "--json")).Output).RootElement;
        Assert.Equal("dev\u001b[31m/1", line.GetProperty("clientId").GetString());
        var shown = await RunAsync("clients", "show", "dev\u001b[31m/1");
        Assert.Matches("(?m)^protocol +MQTT 5$", shown.Output);
        Assert.Matches("(?m)^a/[+] +[012] +yes$", shown.Output);

        var kicked = await RunAsync("clients", "kick", "nobody", "dev\u001b[31m/1");
        Assert.Equal(1, kicked.ExitCode);
        Assert.Contains("Ended the connection of «dev", kicked.Errors, StringComparison.Ordinal);
        Assert.Contains("No client «nobody» is connected.", kicked.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Sessions_are_listed_and_dropped()
    {
        await using (var client = await ConnectAsync("away", TimeSpan.FromHours(2)))
        {
            await client.SubscribeAsync("a", (_, _) => ValueTask.CompletedTask, cancellationToken: Ending);
        }

        var list = await RunAsync("sessions", "list");
        Assert.Matches("(?m)^away +- +no +1 +0 +0 +1h59m$", list.Output);

        Assert.Equal(0, (await RunAsync("sessions", "drop", "away")).ExitCode);
        Assert.Equal("", (await RunAsync("sessions", "list")).Output);
        var again = await RunAsync("sessions", "drop", "away");
        Assert.Equal((1, "There is no Session of «away».\n"), (again.ExitCode, again.Errors.ReplaceLineEndings("\n")));
    }

    [Fact]
    public async Task Topics_are_counted_and_what_is_retained_is_listed()
    {
        await using var one = await ConnectAsync("one");
        await using var two = await ConnectAsync("two");
        foreach (var client in (MqttClient[])[one, two])
        {
            await client.SubscribeAsync("a/#", (_, _) => ValueTask.CompletedTask, cancellationToken: Ending);
        }

        await one.SubscribeAsync("#", (_, _) => ValueTask.CompletedTask, cancellationToken: Ending);
        await one.SubscribeAsync("$SYS/#", (_, _) => ValueTask.CompletedTask, cancellationToken: Ending);
        await one.PublishAsync(
            new ApplicationMessage { Topic = "state", Payload = new byte[7], Retain = true, QoS = QualityOfService.AtLeastOnce }, Ending);

        Assert.Equal(
            "TOPIC FILTER  SUBSCRIPTIONS  CONNECTED  RESPONDERS\n"
            + "#             1              1          0\n"
            + "a/#           2              2          2\n",
            (await RunAsync("topics")).Output.ReplaceLineEndings("\n"));
        Assert.Contains("\"topicFilter\":\"$SYS/#\"", (await RunAsync("topics", "--system", "--json")).Output, StringComparison.Ordinal);
        Assert.Equal(
            "TOPIC  QOS  BYTES  CLIENT  EXPIRES IN\nstate  1    7      one     -\n",
            (await RunAsync("topics", "--retained")).Output.ReplaceLineEndings("\n"));
    }

    [Fact]
    public async Task The_environment_says_where_the_endpoint_and_the_token_are()
    {
        var url = _server.AdminUrl!;
        var token = (await File.ReadAllTextAsync(TokenFile, Ending)).Trim();
        foreach (var (name, value) in ((string, string)[])[("ANTIPHON_ADMIN_TOKEN_FILE", TokenFile), ("ANTIPHON_ADMIN_TOKEN", token)])
        {
            await using var run = ProgramRun.StartBuilt(
                "antiphon", ["status"], environment: new Dictionary<string, string> { ["ANTIPHON_ADMIN_URL"] = url, [name] = value });
            Assert.Equal(0, (await run.EndAsync()).ExitCode);
        }
    }

    [Fact]
    public async Task A_wrong_token_is_denied()
    {
        var wrong = Path.Combine(_folder.FullName, "wrong");
        await File.WriteAllTextAsync(wrong, "0123456789abcdef", Ending);

        var denied = await Running.Cli.RunAsync("clients", "list", "--url", _server.AdminUrl!, "--token-file", wrong);

        Assert.Equal(4, denied.ExitCode);
        Assert.Contains("does not take this token. Check --token-file", denied.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_is_no_such_endpoint_is_not_blamed_for_its_certificate()
    {
        var listener = _server.EndPoints[0].Address;

        var endpoint = _server.AdminUrl!["http://".Length..];
        var mqtt = await Running.Cli.RunAsync("status", "--url", $"http://{listener}", "--token-file", TokenFile);
        var plain = await Running.Cli.RunAsync("status", "--url", $"https://{endpoint}", "--token-file", TokenFile);

        Assert.Equal((3, 3), (mqtt.ExitCode, plain.ExitCode));
        Assert.StartsWith($"What listens at {listener} does not answer as HTTP does. ", mqtt.Errors, StringComparison.Ordinal);
        Assert.StartsWith($"What listens at {endpoint} does not speak TLS. ", plain.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Where_nothing_listens_the_sentence_tells_what_to_write_into_the_configuration()
    {
        using var free = new TcpListener(IPAddress.Loopback, 0);
        free.Start();
        var url = $"http://127.0.0.1:{((IPEndPoint)free.LocalEndpoint).Port}";
        free.Stop();

        var lost = await Running.Cli.RunAsync("status", "--url", url, "--token-file", TokenFile);

        Assert.Equal(3, lost.ExitCode);
        Assert.Contains($"There is no admin endpoint at {url[7..]}: ", lost.Errors, StringComparison.Ordinal);
        Assert.Contains(
            $"{{ \"admin\": {{ \"url\": \"{url}\", \"tokenFile\": \"admin.token\" }} }}", lost.Errors, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("http://192.0.2.1:8081", "the token would cross the network in the clear")]
    [InlineData("mqtt://127.0.0.1", "is not the address of an admin endpoint")]
    [InlineData("http://127.0.0.1/v1", "is not the address of an admin endpoint")]
    public async Task An_address_that_is_none_or_is_not_safe_is_wrong_usage(string url, string expected)
    {
        var wrong = await Running.Cli.RunAsync("status", "--url", url, "--token-file", TokenFile);

        Assert.Equal(2, wrong.ExitCode);
        Assert.Contains(expected, wrong.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_a_token_the_sentence_says_where_it_is()
    {
        var missing = await Running.Cli.RunAsync("status", "--url", _server.AdminUrl!);
        Assert.Equal(2, missing.ExitCode);
        Assert.Contains(
            "The token is missing: give --token-file, or set ANTIPHON_ADMIN_TOKEN_FILE.",
            missing.Errors,
            StringComparison.Ordinal);

        var unreadable = await Running.Cli.RunAsync("status", "--token-file", Path.Combine(_folder.FullName, "nothing"));
        Assert.Equal(2, unreadable.ExitCode);
        Assert.Contains("nothing» cannot be read", unreadable.Errors, StringComparison.Ordinal);
    }

    private Task<Ending> RunAsync(params string[] arguments) =>
        Running.Cli.RunAsync([.. arguments, "--url", _server.AdminUrl!, "--token-file", TokenFile]);

    private Task<MqttClient> ConnectAsync(string clientId, TimeSpan? sessionExpiry = null) => MqttClient.ConnectAsync(
        new MqttClientOptions
        {
            Host = "127.0.0.1",
            Port = _server.EndPoints[0].Address.Port,
            ClientId = clientId,
            SessionExpiry = sessionExpiry ?? TimeSpan.Zero,
        },
        Ending);
}
