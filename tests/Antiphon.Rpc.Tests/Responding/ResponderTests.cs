using System.Text;
using Antiphon.Client;
using Antiphon.Protocol;
using Antiphon.Protocol.Packets;
using Antiphon.Protocol.Properties;
using Antiphon.Rpc.Tests.Servers;
using Antiphon.Rpc.Tests.Timing;
using Microsoft.Extensions.Logging;

namespace Antiphon.Rpc.Tests.Responding;

/// <summary>
/// What a responder does with requests, with a server that does exactly what the test says and a clock that the test turns.
/// </summary>
public sealed class ResponderTests : IDisposable
{
    // Most tests leave answers unacknowledged, which is nothing to wait for at the end.
    private static readonly ResponderOptions Defaults = new() { DrainTimeout = TimeSpan.Zero };

    private readonly ManualTime _time = new();
    private readonly OneThread _thread = new();
    private readonly ScriptedServer _server;
    private MqttClient _client = null!;
    private readonly Responder _responder;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public ResponderTests()
    {
        _server = new ScriptedServer(_thread);
        _thread.RunTest(async () => _client = await _server.ConnectAsync());
        _responder = new Responder(_client, Defaults with { TimeProvider = _time });
    }

    public void Dispose() => _thread.RunTest(async () =>
    {
        await _responder.DisposeAsync();
        await _client.DisposeAsync();
        _server.Dispose();
    });

    [Fact]
    public void A_request_is_answered_and_then_acknowledged() => _thread.RunTest(async () =>
    {
        await _responder.RespondAsync("relay/+", request => $"{request.Topic} is {request.Text}", cancellationToken: Token);
        var identifier = _server.Deliver(Request(1, "on"));

        var answer = await _server.PublishAsync();
        Assert.Equal("r/1", answer.Message.Topic);
        Assert.Equal("relay/1 is on", Text(answer));
        Assert.Equal(QualityOfService.AtLeastOnce, answer.Message.QoS);
        Assert.Equal(Request(1).CorrelationData!.Value.ToArray(), answer.Message.CorrelationData!.Value.ToArray());
        Assert.True(answer.Message.PayloadIsUtf8);
        Assert.Equal(5u, answer.Message.MessageExpiryInterval);
        Assert.Null(answer.Message.ResponseTopic);
        Assert.Equal([new("__stat", "200"), new("__protVer", "1.0")], answer.Message.UserProperties);
        _server.Acknowledge(answer);
        Assert.Equal(identifier, (await _server.PubAckAsync()).PacketIdentifier.Value);
        Assert.Equal(new ResponderCounters { Requests = 1, Answered = 1 }, _responder.Counters);
    });

    [Fact]
    public void A_handler_sees_all_of_the_request() => _thread.RunTest(async () =>
    {
        var seen = new TaskCompletionSource();
        await _responder.RespondAsync(
            "relay/+",
            request =>
            {
                try
                {
                    Assert.Equal("relay/1", request.Topic);
                    Assert.Equal("1", request.Text);
                    Assert.Equal("1"u8.ToArray(), request.Payload.ToArray());
                    Assert.Equal(Request(1).CorrelationData!.Value.ToArray(), request.CorrelationData.ToArray());
                    Assert.Equal("a/b", request.ContentType);
                    Assert.True(request.PayloadIsUtf8);
                    Assert.Equal("r/1", request.ResponseTopic);
                    Assert.Equal(QualityOfService.AtLeastOnce, request.QoS);
                    Assert.True(request.IsRedelivery);
                    Assert.Equal(TimeSpan.FromSeconds(4.5), request.Remaining);
                    Assert.Contains(new UserProperty("__protVer", "1.0"), request.UserProperties);
                    _time.Advance(TimeSpan.FromSeconds(2));
                    Assert.Equal(TimeSpan.FromSeconds(2.5), request.Remaining);
                    seen.SetResult();
                }
                catch (Exception exception)
                {
                    seen.SetException(exception);
                }

                return new Reply { Payload = new byte[] { 1 }, ContentType = "x/y", UserProperties = [new("mine", "1")] };
            },
            cancellationToken: Token);
        _server.Deliver(Request(1) with { ContentType = "a/b", PayloadIsUtf8 = true }, dup: true);

        await seen.Task;
        var answer = (await _server.PublishAsync()).Message;
        Assert.Equal("x/y", answer.ContentType);
        Assert.Contains(new UserProperty("mine", "1"), answer.UserProperties);
    });

