using Antiphon.Client;
using Antiphon.Protocol;

namespace Antiphon.Cli.Tests.Brokers;

public sealed class BrokerCommandTests
{
    [Fact]
    public async Task It_prints_where_it_listens_when_it_is_ready()
    {
        await using var broker = Running.Cli.Start("broker", "--port", "0");
        var port = await PortAsync(broker);

        await using var client = await MqttClient.ConnectAsync("127.0.0.1", port, TestContext.Current.CancellationToken);

        Assert.Equal(ConnectionState.Connected, client.State);
    }

    [Theory]
    [InlineData("INT")]
    [InlineData("TERM")]
    public async Task A_signal_ends_it_with_0_after_its_clients_have_been_told(string signal)
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Windows has no such signals.");
        await using var broker = Running.Cli.Start("broker", "--port", "0");
        var port = await PortAsync(broker);
        await using var client = await MqttClient.ConnectAsync("127.0.0.1", port, TestContext.Current.CancellationToken);
        var lost = new TaskCompletionSource<ConnectionStateChange>();
        client.StateChanged += (_, change) =>
        {
            if (change.State != ConnectionState.Connected)
            {
                lost.TrySetResult(change);
            }
        };

        await (signal == "INT" ? broker.InterruptAsync() : broker.TerminateAsync());
        var end = await broker.EndAsync();

        Assert.Equal(0, end.ExitCode);
        Assert.Equal($"listening mqtt://127.0.0.1:{port}\n", end.Output);
        Assert.Equal(ReasonCode.ServerShuttingDown, (await lost.Task.WaitAsync(TestContext.Current.CancellationToken)).ReasonCode);
    }

    [Fact]
    public async Task It_listens_on_IPv6_where_it_is_told_to()
    {
        Assert.SkipUnless(System.Net.Sockets.Socket.OSSupportsIPv6, "This machine has no IPv6.");
        await using var broker = Running.Cli.Start("broker", "--port", "0", "--bind", "::1");

        Assert.StartsWith("listening mqtt://[::1]:", await broker.OutputLineAsync("listening"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Other_machines_are_let_in_only_with_allow_anonymous()
    {
        await using var broker = Running.Cli.Start("broker", "--port", "0", "--bind", "0.0.0.0", "--allow-anonymous");

        Assert.StartsWith("listening mqtt://0.0.0.0:", await broker.OutputLineAsync("listening"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task It_listens_on_every_address_that_it_is_given()
    {
        Assert.SkipUnless(System.Net.Sockets.Socket.OSSupportsIPv6, "This machine has no IPv6.");
        await using var broker = Running.Cli.Start("broker", "--port", "0", "--bind", "127.0.0.1", "--bind", "[::1]:0");

        foreach (var address in new[] { "127.0.0.1", "[::1]" })
        {
            var line = await broker.OutputLineAsync($"listening mqtt://{address}:");
            await using var client = await MqttClient.ConnectAsync(
                address.Trim('[', ']'), PortOf(line), TestContext.Current.CancellationToken);
            Assert.Equal(ConnectionState.Connected, client.State);
        }
    }

    [Fact]
    public async Task All_addresses_of_IPv6_are_those_of_IPv4_too()
    {
        Assert.SkipUnless(System.Net.Sockets.Socket.OSSupportsIPv6, "This machine has no IPv6.");
        await using var broker = Running.Cli.Start("broker", "--port", "0", "--bind", "::", "--allow-anonymous");
        var port = PortOf(await broker.OutputLineAsync("listening mqtt://[::]:"));

        foreach (var address in new[] { "127.0.0.1", "::1" })
        {
            await using var client = await MqttClient.ConnectAsync(address, port, TestContext.Current.CancellationToken);
            Assert.Equal(ConnectionState.Connected, client.State);
        }
    }

    [Fact]
    public async Task It_logs_who_connects_and_who_closes_a_line_each()
    {
        await using var broker = Running.Cli.Start("broker", "--port", "0");
        var port = await PortAsync(broker);
        var client = await MqttClient.ConnectAsync("127.0.0.1", port, TestContext.Current.CancellationToken);
        const string When = @"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z ";

        Assert.Matches(
            When + $@"info  Client «{client.ClientId}» connected from 127\.0\.0\.1:\d+: MQTT 5, new Session$",
            await broker.ErrorLineAsync("connected"));
        await client.DisposeAsync();
        Assert.Matches(
            When + $@"info  Client «{client.ClientId}» from 127\.0\.0\.1:\d+ closed: The client disconnected\.$",
            await broker.ErrorLineAsync("closed"));
    }

    [Theory]
    [InlineData("error", false)]
    [InlineData("warn", true)]
    public async Task The_log_level_leaves_out_what_is_less(string level, bool tellsRefusals)
    {
        await using var broker = Running.Cli.Start("broker", "--port", "0", "--log-level", level);
        var port = await PortAsync(broker);
        await using (var client = await MqttClient.ConnectAsync("127.0.0.1", port, TestContext.Current.CancellationToken))
        {
            Assert.Equal(ConnectionState.Connected, client.State);
        }

        using (var stranger = new System.Net.Sockets.TcpClient())
        {
            await stranger.ConnectAsync("127.0.0.1", port, TestContext.Current.CancellationToken);
            await stranger.GetStream().WriteAsync("GET /\r\n\u001b[31m\r\n\r\n"u8.ToArray(), TestContext.Current.CancellationToken);
            Assert.Equal(0, await stranger.GetStream().ReadAsync(new byte[1], TestContext.Current.CancellationToken));
        }

        await broker.TerminateAsync();
        var lines = (await broker.EndAsync()).Errors.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Contains("Closing.", lines);
        Assert.Equal(tellsRefusals ? 2 : 1, lines.Length);
        Assert.All(
            lines.Where(line => line != "Closing."),
            line => Assert.Contains("warn  Client «» from 127.0.0.1:", line, StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_port_in_use_is_a_clear_sentence_and_exit_code_1()
    {
        await using var first = Running.Cli.StartBroker();

        var end = await Running.Cli.RunAsync("broker", "--port", $"{first.Port}");

        Assert.Equal(1, end.ExitCode);
        Assert.Contains($"{first.Port}", end.Errors, StringComparison.Ordinal);
        Assert.Contains("in use", end.Errors, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", end.Errors, StringComparison.Ordinal);
        Assert.Empty(end.Output);
    }

    private static async Task<int> PortAsync(Antiphon.Tests.Running.ProgramRun broker)
    {
        var line = await broker.OutputLineAsync("listening mqtt://127.0.0.1:");
        return PortOf(line);
    }

    private static int PortOf(string line) => int.Parse(line.Split(':')[^1], System.Globalization.CultureInfo.InvariantCulture);
}
