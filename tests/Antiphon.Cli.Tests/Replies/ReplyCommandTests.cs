using System.Text.Json;
using Antiphon.Broker;
using Antiphon.Client;
using Antiphon.Protocol;
using Antiphon.Rpc;

namespace Antiphon.Cli.Tests.Replies;

public sealed class ReplyCommandTests
{
    [Fact]
    public async Task Echo_answers_with_the_request_and_prints_it()
    {
        await using var broker = Running.Cli.StartBroker();
        await using var reply = await Running.Cli.ReplyAsync(broker.Port, "echo", "--echo", "--count", "1");

        var end = await Running.Cli.AskAsync(broker.Port, "echo", "hello");
        var replied = await reply.EndAsync();

        Assert.Equal((0, "hello\n"), (end.ExitCode, end.Output));
        Assert.Equal((0, "hello\n"), (replied.ExitCode, replied.Output));
    }

    [Fact]
    public async Task Body_answers_with_a_text()
    {
        await using var broker = Running.Cli.StartBroker();
        await using var reply = await Running.Cli.ReplyAsync(broker.Port, "device_1/relay_1", "--body", "relay_1 is on");

        var end = await Running.Cli.AskAsync(broker.Port, "device_1/relay_1", "1");

        Assert.Equal((0, "relay_1 is on\n"), (end.ExitCode, end.Output));
    }

