using System.Diagnostics;
using Antiphon.Client;
using Antiphon.Protocol;
using Antiphon.Protocol.Packets;
using Antiphon.Rpc.Tests.Servers;
using Antiphon.Rpc.Tests.Timing;

namespace Antiphon.Rpc.Tests.Exchanges;

/// <summary>Requester and responder together, over our own broker and over one that is not ours.</summary>
public sealed class ExchangeTests
{
    private static readonly RequestOptions Patient = new() { Timeout = TimeSpan.FromSeconds(20) };
    private static readonly RequestOptions Long = new() { Timeout = TimeSpan.FromMinutes(2) };

    [Theory]
    [InlineData(Kind.Antiphon)]
    [InlineData(Kind.Mosquitto)]
    public async Task A_request_is_answered(Kind kind)
    {
        await using var server = await Server.StartAsync(kind);
        await using var device = await server.ConnectAsync();
        await using var responder = new Responder(device);
        await responder.RespondAsync("device_1/relay_1", request => request.Text == "1" ? "on" : "off", cancellationToken: Limit.Token);
        await using var client = await server.ConnectAsync();
        await using var requester = new Requester(client);

        var response = await requester.RequestAsync("device_1/relay_1", "1", Patient, Limit.Token);

        Assert.Equal("on", response.Text);
        Assert.Equal(200, response.Status);
        Assert.StartsWith(kind == Kind.Antiphon ? "$reply/" : $"clients/{client.ClientId}/", response.Topic, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(Kind.Antiphon)]
    [InlineData(Kind.Mosquitto)]
    public async Task Bytes_and_QoS_0_work_too(Kind kind)
    {
        await using var server = await Server.StartAsync(kind);
        await using var client = await server.ConnectAsync();
        await using var responder = new Responder(client);
        await responder.RespondAsync(
            "sum", request => new byte[] { (byte)request.Payload.Span.ToArray().Sum(one => one) }, cancellationToken: Limit.Token);
        await using var requester = new Requester(client);

        var response = await requester.RequestAsync(
            "sum", new byte[] { 1, 2, 3 }, Patient with { QoS = QualityOfService.AtMostOnce }, Limit.Token);

        Assert.Equal([6], response.Payload.ToArray());
    }

    [Theory]
    [InlineData(Kind.Antiphon)]
    [InlineData(Kind.Mosquitto)]
    public async Task Objects_travel_as_JSON_and_what_is_none_is_refused(Kind kind)
    {
        await using var server = await Server.StartAsync(kind);
        await using var client = await server.ConnectAsync();
        await using var responder = new Responder(client);
        await responder.RespondAsync<Switch, Relay>(
            "relay", (request, message) => new Relay(request!.On ? 3.3 : 0, message.ContentType), cancellationToken: Limit.Token);
        await using var requester = new Requester(client);

        Assert.Equal(
            new Relay(3.3, "application/json"),
            await requester.RequestAsync<Switch, Relay>("relay", new Switch(true), Patient, Limit.Token));
        Assert.Equal(
            """{"volts":0,"askedAs":null}""", (await requester.RequestAsync("relay", """{"on":false}""", Patient, Limit.Token)).Text);
        var refusal = await Assert.ThrowsAsync<RemoteErrorException>(
            () => requester.RequestAsync("relay", "on!", Patient, Limit.Token).AsTask());
        Assert.Equal(400, refusal.Status);
        Assert.False(refusal.IsApplicationError);
    }

    [Theory]
    [InlineData(Kind.Antiphon)]
    [InlineData(Kind.Mosquitto)]
    public async Task Nobody_there_is_said_without_waiting_for_the_timeout(Kind kind)
    {
        await using var server = await Server.StartAsync(kind);
        await using var client = await server.ConnectAsync();
        await using var requester = new Requester(client, new RequesterOptions { TimeProvider = new ManualTime() });

        await Assert.ThrowsAsync<NoResponderException>(() => requester.RequestAsync("nobody", "1", Patient, Limit.Token).AsTask());
    }

    [Theory]
    [InlineData(Kind.Antiphon)]
    [InlineData(Kind.Mosquitto)]
    public async Task A_thousand_calls_at_once_each_get_their_own_answer(Kind kind)
    {
        await using var server = await Server.StartAsync(kind);
        await using var device = await server.ConnectAsync();
        await using var responder = new Responder(device, new ResponderOptions { MaximumWaiting = 2000 });
        await responder.RespondAsync("echo/+", request => request.Text, cancellationToken: Limit.Token);
        await using var client = await server.ConnectAsync();
        await using var requester = new Requester(client);

        var calls = Enumerable.Range(0, 1500)
            .Select(i => requester.RequestAsync($"echo/{i % 7}", $"{i}", Patient, Limit.Token).AsTask())
            .ToList();

        for (var i = 0; i < calls.Count; i++)
        {
            Assert.Equal($"{i}", (await calls[i]).Text);
        }

        Assert.Equal(0, requester.Counters.Pending);
        Assert.Equal(1500, requester.Counters.Answered);
        Assert.Equal(0, requester.Counters.ForeignResponses + requester.Counters.LateResponses);
    }

    [Theory]
    [InlineData(Kind.Antiphon)]
    [InlineData(Kind.Mosquitto)]
    public async Task Handlers_may_ask_in_turn_over_the_same_client(Kind kind)
    {
        await using var server = await Server.StartAsync(kind);
        await using var client = await server.ConnectAsync();
        await using var requester = new Requester(client);
        await using var responder = new Responder(client);
        await responder.RespondAsync("depth/0", _ => "bottom", cancellationToken: Limit.Token);
        for (var depth = 1; depth <= 5; depth++)
        {
            var below = $"depth/{depth - 1}";
            await responder.RespondAsync(
                $"depth/{depth}",
                async request =>
                {
                    var response = await requester.RequestAsync(below, request.Text, Patient, request.CancellationToken);
                    return $"{response.Text} {request.Text}";
                },
                cancellationToken: Limit.Token);
        }

        var calls = Enumerable.Range(0, 10).Select(i => requester.RequestAsync("depth/5", $"{i}", Patient, Limit.Token).AsTask()).ToList();

        Assert.Equal(
            Enumerable.Range(0, 10).Select(i => $"bottom {i} {i} {i} {i} {i}"),
            (await Task.WhenAll(calls)).Select(response => response.Text));
    }

    [Theory]
    [InlineData(Kind.Antiphon)]
    [InlineData(Kind.Mosquitto)]
    public async Task Slow_handlers_stop_neither_quick_ones_nor_calls_over_the_same_client(Kind kind)
    {
        await using var server = await Server.StartAsync(kind);
        await using var device = await server.ConnectAsync();
        await using var far = await server.ConnectAsync();
        await using var client = await server.ConnectAsync();
        await using var farResponder = new Responder(far);
        await using var responder = new Responder(device);
        await using var inner = new Requester(device);
        await using var requester = new Requester(client);
        var go = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await farResponder.RespondAsync("far", request => "far " + request.Text, cancellationToken: Limit.Token);
        await responder.RespondAsync("quick", request => request.Text, cancellationToken: Limit.Token);
        await responder.RespondAsync(
            "slow",
            async request =>
            {
                await go.Task;
                return request.Text;
            },
            cancellationToken: Limit.Token);
        await responder.RespondAsync(
            "ask",
            async request => (await inner.RequestAsync("far", request.Text, Patient, Limit.Token)).Text,
            cancellationToken: Limit.Token);
        var slow = Enumerable.Range(0, 3).Select(i => requester.RequestAsync("slow", $"{i}", Long, Limit.Token).AsTask()).ToList();

        // More than the device's Receive Maximum, beside a handler that asks in turn.
        var quick = Enumerable.Range(0, 50).Select(async caller =>
        {
            for (var i = 0; i < 60; i++)
            {
                Assert.Equal($"{caller}", (await requester.RequestAsync("quick", $"{caller}", Patient, Limit.Token)).Text);
            }
        }).ToList();
        for (var i = 0; i < 20; i++)
        {
            Assert.Equal($"far {i}", (await requester.RequestAsync("ask", $"{i}", Patient, Limit.Token)).Text);
        }

        await Task.WhenAll(quick);
        Assert.DoesNotContain(slow, call => call.IsCompleted);
        go.SetResult();
        Assert.Equal(["0", "1", "2"], (await Task.WhenAll(slow)).Select(response => response.Text));
    }

    [Theory]
    [InlineData(Kind.Antiphon)]
    [InlineData(Kind.Mosquitto)]
    public async Task A_QoS_2_request_is_run_once_and_answered_with_QoS_2_where_a_registration_asks_for_that(Kind kind)
    {
        await using var server = await Server.StartAsync(kind);
        await using var device = await server.ConnectAsync();
        await using var client = await server.ConnectAsync();
        await using var responder = new Responder(device);
        await responder.RespondAsync(
            "t", request => request.Text, new RespondOptions { MaximumQoS = QualityOfService.ExactlyOnce }, Limit.Token);
        var answers = new List<ApplicationMessage>();
        var all = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await client.SubscribeAsync(
            "r/1",
            (message, _) =>
            {
                answers.Add(message.Message);
                if (answers.Count == 10)
                {
                    all.SetResult();
                }

                return ValueTask.CompletedTask;
            },
            new SubscribeOptions { MaximumQoS = QualityOfService.ExactlyOnce },
            Limit.Token);
        for (var i = 0; i < 10; i++)
        {
            await client.PublishAsync(
                new ApplicationMessage
                {
                    Topic = "t",
                    Payload = new[] { (byte)i },
                    QoS = QualityOfService.ExactlyOnce,
                    ResponseTopic = "r/1",
                },
                Limit.Token);
        }

        await all.Task.InTime();
        Assert.All(answers, answer => Assert.Equal(QualityOfService.ExactlyOnce, answer.QoS));
        Assert.Equal(Enumerable.Range(0, 10).Select(i => (byte)i), answers.Select(answer => answer.Payload.Span[0]).Order());
        Assert.Equal((10, 10), (responder.Counters.Requests, responder.Counters.Answered));
    }

    [Theory]
    [InlineData(Kind.Antiphon)]
    [InlineData(Kind.Mosquitto)]
    public async Task A_burst_to_a_trivial_handler_is_not_refused_with_the_defaults(Kind kind)
    {
        await using var server = await Server.StartAsync(kind);
        await using var device = await server.ConnectAsync();
        await using var client = await server.ConnectAsync();
        await using var responder = new Responder(device);
        await using var requester = new Requester(client);
        await responder.RespondAsync("trivial", request => request.Text, cancellationToken: Limit.Token);
        foreach (var qos in new[] { QualityOfService.AtMostOnce, QualityOfService.AtLeastOnce })
        {
            var calls = Enumerable.Range(0, 500)
                .Select(i => requester.RequestAsync("trivial", $"{i}", Patient with { QoS = qos }, Limit.Token).AsTask());

            Assert.Equal(Enumerable.Range(0, 500).Select(i => $"{i}"), (await Task.WhenAll(calls)).Select(response => response.Text));
        }
    }

    [Theory]
    [InlineData(Kind.Antiphon)]
    [InlineData(Kind.Mosquitto)]
    public async Task A_blocking_handler_that_asks_in_turn_does_not_stop_the_client(Kind kind)
    {
        await using var server = await Server.StartAsync(kind);
        await using var client = await server.ConnectAsync();
        await using var requester = new Requester(client);
        await using var responder = new Responder(client);
        await responder.RespondAsync("inner", _ => "inner", cancellationToken: Limit.Token);
#pragma warning disable xUnit1031 // Blocking is what is tested.
        await responder.RespondAsync(
            "outer",
            Reply (_) => requester.RequestAsync("inner", "", Patient, Limit.Token).AsTask().GetAwaiter().GetResult().Text,
            cancellationToken: Limit.Token);
#pragma warning restore xUnit1031

        Assert.Equal("inner", (await requester.RequestAsync("outer", "", Patient, Limit.Token)).Text);
    }

    [Theory]
    [InlineData(Kind.Antiphon)]
    [InlineData(Kind.Mosquitto)]
    public async Task Responders_of_one_share_name_divide_the_requests(Kind kind)
    {
        await using var server = await Server.StartAsync(kind);
        await using var first = await server.ConnectAsync();
        await using var second = await server.ConnectAsync();
        await using var one = new Responder(first);
        await using var two = new Responder(second);
        await one.RespondAsync("work", _ => "one", new RespondOptions { ShareName = "g" }, Limit.Token);
        await two.RespondAsync("work", _ => "two", new RespondOptions { ShareName = "g" }, Limit.Token);
        await using var client = await server.ConnectAsync();
        await using var requester = new Requester(client);

        var answers = new List<string>();
        for (var i = 0; i < 20; i++)
        {
            answers.Add((await requester.RequestAsync("work", $"{i}", Patient, Limit.Token)).Text);
        }

        Assert.Equal(["one", "two"], answers.Distinct().Order());
        Assert.Equal(20, one.Counters.Answered + two.Counters.Answered);
    }

    [Theory]
    [InlineData(Kind.Antiphon)]
    [InlineData(Kind.Mosquitto)]
    public async Task Overload_is_a_remote_error_with_the_time_to_ask_again(Kind kind)
    {
        await using var server = await Server.StartAsync(kind);
        await using var device = await server.ConnectAsync();
        await using var responder = new Responder(
            device,
            new ResponderOptions { MaximumConcurrency = 1, MaximumWaiting = 0, RetryAfter = TimeSpan.FromMilliseconds(40) });
        var go = new TaskCompletionSource();
        var running = new TaskCompletionSource();
        await responder.RespondAsync(
            "work",
            async _ =>
            {
                running.TrySetResult();
                await go.Task;
                return "done";
            },
            cancellationToken: Limit.Token);
        await using var client = await server.ConnectAsync();
        await using var requester = new Requester(client);
        var first = requester.RequestAsync("work", "", Patient, Limit.Token).AsTask();
        await running.Task.InTime();

        var refusal = await Assert.ThrowsAsync<RemoteErrorException>(
            () => requester.RequestAsync("work", "", Patient, Limit.Token).AsTask());

        Assert.Equal(429, refusal.Status);
        Assert.Equal(TimeSpan.FromMilliseconds(40), refusal.RetryAfter);
        go.SetResult();
        Assert.Equal("done", (await first).Text);
    }

    [Theory]
    [InlineData(Kind.Antiphon)]
    [InlineData(Kind.Mosquitto)]
    public async Task Many_responders_are_gathered_from(Kind kind)
    {
        await using var server = await Server.StartAsync(kind);
        await using var first = await server.ConnectAsync();
        await using var second = await server.ConnectAsync();
        await using var one = new Responder(first);
        await using var two = new Responder(second);
        await one.RespondAsync("who", _ => "one", cancellationToken: Limit.Token);
        await two.RespondAsync("who", _ => "two", cancellationToken: Limit.Token);
        await using var requester = new Requester(first);

        var replies = new List<string>();
        var options = new GatherOptions { Replies = 2, Request = Patient };
        await foreach (var reply in requester.GatherAsync("who", default, options, Limit.Token))
        {
            replies.Add(reply.Text);
        }

        Assert.Equal(["one", "two"], replies.Order());
    }

    [Theory]
    [InlineData(Kind.Antiphon)]
    [InlineData(Kind.Mosquitto)]
    public async Task A_responder_that_dies_leaves_a_timeout_that_says_that_the_request_was_taken(Kind kind)
    {
        await using var server = await Server.StartAsync(kind);
        await using var cable = new Cable(server.Port);
        var device = await MqttClient.ConnectAsync(
            server.Options with
            {
                Port = cable.Port,
                SessionExpiry = TimeSpan.Zero,
                ReconnectDelay = TimeSpan.FromMinutes(1),
                MaximumReconnectDelay = TimeSpan.FromMinutes(1),
                Will = new Will(new ApplicationMessage { Topic = "gone" }),
            },
            Limit.Token);
        var responder = new Responder(device, new ResponderOptions { DrainTimeout = TimeSpan.Zero });
        var running = new TaskCompletionSource();
        await responder.RespondAsync(
            "work",
            async request =>
            {
                running.SetResult();
                await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, request.CancellationToken);
                return "";
            },
            cancellationToken: Limit.Token);
        await using var client = await server.ConnectAsync();
        var gone = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await client.SubscribeAsync(
            "gone",
            (_, _) =>
            {
                gone.SetResult();
                return default;
            },
            cancellationToken: Limit.Token);
        var time = new ManualTime();
        await using var requester = new Requester(client, new RequesterOptions { TimeProvider = time });
        var call = requester.RequestAsync("work", "", Long, Limit.Token).AsTask();
        await running.Task.InTime();
        await Wait.Until(() => requester.Counters.Acknowledged == 1);
        cable.Cut();
        time.Advance(Long.Timeout!.Value);

        Assert.Equal(RequestProgress.Acknowledged, (await Assert.ThrowsAsync<RequestTimeoutException>(() => call)).Progress);
        await gone.Task.InTime();
        await Assert.ThrowsAsync<NoResponderException>(() => requester.RequestAsync("work", "", Patient, Limit.Token).AsTask());
        await responder.DisposeAsync();
        await device.DisposeAsync();
    }