    [Fact]
    public void A_request_may_be_used_until_its_handler_has_ended() => _thread.RunTest(async () =>
    {
        Request? kept = null;
        var token = CancellationToken.None;
        await _responder.RespondAsync(
            "relay/+",
            request =>
            {
                kept = request;
                token = request.CancellationToken;
                return request.Payload;
            },
            cancellationToken: Token);
        _server.Deliver(Request(1, "echo"));

        var answer = await _server.PublishAsync();
        Assert.Equal("echo", Text(answer));
        _server.Acknowledge(answer);
        await _server.PubAckAsync();
        var request = kept!;
        Assert.Contains("Copy what is to be kept", Assert.Throws<ObjectDisposedException>(() => request.Payload).Message);
        Assert.Throws<ObjectDisposedException>(() => request.Topic);
        Assert.Throws<ObjectDisposedException>(() => request.ResponseTopic);
        Assert.Throws<ObjectDisposedException>(() => request.UserProperties);
        Assert.Throws<ObjectDisposedException>(() => request.CancellationToken);
        Assert.False(token.IsCancellationRequested);
    });

    [Fact]
    public void A_QoS_0_request_is_answered_with_QoS_0_and_a_foreign_one_with_its_own_Correlation_Data() => _thread.RunTest(async () =>
    {
        await _responder.RespondAsync("relay/+", _ => "ok", cancellationToken: Token);
        _server.Deliver(new ApplicationMessage { Topic = "relay/1", ResponseTopic = "r/x", CorrelationData = "abc"u8.ToArray() });
        var answer = (await _server.PublishAsync()).Message;
        Assert.Equal(QualityOfService.AtMostOnce, answer.QoS);
        Assert.Equal("abc"u8.ToArray(), answer.CorrelationData!.Value.ToArray());
        Assert.Null(answer.MessageExpiryInterval);

        _server.Deliver(new ApplicationMessage { Topic = "relay/1", ResponseTopic = "r/x" });
        Assert.Null((await _server.PublishAsync()).Message.CorrelationData);
        _server.Deliver(new ApplicationMessage { Topic = "relay/1", ResponseTopic = "r/x", CorrelationData = Array.Empty<byte>() });
        Assert.Empty((await _server.PublishAsync()).Message.CorrelationData!.Value.ToArray());
    });

    [Fact]
    public void A_message_without_Response_Topic_is_run_and_acknowledged_and_nobody_is_answered() => _thread.RunTest(async () =>
    {
        var ran = new TaskCompletionSource<string?>();
        await _responder.RespondAsync(
            "relay/+",
            request =>
            {
                ran.SetResult(request.ResponseTopic);
                return "unheard";
            },
            cancellationToken: Token);
        var identifier = _server.Deliver(new ApplicationMessage { Topic = "relay/1", QoS = QualityOfService.AtLeastOnce });

        Assert.Null(await ran.Task);
        Assert.Equal(identifier, (await _server.PubAckAsync()).PacketIdentifier.Value);
        Assert.Equal(new ResponderCounters { Requests = 1, Notifications = 1 }, _responder.Counters);
    });

    [Fact]
    public void What_a_handler_throws_is_hidden_by_default() => _thread.RunTest(async () =>
    {
        await _responder.RespondAsync("relay/+", Reply (_) => throw new InvalidOperationException("the secret"), cancellationToken: Token);
        _server.Deliver(Request(1));

        var answer = (await _server.PublishAsync()).Message;
        Assert.Equal(
            [new("__stat", "500"), new("__stMsg", "The handler failed."), new("__apErr", "true"), new("__protVer", "1.0")],
            answer.UserProperties);
        Assert.Equal(1, _responder.Counters.HandlerFailures);
        Assert.Equal(Request(1).CorrelationData!.Value.ToArray(), answer.CorrelationData!.Value.ToArray());
    });

    [Fact]
    public void What_a_handler_throws_is_told_if_so_chosen() => _thread.RunTest(async () =>
    {
        await using var responder = new Responder(_client, Defaults with { ExposeExceptions = true });
        await responder.RespondAsync(
            "relay/+", Task<Reply> (_) => throw new InvalidOperationException("no such relay"), cancellationToken: Token);
        _server.Deliver(Request(1));

        Assert.Contains(new UserProperty("__stMsg", "no such relay"), (await _server.PublishAsync()).Message.UserProperties);
    });

    [Fact]
    public void An_error_of_the_application_is_answered_as_it_is() => _thread.RunTest(async () =>
    {
        await _responder.RespondAsync(
            "relay/+",
            request => request.Text == "throw" ? throw new ReplyException(404, "no relay 9") : Reply.Error(409, "busy"),
            cancellationToken: Token);
        _server.Deliver(Request(1, "throw"));
        Assert.Equal(
            [new("__stat", "404"), new("__stMsg", "no relay 9"), new("__apErr", "true"), new("__protVer", "1.0")],
            (await _server.PublishAsync()).Message.UserProperties);
        _server.Deliver(Request(2));
        Assert.Contains(new UserProperty("__stat", "409"), (await _server.PublishAsync()).Message.UserProperties);
        Assert.Equal(0, _responder.Counters.HandlerFailures);
    });

