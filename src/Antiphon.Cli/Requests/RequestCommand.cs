using System.CommandLine;
using Antiphon.Cli.CommandLine;
using Antiphon.Cli.Connecting;
using Antiphon.Cli.Output;
using Antiphon.Cli.Publishing;
using Antiphon.Protocol;
using Antiphon.Rpc;

namespace Antiphon.Cli.Requests;

/// <summary><c>antiphon request</c>: sends a Request Message and prints what answers it.</summary>
internal static class RequestCommand
{
    public const string Example = """
        antiphon request device_1/relay_1 1
        antiphon request device_1/relay_1 --file firmware.bin --timeout 30s --json
        antiphon request sensors/temperature --replies 3 --timeout 2s
        antiphon request echo ping --count 10000 --concurrency 100
        antiphon request echo ping --count 600 --rate 10 --latency
        antiphon request device_1/firmware --raw > firmware.bin
        antiphon request device_1/state '{"on":true}' --content-type application/json -H trace=42 --response-topic replies/me
        """;

    // With a rate, a slow response must not hold back the requests behind it.
    private const int ConcurrencyWithRate = 1024;

    public static Command Create(Terminal terminal, TimeProvider time)
    {
        var command = new Command("request", "Sends a request and prints the payload of the response.");
        var topic = Values.TopicName("The Topic Name that the responder listens on.");
        command.Arguments.Add(topic);
        var payload = new PayloadOptions(command);
        var properties = new MessagePropertyOptions(command);
        var timeout = Values.Duration(
            "--timeout", "How long to wait for the response, from the moment the request is made: 500ms, 2.5s, 1m. [default: 5s]");
        var qos = Values.QoS("How often the request may arrive: 0 at most once, 1 at least once.");
        var count = Values.Count("--count", "Sends the request so many times and prints a summary.", "-C");
        var concurrency = Values.Count(
            "--concurrency",
            "With --count: how many requests may wait for their response at the same time. [default: 1; with --rate: 1024]");
        var rate = Values.Rate("--rate", "With --count: begins so many requests a second, whether or not earlier ones have been answered.");
        var replies = Values.Count(
            "--replies", "Gathers so many replies to the request, from many responders, until the timeout; fewer end with exit code 8.");
        var json = new Option<bool>("--json")
        {
            Description = "Prints a line of JSON for each response, and for each request that failed.",
        };
        var latency = new Option<bool>("--latency")
        {
            Description = "Says the milliseconds of each response on the standard error, and more percentiles in the summary.",
        };
        var raw = new Option<bool>("--raw") { Description = "Prints the bytes of the payload and no line end behind them." };
        var responseTopic = Values.TopicPrefix(
            "--response-topic",
            "What the Response Topic begins with; / and a random level follow. "
            + "[default: the broker's Response Information, else clients/CLIENT-ID]");
        command.Options.Add(timeout);
        command.Options.Add(qos);
        command.Options.Add(count);
        command.Options.Add(concurrency);
        command.Options.Add(rate);
        command.Options.Add(replies);
        command.Options.Add(latency);
        command.Options.Add(raw);
        command.Options.Add(json);
        command.Options.Add(responseTopic);
        command.Validators.Add(result =>
        {
            if (result.GetResult(rate) is not null && result.GetResult(count) is null)
            {
                result.AddError("--rate says how fast, --count how many: give both.");
            }

            if (result.GetResult(raw) is { Implicit: false } && result.GetResult(json) is { Implicit: false })
            {
                result.AddError("The output is either --raw or --json.");
            }
        });
        var connection = new ConnectionOptions(command, terminal) { NeedsVersion5 = "Requests and responses need" };
        command.SetAction(async (line, interrupted) =>
        {
            var body = await payload.ReadAsync(line, interrupted);
            var settings = new RequestSettings
            {
                Topic = line.GetRequiredValue(topic),
                Payload = body,
                Timeout = line.GetValue(timeout) ?? TimeSpan.FromSeconds(5),
                QoS = line.GetValue(qos) ?? QualityOfService.AtLeastOnce,
                Count = line.GetValue(count),
                Concurrency = line.GetValue(concurrency) ?? (line.GetValue(rate) is null ? 1 : ConcurrencyWithRate),
                Rate = line.GetValue(rate),
                Latency = line.GetValue(latency),
                ContentType = properties.ContentType(line),
                UserProperties = properties.UserProperties(line),
                Replies = line.GetValue(replies),
            };
            await using var client = await connection.ConnectAsync(line, interrupted);
            await using var requester = new Requester(client, new RequesterOptions
            {
                Timeout = settings.Timeout,
                QoS = settings.QoS,
                ResponseTopicPrefix = line.GetValue(responseTopic),
            });
            IRequestReport report = line.GetValue(json) ? new JsonReport(terminal) : new PlainReport(terminal, line.GetValue(raw));
            return (int)await new RequestRun(requester, settings, report, terminal, time).RunAsync(interrupted);
        });
        return command;
    }
}