    [Theory]
    [InlineData(Kind.Antiphon)]
    [InlineData(Kind.Mosquitto)]
    public async Task The_answer_waits_for_a_requester_whose_connection_was_cut(Kind kind)
    {
        await using var server = await Server.StartAsync(kind);
        await using var device = await server.ConnectAsync();
        await using var responder = new Responder(device);
        await using var cable = new Cable(server.Port);
        await using var client = await MqttClient.ConnectAsync(server.Options with { Port = cable.Port }, Limit.Token);
        await using var requester = new Requester(client);
        var acknowledged = new TaskCompletionSource();
        await responder.RespondAsync(
            "work",
            async request =>
            {
                await acknowledged.Task;
                cable.Cut();
                return "after all";
            },
            cancellationToken: Limit.Token);

        var call = requester.RequestAsync("work", "", Patient, Limit.Token).AsTask();
        await Wait.Until(() => requester.Counters.Acknowledged == 1);
        acknowledged.SetResult();

        Assert.Equal("after all", (await call).Text);
    }

    [Theory]
    [InlineData(Kind.Antiphon)]
    [InlineData(Kind.Mosquitto)]
    public async Task A_responder_whose_connection_was_cut_answers_and_does_not_run_the_request_again(Kind kind)
    {
        await using var server = await Server.StartAsync(kind);
        await using var cable = new Cable(server.Port);
        await using var device = await MqttClient.ConnectAsync(server.Options with { Port = cable.Port }, Limit.Token);
        await using var responder = new Responder(device);
        var runs = 0;
        await responder.RespondAsync(
            "work",
            request =>
            {
                cable.Cut();
                return $"run {Interlocked.Increment(ref runs)}";
            },
            cancellationToken: Limit.Token);
        await using var client = await server.ConnectAsync();
        await using var requester = new Requester(client);

        Assert.Equal("run 1", (await requester.RequestAsync("work", "", Patient, Limit.Token)).Text);
        await Wait.Until(() => responder.Counters.Repeated == 1);
        Assert.Equal(1, runs);
    }

