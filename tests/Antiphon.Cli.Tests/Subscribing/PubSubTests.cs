using System.Text.Json;
using Antiphon.Client;
using Antiphon.Interop.Mosquitto;
using Antiphon.Protocol;
using Antiphon.Protocol.Properties;
using Antiphon.Tests.Running;

namespace Antiphon.Cli.Tests.Subscribing;

public sealed class PubSubTests
{
    [Fact]
    public async Task What_is_published_is_printed()
    {
        await using var broker = Running.Cli.StartBroker();
        await using var sub = Running.Cli.StartAt(broker.Port, "sub", "device_1/#", "--count", "2");
        await sub.ErrorLineAsync("subscribed to device_1/#");

        var first = await Running.Cli.RunAtAsync(broker.Port, "pub", "device_1/status", "online");
        var second = await Running.Cli.RunAtAsync(broker.Port, "pub", "device_1/status", "offline", "--qos", "0");
        var end = await sub.EndAsync();

        Assert.Equal((0, "", ""), (first.ExitCode, first.Output, first.Errors));
        Assert.Equal(0, second.ExitCode);
        Assert.Equal((0, "online\noffline\n"), (end.ExitCode, end.Output));
    }

    [Fact]
    public async Task Verbose_puts_the_topic_before_the_payload()
    {
        await using var broker = Running.Cli.StartBroker();
        await using var sub = Running.Cli.StartAt(broker.Port, "sub", "a", "b", "-v", "-C", "1");
        await sub.ErrorLineAsync("subscribed to b");

        await Running.Cli.RunAtAsync(broker.Port, "pub", "b", "x y");

        Assert.Equal("b x y\n", (await sub.EndAsync()).Output);
    }

    [Fact]
    public async Task Json_has_every_property_of_the_message()
    {
        await using var broker = Running.Cli.StartBroker();
        await using var sub = Running.Cli.StartAt(broker.Port, "sub", "a", "--json", "--count", "1");
        await sub.ErrorLineAsync("subscribed to a");
        await using var client = await MqttClient.ConnectAsync("127.0.0.1", broker.Port, TestContext.Current.CancellationToken);
        await client.PublishAsync(
            new ApplicationMessage
            {
                Topic = "a",
                Payload = "1"u8.ToArray(),
                QoS = QualityOfService.AtLeastOnce,
                ContentType = "text/plain",
                ResponseTopic = "answers",
                CorrelationData = new byte[] { 0xCA, 0xFE },
                UserProperties = [new UserProperty("n", "1"), new UserProperty("n", "2")],
            },
            TestContext.Current.CancellationToken);

        var end = await sub.EndAsync();

        Assert.Equal(
            """{"topic":"a","payload":"1","qos":"""
            + """1,"contentType":"text/plain","responseTopic":"answers","correlationData":"cafe","userProperties":"""
            + """[{"name":"n","value":"1"},{"name":"n","value":"2"}]}""",
            Assert.Single(end.Lines));
        Assert.Equal(JsonValueKind.Object, JsonDocument.Parse(end.Output).RootElement.ValueKind);
    }

    [Fact]
    public async Task Properties_are_printed_behind_the_payload()
    {
        await using var broker = Running.Cli.StartBroker();
        await using var sub = Running.Cli.StartAt(broker.Port, "sub", "a/#", "--properties", "--count", "1");
        await sub.ErrorLineAsync("subscribed to a/#");

        await Running.Cli.RunAtAsync(broker.Port, "pub", "a/b", "{}", "--content-type", "application/json", "-H", "n=1", "-H", "n=2");

        Assert.Equal(
            [
                "{}", "  QoS: 1", "  Payload Format Indicator: 1", "  Content Type: application/json",
                "  User Property: n=1", "  User Property: n=2", "  Topic Filter: a/#",
            ],
            (await sub.EndAsync()).Lines);
    }

    [Fact]
    public async Task Json_with_properties_says_also_what_has_its_default()
    {
        await using var broker = Running.Cli.StartBroker();
        await using var sub = Running.Cli.StartAt(broker.Port, "sub", "a/#", "--json", "--properties", "--count", "1");
        await sub.ErrorLineAsync("subscribed to a/#");

        await Running.Cli.RunAtAsync(broker.Port, "pub", "a/b", "1", "--qos", "0");

        Assert.Equal(
            """{"topic":"a/b","payload":"1","qos":0,"retain":false,"dup":false,"payloadIsUtf8":true,"filter":"a/#"}""",
            Assert.Single((await sub.EndAsync()).Lines));
    }

