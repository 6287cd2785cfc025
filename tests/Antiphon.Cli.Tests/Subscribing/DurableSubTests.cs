using Antiphon.Broker;
using Antiphon.Client;
using Antiphon.Protocol;
using Antiphon.Tests.Running;

namespace Antiphon.Cli.Tests.Subscribing;

/// <summary>A subscriber that comes back to its Session, as mosquitto_sub does with -c and -x.</summary>
public sealed class DurableSubTests
{
    [Theory]
    [InlineData("--no-clean-start")]
    [InlineData("--no-clean-start", "--session-expiry", "3600")]
    [InlineData("--no-clean-start", "--protocol-version", "311")]
    [InlineData("--session-expiry", "infinite")]
    public async Task What_is_published_while_it_is_away_arrives_when_it_comes_back(params string[] options)
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Windows has no such signals.");
        await using var broker = Running.Cli.StartBroker();
        await using (var sub = Start(broker, options))
        {
            await sub.ErrorLineAsync("subscribed to a/#");
            await sub.InterruptAsync();
            Assert.Equal(0, (await sub.EndAsync()).ExitCode);
        }

        await PublishAsync(broker, "1", "2", "3", "4");

        Assert.Equal("1\n2\n3\n4\n", await SubAsync(broker, [.. options.Except(["--no-clean-start"]), "--no-clean-start"], 4));
    }

    [Fact]
    public async Task What_comes_beyond_the_number_asked_for_stays_for_the_next_time()
    {
        await using var broker = Running.Cli.StartBroker();
        await using (var sub = Start(broker, ["--no-clean-start", "--count", "1"]))
        {
            await sub.ErrorLineAsync("subscribed to a/#");
            await PublishAsync(broker, "1", "2", "3");
            Assert.Equal("1\n", (await sub.EndAsync()).Output);
        }

        // QoS 1: what was printed may come again, if the end was quicker than its acknowledgement.
        var printed = new List<string> { "1\n" };
        while (printed[^1] != "3\n")
        {
            printed.Add(await SubAsync(broker, ["--no-clean-start"], 1));
        }

        Assert.Equal(["1\n", "2\n", "3\n"], printed.Distinct());
    }

    [Theory]
    [InlineData("--client-id", "--no-clean-start")]
    [InlineData("--client-id", "--session-expiry", "60")]
    [InlineData("3.1.1", "--session-expiry", "60", "-i", "c", "--protocol-version", "311")]
    [InlineData("«soon»", "--session-expiry", "soon", "-i", "c")]
    [InlineData("«4294967295»", "--session-expiry", "4294967295", "-i", "c")]
    public async Task What_cannot_be_kept_is_wrong_usage(string mentioned, params string[] options)
    {
        var end = await Running.Cli.RunAsync(["sub", "a", .. options]);

        Assert.Equal((2, ""), (end.ExitCode, end.Output));
        Assert.Contains(mentioned, end.Errors, StringComparison.Ordinal);
    }

    private static ProgramRun Start(BrokerHost broker, string[] options) =>
        Running.Cli.StartAt(broker.Port, ["sub", "a/#", "--client-id", "durable", .. options]);

    private static async Task<string> SubAsync(BrokerHost broker, string[] options, int count)
    {
        await using var sub = Start(broker, [.. options, "--count", $"{count}"]);
        var end = await sub.EndAsync();
        Assert.Equal(0, end.ExitCode);
        return end.Output;
    }

    private static async Task PublishAsync(BrokerHost broker, params string[] texts)
    {
        await using var client = await MqttClient.ConnectAsync("127.0.0.1", broker.Port, TestContext.Current.CancellationToken);
        foreach (var text in texts)
        {
            var message = new ApplicationMessage
            {
                Topic = "a/b",
                Payload = System.Text.Encoding.UTF8.GetBytes(text),
                QoS = QualityOfService.AtLeastOnce,
            };
            await client.PublishAsync(message, TestContext.Current.CancellationToken);
        }
    }
}
