using System.Globalization;
using Antiphon.Client;
using Antiphon.Protocol;
using Antiphon.Tests.Running;

namespace Antiphon.Cli.Tests.Brokers;

/// <summary>Each limit of the command line, as clients meet it.</summary>
public sealed class LimitSettingsTests
{
    private static readonly ApplicationMessage Message = new() { Topic = "a", QoS = QualityOfService.AtLeastOnce };

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task CONNACK_says_what_is_limited()
    {
        await using var broker = Running.Cli.Start(
            "broker", "--port", "0", "--max-packet-size", "1000", "--max-qos", "1", "--no-retain", "--max-session-expiry", "60");
        await using var client = await ConnectAsync(broker, "c");

        var server = client.Server!;
        Assert.Equal((1000u, QualityOfService.AtLeastOnce, false), (server.MaximumPacketSize, server.MaximumQoS, server.RetainAvailable));
        Assert.Equal(TimeSpan.FromSeconds(60), server.SessionExpiry);
    }

    [Theory]
    [InlineData("--max-connections")]
    [InlineData("--max-sessions")]
    public async Task One_client_more_is_refused(string option)
    {
        await using var broker = Running.Cli.Start("broker", "--port", "0", option, "1");
        await using var client = await ConnectAsync(broker, "c");

        Assert.Equal(ReasonCode.QuotaExceeded, (await Assert.ThrowsAsync<ConnectionException>(() => ConnectAsync(broker, "d"))).ReasonCode);
    }

    [Fact]
    public async Task An_older_version_is_refused()
    {
        await using var broker = Running.Cli.Start("broker", "--port", "0", "--min-protocol-version", "5");

        Assert.Equal(
            ReasonCode.UnsupportedProtocolVersion,
            (await Assert.ThrowsAsync<ConnectionException>(
                () => ConnectAsync(broker, "c", options => options with { ProtocolVersion = ProtocolVersion.V311 }))).ReasonCode);
    }

    [Fact]
    public async Task One_retained_message_more_is_refused()
    {
        await using var broker = Running.Cli.Start("broker", "--port", "0", "--max-retained", "1");
        await using var client = await ConnectAsync(broker, "c");
        await client.PublishAsync(Message with { Retain = true, Payload = "1"u8.ToArray() }, Token);

        var refused = await Assert.ThrowsAsync<RefusedException>(
            () => client.PublishAsync(Message with { Topic = "b", Retain = true, Payload = "1"u8.ToArray() }, Token).AsTask());
        Assert.Equal(ReasonCode.QuotaExceeded, refused.ReasonCode);
    }

    [Theory]
    [InlineData("newest", "12")]
    [InlineData("oldest", "23")]
    public async Task One_message_more_that_waits_is_one_dropped(string overflow, string left)
    {
        await using var broker = Running.Cli.Start("broker", "--port", "0", "--max-queued", "2", "--queue-overflow", overflow);
        await using (var away = await ConnectAsync(broker, "away"))
        {
            await away.SubscribeAsync("a", (_, _) => ValueTask.CompletedTask, cancellationToken: Token);
        }

        await using (var client = await ConnectAsync(broker, "c"))
        {
            foreach (var payload in (byte[])[(byte)'1', (byte)'2', (byte)'3'])
            {
                await client.PublishAsync(Message with { Payload = new[] { payload } }, Token);
            }
        }

        var received = "";
        var both = new TaskCompletionSource();
        await using var back = await ConnectAsync(broker, "away", options => options with { CleanStart = false });
        await back.SubscribeAsync(
            "a",
            (message, _) =>
            {
                received += message.Text;
                if (received.Length == 2)
                {
                    both.SetResult();
                }

                return ValueTask.CompletedTask;
            },
            cancellationToken: Token);
        await both.Task.WaitAsync(Token);
        Assert.Equal(left, received);
    }

    [Theory]
    [InlineData("--max-packet-size", "10", "64")]
    [InlineData("--max-qos", "3", "«3»")]
    [InlineData("--queue-overflow", "all", "newest or oldest")]
    [InlineData("--min-protocol-version", "4", "311 or 5")]
    [InlineData("--max-connections", "0", "«0»")]
    public async Task A_limit_that_is_none_is_wrong_usage(string option, string value, string mentioned)
    {
        var end = await Running.Cli.RunAsync("broker", "--port", "0", option, value);

        Assert.Equal((2, ""), (end.ExitCode, end.Output));
        Assert.Contains(mentioned, end.Errors, StringComparison.Ordinal);
    }

    private static async Task<MqttClient> ConnectAsync(
        ProgramRun broker, string clientId, Func<MqttClientOptions, MqttClientOptions>? change = null)
    {
        var line = await broker.OutputLineAsync("listening mqtt://127.0.0.1:");
        var options = new MqttClientOptions
        {
            Host = "127.0.0.1",
            Port = int.Parse(line.Split(':')[^1], CultureInfo.InvariantCulture),
            ClientId = clientId,
        };
        return await MqttClient.ConnectAsync(change is null ? options : change(options), Token);
    }
}
