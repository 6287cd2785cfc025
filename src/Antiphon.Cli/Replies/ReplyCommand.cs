using System.CommandLine;
using Antiphon.Cli.CommandLine;
using Antiphon.Cli.Connecting;
using Antiphon.Cli.Output;
using Antiphon.Cli.Publishing;
using Antiphon.Protocol;
using Antiphon.Rpc;

namespace Antiphon.Cli.Replies;

/// <summary><c>antiphon reply</c>: a responder made on the command line.</summary>
internal static class ReplyCommand
{
    public const string Example = """
        antiphon reply device_1/relay_1 --body "relay_1 is on"
        antiphon reply 'echo/#' --echo --share workers
        antiphon reply tools/wc --command 'wc -c'
        antiphon reply slow/device --echo --delay 2s --count 1
        antiphon reply device_1/state --body '{"on":true}' --content-type application/json -H device=device_1
        """;

    public static Command Create(Terminal terminal, TimeProvider time)
    {
        var command = new Command("reply", "Answers requests until Ctrl-C, and prints the payload of each, a line each.");
        var filter = new Argument<string>("TOPIC") { Description = "The Topic Name or Topic Filter to answer on." };
        filter.Validators.Add(Values.CheckTopicFilter);
        var echo = new Option<bool>("--echo") { Description = "Answers with the request's own payload." };
        var body = new Option<string?>("--body") { Description = "Answers with this text.", HelpName = "TEXT" };
        var shell = new Option<string?>("--command")
        {
            Description =
                "Answers with what this shell command prints; the request's payload is its standard input, the environment variable "
                + "ANTIPHON_TOPIC its topic. An exit code other than 0 is answered as an error.",
            HelpName = "CMD",
        };
        var share = new Option<string?>("--share", "-g")
        {
            Description = "Shares the requests with all responders that use the same Share Name.",
            HelpName = "NAME",
        };
        var delay = Values.Duration("--delay", "Waits before each answer, for instance 500ms.");
        var count = Values.Count("--count", "Ends after so many requests.", "-C");
        var qos = Values.QoS("The highest QoS to receive requests with.");
        command.Arguments.Add(filter);
        command.Options.Add(echo);
        command.Options.Add(body);
        command.Options.Add(shell);
        var properties = new MessagePropertyOptions(command);
        command.Options.Add(share);
        command.Options.Add(delay);
        command.Options.Add(count);
        command.Options.Add(qos);
        var format = new FormatOptions(command, "Prints a line of JSON for each request.");
        command.Validators.Add(result =>
        {
            var ways = (result.GetResult(echo) is { Implicit: false } ? 1 : 0)
                + (result.GetResult(body) is null ? 0 : 1)
                + (result.GetResult(shell) is null ? 0 : 1);
            if (ways != 1)
            {
                result.AddError("Say how to answer, in one way: --echo, --body TEXT or --command CMD.");
            }
        });
        share.Validators.Add(result =>
        {
            if (result.Tokens is [{ Value: var name }] && (name.Length == 0 || name.AsSpan().ContainsAny('/', '+', '#')))
            {
                result.AddError($"--share «{name}» is not a Share Name; it has one character or more, none of them / + #.");
            }
        });
        var will = new WillSettings(command);
        var connection = new ConnectionOptions(command, terminal) { NeedsVersion5 = "Requests and responses need" };
        command.SetAction(async (line, interrupted) =>
        {
            using var log = new StandardErrorLog(terminal);
            IAnswer payload = line.GetValue(shell) is { } text ? new CommandAnswer(text) : new FixedAnswer(line.GetValue(body));
            var answer = new AnswerWithProperties(payload, properties.ContentType(line), properties.UserProperties(line));
            var options = await connection.ReadAsync(line, interrupted) with { Will = will.Read(line) };
            if (options.ClientId is null)
            {
                // Nobody can come back to such a Session. While the broker kept it, requests would wait for a responder that has gone.
                options = options with { SessionExpiry = TimeSpan.Zero };
            }

            terminal.WatchReader();
            await using var client = await connection.ConnectAsync(options, interrupted);
            await using var responder = new Responder(client, new ResponderOptions { LoggerFactory = log });
            var answering = new Answering(client, answer, terminal, time)
            {
                Delay = line.GetValue(delay) ?? TimeSpan.Zero,
                Count = line.GetValue(count),
                Format = format.Read(line),
            };
            var respondOptions = new RespondOptions
            {
                ShareName = line.GetValue(share),
                MaximumQoS = line.GetValue(qos) ?? QualityOfService.AtLeastOnce,
            };
            return (int)await answering.RunAsync(responder, line.GetRequiredValue(filter), respondOptions, interrupted);
        });
        return command;
    }
}