    [Fact]
    public void A_request_that_comes_again_is_answered_again_and_not_run_again() => _thread.RunTest(async () =>
    {
        var runs = 0;
        await _responder.RespondAsync("relay/+", _ => $"run {Interlocked.Increment(ref runs)}", cancellationToken: Token);
        var identifier = _server.Deliver(Request(1));
        _server.Acknowledge(await _server.PublishAsync());
        await _server.PubAckAsync();
        _time.Advance(TimeSpan.FromSeconds(2));
        _server.Deliver(Request(1) with { MessageExpiryInterval = 3 }, dup: true, identifier);

        var again = await _server.PublishAsync();
        Assert.Equal("run 1", Text(again));
        Assert.Equal(3u, again.Message.MessageExpiryInterval);
        _server.Acknowledge(again);
        await _server.PubAckAsync();
        Assert.Equal(1, _responder.Counters.Repeated);
        Assert.Equal(1, _responder.Counters.Answered);
    });

    [Fact]
    public void A_request_that_comes_again_while_it_runs_waits_for_the_one_answer() => _thread.RunTest(async () =>
    {
        var go = new TaskCompletionSource();
        var runs = 0;
        await _responder.RespondAsync(
            "relay/+",
            async _ =>
            {
                runs++;
                await go.Task;
                return "done";
            },
            cancellationToken: Token);
        _server.Deliver(Request(1));
        _server.Deliver(Request(1));
        _thread.Settle();
        go.SetResult();

        var answer = await _server.PublishAsync();
        _server.Acknowledge(answer);
        await _server.PubAckAsync();
        await _server.PubAckAsync();
        Assert.Equal(1, runs);
        Assert.Equal(1, _responder.Counters.Answered);
    });

    [Fact]
    public void A_request_that_comes_again_when_its_time_has_long_been_up_is_not_run_again() => _thread.RunTest(async () =>
    {
        var runs = 0;
        await _responder.RespondAsync("relay/+", _ => $"run {++runs}", cancellationToken: Token);
        _server.Deliver(Request(1));
        _server.Acknowledge(await _server.PublishAsync());
        await _server.PubAckAsync();

        // A requester's client was away for longer than the call lasted, and sends the request with the least that MQTT has.
        foreach (var away in new[] { 8, 60 })
        {
            _time.Advance(TimeSpan.FromSeconds(away));
            _server.Deliver(Request(1) with { MessageExpiryInterval = 1 });
            var answer = await _server.PublishAsync();
            Assert.Contains(new UserProperty("__stat", "409"), answer.Message.UserProperties);
            _server.Acknowledge(answer);
            await _server.PubAckAsync();
        }

        Assert.Equal((1, 2), (runs, (int)_responder.Counters.AlreadyExecuted));
    });

