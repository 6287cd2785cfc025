using System.Text.Json;

namespace Antiphon.Cli.Tests.Loads;

public sealed class BenchCommandTests
{
    [Theory]
    [InlineData("request", "1")]
    [InlineData("request", "0")]
    [InlineData("pub", "1")]
    [InlineData("sub", "1")]
    [InlineData("sub", "0")]
    [InlineData("conn", "1")]
    public async Task Every_load_ends_with_its_numbers(string load, string qos)
    {
        await using var broker = Running.Cli.StartBroker();

        var end = await Running.Cli.RunAtAsync(
            broker.Port, "bench", load, "--clients", "2", "--concurrency", "3", "--duration", "500ms", "--qos", qos, "--json");

        Assert.Equal((0, ""), (end.ExitCode, end.Errors));
        var line = JsonDocument.Parse(Assert.Single(end.Lines)).RootElement;
        Assert.Equal(load, line.GetProperty("load").GetString());
        Assert.True(line.GetProperty("completed").GetInt32() > 0);
        Assert.True(line.GetProperty("perSecond").GetDouble() > 0);
        // Timers may fire up to a tick of the system early.
        Assert.InRange(line.GetProperty("seconds").GetDouble(), 0.48, 30);
        string[] percentiles = ["p50Ms", "p90Ms", "p99Ms", "p999Ms", "longestMs"];
        var times = percentiles.Select(name => line.GetProperty(name).GetDouble()).ToList();
        Assert.Equal(times.Order(), times);
        Assert.Empty(line.GetProperty("failures").EnumerateObject());
    }

    [Fact]
    public async Task Hundreds_of_requests_at_once_meet_a_responder_with_its_defaults_and_none_is_refused()
    {
        await using var broker = Running.Cli.StartBroker();

        var end = await Running.Cli.RunAtAsync(
            broker.Port, "bench", "request", "--clients", "8", "--concurrency", "64", "--duration", "500ms", "--json");

        Assert.Equal((0, ""), (end.ExitCode, end.Errors));
        Assert.Empty(JsonDocument.Parse(Assert.Single(end.Lines)).RootElement.GetProperty("failures").EnumerateObject());
    }

    [Fact]
    public async Task The_summary_is_one_line_for_people()
    {
        await using var broker = Running.Cli.StartBroker();

        var end = await Running.Cli.RunAtAsync(broker.Port, "bench", "request", "--duration", "300ms");

        Assert.Equal((0, ""), (end.ExitCode, end.Errors));
        Assert.Matches(
            @"^\d+ round trips in \d+\.\d\d s \(\d+ a second; "
            + @"p50 \d+\.\d\d ms, p90 \d+\.\d\d ms, p99 \d+\.\d\d ms, p99\.9 \d+\.\d\d ms, longest \d+\.\d\d ms\), 0 failures\n$",
            end.Output);
    }

    [Fact]
    public async Task Failures_are_counted_and_the_first_is_the_exit_code()
    {
        await using var broker = Running.Cli.StartBroker();

        var end = await Running.Cli.RunAtAsync(broker.Port, "bench", "request", "--topic", "nobody/there", "--duration", "300ms", "--json");

        Assert.Equal(5, end.ExitCode);
        Assert.Single(end.Errors.Split('\n'), line => line.Contains("Nobody listens", StringComparison.Ordinal));
        var line = JsonDocument.Parse(Assert.Single(end.Lines)).RootElement;
        Assert.Equal(0, line.GetProperty("completed").GetInt32());
        Assert.True(line.GetProperty("failures").GetProperty("no-responder").GetInt32() > 0);
        Assert.False(line.TryGetProperty("p50Ms", out _));
    }

    [Fact]
    public async Task Ctrl_C_ends_it_early_with_the_numbers_so_far()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Windows has no such signals.");
        await using var broker = Running.Cli.StartBroker();
        await using var client = await Antiphon.Client.MqttClient.ConnectAsync(
            "127.0.0.1", broker.Port, TestContext.Current.CancellationToken);
        var begun = new TaskCompletionSource();
        await client.SubscribeAsync("antiphon/bench/#", (_, _) =>
        {
            begun.TrySetResult();
            return ValueTask.CompletedTask;
        }, cancellationToken: TestContext.Current.CancellationToken);
        await using var run = Running.Cli.StartAt(broker.Port, "bench", "pub", "--duration", "10m");
        await begun.Task.WaitAsync(TestContext.Current.CancellationToken);

        await run.InterruptAsync();
        var end = await run.EndAsync();

        Assert.Equal(130, end.ExitCode);
        Assert.Contains(" messages in ", end.Output, StringComparison.Ordinal);
    }
}