    [Fact]
    public async Task Publishing_to_nobody_works_and_says_so()
    {
        await using var broker = Running.Cli.StartBroker();

        var end = await Running.Cli.RunAtAsync(broker.Port, "pub", "device_1/status", "online");

        Assert.Equal((0, ""), (end.ExitCode, end.Output));
        Assert.Contains("nobody is subscribed to device_1/status", end.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Somebody_elses_Response_Topic_is_denied_with_exit_code_4()
    {
        await using var broker = Running.Cli.StartBroker();
        await using var client = await MqttClient.ConnectAsync("127.0.0.1", broker.Port, TestContext.Current.CancellationToken);

        var end = await Running.Cli.RunAtAsync(broker.Port, "sub", $"{client.Server!.ResponseInformation}/#");

        Assert.Equal((4, ""), (end.ExitCode, end.Output));
        Assert.Contains("0x87", end.Errors, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("5")]
    [InlineData("311")]
    public async Task What_the_broker_keeps_is_printed_and_the_rest_left_out(string version)
    {
        await using var broker = await MosquittoBroker.StartAsync();
        var published = await Running.Cli.RunAtAsync(broker.Port, "pub", "a/kept", "1", "--qos", "2", "--retain", "-V", version);
        await using var sub = Running.Cli.StartAt(
            broker.Port, "sub", "a/#", "--retained-only", "--qos", "2", "--json", "--count", "2", "-V", version);
        await sub.OutputLineAsync("a/kept");

        await Running.Cli.RunAtAsync(broker.Port, "pub", "a/other", "2", "-V", version);
        await sub.InterruptAsync();

        Assert.Equal((0, ""), (published.ExitCode, published.Errors));
        var line = JsonDocument.Parse(Assert.Single((await sub.EndAsync()).Lines)).RootElement;
        Assert.Equal(
            ("a/kept", 2, true),
            (line.GetProperty("topic").GetString(), line.GetProperty("qos").GetInt32(), line.GetProperty("retain").GetBoolean()));
    }

    [Fact]
    public async Task Retain_Handling_2_leaves_out_what_the_broker_keeps_and_the_RETAIN_flag_may_stay()
    {
        await using var broker = await MosquittoBroker.StartAsync();
        await Running.Cli.RunAtAsync(broker.Port, "pub", "a", "kept", "--retain");
        await using var sub = Running.Cli.StartAt(
            broker.Port, "sub", "a", "--retain-handling", "2", "--retain-as-published", "--json", "--count", "1");
        await sub.ErrorLineAsync("subscribed to a");

        await Running.Cli.RunAtAsync(broker.Port, "pub", "a", "new", "--retain");

        var line = JsonDocument.Parse(Assert.Single((await sub.EndAsync()).Lines)).RootElement;
        Assert.Equal(("new", true), (line.GetProperty("payload").GetString(), line.GetProperty("retain").GetBoolean()));
    }

    [Fact]
    public async Task A_reader_that_has_had_enough_ends_the_command_without_a_word()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "There is no /bin/sh.");
        await using var broker = Running.Cli.StartBroker();
        var program = Path.Combine(AppContext.BaseDirectory, "antiphon.dll");
        var sub = $"dotnet '{program}' sub a {string.Join(' ', Running.Cli.At(broker.Port))}";
        await using var pipe = ProgramRun.Start("/bin/sh", ["-c", $"{{ {sub}; echo \"ended with $?\" >&2; }} | head -n 1"]);
        await pipe.ErrorLineAsync("subscribed to a");
        await using var client = await MqttClient.ConnectAsync("127.0.0.1", broker.Port, TestContext.Current.CancellationToken);
        var ending = pipe.EndAsync();
        while (!ending.IsCompleted)
        {
            await client.PublishAsync(
                new ApplicationMessage { Topic = "a", Payload = "1"u8.ToArray(), QoS = QualityOfService.AtLeastOnce },
                TestContext.Current.CancellationToken);
        }

        var end = await ending;

        // As a shell says of a program that SIGPIPE has ended.
        Assert.Equal((0, "1\n", "subscribed to a\nended with 141\n"), (end.ExitCode, end.Output, end.Errors));
    }

    [Theory]
    [InlineData("text", "t \u00e9\n")]
    [InlineData("hex", "t c3a9\n")]
    [InlineData("base64", "t w6k=\n")]
    [InlineData("json", "{\"topic\":\"t\",\"payload\":\"\u00e9\",\"qos\":1,\"retain\":true}\n")]
    public async Task Payloads_are_printed_in_the_form_that_is_asked_for(string format, string printed)
    {
        await using var broker = Running.Cli.StartBroker();
        await Running.Cli.RunAtAsync(broker.Port, "pub", "t", "\u00e9", "--retain");

        var end = await Running.Cli.RunAtAsync(broker.Port, "sub", "t", "-v", "--format", format, "--count", "1");

        Assert.Equal((0, printed), (end.ExitCode, end.Output));
    }

    [Fact]
    public async Task Wait_is_the_ordinary_end_but_with_too_few_messages_a_timeout()
    {
        await using var broker = Running.Cli.StartBroker();
        await Running.Cli.RunAtAsync(broker.Port, "pub", "t", "1", "--retain");

        var all = await Running.Cli.RunAtAsync(broker.Port, "sub", "t", "--wait", "2");
        var tooFew = await Running.Cli.RunAtAsync(broker.Port, "sub", "t", "-W", "2s", "--count", "2", "--quiet");

        Assert.Equal((0, "1\n", "subscribed to t\n"), (all.ExitCode, all.Output, all.Errors));
        Assert.Equal(
            (6, "1\n", "1 of 2 messages came within 2 s. Raise --wait, or ask for a smaller --count.\n"),
            (tooFew.ExitCode, tooFew.Output, tooFew.Errors));
    }

    [Theory]
    [InlineData("0")]
    [InlineData("1")]
    [InlineData("2")]
    public async Task Each_line_of_the_input_is_a_message_and_empty_ones_are_none(string qos)
    {
        await using var broker = Running.Cli.StartBroker();
        await using var sub = Running.Cli.StartAt(broker.Port, "sub", "t", "--count", "603", "--qos", "2");
        await sub.ErrorLineAsync("subscribed to t");
        string[] lines = [.. Enumerable.Range(0, 600).Select(i => $"line {i}"), new string('x', 20_000), "crlf", "the last"];

        await using var pub = ProgramRun.StartBuilt(
            "antiphon",
            ["pub", "t", "--stdin-lines", "--qos", qos, .. Running.Cli.At(broker.Port)],
            string.Join("\n\n", lines).Replace("crlf\n", "crlf\r\n", StringComparison.Ordinal));
        var published = await pub.EndAsync();

        Assert.Equal((0, ""), (published.ExitCode, published.Errors));
        Assert.Equal(lines, (await sub.EndAsync()).Lines);
    }

    [Fact]
    public async Task A_message_may_ask_for_an_answer_and_expire()
    {
        await using var broker = Running.Cli.StartBroker();
        await using var sub = Running.Cli.StartAt(broker.Port, "sub", "t", "--json", "--count", "1");
        await sub.ErrorLineAsync("subscribed to t");

        await Running.Cli.RunAtAsync(
            broker.Port, "pub", "t", "1", "--response-topic", "answers/me", "--correlation-data", "00fF", "--expiry", "1m");

        var line = JsonDocument.Parse(Assert.Single((await sub.EndAsync()).Lines)).RootElement;
        Assert.Equal(
            ("answers/me", "00ff", 60u),
            (
                line.GetProperty("responseTopic").GetString(),
                line.GetProperty("correlationData").GetString(),
                line.GetProperty("messageExpiryInterval").GetUInt32()));
    }

    [Fact]
    public async Task Ctrl_C_is_the_ordinary_end()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Windows has no such signals.");
        await using var broker = Running.Cli.StartBroker();
        await using var sub = Running.Cli.StartAt(broker.Port, "sub", "a");
        await sub.ErrorLineAsync("subscribed to a");

        await sub.InterruptAsync();

        Assert.Equal(0, (await sub.EndAsync()).ExitCode);
    }
}
