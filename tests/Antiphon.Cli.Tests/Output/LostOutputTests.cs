using Antiphon.Broker;
using Antiphon.Cli.Tests.Running;
using Antiphon.Client;
using Antiphon.Protocol;
using Antiphon.Rpc;

namespace Antiphon.Cli.Tests.Output;

/// <summary>Data that cannot be written ends a command with a sentence; a standard error that is gone ends nothing.</summary>
public sealed class LostOutputTests
{
    private const string Full = "The standard output cannot be written: No space left on device.\n";

    [Theory]
    [InlineData("--help")]
    [InlineData("--version")]
    [InlineData("pub --help")]
    [InlineData("completion bash")]
    [InlineData("broker --port 0 --log-level error")]
    [InlineData("demo")]
    [InlineData("probe")]
    [InlineData("probe --json")]
    [InlineData("bench conn --duration 100ms")]
    [InlineData("bench conn --duration 100ms --json")]
    public async Task A_full_disk_is_one_sentence_and_exit_code_1(string command)
    {
        SkipWithout("/dev/full");
        await using var broker = Running.Cli.StartBroker();
        var where = command.StartsWith("probe", StringComparison.Ordinal) || command.StartsWith("bench", StringComparison.Ordinal)
            ? string.Join(' ', Running.Cli.At(broker.Port))
            : "";

        var end = await ShellRun.RunAsync($"antiphon {command} {where} >/dev/full");

        Assert.Equal((1, Full), (end.ExitCode, end.Errors));
    }