    [Theory]
    [InlineData(Kind.Antiphon)]
    [InlineData(Kind.Mosquitto)]
    public async Task A_late_answer_completes_nothing(Kind kind)
    {
        await using var server = await Server.StartAsync(kind);
        await using var device = await server.ConnectAsync();
        await using var client = await server.ConnectAsync();
        var time = new ManualTime();
        await using var requester = new Requester(client, new RequesterOptions { TimeProvider = time });
        var requests = new TaskCompletionSource<ReceivedMessage>();
        await device.SubscribeAsync(
            "work",
            (message, _) =>
            {
                requests.TrySetResult(message);
                return default;
            },
            cancellationToken: Limit.Token);
        var call = requester.RequestAsync("work", "", Long, Limit.Token).AsTask();
        var request = (await requests.Task.InTime()).Message;
        time.Advance(Long.Timeout!.Value);
        await Assert.ThrowsAsync<RequestTimeoutException>(() => call);

        await device.PublishAsync(
            new ApplicationMessage
            {
                Topic = request.ResponseTopic!,
                CorrelationData = request.CorrelationData,
                QoS = QualityOfService.AtLeastOnce,
            },
            Limit.Token);
        await Wait.Until(() => requester.Counters.LateResponses == 1);
    }

    [Theory]
    [InlineData(Kind.Antiphon)]
    [InlineData(Kind.Mosquitto)]
    public async Task A_device_that_knows_only_MQTT_5_is_a_responder(Kind kind)
    {
        await using var server = await Server.StartAsync(kind);
        await using var device = await server.ConnectAsync();
        await device.SubscribeAsync(
            "reading",
            async (message, token) => await device.PublishAsync(
                new ApplicationMessage
                {
                    Topic = message.Message.ResponseTopic!,
                    CorrelationData = message.Message.CorrelationData,
                    Payload = "21.5"u8.ToArray(),
                },
                token),
            cancellationToken: Limit.Token);
        await using var client = await server.ConnectAsync();
        await using var requester = new Requester(client);

        var response = await requester.RequestAsync("reading", options: Patient, cancellationToken: Limit.Token);

        Assert.Equal("21.5", response.Text);
        Assert.Null(response.Status);
    }