    [Fact]
    public void Six_hundred_requests_with_answers_of_64_KB_run_once_each_though_their_answers_have_no_room() => _thread.RunTest(async () =>
    {
        using var server = new ScriptedServer(_thread);
        await using var client = await server.ConnectAsync();
        await using var responder = new Responder(client, Defaults with { TimeProvider = _time });
        var runs = new Dictionary<string, int>();
        await responder.RespondAsync(
            "relay/+",
            request =>
            {
                runs[request.Text] = runs.GetValueOrDefault(request.Text) + 1;
                return new byte[65_536];
            },
            cancellationToken: Token);
        var statuses = new List<string>();
        server.Taking = publish => statuses.Add(publish.Message.UserProperties[0].Value);
        server.Hearing = () => { };
        void DeliverAll(bool dup)
        {
            for (ushort i = 1; i <= 600; i++)
            {
                byte[] correlationData = [(byte)i, (byte)(i >> 8), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
                server.Deliver(Request(0, $"{i}") with { CorrelationData = correlationData }, dup, i);
                _thread.Settle();
            }
        }

        DeliverAll(dup: false);
        Assert.Equal(600, statuses.Count(status => status == "200"));

        // No acknowledgement has come through.
        server.Cut();
        server.ConnAck = new ConnAckPacket { SessionPresent = true };
        server.LetReconnect();
        DeliverAll(dup: true);
        Assert.Equal(600, runs.Count);
        Assert.All(runs.Values, count => Assert.Equal(1, count));
        Assert.InRange(statuses.Count(status => status == "409"), 300, 599);
        Assert.Equal(600, responder.Counters.Repeated + responder.Counters.AlreadyExecuted);
    });

    [Fact]
    public void What_was_refused_is_refused_again_and_not_run() => _thread.RunTest(async () =>
    {
        await using var responder = new Responder(
            _client, Defaults with { MaximumConcurrency = 1, MaximumWaiting = 0, TimeProvider = _time });
        var go = new TaskCompletionSource();
        var ran = new List<string>();
        await responder.RespondAsync(
            "relay/+",
            async request =>
            {
                ran.Add(request.Text);
                await go.Task;
                return request.Text;
            },
            cancellationToken: Token);
        _server.Deliver(Request(1, "a"));
        _server.Deliver(Request(2, "b"));
        Assert.Contains(new UserProperty("__stat", "429"), (await _server.PublishAsync()).Message.UserProperties);
        OneThread.WithoutContext(go.SetResult);
        Assert.Equal("a", Text(await _server.PublishAsync()));
        _server.Deliver(Request(2, "b"), dup: true);
        Assert.Contains(new UserProperty("__stat", "429"), (await _server.PublishAsync()).Message.UserProperties);
        Assert.Equal(["a"], ran);
        Assert.Equal((3, 1, 2), (responder.Counters.Requests, responder.Counters.Answered, responder.Counters.Overloaded));
    });

    [Fact]
    public void A_request_redelivered_to_the_next_connection_is_answered_and_not_run_again() => _thread.RunTest(async () =>
    {
        var runs = 0;
        await _responder.RespondAsync("relay/+", _ => $"run {Interlocked.Increment(ref runs)}", cancellationToken: Token);
        var identifier = _server.Deliver(Request(1, isOfProfile: false));
        await _server.PublishAsync();
        _server.ConnAck = new ConnAckPacket { SessionPresent = true };
        _server.Cut();
        _server.LetReconnect();

        // The answer, which the server had not acknowledged, comes again by itself.
        _server.Acknowledge(await _server.PublishAsync());
        _server.Deliver(Request(1, isOfProfile: false), dup: true, identifier);
        var again = await _server.PublishAsync();
        Assert.Equal("run 1", Text(again));
        _server.Acknowledge(again);
        Assert.Equal(identifier, (await _server.PubAckAsync()).PacketIdentifier.Value);
        Assert.Equal(1, runs);
    });

    [Fact]
    public void Overload_is_answered_at_once() => _thread.RunTest(async () =>
    {
        await using var responder = new Responder(
            _client,
            Defaults with
            {
                MaximumConcurrency = 1,
                MaximumWaiting = 1,
                RetryAfter = TimeSpan.FromMilliseconds(250),
                TimeProvider = _time,
            });
        var go = new TaskCompletionSource();
        await responder.RespondAsync(
            "relay/+",
            async request =>
            {
                await go.Task;
                return request.Text;
            },
            cancellationToken: Token);
        _server.Deliver(Request(1, "a"));
        _server.Deliver(Request(2, "b"));
        _server.Deliver(Request(3, "c"));

        var refusal = await _server.PublishAsync();
        Assert.Equal(Request(3).CorrelationData!.Value.ToArray(), refusal.Message.CorrelationData!.Value.ToArray());
        Assert.Equal(
            [
                new("__stat", "429"),
                new("__stMsg", "The responder is overloaded."),
                new("__protVer", "1.0"),
                new("antiphon-retry-after-ms", "250"),
            ],
            refusal.Message.UserProperties);
        _thread.Settle();
        Assert.Equal((1, 1, 1), (responder.Counters.Running, responder.Counters.Waiting, (int)responder.Counters.Overloaded));
        go.SetResult();
        Assert.Equal("a", Text(await _server.PublishAsync()));
        Assert.Equal("b", Text(await _server.PublishAsync()));
    });

    [Fact]
    public void At_the_deadline_the_handler_is_cancelled_the_request_acknowledged_and_nothing_answered() => _thread.RunTest(async () =>
    {
        var cancelled = new TaskCompletionSource();
        var finish = new TaskCompletionSource();
        await _responder.RespondAsync(
            "relay/+",
            async request =>
            {
                if (request.Text == "slow")
                {
                    request.CancellationToken.Register(cancelled.SetResult);
                    await finish.Task;
                }

                return request.Text;
            },
            cancellationToken: Token);
        var identifier = _server.Deliver(Request(1, "slow"));
        _thread.Settle();
        _time.Advance(TimeSpan.FromMilliseconds(4499));
        Assert.Equal(0, _responder.Counters.Overran);
        _time.Advance(TimeSpan.FromMilliseconds(1));

        Assert.Equal(identifier, (await _server.PubAckAsync()).PacketIdentifier.Value);
        Assert.Equal(1, _responder.Counters.Overran);
        _thread.Settle();
        finish.SetResult();
        _server.Deliver(Request(2, "next"));
        Assert.Equal("next", Text(await _server.PublishAsync()));
    });

    [Fact]
    public void An_expired_request_never_runs() => _thread.RunTest(async () =>
    {
        await using var responder = new Responder(_client, Defaults with { MaximumConcurrency = 1, TimeProvider = _time });
        var go = new TaskCompletionSource();
        var ran = new List<string>();
        await responder.RespondAsync(
            "relay/+",
            async request =>
            {
                ran.Add(request.Text);
                await go.Task;
                return request.Text;
            },
            cancellationToken: Token);
        _server.Deliver(Request(1, "dead on arrival") with { MessageExpiryInterval = 0 });
        await _server.PubAckAsync();
        _server.Deliver(Request(2, "long") with { MessageExpiryInterval = 60, UserProperties = [new("__protVer", "1.0")] });
        _server.Deliver(Request(3, "short"));
        _thread.Settle();
        _time.Advance(TimeSpan.FromSeconds(5));
        go.SetResult();

        Assert.Equal("long", Text(await _server.PublishAsync()));
        Assert.Equal(["long"], ran);
        Assert.Equal(2, responder.Counters.Expired);
    });

    [Fact]
    public void Retained_messages_and_answers_that_would_come_back_as_requests_are_not_run() => _thread.RunTest(async () =>
    {
        await _responder.RespondAsync("relay/#", _ => "ran", cancellationToken: Token);
        _server.Deliver(Request(1) with { Retain = true });
        await _server.PubAckAsync();
        _server.Deliver(Request(2) with { ResponseTopic = "relay/2" });
        await _server.PubAckAsync();

        Assert.Equal(new ResponderCounters { Requests = 2, Retained = 1, InvalidResponseTopics = 1 }, _responder.Counters);
    });

    [Fact]
    public void Handlers_run_at_once_and_acknowledgements_keep_their_order() => _thread.RunTest(async () =>
    {
        var go = new TaskCompletionSource();
        await _responder.RespondAsync("relay/+", SlowUntil(go.Task), cancellationToken: Token);
        var slow = _server.Deliver(Request(1, "slow"));
        var fast = _server.Deliver(Request(2, "fast"));
        var answer = await _server.PublishAsync();
        Assert.Equal("fast", Text(answer));
        _server.Acknowledge(answer);
        go.SetResult();
        answer = await _server.PublishAsync();
        _server.Acknowledge(answer);

        Assert.Equal(slow, (await _server.PubAckAsync()).PacketIdentifier.Value);
        Assert.Equal(fast, (await _server.PubAckAsync()).PacketIdentifier.Value);
    });

    [Fact]
    public void A_handler_that_has_run_for_a_second_holds_nobody_up_and_its_request_is_not_run_again() => _thread.RunTest(async () =>
    {
        var go = new TaskCompletionSource();
        var runs = 0;
        await _responder.RespondAsync(
            "relay/+",
            async request =>
            {
                if (request.Text == "slow")
                {
                    runs++;
                    await go.Task;
                }

                return request.Text;
            },
            cancellationToken: Token);
        var slow = _server.Deliver(Request(1, "slow"));
        var fast = _server.Deliver(Request(2, "fast"));
        _server.Acknowledge(await _server.PublishAsync());
        Assert.Equal(0, _responder.Counters.AcknowledgedEarly);
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(slow, (await _server.PubAckAsync()).PacketIdentifier.Value);
        Assert.Equal(fast, (await _server.PubAckAsync()).PacketIdentifier.Value);

        // The PUBACK may have been lost: it comes again, while the handler runs and after that.
        var again = _server.Deliver(Request(1, "slow"), dup: true);
        Assert.Equal(again, (await _server.PubAckAsync()).PacketIdentifier.Value);
        go.SetResult();
        _server.Acknowledge(await _server.PublishAsync());
        again = _server.Deliver(Request(1, "slow"), dup: true);
        var answer = await _server.PublishAsync();
        Assert.Equal("slow", Text(answer));
        _server.Acknowledge(answer);
        Assert.Equal(again, (await _server.PubAckAsync()).PacketIdentifier.Value);
        Assert.Equal((1, 1), (runs, _responder.Counters.AcknowledgedEarly));
    });

    [Fact]
    public void A_request_that_half_of_the_Receive_Maximum_waits_behind_is_acknowledged_at_once() => _thread.RunTest(async () =>
    {
        using var server = new ScriptedServer(_thread);
        await using var client = await server.ConnectAsync(new MqttClientOptions { ClientId = "d", ReceiveMaximum = 8 });
        await using var responder = new Responder(client, Defaults with { TimeProvider = _time });
        var go = new TaskCompletionSource();
        await responder.RespondAsync("relay/+", SlowUntil(go.Task), cancellationToken: Token);
        var identifiers = new List<ushort>();
        identifiers.Add(server.Deliver(Request(0, "slow")));

        // Each slow one stops a few, and none of them all.
        for (byte i = 1; i < 100; i++)
        {
            identifiers.Add(server.Deliver(Request(i, i % 10 == 0 ? "slow" : "quick")));
            if (i % 10 != 0)
            {
                server.Acknowledge(await server.PublishAsync());
            }
        }

        Assert.Equal(10, responder.Counters.Running);
        Assert.InRange(responder.Counters.AcknowledgedEarly, 9, 10);
        Assert.Equal(identifiers.Take(server.Acknowledged.Count), server.Acknowledged);
        Assert.InRange(server.Acknowledged.Count, 95, 100);
        go.SetResult();
    });

    [Fact]
    public void What_was_brought_by_an_earlier_connection_holds_nobody_up() => _thread.RunTest(async () =>
    {
        using var server = new ScriptedServer(_thread) { ConnAck = new() { SessionPresent = false } };
        await using var client = await server.ConnectAsync(new MqttClientOptions { ClientId = "d", ReceiveMaximum = 8 });
        await using var responder = new Responder(client, Defaults with { TimeProvider = _time });
        var go = new TaskCompletionSource();
        await responder.RespondAsync(
            "relay/+",
            async request =>
            {
                await go.Task;
                return request.Text;
            },
            cancellationToken: Token);
        server.Deliver(Request(1));
        server.Cut();
        server.ConnAck = new() { SessionPresent = true };
        server.LetReconnect();
        var again = server.Deliver(Request(1), dup: true);
        for (byte i = 2; i < 6; i++)
        {
            server.Deliver(Request(i));
        }

        Assert.Equal(again, (await server.PubAckAsync()).PacketIdentifier.Value);
        go.SetResult();
    });

    [Fact]
    public void SUBSCRIBE_says_that_requests_are_answered() => _thread.RunTest(async () =>
    {
        await _responder.RespondAsync("+/w", _ => "ok", cancellationToken: Token);

        Assert.Equal([new UserProperty("antiphon-respond", "1")], _server.Subscribe!.UserProperties);
    });

    [Fact]
    public void The_first_refused_answer_of_a_registration_is_logged() => _thread.RunTest(async () =>
    {
        var log = new Warnings();
        await using var responder = new Responder(_client, Defaults with { LoggerFactory = log });
        await responder.RespondAsync("relay/+", _ => "ok", cancellationToken: Token);
        for (byte i = 1; i < 4; i++)
        {
            _server.Deliver(Request(i));
            _server.Acknowledge(await _server.PublishAsync(), ReasonCode.NotAuthorized);
            await _server.PubAckAsync();
        }

        var warning = Assert.Single(log.Lines);
        Assert.Contains("relay/+", warning, StringComparison.Ordinal);
        Assert.Contains("r/1", warning, StringComparison.Ordinal);
        Assert.Contains("0x87", warning, StringComparison.Ordinal);
        Assert.DoesNotContain("..", warning, StringComparison.Ordinal);
        Assert.Equal(3, responder.Counters.Undelivered);
    });

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_registration_that_is_granted_after_its_end_is_left_at_once(bool byToken) => _thread.RunTest(async () =>
    {
        _server.AnswersSubscriptions = false;
        using var cancellation = new CancellationTokenSource();
        var responder = new Responder(_client, Defaults with { TimeProvider = _time });
        var registering = responder.RespondAsync("relay/+", _ => "ok", cancellationToken: cancellation.Token);
        await _server.SubscribedAsync();
        var disposing = ValueTask.CompletedTask;
        if (byToken)
        {
            await cancellation.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => registering);
        }
        else
        {
            disposing = responder.DisposeAsync();
            await Assert.ThrowsAsync<ObjectDisposedException>(() => registering);
        }

        _server.AnswerSubscriptions();

        Assert.Equal("relay/+", await _server.UnsubscribedAsync());
        await disposing;
        await responder.DisposeAsync();
        _server.AnswersSubscriptions = true;
        await _responder.RespondAsync("relay/+", _ => "again", cancellationToken: Token);
    });