    [Fact]
    public async Task An_output_that_is_closed_is_one_sentence_and_exit_code_1()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), ShellRun.NoShell);

        var end = await ShellRun.RunAsync("antiphon --version >&-");

        Assert.Equal((1, "The standard output cannot be written: it is closed.\n"), (end.ExitCode, end.Errors));
    }

    [Theory]
    [InlineData("")]
    [InlineData("--json")]
    public async Task What_sub_cannot_print_stays_with_the_broker(string format)
    {
        SkipWithout("/dev/full");
        await using var broker = Running.Cli.StartBroker();
        var sub = $"antiphon sub a --client-id me --no-clean-start {format} {string.Join(' ', Running.Cli.At(broker.Port))}";
        await using (var full = ShellRun.Start($"{sub} >/dev/full"))
        {
            await full.ErrorLineAsync("subscribed to a");
            await PublishAsync(broker, "1");
            await PublishAsync(broker, "2");
            var end = await full.EndAsync();
            Assert.Equal((1, "subscribed to a\n" + Full), (end.ExitCode, end.Errors));
        }

        var again = await ShellRun.RunAsync($"{sub.Replace("--json", "", StringComparison.Ordinal)} --count 2");

        Assert.Equal((0, "1\n2\n"), (again.ExitCode, again.Output));
    }

    [Fact]
    public async Task Who_asks_a_responder_that_cannot_print_is_told_that_it_shuts_down()
    {
        SkipWithout("/dev/full");
        await using var broker = Running.Cli.StartBroker();
        await using var reply = ShellRun.Start($"antiphon reply t --echo {string.Join(' ', Running.Cli.At(broker.Port))} >/dev/full");
        await reply.ErrorLineAsync("answering t");
        await using var client = await MqttClient.ConnectAsync("127.0.0.1", broker.Port, TestContext.Current.CancellationToken);
        await using var requester = new Requester(client, new RequesterOptions { Timeout = TimeSpan.FromMinutes(1) });

        var refused = await Assert.ThrowsAsync<RemoteErrorException>(
            async () => await requester.RequestAsync("t", "1", null, TestContext.Current.CancellationToken));
        var end = await reply.EndAsync();

        Assert.Equal(503, refused.Status);
        Assert.Equal((1, "answering t\n" + Full), (end.ExitCode, end.Errors));
    }

    [Theory]
    [InlineData("")]
    [InlineData("--json")]
    [InlineData("--raw")]
    [InlineData("--count 20 --concurrency 4")]
    public async Task A_response_that_cannot_be_printed_is_exit_code_1(string options)
    {
        SkipWithout("/dev/full");
        await using var broker = Running.Cli.StartBroker();
        await using var reply = await Running.Cli.ReplyAsync(broker.Port, "t", "--echo");

        var end = await ShellRun.RunAsync(
            $"antiphon request t 1 --timeout 1m {options} {string.Join(' ', Running.Cli.At(broker.Port))} >/dev/full");

        Assert.Equal((1, Full), (end.ExitCode, end.Errors));
    }

    [Theory]
    [InlineData("2>&-")]
    [InlineData("2>/dev/full")]
    public async Task A_standard_error_that_is_gone_ends_nothing(string redirection)
    {
        SkipWithout("/dev/full");
        await using var broker = Running.Cli.StartBroker();
        var at = string.Join(' ', Running.Cli.At(broker.Port));
        await using var sub = ShellRun.Start($"antiphon sub a --count 1 {at} {redirection}");

        var nobody = await ShellRun.RunAsync($"antiphon request nobody x --timeout 1m {at} {redirection}");
        var usage = await ShellRun.RunAsync($"antiphon request {redirection}");
        var pub = await ShellRun.RunAsync($"antiphon pub a 1 --retain {at} {redirection}");

        Assert.Equal((5, 2, 0), (nobody.ExitCode, usage.ExitCode, pub.ExitCode));
        var printed = await sub.EndAsync();
        Assert.Equal((0, "1\n"), (printed.ExitCode, printed.Output));
    }

    [Fact]
    public async Task A_reader_that_goes_while_nothing_is_printed_ends_sub_and_reply_without_a_word()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), ShellRun.NoShell);
        await using var broker = Running.Cli.StartBroker();
        var at = string.Join(' ', Running.Cli.At(broker.Port));

        foreach (var command in (string[])["sub a", "reply a --echo"])
        {
            var end = await ShellRun.RunAsync($"{{ antiphon {command} {at}; echo \"ended with $?\" >&2; }} | :");

            Assert.EndsWith("ended with 141\n", end.Errors, StringComparison.Ordinal);
            Assert.DoesNotContain("cannot be written", end.Errors, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_reader_that_has_had_enough_ends_help_without_a_word()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), ShellRun.NoShell);

        var end = await ShellRun.RunAsync("{ antiphon completion bash; echo \"ended with $?\" >&2; } | :");

        Assert.Matches("^ended with (0|141)\n$", end.Errors);
    }

    [Fact]
    public async Task Quiet_leaves_only_what_went_wrong()
    {
        await using var broker = Running.Cli.StartBroker();

        var unheard = await Running.Cli.RunAtAsync(broker.Port, "pub", "a", "1", "--quiet", "--retain");
        var printed = await Running.Cli.RunAtAsync(broker.Port, "sub", "a", "--quiet", "--count", "1");
        var failed = await Running.Cli.AskAsync(broker.Port, "nobody", "--quiet");

        Assert.Equal((0, ""), (unheard.ExitCode, unheard.Errors));
        Assert.Equal((0, "1\n", ""), (printed.ExitCode, printed.Output, printed.Errors));
        Assert.Contains("Nobody listens on «nobody».", failed.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Progress_is_shown_where_a_person_looks()
    {
        Assert.SkipUnless(File.Exists("/usr/bin/script") && OperatingSystem.IsLinux(), "There is no script(1) to make a terminal.");
        await using var broker = Running.Cli.StartBroker();
        await using var reply = await Running.Cli.ReplyAsync(broker.Port, "t", "--echo");
        var at = string.Join(' ', Running.Cli.At(broker.Port));

        // script has a terminal for all three streams; the data goes elsewhere.
        async Task<string> OnTerminalAsync(string options) => (await ShellRun.RunAsync(
            $"script -qec \"sh -c '$(command -v dotnet) {Path.Combine(AppContext.BaseDirectory, "antiphon.dll")} "
            + $"request t 1 --count 30 --rate 10 {options} {at} >/dev/null'\" /dev/null </dev/null")).Output;

        Assert.Matches(@"\d s: \d+ of 30 requests done, 0 failed", await OnTerminalAsync(""));
        Assert.DoesNotContain("requests done", await OnTerminalAsync("--quiet"), StringComparison.Ordinal);
    }

    private static void SkipWithout(string device) => Assert.SkipUnless(File.Exists(device), $"There is no {device} here.");

    private static async Task PublishAsync(BrokerHost broker, string text)
    {
        await using var client = await MqttClient.ConnectAsync("127.0.0.1", broker.Port, TestContext.Current.CancellationToken);
        await client.PublishAsync(
            new ApplicationMessage { Topic = "a", Payload = System.Text.Encoding.UTF8.GetBytes(text), QoS = QualityOfService.AtLeastOnce },
            TestContext.Current.CancellationToken);
    }
}