    [Theory]
    [InlineData(Kind.Antiphon)]
    [InlineData(Kind.Mosquitto)]
    public async Task Mosquitto_rr_is_answered(Kind kind)
    {
        const string Program = "/usr/bin/mosquitto_rr";
        if (!File.Exists(Program))
        {
            const string Absent = $"{Program} is not installed (Debian: apt-get install mosquitto-clients).";
            Assert.SkipUnless(Environment.GetEnvironmentVariable("CI") == "true", Absent);
            Assert.Fail(Absent);
        }

        await using var server = await Server.StartAsync(kind);
        await using var device = await server.ConnectAsync();
        await using var responder = new Responder(device);
        await responder.RespondAsync("device_1/+", request => $"{request.Text} volts", cancellationToken: Limit.Token);

        using var process = Process.Start(new ProcessStartInfo(
            Program,
            [
                "-V", "5", "-h", "127.0.0.1", "-p", $"{server.Port}", "-q", "1", "-t", "device_1/relay_1", "-e", "answers/1",
                "-D", "publish", "correlation-data", "abc", "-m", "3.3", "-W", "20",
            ])
        {
            RedirectStandardOutput = true,
        })!;
        var output = await process.StandardOutput.ReadToEndAsync(Limit.Token).InTime();
        await process.WaitForExitAsync(Limit.Token);

        Assert.Equal("3.3 volts\n", output);
    }

