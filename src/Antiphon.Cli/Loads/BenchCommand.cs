using System.CommandLine;
using Antiphon.Cli.Output;
using Antiphon.Client;
using Antiphon.Protocol;
using Antiphon.Rpc;

namespace Antiphon.Cli.Loads;

/// <summary><c>antiphon bench</c>: loads a broker and says how it did.</summary>
internal static class BenchCommand
{
    public const string Example = """
        antiphon bench request --clients 16 --concurrency 4
        antiphon bench pub --qos 1 --size 1024 --duration 10s --json
        antiphon bench conn --clients 8
        """;

    public const string RequestExample = """
        antiphon bench request --clients 16 --concurrency 4 --duration 10s
        antiphon bench request --topic device_1/echo --qos 0 --json
        """;

    public const string PubExample = "antiphon bench pub --clients 4 --qos 1 --size 1024 --json";

    public const string SubExample = "antiphon bench sub --clients 100 --concurrency 4 --qos 0";

    public const string ConnExample = "antiphon bench conn --clients 8 --duration 10s";

    public static Command Create(Terminal terminal, TimeProvider time, Action<Command, string> addExample)
    {
        var command = new Command(
            "bench",
            "Loads a broker for a while and prints the rate, the percentiles and the failures. "
            + "The load shares this machine with the broker, if it runs here.");
        var request = new Bench(
            "request",
            "Requests and their responses, one after another from each worker; the time is the round trip.",
            "round trips",
            terminal,
            time);
        var topic = new Option<string?>("--topic")
        {
            Description = "Where a responder listens; without it, the program answers its own requests.",
            HelpName = "TOPIC",
        };
        request.Command.Options.Add(topic);
        request.Command.SetAction(
            (line, interrupted) => request.RunAsync(
                line, (run, cancellationToken) => PrepareRequestsAsync(run, line.GetValue(topic), cancellationToken), interrupted));
        var pub = new Bench(
            "pub", "Messages to nobody; the time is that to PUBACK, with QoS 0 that to the output buffer.", "messages", terminal, time);
        pub.Command.SetAction((line, interrupted) => pub.RunAsync(line, PreparePublishingAsync, interrupted));
        var sub = new Bench(
            "sub",
            "Messages to --clients subscribers, the next when all have the last; the time is that from publisher to subscriber.",
            "deliveries",
            terminal,
            time);
        sub.Command.SetAction(
            (line, interrupted) => sub.RunAsync(
                line, (run, cancellationToken) => PrepareSubscribingAsync(run, time, cancellationToken), interrupted));
        var conn = new Bench("conn", "Connections made and closed; the time is that to CONNACK.", "connections", terminal, time);
        conn.Command.SetAction(
            (line, interrupted) => conn.RunAsync(line, (run, _) => Task.FromResult(PrepareConnecting(run, time)), interrupted));
        Add(request, RequestExample);
        Add(pub, PubExample);
        Add(sub, SubExample);
        Add(conn, ConnExample);
        return command;

        void Add(Bench bench, string example)
        {
            command.Subcommands.Add(bench.Command);
            addExample(bench.Command, example);
        }
    }

    private static async Task<Func<int, CancellationToken, Task>> PrepareRequestsAsync(
        BenchRun run, string? topic, CancellationToken cancellationToken)
    {
        if (topic is null)
        {
            topic = run.Topic;
            var responder = run.Own(new Responder(await run.ConnectAsync(cancellationToken)));
            await responder.RespondAsync(topic, request => request.Payload, new RespondOptions { MaximumQoS = run.QoS }, cancellationToken);
        }

        var requesters = new List<Requester>();
        for (var i = 0; i < run.Clients; i++)
        {
            requesters.Add(run.Own(new Requester(await run.ConnectAsync(cancellationToken), new RequesterOptions { QoS = run.QoS })));
        }

        var payload = new byte[run.Size];
        return async (worker, interrupted) =>
        {
            var response = await requesters[worker % run.Clients].RequestAsync(topic, payload, cancellationToken: interrupted);
            run.Load.Times.Add(response.Elapsed);
        };
    }

    private static async Task<Func<int, CancellationToken, Task>> PreparePublishingAsync(BenchRun run, CancellationToken cancellationToken)
    {
        var clients = await run.ConnectAllAsync(cancellationToken);
        var message = new ApplicationMessage { Topic = run.Topic, Payload = new byte[run.Size], QoS = run.QoS };
        return async (worker, interrupted) =>
        {
            var started = run.Time.GetTimestamp();
            await clients[worker % run.Clients].PublishAsync(message, interrupted);
            run.Load.Times.Add(run.Time.GetElapsedTime(started));
        };
    }

    private static async Task<Func<int, CancellationToken, Task>> PrepareSubscribingAsync(
        BenchRun run, TimeProvider time, CancellationToken cancellationToken)
    {
        var workers = Enumerable.Range(0, run.Concurrency).Select(_ => new FanOut(run.Clients, run.Load.Times, time)).ToArray();
        foreach (var client in await run.ConnectAllAsync(cancellationToken))
        {
            await client.SubscribeAsync(run.Topic, Arrived, new SubscribeOptions { MaximumQoS = run.QoS }, cancellationToken);
        }

        var publisher = await run.ConnectAsync(cancellationToken);
        return async (worker, interrupted) =>
        {
            var payload = new byte[Math.Max(run.Size, FanOut.Header)];
            var message = new ApplicationMessage { Topic = run.Topic, Payload = payload, QoS = run.QoS };
            await workers[worker].PublishAsync(payload, worker, () => publisher.PublishAsync(message, interrupted), interrupted);
        };

        ValueTask Arrived(ReceivedMessage message, CancellationToken token)
        {
            workers[FanOut.WorkerOf(message.Payload.Span)].Arrived(message.Payload.Span);
            return ValueTask.CompletedTask;
        }
    }

    private static Func<int, CancellationToken, Task> PrepareConnecting(BenchRun run, TimeProvider time) => async (_, interrupted) =>
    {
        var started = time.GetTimestamp();
        await using var client = await MqttClient.ConnectAsync(run.Options, interrupted);
        run.Load.Times.Add(time.GetElapsedTime(started));
    };
}