    [Fact]
    public void A_request_with_a_flaw_is_answered_where_it_can_be() => _thread.RunTest(async () =>
    {
        await _responder.RespondAsync("r", _ => throw new InvalidOperationException("It must not run."), cancellationToken: Token);
        byte[] contentTypeWithZero = [3, 0, 1, 0];
        byte[] responseTopic = [8, 0, 3, .. "a/b"u8];
        byte[] correlation = [9, 0, 2, 7, 8];
        byte[] properties = [.. contentTypeWithZero, .. responseTopic, .. correlation];

        _server.Deliver([0x32, (byte)(6 + properties.Length), 0, 1, (byte)'r', 0, 77, (byte)properties.Length, .. properties]);

        var answer = (await _server.PublishAsync()).Message;
        Assert.Equal("a/b", answer.Topic);
        Assert.Equal([7, 8], answer.CorrelationData!.Value.ToArray());
        Assert.Contains(new UserProperty("__stat", "400"), answer.UserProperties);
        var acknowledgement = await _server.PubAckAsync();
        Assert.Equal((77, ReasonCode.ImplementationSpecificError), (acknowledgement.PacketIdentifier.Value, acknowledgement.ReasonCode));
        Assert.Equal(1, _client.Counters.FlawedMessages);
    });

    [Fact]
    public void Disposal_into_a_black_hole_has_a_bound() => _thread.RunTest(async () =>
    {
        var responder = new Responder(_client, new ResponderOptions { TimeProvider = _time });
        var requester = new Requester(_client, new RequesterOptions { TimeProvider = _time, Timeout = TimeSpan.FromMinutes(1) });
        await responder.RespondAsync(
            "relay/+",
            _ => new TaskCompletionSource<Reply>().Task,
            cancellationToken: Token);
        var call = requester.RequestAsync("x", "1", cancellationToken: Token).AsTask();
        _server.Deliver(Request(1));
        _server.AnswersSubscriptions = false;
        _server.IsDeaf = true;

        var disposing = responder.DisposeAsync().AsTask();
        _time.Advance(TimeSpan.FromSeconds(4));
        _thread.Settle();
        Assert.False(disposing.IsCompleted);
        _time.Advance(TimeSpan.FromSeconds(1));
        await disposing;
        var disposingRequester = requester.DisposeAsync().AsTask();
        await Assert.ThrowsAsync<OutcomeUnknownException>(() => call);
        _time.Advance(TimeSpan.FromSeconds(2));
        await disposingRequester;
        _server.IsDeaf = false;
    });