    [Fact]
    public async Task Command_answers_with_what_a_program_makes_of_the_request()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "The command is written for /bin/sh.");
        await using var broker = Running.Cli.StartBroker();
        await using var reply = await Running.Cli.ReplyAsync(
            broker.Port, "shout/+", "--command", "printf '%s: ' \"$ANTIPHON_TOPIC\"; tr a-z A-Z");

        var end = await Running.Cli.AskAsync(broker.Port, "shout/1", "hello");

        Assert.Equal((0, "shout/1: HELLO\n"), (end.ExitCode, end.Output));
    }

    [Fact]
    public async Task A_command_that_does_not_read_its_input_answers_all_the_same()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "The command is written for /bin/sh.");
        await using var broker = Running.Cli.StartBroker();
        await using var reply = await Running.Cli.ReplyAsync(broker.Port, "deaf", "--command", "printf done");

        var end = await Running.Cli.AskAsync(broker.Port, "deaf", new string('x', 100_000));

        Assert.Equal((0, "done\n"), (end.ExitCode, end.Output));
    }

    [Fact]
    public async Task A_command_that_fails_is_a_remote_error()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "The command is written for /bin/sh.");
        await using var broker = Running.Cli.StartBroker();
        await using var reply = await Running.Cli.ReplyAsync(broker.Port, "broken", "--command", "exit 3");

        var end = await Running.Cli.AskAsync(broker.Port, "broken");

        Assert.Equal((7, ""), (end.ExitCode, end.Output));
        Assert.Contains("ended with exit code 3", end.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Responders_with_one_Share_Name_share_the_requests()
    {
        await using var broker = Running.Cli.StartBroker();
        await using var first = await Running.Cli.ReplyAsync(broker.Port, "work", "--body", "first", "--share", "workers");
        await using var second = await Running.Cli.ReplyAsync(broker.Port, "work", "--body", "second", "--share", "workers");

        var end = await Running.Cli.AskAsync(broker.Port, "work", "--count", "20");

        Assert.Equal(0, end.ExitCode);
        Assert.Equal(20, end.Lines.Length);
        Assert.Equal(["first", "second"], end.Lines.Distinct().Order());
    }

    [Fact]
    public async Task Delay_makes_it_late()
    {
        await using var broker = Running.Cli.StartBroker();
        await using var reply = await Running.Cli.ReplyAsync(broker.Port, "slow", "--echo", "--delay", "1m");

        var end = await Running.Cli.RunAtAsync(broker.Port, "request", "slow", "--timeout", "300ms");

        Assert.Equal(6, end.ExitCode);
    }

    [Fact]
    public async Task Json_says_what_was_asked()
    {
        await using var broker = Running.Cli.StartBroker();
        await using var reply = await Running.Cli.ReplyAsync(broker.Port, "echo", "--echo", "--json", "--count", "1");
        await using var client = await MqttClient.ConnectAsync("127.0.0.1", broker.Port, TestContext.Current.CancellationToken);
        await using var requester = new Requester(client, new RequesterOptions { Timeout = TimeSpan.FromMinutes(1) });

        var response = await requester.RequestAsync("echo", "hello", null, TestContext.Current.CancellationToken);
        var line = JsonDocument.Parse((await reply.EndAsync()).Output).RootElement;

        Assert.Equal("echo", line.GetProperty("topic").GetString());
        Assert.Equal("hello", line.GetProperty("payload").GetString());
        Assert.Equal(response.Topic, line.GetProperty("responseTopic").GetString());
        Assert.Equal(Convert.ToHexStringLower(response.CorrelationData.Span), line.GetProperty("correlationData").GetString());
    }

    [Theory]
    [InlineData(true, """{"clientId":"asker","isVouchedFor":true}""")]
    [InlineData(false, """{"clientId":"asker","isVouchedFor":false}""")]
    public async Task Json_says_who_asked_and_whether_the_broker_says_so(bool stampCaller, string caller)
    {
        await using var broker = BrokerHost.Start(new BrokerOptions { Port = 0, StampCaller = stampCaller });
        await using var reply = await Running.Cli.ReplyAsync(broker.Port, "echo", "--echo", "--json", "--count", "1");

        await Running.Cli.RunAtAsync(broker.Port, "request", "echo", "hello", "--client-id", "asker");

        Assert.Equal(caller, JsonDocument.Parse((await reply.EndAsync()).Output).RootElement.GetProperty("caller").GetRawText());
    }

    [Fact]
    public async Task The_response_says_what_the_command_line_says_of_it()
    {
        await using var broker = Running.Cli.StartBroker();
        await using var reply = await Running.Cli.ReplyAsync(
            broker.Port, "state", "--body", "{}", "--content-type", "application/json", "-H", "device=1", "-H", "device=2");

        var end = await Running.Cli.AskAsync(broker.Port, "state", "--json");
        var line = JsonDocument.Parse(end.Output).RootElement;

        Assert.Equal("application/json", line.GetProperty("contentType").GetString());
        Assert.Equal(
            ["1", "2"],
            line.GetProperty("userProperties").EnumerateArray()
                .Where(p => p.GetProperty("name").GetString() == "device")
                .Select(p => p.GetProperty("value").GetString()));
    }

    [Theory]
    [InlineData("hex", "c3a9\n")]
    [InlineData("base64", "w6k=\n")]
    public async Task Requests_are_printed_in_the_form_that_is_asked_for(string format, string printed)
    {
        await using var broker = Running.Cli.StartBroker();
        await using var reply = await Running.Cli.ReplyAsync(broker.Port, "echo", "--echo", "--format", format, "--count", "1");

        var end = await Running.Cli.AskAsync(broker.Port, "echo", "\u00e9");

        Assert.Equal((0, "\u00e9\n"), (end.ExitCode, end.Output));
        Assert.Equal(printed, (await reply.EndAsync()).Output);
    }

    [Fact]
    public async Task A_responder_that_died_is_known_to_be_gone_at_once()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Windows has no such signals.");
        await using var broker = Running.Cli.StartBroker();
        await using var reply = await Running.Cli.ReplyAsync(broker.Port, "echo", "--echo");
        await reply.KillAsync();
        await reply.EndAsync();

        var end = await Running.Cli.RunAtAsync(broker.Port, "request", "echo", "--timeout", "1m");

        Assert.Equal(5, end.ExitCode);
    }

    [Fact]
    public async Task A_responder_with_a_name_may_come_back_to_its_requests()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Windows has no such signals.");
        await using var broker = Running.Cli.StartBroker();
        await using (var reply = await Running.Cli.ReplyAsync(broker.Port, "echo", "--echo", "--client-id", "device_1"))
        {
            await reply.KillAsync();
            await reply.EndAsync();
        }

        var end = await Running.Cli.RunAtAsync(broker.Port, "request", "echo", "--timeout", "1s");

        Assert.Equal(6, end.ExitCode);
    }

    [Fact]
    public async Task A_responder_on_a_wildcard_answers()
    {
        await using var broker = Running.Cli.StartBroker();
        await using var reply = await Running.Cli.ReplyAsync(broker.Port, "+/relay_1", "--body", "on");

        var end = await Running.Cli.AskAsync(broker.Port, "device_1/relay_1", "1");

        Assert.Equal((0, "on\n"), (end.ExitCode, end.Output));
    }

    [Fact]
    public async Task An_answer_that_the_broker_refuses_is_told()
    {
        await using var broker = Running.Cli.StartBroker();
        await using var owner = await MqttClient.ConnectAsync("127.0.0.1", broker.Port, TestContext.Current.CancellationToken);
        await using var other = await MqttClient.ConnectAsync("127.0.0.1", broker.Port, TestContext.Current.CancellationToken);
        await owner.SubscribeAsync(
            $"{owner.Server!.ResponseInformation}/x",
            (_, _) => ValueTask.CompletedTask,
            cancellationToken: TestContext.Current.CancellationToken);
        await using var reply = await Running.Cli.ReplyAsync(broker.Port, "t", "--echo");

        // A request that names somebody else's Response Topic: who answers it is not asked for by its owner.
        await other.PublishAsync(
            new ApplicationMessage
            {
                Topic = "t",
                Payload = "1"u8.ToArray(),
                QoS = QualityOfService.AtLeastOnce,
                ResponseTopic = $"{owner.Server!.ResponseInformation}/x",
                CorrelationData = new byte[] { 1 },
            },
            TestContext.Current.CancellationToken);

        var line = await reply.ErrorLineAsync("The server has refused the response to a request on «t»: ");
        Assert.Contains("0x87", line, StringComparison.Ordinal);
    }

    [Fact]
    public async Task It_goes_on_when_the_broker_comes_back()
    {
        var first = Running.Cli.StartBroker();
        await using var reply = await Running.Cli.ReplyAsync(first.Port, "echo", "--echo");
        await first.DisposeAsync();
        await reply.ErrorLineAsync("was lost (0x8B ServerShuttingDown: The broker is shutting down); connecting again.");
        await using var second = BrokerHost.Start(new BrokerOptions { Port = first.Port });
        await reply.ErrorLineAsync($"Connected again to 127.0.0.1:{first.Port}.");

        await using var client = await MqttClient.ConnectAsync("127.0.0.1", first.Port, TestContext.Current.CancellationToken);
        await using var requester = new Requester(client, new RequesterOptions { Timeout = TimeSpan.FromMinutes(1) });
        Response? response = null;
        while (response is null)
        {
            try
            {
                response = await requester.RequestAsync("echo", "still there", null, TestContext.Current.CancellationToken);
            }
            catch (NoResponderException)
            {
                // It is connected, and about to subscribe again.
            }
        }

        Assert.Equal("still there", response.Value.Text);
    }

    [Fact]
    public async Task Ctrl_C_is_the_ordinary_end()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Windows has no such signals.");
        await using var broker = Running.Cli.StartBroker();
        await using var reply = await Running.Cli.ReplyAsync(broker.Port, "echo", "--echo");

        await reply.InterruptAsync();

        Assert.Equal(0, (await reply.EndAsync()).ExitCode);
    }

    [Fact]
    public async Task Ctrl_C_before_enough_requests_have_come_is_130()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Windows has no such signals.");
        await using var broker = Running.Cli.StartBroker();
        await using var reply = await Running.Cli.ReplyAsync(broker.Port, "echo", "--echo", "--count", "2");

        await reply.InterruptAsync();

        Assert.Equal(130, (await reply.EndAsync()).ExitCode);
    }
}
