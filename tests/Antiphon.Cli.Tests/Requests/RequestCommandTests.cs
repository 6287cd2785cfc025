using System.Text.Json;
using Antiphon.Client;
using Antiphon.Rpc;

namespace Antiphon.Cli.Tests.Requests;

public sealed class RequestCommandTests
{
    [Fact]
    public async Task The_response_is_all_that_stands_on_the_standard_output()
    {
        await using var broker = Running.Cli.StartBroker();
        await using var device = await RespondAsync(broker.Port, request => $"relay_1 is {request.Text}");

        var end = await Running.Cli.AskAsync(broker.Port, "device_1/relay_1", "on");

        Assert.Equal((0, "relay_1 is on\n", ""), (end.ExitCode, end.Output, end.Errors));
    }

    [Theory]
    [InlineData("0")]
    [InlineData("1")]
    public async Task Both_QoS_are_answered(string qos)
    {
        await using var broker = Running.Cli.StartBroker();
        await using var device = await RespondAsync(broker.Port, request => request.Text);

        var end = await Running.Cli.AskAsync(broker.Port, "device_1/relay_1", "x", "-q", qos, "-i", "requester-1");

        Assert.Equal((0, "x\n"), (end.ExitCode, end.Output));
    }

    [Fact]
    public async Task Nobody_there_is_exit_code_5_at_once()
    {
        await using var broker = Running.Cli.StartBroker();

        var end = await Running.Cli.RunAtAsync(broker.Port, "request", "device_1/relay_1", "1", "--timeout", "1m");

        Assert.Equal((5, ""), (end.ExitCode, end.Output));
        Assert.Contains("Nobody listens on «device_1/relay_1».", end.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task No_response_in_time_is_exit_code_6()
    {
        await using var broker = Running.Cli.StartBroker();
        await using var device = await RespondAsync(broker.Port, async request =>
        {
            await Task.Delay(TimeSpan.FromMinutes(1), TimeProvider.System, request.CancellationToken);
            return "too late";
        });

        var end = await Running.Cli.RunAtAsync(broker.Port, "request", "device_1/relay_1", "1", "--timeout", "300ms");

        Assert.Equal((6, ""), (end.ExitCode, end.Output));
        Assert.Contains("within 0.3 s", end.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_error_of_the_responder_is_exit_code_7()
    {
        await using var broker = Running.Cli.StartBroker();
        await using var device = await RespondAsync(broker.Port, _ => Reply.Error(409, "the relay is locked"));

        var end = await Running.Cli.AskAsync(broker.Port, "device_1/relay_1", "1");

        Assert.Equal((7, ""), (end.ExitCode, end.Output));
        Assert.Contains("409", end.Errors, StringComparison.Ordinal);
        Assert.Contains("the relay is locked", end.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Replies_of_many_responders_are_gathered()
    {
        await using var broker = Running.Cli.StartBroker();
        await using var first = await RespondAsync(broker.Port, _ => "21.5");
        await using var second = await RespondAsync(broker.Port, _ => "19.0");

        var end = await Running.Cli.RunAtAsync(broker.Port, "request", "device_1/relay_1", "--replies", "2", "--timeout", "30s");

        Assert.Equal(0, end.ExitCode);
        Assert.Equal(["19.0", "21.5"], end.Lines.Order());
    }

    [Fact]
    public async Task Fewer_replies_than_asked_for_is_exit_code_8_with_those_that_came()
    {
        await using var broker = Running.Cli.StartBroker();
        await using var device = await RespondAsync(broker.Port, _ => "21.5");

        var end = await Running.Cli.RunAtAsync(broker.Port, "request", "device_1/relay_1", "--replies", "3", "--timeout", "10s");

        Assert.Equal((8, "21.5\n"), (end.ExitCode, end.Output));
        Assert.Contains("1 of 3 replies came from «device_1/relay_1» within 10 s.", end.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Ctrl_C_is_exit_code_130()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Windows has no such signals.");
        await using var broker = Running.Cli.StartBroker();
        var arrived = new TaskCompletionSource();
        await using var device = await RespondAsync(broker.Port, async request =>
        {
            arrived.TrySetResult();
            await Task.Delay(TimeSpan.FromMinutes(1), TimeProvider.System, request.CancellationToken);
            return "too late";
        });
        await using var run = Running.Cli.StartAt(broker.Port, "request", "device_1/relay_1", "1", "--timeout", "1m");
        await arrived.Task.WaitAsync(TestContext.Current.CancellationToken);

        await run.InterruptAsync();
        var end = await run.EndAsync();

        Assert.Equal((130, "", "Interrupted.\n"), (end.ExitCode, end.Output, end.Errors));
    }

    [Fact]
    public async Task Many_requests_are_summed_up_on_the_standard_error()
    {
        await using var broker = Running.Cli.StartBroker();
        await using var device = await RespondAsync(broker.Port, request => request.Text);

        var end = await Running.Cli.AskAsync(broker.Port, "device_1/relay_1", "ping", "--count", "200", "--concurrency", "20");

        Assert.Equal(0, end.ExitCode);
        Assert.Equal(Enumerable.Repeat("ping", 200), end.Lines);
        Assert.Matches(
            @"^200 answered in \d+\.\d\d s \(\d+ a second; p50 \d+\.\d\d ms, p99 \d+\.\d\d ms, longest \d+\.\d\d ms\)\n$", end.Errors);
    }

    [Fact]
    public async Task Of_many_failures_the_first_is_said_and_all_are_counted()
    {
        await using var broker = Running.Cli.StartBroker();

        var end = await Running.Cli.AskAsync(broker.Port, "device_1/relay_1", "--count", "5");

        Assert.Equal(5, end.ExitCode);
        Assert.Single(end.Errors.Split('\n'), line => line.Contains("Nobody listens", StringComparison.Ordinal));
        Assert.Contains(", 5 no-responder", end.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Json_has_the_exchange_on_one_line()
    {
        await using var broker = Running.Cli.StartBroker();
        await using var device = await RespondAsync(broker.Port, _ => "é");

        var end = await Running.Cli.AskAsync(broker.Port, "device_1/relay_1", "1", "--json");

        Assert.Equal((0, ""), (end.ExitCode, end.Errors));
        var line = JsonDocument.Parse(Assert.Single(end.Lines)).RootElement;
        Assert.True(line.GetProperty("ok").GetBoolean());
        Assert.Equal("é", line.GetProperty("payload").GetString());
        Assert.Contains("\"é\"", end.Output, StringComparison.Ordinal);
        Assert.Equal(32, line.GetProperty("correlationData").GetString()!.Length);
        Assert.StartsWith("$reply/", line.GetProperty("topic").GetString(), StringComparison.Ordinal);
        Assert.True(line.GetProperty("elapsedMs").GetDouble() > 0);
        Assert.False(line.TryGetProperty("error", out _));
    }

    [Fact]
    public async Task Json_has_failures_too()
    {
        await using var broker = Running.Cli.StartBroker();

        var end = await Running.Cli.AskAsync(broker.Port, "device_1/relay_1", "1", "--json");

        Assert.Equal((5, ""), (end.ExitCode, end.Errors));
        var line = JsonDocument.Parse(Assert.Single(end.Lines)).RootElement;
        Assert.False(line.GetProperty("ok").GetBoolean());
        Assert.Equal("no-responder", line.GetProperty("error").GetString());
        Assert.Contains("Nobody listens", line.GetProperty("message").GetString(), StringComparison.Ordinal);
        Assert.Equal("device_1/relay_1", line.GetProperty("topic").GetString());
    }

    [Fact]
    public async Task Json_has_bytes_that_are_no_text_in_Base64()
    {
        await using var broker = Running.Cli.StartBroker();
        await using var device = await RespondAsync(broker.Port, _ => new byte[] { 0xFF, 0x00 });

        var end = await Running.Cli.AskAsync(broker.Port, "device_1/relay_1", "--json");

        Assert.Equal("/wA=", JsonDocument.Parse(end.Output).RootElement.GetProperty("payloadBase64").GetString());
    }

    [Fact]
    public async Task The_payload_can_come_from_a_file_or_from_the_standard_input()
    {
        await using var broker = Running.Cli.StartBroker();
        await using var device = await RespondAsync(broker.Port, request => Convert.ToHexString(request.Payload.Span));
        var file = Path.GetTempFileName();
        await File.WriteAllBytesAsync(file, [0x00, 0xFF, 0x0A], TestContext.Current.CancellationToken);

        var fromFile = await Running.Cli.AskAsync(broker.Port, "device_1/relay_1", "--file", file);
        await using var run = Antiphon.Tests.Running.ProgramRun.StartBuilt(
            "antiphon", ["request", "device_1/relay_1", "--timeout", "1m", "--stdin", .. Running.Cli.At(broker.Port)], input: "line\n");
        var fromInput = await run.EndAsync();
        File.Delete(file);

        Assert.Equal("00FF0A\n", fromFile.Output);
        Assert.Equal("6C696E650A\n", fromInput.Output);
    }

    [Theory]
    [InlineData("@home")]
    [InlineData("-5")]
    [InlineData("--", "--switch")]
    public async Task A_payload_may_look_like_something_else(params string[] payload)
    {
        await using var broker = Running.Cli.StartBroker();
        await using var device = await RespondAsync(broker.Port, request => request.Text);

        var end = await Running.Cli.RunAsync(
            ["request", "--timeout", "1m", .. Running.Cli.At(broker.Port), "device_1/relay_1", .. payload]);

        Assert.Equal((0, $"{payload[^1]}\n"), (end.ExitCode, end.Output));
    }

    [Fact]
    public async Task Raw_prints_the_bytes_and_nothing_behind_them()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "The pipe is written for /bin/sh.");
        await using var broker = Running.Cli.StartBroker();
        await using var device = await RespondAsync(broker.Port, _ => new byte[] { 0x00, 0xFF });
        var antiphon = Path.Combine(AppContext.BaseDirectory, "antiphon.dll");

        await using var run = Antiphon.Tests.Running.ProgramRun.Start(
            "/bin/sh",
            ["-c", $"dotnet '{antiphon}' request device_1/relay_1 --raw {string.Join(' ', Running.Cli.At(broker.Port))} | od -An -tx1"]);

        Assert.Equal("00 ff", (await run.EndAsync()).Output.Trim());
    }

    [Fact]
    public async Task Latency_says_the_milliseconds_of_each_response_and_more_percentiles()
    {
        await using var broker = Running.Cli.StartBroker();
        await using var device = await RespondAsync(broker.Port, request => request.Text);

        var end = await Running.Cli.AskAsync(broker.Port, "device_1/relay_1", "ping", "--count", "3", "--latency");

        Assert.Equal((0, "ping\nping\nping\n"), (end.ExitCode, end.Output));
        Assert.Matches(
            @"^(\d+\.\d\d ms\n){3}3 answered in \d+\.\d\d s \(\d+ a second; "
            + @"p50 \d+\.\d\d ms, p90 \d+\.\d\d ms, p99 \d+\.\d\d ms, p99\.9 \d+\.\d\d ms, longest \d+\.\d\d ms\)\n$",
            end.Errors);
    }

    [Fact]
    public async Task Rate_spreads_the_requests_over_time_without_waiting_for_responses()
    {
        await using var broker = Running.Cli.StartBroker();
        var all = new TaskCompletionSource();
        var arrived = 0;
        await using var device = await RespondAsync(broker.Port, async request =>
        {
            if (Interlocked.Increment(ref arrived) == 5)
            {
                all.SetResult();
            }

            await all.Task;
            return request.Text;
        });

        var end = await Running.Cli.RunAtAsync(
            broker.Port, "request", "device_1/relay_1", "ping", "--count", "5", "--rate", "20", "--timeout", "1m");

        Assert.Equal(0, end.ExitCode);
        Assert.Equal(5, end.Lines.Length);

        // The fifth is due 4/20 s after the first.
        var seconds = double.Parse(end.Errors.Split(' ')[3], System.Globalization.CultureInfo.InvariantCulture);
        Assert.True(seconds >= 0.2, end.Errors);
    }

    [Fact]
    public async Task The_request_says_what_the_command_line_says_of_it()
    {
        await using var broker = Running.Cli.StartBroker();
        await using var device = await RespondAsync(
            broker.Port,
            request =>
            {
                var user = request.UserProperties.Where(p => p.Name.Length == 1).Select(p => $"{p.Name}:{p.Value}");
                return $"{request.ContentType} {string.Join(',', user)} {request.ResponseTopic}";
            });

        var end = await Running.Cli.AskAsync(
            broker.Port, "device_1/relay_1", "{}",
            "--content-type", "application/json", "-H", "n=1", "-H", "n=a=b", "--response-topic", "replies/me");

        Assert.Equal(0, end.ExitCode);
        Assert.Matches("^application/json n:1,n:a=b replies/me/[^/]+\n$", end.Output);
    }

    private static Task<MqttClient> RespondAsync(int port, Func<Request, Reply> handler) =>
        RespondAsync(port, request => Task.FromResult(handler(request)));

    private static async Task<MqttClient> RespondAsync(int port, Func<Request, Task<Reply>> handler)
    {
        var client = await MqttClient.ConnectAsync("127.0.0.1", port, TestContext.Current.CancellationToken);
        await new Responder(client).RespondAsync("device_1/relay_1", handler, cancellationToken: TestContext.Current.CancellationToken);
        return client;
    }
}