    [Fact]
    public void Ending_a_registration_answers_what_has_come() => _thread.RunTest(async () =>
    {
        var go = new TaskCompletionSource();
        await using var responder = new Responder(_client, Defaults with { DrainTimeout = TimeSpan.FromSeconds(10), TimeProvider = _time });
        var registration = await responder.RespondAsync(
            "relay/+",
            async _ =>
            {
                await go.Task;
                return "done";
            },
            new RespondOptions { ShareName = "g" },
            Token);
        Assert.Equal("$share/g/relay/+", registration.TopicFilter);
        _server.Deliver(Request(1));
        _thread.Settle();
        var ending = registration.DisposeAsync().AsTask();
        Assert.Equal("$share/g/relay/+", await _server.UnsubscribedAsync());
        Assert.False(ending.IsCompleted);
        go.SetResult();

        _server.Acknowledge(await _server.PublishAsync());
        await ending;
    });

    [Fact]
    public void Ending_a_registration_waits_only_so_long_and_then_says_so() => _thread.RunTest(async () =>
    {
        await using var responder = new Responder(_client, Defaults with { DrainTimeout = TimeSpan.FromSeconds(10), TimeProvider = _time });
        var registration = await responder.RespondAsync(
            "relay/+",
            async request =>
            {
                await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, request.CancellationToken);
                return "never";
            },
            cancellationToken: Token);
        _server.Deliver(Request(1) with { MessageExpiryInterval = 60, UserProperties = [] });
        _thread.Settle();
        var ending = registration.DisposeAsync().AsTask();
        await _server.UnsubscribedAsync();
        _thread.Settle();
        _time.Advance(TimeSpan.FromSeconds(10));
        var answer = await _server.PublishAsync();
        Assert.Contains(new UserProperty("__stat", "503"), answer.Message.UserProperties);
        _server.Acknowledge(answer);
        await ending;
    });

    [Fact]
    public void An_answer_beyond_the_servers_Maximum_Packet_Size_is_answered_with_an_error() => _thread.RunTest(async () =>
    {
        _server.ConnAck = new ConnAckPacket { MaximumPacketSize = 500 };
        _server.Cut();
        _server.LetReconnect();
        await _responder.RespondAsync("relay/+", _ => new byte[1000], cancellationToken: Token);
        _server.Deliver(Request(1));

        Assert.Contains(
            new UserProperty("__stMsg", "The response is larger than the server accepts."),
            (await _server.PublishAsync()).Message.UserProperties);
    });

    [Fact]
    public void Refused_answers_are_counted_and_the_request_is_acknowledged() => _thread.RunTest(async () =>
    {
        await _responder.RespondAsync("relay/+", _ => "ok", cancellationToken: Token);
        var identifier = _server.Deliver(Request(1));
        _server.Acknowledge(await _server.PublishAsync(), ReasonCode.NotAuthorized);

        Assert.Equal(identifier, (await _server.PubAckAsync()).PacketIdentifier.Value);
        Assert.Equal(1, _responder.Counters.Undelivered);
    });

    [Fact]
    public void What_a_handler_leaves_in_its_flow_is_not_seen_by_the_next() => _thread.RunTest(async () =>
    {
        var local = new AsyncLocal<string?>();
        await using var responder = new Responder(_client, Defaults with { MaximumConcurrency = 1 });
        await responder.RespondAsync(
            "relay/+",
            request =>
            {
                var found = local.Value ?? "nothing";
                local.Value = request.Text;
                return found;
            },
            cancellationToken: Token);
        for (byte i = 1; i < 20; i++)
        {
            _server.Deliver(Request(i));
        }

        for (var i = 1; i < 20; i++)
        {
            Assert.Equal("nothing", Text(await _server.PublishAsync()));
        }
    });

    [Fact]
    public void A_request_whose_answer_had_to_make_room_is_told_that_it_was_executed() => _thread.RunTest(async () =>
    {
        var runs = 0;
        await using var responder = new Responder(_client, Defaults with { MaximumRememberedBytes = 1000 });
        await responder.RespondAsync(
            "relay/+",
            _ =>
            {
                runs++;
                return new byte[2000];
            },
            cancellationToken: Token);
        var identifier = _server.Deliver(Request(1));
        _server.Acknowledge(await _server.PublishAsync());
        await _server.PubAckAsync();
        _server.Deliver(Request(1), dup: true, identifier);

        var answer = await _server.PublishAsync();
        Assert.Contains(new UserProperty("__stat", "409"), answer.Message.UserProperties);
        Assert.Equal(Request(1).CorrelationData!.Value.ToArray(), answer.Message.CorrelationData!.Value.ToArray());
        _server.Acknowledge(answer);
        await _server.PubAckAsync();
        Assert.Equal((1, 1), (runs, (int)responder.Counters.AlreadyExecuted));
    });

    [Fact]
    public void A_request_that_comes_again_after_its_time_was_up_is_only_acknowledged() => _thread.RunTest(async () =>
    {
        var began = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var finish = new TaskCompletionSource();
        var runs = 0;
        await _responder.RespondAsync(
            "relay/+",
            async _ =>
            {
                runs++;
                began.SetResult();
                await finish.Task;
                return "too late";
            },
            cancellationToken: Token);
        var identifier = _server.Deliver(Request(1));
        await began.Task.WaitAsync(Token);
        _time.Advance(TimeSpan.FromSeconds(4.5));
        await _server.PubAckAsync();
        _server.Deliver(Request(1) with { MessageExpiryInterval = 5 }, dup: true, identifier);

        Assert.Equal(identifier, (await _server.PubAckAsync()).PacketIdentifier.Value);
        finish.SetResult();
        Assert.Equal((1, 1L, 0L), (runs, _responder.Counters.Repeated, _responder.Counters.Answered));
    });

    [Fact]
    public void What_a_callback_of_the_token_throws_ends_nothing() => _thread.RunTest(async () =>
    {
        await _responder.RespondAsync(
            "relay/+",
            async request =>
            {
                if (request.Text == "slow")
                {
                    var cancelled = new TaskCompletionSource();
                    request.CancellationToken.Register(cancelled.SetResult);
                    request.CancellationToken.Register(() => throw new InvalidOperationException("the callback"));
                    await cancelled.Task;
                }

                return request.Text;
            },
            cancellationToken: Token);
        _server.Deliver(Request(1, "slow"));
        _thread.Settle();
        _time.Advance(TimeSpan.FromSeconds(4.5));
        await _server.PubAckAsync();
        _thread.Settle();

        _server.Deliver(Request(2, "next"));
        Assert.Equal("next", Text(await _server.PublishAsync()));
    });

    [Fact]
    public void Wrong_usage_is_said_at_once() => _thread.RunTest(async () =>
    {
        await Assert.ThrowsAsync<ArgumentException>(() => _responder.RespondAsync("a/#/b", _ => "x", cancellationToken: Token));
        await Assert.ThrowsAsync<ArgumentException>(
            () => _responder.RespondAsync("a", _ => "x", new RespondOptions { ShareName = "a/b+" }, Token));
        foreach (var name in new[] { "a/b", "a+", "#", "" })
        {
            var refusal = await Assert.ThrowsAsync<ArgumentException>(
                () => _responder.RespondAsync("q", _ => "x", new RespondOptions { ShareName = name }, Token));
            Assert.StartsWith(
                $"ShareName is «{name}»; it has one character or more, none of them / + #", refusal.Message, StringComparison.Ordinal);
        }

        await Assert.ThrowsAsync<ArgumentException>(
            () => _responder.RespondAsync("a", _ => "x", new RespondOptions { MaximumQoS = (QualityOfService)3 }, Token));
        Assert.Throws<ArgumentOutOfRangeException>(() => Reply.Error(200, "fine"));
        var mistakes = Assert.Throws<ArgumentException>(() => new Responder(_client, new ResponderOptions
        {
            MaximumConcurrency = 0,
            MaximumWaiting = -1,
            RetryAfter = TimeSpan.FromSeconds(-1),
            DefaultTimeout = TimeSpan.Zero,
            DrainTimeout = TimeSpan.FromSeconds(-1),
            MaximumRememberedBytes = -1,
        }));
        Assert.Equal(6, mistakes.Message.Split(" has to be ").Length - 1);
    });

    /// <summary>A handler that gives back what it was sent: «slow» when a task has ended, all else at once.</summary>
    private static Func<Request, Task<Reply>> SlowUntil(Task go) => async request =>
    {
        if (request.Text == "slow")
        {
            await go;
        }

        return request.Text;
    };

    private static string Text(PublishPacket packet) => Encoding.UTF8.GetString(packet.Message.Payload.Span);

    private static ApplicationMessage Request(byte correlation, string text = "1", bool isOfProfile = true) => new()
    {
        Topic = "relay/1",
        Payload = Encoding.UTF8.GetBytes(text),
        QoS = QualityOfService.AtLeastOnce,
        ResponseTopic = "r/1",
        CorrelationData = Enumerable.Repeat(correlation, 16).ToArray(),
        MessageExpiryInterval = 5,
        UserProperties = isOfProfile ? [new("__protVer", "1.0"), new("antiphon-timeout-ms", "4500")] : [],
    };

    /// <summary>What was logged as a warning or worse.</summary>
    private sealed class Warnings : ILoggerFactory, ILogger
    {
        public List<string> Lines { get; } = [];

        public ILogger CreateLogger(string categoryName) => this;

        public void AddProvider(ILoggerProvider provider) => throw new NotSupportedException();

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Warning;

        public void Dispose()
        {
        }

        void ILogger.Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (IsEnabled(logLevel))
            {
                Lines.Add(formatter(state, exception));
            }
        }
    }
}