    [Theory]
    [InlineData(Kind.Antiphon)]
    [InlineData(Kind.Mosquitto)]
    public async Task Ending_a_responder_fails_no_call(Kind kind)
    {
        await using var server = await Server.StartAsync(kind);
        await using var first = await server.ConnectAsync();
        await using var second = await server.ConnectAsync();
        var one = new Responder(first, new ResponderOptions { DrainTimeout = TimeSpan.FromMinutes(2) });
        await using var two = new Responder(second);
        await one.RespondAsync("work", AnswerAsync, new RespondOptions { ShareName = "g" }, Limit.Token);
        await two.RespondAsync("work", AnswerAsync, new RespondOptions { ShareName = "g" }, Limit.Token);
        await using var client = await server.ConnectAsync();
        await using var requester = new Requester(client);

        var calls = new List<Task<Response>>();
        for (var i = 0; i < 200; i++)
        {
            calls.Add(requester.RequestAsync("work", $"{i}", Patient, Limit.Token).AsTask());
            if (i == 100)
            {
                await Wait.Until(() => one.Counters.Requests > 0);
                await one.DisposeAsync();
            }
        }

        Assert.Equal(Enumerable.Range(0, 200).Select(i => $"{i}"), (await Task.WhenAll(calls)).Select(response => response.Text));

        static async Task<Reply> AnswerAsync(Request request)
        {
            await Task.Yield();
            return request.Text;
        }
    }

    private sealed record Switch(bool On);

    private sealed record Relay(double Volts, string? AskedAs);
}
