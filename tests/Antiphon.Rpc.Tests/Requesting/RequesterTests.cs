using Antiphon.Client;
using Antiphon.Protocol;
using Antiphon.Protocol.Packets;
using Antiphon.Protocol.Properties;
using Antiphon.Rpc.Tests.Servers;
using Antiphon.Rpc.Tests.Timing;

namespace Antiphon.Rpc.Tests.Requesting;

/// <summary>Every outcome of a call, with a server that does exactly what the test says and a clock that the test turns.</summary>
public sealed class RequesterTests : IDisposable
{
    private static readonly RequesterOptions Defaults = new();

    private readonly ManualTime _time = new();
    private readonly OneThread _thread = new();
    private readonly ScriptedServer _server;
    private MqttClient _client = null!;
    private readonly Requester _requester;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public RequesterTests()
    {
        _server = new ScriptedServer(_thread);
        _thread.RunTest(async () => _client = await _server.ConnectAsync());
        _requester = new Requester(_client, Defaults with { TimeProvider = _time });
    }

    public void Dispose() => _thread.RunTest(async () =>
    {
        await _requester.DisposeAsync();
        await _client.DisposeAsync();
        _server.Dispose();
    });

    [Fact]
    public void A_response_ends_the_call() => _thread.RunTest(async () =>
    {
        var call = Call();
        var request = await _server.PublishAsync();
        _time.Advance(TimeSpan.FromMilliseconds(7));
        _server.Acknowledge(request);
        _server.Respond(request, "on", ("__stat", "200"), ("x", "y"));

        var response = await call;
        Assert.Equal("on", response.Text);
        Assert.Equal(request.Message.ResponseTopic, response.Topic);
        Assert.Equal(request.Message.CorrelationData!.Value, response.CorrelationData);
        Assert.Equal(TimeSpan.FromMilliseconds(7), response.Elapsed);
        Assert.Equal(200, response.Status);
        Assert.True(response.IsSuccess);
        Assert.Contains(new UserProperty("x", "y"), response.UserProperties);
        Assert.Null(response.ContentType);
        _thread.Settle();
        Assert.Equal(new RequesterCounters { Calls = 1, Acknowledged = 1, Answered = 1 }, _requester.Counters);
    });

    [Fact]
    public void A_request_carries_what_the_profile_asks_for() => _thread.RunTest(async () =>
    {
        _ = Call(new RequestOptions
        {
            Timeout = TimeSpan.FromMilliseconds(1500),
            ContentType = "text/x",
            UserProperties = [new("mine", "1")],
        });
        var message = (await _server.PublishAsync()).Message;

        Assert.Equal("relay/1", message.Topic);
        Assert.Equal("1", System.Text.Encoding.UTF8.GetString(message.Payload.Span));
        Assert.Equal(QualityOfService.AtLeastOnce, message.QoS);
        Assert.False(message.Retain);
        Assert.True(message.PayloadIsUtf8);
        Assert.Equal(2u, message.MessageExpiryInterval);
        Assert.Equal("text/x", message.ContentType);
        Assert.Matches("^clients/c/[0-9a-f]{32}$", message.ResponseTopic);
        Assert.Equal(16, message.CorrelationData!.Value.Length);
        Assert.Equal(
            [new("__protVer", "1.0"), new("__srcId", "c"), new("antiphon-timeout-ms", "1500"), new("mine", "1")],
            message.UserProperties);
    });

    [Fact]
    public void Calls_share_one_subscription() => _thread.RunTest(async () =>
    {
        var calls = Enumerable.Range(0, 10).Select(_ => Call()).ToList();
        var topic = await _server.SubscribedAsync();
        foreach (var _ in calls)
        {
            var request = await _server.PublishAsync();
            Assert.Equal(topic, request.Message.ResponseTopic);
            _server.Respond(request, "ok");
        }

        Assert.All(await Task.WhenAll(calls), response => Assert.Equal("ok", response.Text));
    });

    [Fact]
    public void A_response_may_come_before_the_PUBACK() => _thread.RunTest(async () =>
    {
        var call = Call();
        var request = await _server.PublishAsync();
        _server.Respond(request, "first");

        Assert.Equal("first", (await call).Text);
        _server.Acknowledge(request, ReasonCode.NoMatchingSubscribers);
        var next = Call();
        request = await _server.PublishAsync();
        _server.Acknowledge(request);
        _server.Respond(request, "second");
        Assert.Equal("second", (await next).Text);
    });

    [Fact]
    public void No_matching_subscribers_ends_the_call_at_once() => _thread.RunTest(async () =>
    {
        var call = Call();
        var request = await _server.PublishAsync();
        _server.Acknowledge(request, ReasonCode.NoMatchingSubscribers);

        var exception = await Assert.ThrowsAsync<NoResponderException>(() => call);
        Assert.Equal("Nobody listens on «relay/1».", exception.Message);
        Assert.Equal(RequestProgress.Acknowledged, exception.Progress);
        Assert.Equal(request.Message.CorrelationData!.Value.ToArray(), exception.CorrelationData.ToArray());
    });

    [Fact]
    public void A_refusal_ends_the_call_with_its_Reason_Code() => _thread.RunTest(async () =>
    {
        var call = Call();
        _server.Acknowledge(await _server.PublishAsync(), ReasonCode.NotAuthorized);

        var exception = await Assert.ThrowsAsync<RequestRefusedException>(() => call);
        Assert.Equal(ReasonCode.NotAuthorized, exception.ReasonCode);
    });

    [Fact]
    public void A_refused_response_subscription_ends_the_calls_that_wait_for_it_and_the_next_call_tries_again() =>
        _thread.RunTest(async () =>
    {
        _server.Granting = ReasonCode.NotAuthorized;
        var exception = await Assert.ThrowsAsync<RequestRefusedException>(() => Call());
        Assert.Equal(ReasonCode.NotAuthorized, exception.ReasonCode);
        Assert.StartsWith("The request on «relay/1» was refused. SUBSCRIBE «", exception.Message, StringComparison.Ordinal);
        Assert.Equal(RequestProgress.NotSent, exception.Progress);
        Assert.Empty(exception.CorrelationData.ToArray());

        _server.Granting = ReasonCode.GrantedQoS1;
        var call = Call();
        _server.Respond(await _server.PublishAsync(), "ok");
        Assert.Equal("ok", (await call).Text);
    });

    [Theory]
    [InlineData(true, RequestProgress.Acknowledged, "No response on «relay/1» within 5 s; the server had acknowledged the request.")]
    [InlineData(false, RequestProgress.Sent, "No response on «relay/1» within 5 s; the request was sent and not acknowledged.")]
    public void A_timeout_says_how_far_the_request_got(bool acknowledge, RequestProgress progress, string message) =>
        _thread.RunTest(async () =>
    {
        var call = Call();
        var request = await _server.PublishAsync();
        if (acknowledge)
        {
            _server.Acknowledge(request);
            _thread.Settle();
        }

        _time.Advance(TimeSpan.FromSeconds(4.999));
        Assert.False(call.IsCompleted);
        _time.Advance(TimeSpan.FromMilliseconds(1));
        var exception = await Assert.ThrowsAsync<RequestTimeoutException>(() => call);
        Assert.Equal(progress, exception.Progress);
        Assert.Equal(message, exception.Message);
        Assert.Equal(TimeSpan.FromSeconds(5), exception.Elapsed);
        Assert.Equal(1, _requester.Counters.TimedOut);
        Assert.Equal(0, _requester.Counters.Pending);
    });

    [Fact]
    public void A_timeout_says_what_else_came() => _thread.RunTest(async () =>
    {
        var before = Call("before");
        var old = await _server.PublishAsync();
        _server.Respond(old, "ok");
        await before;
        _server.Respond(old, "before the call");
        await ExchangeAsync();
        var call = Call();
        var request = await _server.PublishAsync();
        var answer = new ApplicationMessage { Topic = request.Message.ResponseTopic! };
        _server.Deliver(answer);
        _server.Deliver(answer with { CorrelationData = new byte[16] });
        _server.Deliver(answer with { CorrelationData = "1"u8.ToArray() });
        _server.Deliver(answer with { Retain = true });
        _server.Respond(old, "late");
        await ExchangeAsync();
        _time.Advance(TimeSpan.FromSeconds(5));

        var exception = await Assert.ThrowsAsync<RequestTimeoutException>(() => call);
        Assert.Equal(
            new StrayResponses { WithoutCorrelationData = 1, UnknownCorrelationData = 2, Late = 1, Retained = 1 }, exception.Strays);
        Assert.Equal(
            "No response on «relay/1» within 5 s; the request was sent and not acknowledged. "
            + "Other messages came to the requester meanwhile: "
            + "1 without Correlation Data, 2 with unknown Correlation Data, 1 for a call that had ended, 1 retained.",
            exception.Message);
        Assert.Equal((3, 1), (_requester.Counters.ForeignResponses, _requester.Counters.UncorrelatedResponses));
    });

    [Fact]
    public void The_deadline_runs_while_there_is_no_connection_and_the_request_is_never_sent_after_it() => _thread.RunTest(async () =>
    {
        await ExchangeAsync();
        _server.IsOpen = false;
        _server.Cut();
        var call = Call();
        _time.Advance(TimeSpan.FromSeconds(5));

        var exception = await Assert.ThrowsAsync<RequestTimeoutException>(() => call);
        Assert.Equal(RequestProgress.NotSent, exception.Progress);
        Assert.Equal("No response on «relay/1» within 5 s; the request was not sent.", exception.Message);
        _server.IsOpen = true;
        _server.LetReconnect();
        Assert.Equal(ConnectionState.Connected, _client.State);
        var next = Call("next");
        var request = await _server.PublishAsync();
        Assert.Equal("next", System.Text.Encoding.UTF8.GetString(request.Message.Payload.Span));
        _server.Respond(request, "ok");
        await next;
    });

    [Fact]
    public void A_call_made_without_a_connection_is_sent_with_the_time_that_is_left() => _thread.RunTest(async () =>
    {
        await ExchangeAsync();
        _server.ConnAck = new ConnAckPacket { SessionPresent = true };
        _server.IsOpen = false;
        _server.Cut();
        var call = Call();
        _time.Advance(TimeSpan.FromMilliseconds(3100));
        _server.IsOpen = true;
        _server.LetReconnect();

        var request = await _server.PublishAsync();
        Assert.Equal(2u, request.Message.MessageExpiryInterval);
        Assert.Contains(new UserProperty("antiphon-timeout-ms", "1900"), request.Message.UserProperties);
        _server.Respond(request, "ok");
        await call;
    });

    [Fact]
    public void Cancelling_ends_the_call_here_and_a_response_is_late_then() => _thread.RunTest(async () =>
    {
        using var cancellation = CancellationTokenSource.CreateLinkedTokenSource(Token);
        var call = _requester.RequestAsync("relay/1", "1", cancellationToken: cancellation.Token).AsTask();
        var request = await _server.PublishAsync();
        await cancellation.CancelAsync();

        var exception = await Assert.ThrowsAsync<OperationCanceledException>(() => call);
        Assert.Equal(cancellation.Token, exception.CancellationToken);
        _server.Respond(request, "late");
        await ExchangeAsync();
        Assert.Equal(1, _requester.Counters.LateResponses);
    });

    [Fact]
    public void A_token_that_has_fired_sends_nothing() => _thread.RunTest(async () =>
    {
        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            async () => await _requester.RequestAsync("relay/1", "1", cancellationToken: new CancellationToken(true)));
        Assert.Equal(0, _requester.Counters.Calls);
    });

    [Fact]
    public void An_error_of_the_responder_is_a_remote_error() => _thread.RunTest(async () =>
    {
        var call = Call();
        _server.Respond(
            await _server.PublishAsync(),
            "details",
            ("__stat", "422"),
            ("__stMsg", "no such relay"),
            ("__apErr", "true"),
            ("__propName", "relay"),
            ("__propVal", "9"));

        var exception = await Assert.ThrowsAsync<RemoteErrorException>(() => call);
        Assert.Equal("The responder on «relay/1» answered with error 422: no such relay.", exception.Message);
        Assert.Equal(422, exception.Status);
        Assert.Equal("no such relay", exception.StatusMessage);
        Assert.True(exception.IsApplicationError);
        Assert.Equal("relay", exception.InvalidPropertyName);
        Assert.Equal("9", exception.InvalidPropertyValue);
        Assert.Equal("details", System.Text.Encoding.UTF8.GetString(exception.Payload.Span));
    });

    [Fact]
    public void An_overloaded_responder_says_when_to_ask_again() => _thread.RunTest(async () =>
    {
        var call = Call();
        _server.Respond(await _server.PublishAsync(), "", ("__stat", "429"), ("antiphon-retry-after-ms", "1500"));

        Assert.Equal(TimeSpan.FromSeconds(1.5), (await Assert.ThrowsAsync<RemoteErrorException>(() => call)).RetryAfter);
    });

    [Theory]
    [InlineData("503", "no-responders", typeof(NoResponderException))]
    [InlineData("502", "responder-gone", typeof(ResponderGoneException))]
    [InlineData("503", "other", typeof(RemoteErrorException))]
    [InlineData("502", "no-responders", typeof(RemoteErrorException))]
    public void Responses_made_by_the_broker_are_outcomes_of_their_own(string status, string reason, Type outcome) =>
        _thread.RunTest(async () =>
    {
        var call = Call();
        _server.Respond(await _server.PublishAsync(), "", ("__stat", status), ("antiphon-reason", reason));

        Assert.IsType(outcome, await Record.ExceptionAsync(() => call));
    });

    [Theory]
    [InlineData("503", "no-responders")]
    [InlineData("502", "responder-gone")]
    public void What_only_an_Antiphon_broker_says_is_not_believed_over_another(string status, string reason) => _thread.RunTest(async () =>
    {
        using var server = new ScriptedServer(_thread) { ConnAck = new ConnAckPacket() };
        await using var client = await server.ConnectAsync();
        await using var requester = new Requester(client, Defaults with { TimeProvider = _time });
        var call = requester.RequestAsync("relay/1", "1", cancellationToken: Token).AsTask();
        server.Respond(await server.PublishAsync(), "", ("__stat", status), ("antiphon-reason", reason));

        Assert.IsType<RemoteErrorException>(await Record.ExceptionAsync(() => call));
    });

    [Fact]
    public void A_strict_requester_asks_for_a_status() => _thread.RunTest(async () =>
    {
        await using var requester = new Requester(_client, Defaults with { Strict = true, TimeProvider = _time });
        var call = requester.RequestAsync("relay/1", "1", cancellationToken: Token).AsTask();
        _server.Respond(await _server.PublishAsync(), "ok");

        Assert.Equal(0, (await Assert.ThrowsAsync<RemoteErrorException>(() => call)).Status);
    });

    [Fact]
    public void Retained_foreign_and_doubled_messages_complete_nothing_and_are_counted() => _thread.RunTest(async () =>
    {
        var call = Call();
        var request = await _server.PublishAsync();
        var response = new ApplicationMessage { Topic = request.Message.ResponseTopic!, CorrelationData = request.Message.CorrelationData };
        _server.Deliver(response with { Retain = true });
        _server.Deliver(response with { CorrelationData = new byte[16] });
        _server.Deliver(response with { CorrelationData = null });
        _server.Deliver(response with { CorrelationData = request.Message.CorrelationData!.Value[..15] });
        await ExchangeAsync();
        Assert.False(call.IsCompleted);

        _server.Respond(request, "ok");
        _server.Respond(request, "again");
        await call;
        await ExchangeAsync();
        Assert.Equal(1, _requester.Counters.RetainedResponses);
        Assert.Equal(3, _requester.Counters.ForeignResponses);
        Assert.Equal(1, _requester.Counters.LateResponses);
    });

    [Fact]
    public void The_answer_to_one_Response_Topic_does_not_count_on_another() => _thread.RunTest(async () =>
    {
        var call = Call(new RequestOptions { ResponseTopic = "chosen/1" });
        var request = await _server.PublishAsync();
        Assert.Equal("chosen/1", request.Message.ResponseTopic);
        var own = (await ExchangeAsync()).Topic;
        _server.Deliver(new ApplicationMessage { Topic = own, CorrelationData = request.Message.CorrelationData });
        await ExchangeAsync();
        Assert.False(call.IsCompleted);
        Assert.Equal(1, _requester.Counters.ForeignResponses);

        _server.Respond(request, "ok");
        Assert.Equal("chosen/1", (await call).Topic);
    });

    [Fact]
    public void A_call_survives_a_lost_connection_when_the_Session_does() => _thread.RunTest(async () =>
    {
        var call = Call();
        var request = await _server.PublishAsync();
        _server.Acknowledge(request);
        await ExchangeAsync();
        Reconnect(sessionPresent: true);

        _server.Respond(request, "after all");
        Assert.Equal("after all", (await call).Text);
    });

    [Fact]
    public void With_the_Session_goes_the_outcome_of_an_acknowledged_request() => _thread.RunTest(async () =>
    {
        var call = Call();
        _server.Acknowledge(await _server.PublishAsync());
        _thread.Settle();
        Reconnect(sessionPresent: false);

        var exception = await Assert.ThrowsAsync<OutcomeUnknownException>(() => call);
        Assert.Equal(RequestProgress.Acknowledged, exception.Progress);
        await ExchangeAsync();
    });

    [Fact]
    public void An_unacknowledged_request_is_sent_again_when_the_Session_is_gone_and_the_call_goes_on() => _thread.RunTest(async () =>
    {
        var call = Call();
        var request = await _server.PublishAsync();
        Reconnect(sessionPresent: false);

        var again = await _server.PublishAsync();
        Assert.Equal(request.Message.CorrelationData!.Value.ToArray(), again.Message.CorrelationData!.Value.ToArray());
        _server.Respond(again, "ok");
        Assert.Equal("ok", (await call).Text);
    });

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_request_that_is_sent_again_says_how_much_time_is_left(bool sessionPresent) => _thread.RunTest(async () =>
    {
        var call = Call(new RequestOptions { Timeout = TimeSpan.FromMilliseconds(4500) });
        await _server.PublishAsync();
        _time.Advance(TimeSpan.FromMilliseconds(3600));
        _server.ClientTime.Advance(TimeSpan.FromMilliseconds(3600));
        Reconnect(sessionPresent);

        var again = await _server.PublishAsync();
        Assert.Equal(sessionPresent, again.Dup);
        Assert.Equal(2u, again.Message.MessageExpiryInterval);
        Assert.Contains(new UserProperty("antiphon-timeout-ms", "0900"), again.Message.UserProperties);
        _server.Respond(again, "ok");
        Assert.Equal("ok", (await call).Text);
    });

    [Theory]
    [InlineData(true, true)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    [InlineData(false, false)]
    public void What_nobody_waits_for_any_more_is_not_sent_again(bool timesOut, bool sessionPresent) => _thread.RunTest(async () =>
    {
        using var cancellation = new CancellationTokenSource();
        var call = _requester.RequestAsync(
            "relay/1", "1", new RequestOptions { Timeout = TimeSpan.FromMilliseconds(1500) }, cancellation.Token).AsTask();
        await _server.PublishAsync();
        _server.Cut();
        if (timesOut)
        {
            // Its Message Expiry Interval is half a second longer.
            _time.Advance(TimeSpan.FromMilliseconds(1500));
            await Assert.ThrowsAsync<RequestTimeoutException>(() => call);
        }
        else
        {
            await cancellation.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call);
        }

        _server.ConnAck = _server.ConnAck with { SessionPresent = sessionPresent };
        _server.LetReconnect();
        var next = Call("2");

        var request = await _server.PublishAsync();
        Assert.Equal("2"u8.ToArray(), request.Message.Payload.ToArray());
        _server.Respond(request, "ok");
        Assert.Equal("ok", (await next).Text);
    });

    [Theory]
    [InlineData(ReasonCode.NotAuthorized)]
    [InlineData(ReasonCode.QuotaExceeded)]
    public void A_refusal_of_what_was_sent_again_does_not_say_that_it_was_not_run(ReasonCode code) => _thread.RunTest(async () =>
    {
        var call = Call();
        await _server.PublishAsync();
        Reconnect(sessionPresent: true);

        _server.Acknowledge(await _server.PublishAsync(), code);

        var unknown = await Assert.ThrowsAsync<OutcomeUnknownException>(() => call);
        Assert.Contains($"0x{(byte)code:X2}", unknown.Message, StringComparison.Ordinal);
    });

    [Theory]
    [InlineData("429")]
    [InlineData("503")]
    public void That_a_responder_refused_what_was_sent_again_does_not_say_that_it_was_not_run(string status) => _thread.RunTest(async () =>
    {
        var call = Call();
        await _server.PublishAsync();
        Reconnect(sessionPresent: true);

        _server.Respond(await _server.PublishAsync(), "", ("__stat", status));

        Assert.Contains(status, (await Assert.ThrowsAsync<OutcomeUnknownException>(() => call)).Message, StringComparison.Ordinal);
    });

    [Fact]
    public void Calls_that_wait_to_be_sent_have_a_bound() => _thread.RunTest(async () =>
    {
        await using var requester = new Requester(_client, Defaults with { TimeProvider = _time, MaximumInFlight = 1, MaximumWaiting = 2 });
        var calls = Enumerable.Range(0, 3)
            .Select(i => requester.RequestAsync("relay/1", $"{i}", cancellationToken: Token).AsTask())
            .ToList();

        var refused = await Assert.ThrowsAsync<RequestNotSentException>(
            () => requester.RequestAsync("relay/1", "3", cancellationToken: Token).AsTask());

        Assert.Contains("2 calls wait to be sent already, which is MaximumWaiting.", refused.Message, StringComparison.Ordinal);
        Assert.Equal(RequestProgress.NotSent, refused.Progress);
        foreach (var call in calls)
        {
            _server.Respond(await _server.PublishAsync(), "ok");
            Assert.Equal("ok", (await call).Text);
        }
    });

    [Fact]
    public void The_Response_Information_of_the_server_is_the_base_of_the_Response_Topic_and_is_followed_when_it_changes() =>
        _thread.RunTest(async () =>
    {
        _server.ConnAck = new ConnAckPacket { ResponseInformation = "$reply/one" };
        Reconnect(sessionPresent: false);
        var call = Call();
        var first = await _server.PublishAsync();
        Assert.StartsWith("$reply/one/", first.Message.ResponseTopic, StringComparison.Ordinal);
        Assert.Equal(first.Message.ResponseTopic, await _server.SubscribedAsync());

        _server.ConnAck = new ConnAckPacket { ResponseInformation = "$reply/two" };
        Reconnect(sessionPresent: false);
        await Assert.ThrowsAsync<OutcomeUnknownException>(() => call);
        var next = Call();
        PublishPacket request;
        do
        {
            // The client sends again what was not acknowledged.
            request = await _server.PublishAsync();
        }
        while (request.Message.ResponseTopic == first.Message.ResponseTopic);

        Assert.StartsWith("$reply/two/", request.Message.ResponseTopic, StringComparison.Ordinal);
        _server.Respond(request, "ok");
        await next;

        // The old subscription went with the Session: there is nothing to give up, and it is not asked for again.
        Assert.Equal(request.Message.ResponseTopic, await _server.SubscribedAsync());
    });

    [Fact]
    public void Beyond_the_bound_calls_wait_for_a_place() => _thread.RunTest(async () =>
    {
        await using var requester = new Requester(_client, Defaults with { MaximumInFlight = 1, TimeProvider = _time });
        var first = requester.RequestAsync("relay/1", "1", cancellationToken: Token).AsTask();
        var second = requester.RequestAsync("relay/1", "2", cancellationToken: Token).AsTask();
        var request = await _server.PublishAsync();
        Assert.Equal(1, requester.Counters.InFlight);
        Assert.Equal(2, requester.Counters.Pending);
        _server.Respond(request, "one");
        await first;

        request = await _server.PublishAsync();
        Assert.Equal("2", System.Text.Encoding.UTF8.GetString(request.Message.Payload.Span));
        _server.Respond(request, "two");
        Assert.Equal("two", (await second).Text);
    });

    [Fact]
    public void Stopping_the_client_ends_all_calls_by_what_became_of_them() => _thread.RunTest(async () =>
    {
        await using var requester = new Requester(_client, Defaults with { MaximumInFlight = 1, TimeProvider = _time });
        var sent = requester.RequestAsync("relay/1", "1", cancellationToken: Token).AsTask();
        var waiting = requester.RequestAsync("relay/1", "2", cancellationToken: Token).AsTask();
        await _server.PublishAsync();
        await _client.DisconnectAsync(cancellationToken: Token);

        Assert.Equal(RequestProgress.Sent, (await Assert.ThrowsAsync<OutcomeUnknownException>(() => sent)).Progress);
        await Assert.ThrowsAsync<ConnectionException>(() => waiting);
        await Assert.ThrowsAsync<ConnectionException>(() => requester.RequestAsync("relay/1", "3", cancellationToken: Token).AsTask());
    });

    [Fact]
    public void Disposing_ends_all_calls_and_the_subscription() => _thread.RunTest(async () =>
    {
        var call = Call();
        var request = await _server.PublishAsync();
        await _requester.DisposeAsync();

        await Assert.ThrowsAsync<OutcomeUnknownException>(() => call);
        Assert.Equal(request.Message.ResponseTopic, await _server.UnsubscribedAsync());
        await Assert.ThrowsAsync<ObjectDisposedException>(() => Call());
    });

    [Fact]
    public void Gathering_ends_with_the_last_reply_asked_for() => _thread.RunTest(async () =>
    {
        var gathering = GatherAsync(new GatherOptions { Replies = 2 });
        var request = await _server.PublishAsync();
        _server.Respond(request, "a");
        _server.Respond(request, "b", ("__stat", "500"));
        _server.Respond(request, "c");

        var replies = await gathering;
        Assert.Equal(["a", "b"], replies.Select(reply => reply.Text));
        Assert.Equal([true, false], replies.Select(reply => reply.IsSuccess));
        await ExchangeAsync();
        Assert.Equal(1, _requester.Counters.LateResponses);
    });

    [Fact]
    public void Gathering_ends_when_the_time_is_up_with_what_has_come() => _thread.RunTest(async () =>
    {
        var gathering = GatherAsync(new GatherOptions { Replies = 3, Request = new RequestOptions { Timeout = TimeSpan.FromSeconds(60) } });
        var request = await _server.PublishAsync();
        _server.Acknowledge(request);
        _server.Respond(request, "a");
        await ExchangeAsync();
        _time.Advance(TimeSpan.FromSeconds(60));

        Assert.Equal(["a"], (await gathering).Select(reply => reply.Text));
        Assert.Equal(0, _requester.Counters.Pending);
    });

    [Fact]
    public void Gathering_where_nobody_listens_ends_at_once() => _thread.RunTest(async () =>
    {
        var gathering = GatherAsync(new GatherOptions());
        _server.Acknowledge(await _server.PublishAsync(), ReasonCode.NoMatchingSubscribers);

        await Assert.ThrowsAsync<NoResponderException>(() => gathering);
    });

    [Fact]
    public void Leaving_a_gathering_early_ends_its_call() => _thread.RunTest(async () =>
    {
        var first = Task.Run(
            async () =>
            {
                await foreach (var response in _requester.GatherAsync("relay/1", default, new GatherOptions(), Token))
                {
                    return response.Text;
                }

                return null;
            },
            Token);
        _server.Respond(await _server.PublishAsync(), "only");

        Assert.Equal("only", await first);
        Assert.Equal(0, _requester.Counters.Pending);
    });

    [Fact]
    public void Wrong_usage_is_said_before_anything_is_sent() => _thread.RunTest(async () =>
    {
        await Assert.ThrowsAsync<ArgumentException>(() => _requester.RequestAsync("a/#", "1", cancellationToken: Token).AsTask());
        await Assert.ThrowsAsync<ArgumentException>(() => _requester.RequestAsync("", "1", cancellationToken: Token).AsTask());
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() => Call(new RequestOptions { Timeout = TimeSpan.Zero }));
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() => Call(new RequestOptions { QoS = QualityOfService.ExactlyOnce }));
        await Assert.ThrowsAsync<ArgumentException>(() => Call(new RequestOptions { ResponseTopic = "a/+" }));
        var own = await Assert.ThrowsAsync<ArgumentException>(() => Call(new RequestOptions { ResponseTopic = "relay/1" }));
        Assert.Contains("would come back as its own response", own.Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentOutOfRangeException>(
            () => _ = _requester.GatherAsync("a", default, new GatherOptions { Replies = 0 }, Token));
        var mistakes = Assert.Throws<ArgumentException>(() => new Requester(
            _client,
            new RequesterOptions
            {
                Timeout = TimeSpan.Zero,
                MaximumInFlight = 0,
                QoS = QualityOfService.ExactlyOnce,
                ResponseTopicPrefix = "#",
            }));
        Assert.Contains("Timeout is", mistakes.Message, StringComparison.Ordinal);
        Assert.Contains("MaximumInFlight is 0", mistakes.Message, StringComparison.Ordinal);
        Assert.Contains("QoS is 2", mistakes.Message, StringComparison.Ordinal);
        Assert.Contains("«#»", mistakes.Message, StringComparison.Ordinal);
        Assert.Equal(0, _requester.Counters.Calls);
        await ExchangeAsync();
    });

    [Fact]
    public void What_has_no_form_on_the_wire_is_said_to_the_caller_and_never_to_a_loop_that_sends_it_later() => _thread.RunTest(async () =>
    {
        await ExchangeAsync();
        _server.IsOpen = false;
        _server.Cut();
        var calls = _requester.Counters.Calls;
        foreach (var text in new[] { "\0", "\uD800", new string('x', 70_000) })
        {
            await Assert.ThrowsAsync<ArgumentException>(() => Call(new RequestOptions { ContentType = text }));
            await Assert.ThrowsAsync<ArgumentException>(() => Call(new RequestOptions { UserProperties = [new("name", text)] }));
            await Assert.ThrowsAsync<ArgumentException>(() => Call(new RequestOptions { UserProperties = [new(text, "value")] }));
        }

        Assert.Equal(calls, _requester.Counters.Calls);
        _server.IsOpen = true;
        _server.LetReconnect();
        await ExchangeAsync();
    });

    /// <summary>The subscription fails on the loop that has connected, which nothing may end.</summary>
    [Fact]
    public void A_Response_Topic_that_the_client_has_subscribed_to_itself_ends_a_call_made_offline_and_no_connection() =>
        _thread.RunTest(async () =>
    {
        await _client.SubscribeAsync("mine", (_, _) => ValueTask.CompletedTask, cancellationToken: Token);
        _server.IsOpen = false;
        _server.Cut();
        var taken = Call(new RequestOptions { ResponseTopic = "mine" });
        var call = Call("next");
        _server.IsOpen = true;
        _server.LetReconnect();

        await Assert.ThrowsAsync<InvalidOperationException>(() => taken);
        _server.Respond(await _server.PublishAsync(), "ok");
        Assert.Equal("ok", (await call).Text);
    });

    [Fact]
    public void Calls_made_offline_are_sent_whatever_a_handler_of_StateChanged_throws() => _thread.RunTest(async () =>
    {
        await ExchangeAsync();
        var raised = 0;
        _client.StateChanged += (_, _) =>
        {
            raised++;
            throw new InvalidOperationException("The handler has a bad day.");
        };
        _server.IsOpen = false;
        _server.Cut();
        var calls = Enumerable.Range(0, 3).Select(number => Call($"{number}")).ToList();
        _server.IsOpen = true;
        _server.LetReconnect();

        foreach (var call in calls)
        {
            _server.Respond(await _server.PublishAsync(), "ok");
            Assert.Equal("ok", (await call).Text);
        }

        Assert.Equal(2, raised);
    });

    [Fact]
    public void A_call_ends_at_its_deadline_whatever_runs_on_a_cancelled_token() => _thread.RunTest(async () =>
    {
        using var cancellation = new CancellationTokenSource();
        cancellation.Token.Register(static () => throw new InvalidOperationException("A callback has a bad day."));
        var cancelled = _requester.RequestAsync("relay/1", "1", cancellationToken: cancellation.Token).AsTask();
        cancellation.Token.Register(static () => throw new InvalidOperationException("A callback has a bad day."));
        var due = Call();
        await _server.PublishAsync();
        await _server.PublishAsync();

        await Assert.ThrowsAsync<AggregateException>(cancellation.CancelAsync);
        await Assert.ThrowsAsync<OperationCanceledException>(() => cancelled);
        _time.Advance(TimeSpan.FromSeconds(5));
        await Assert.ThrowsAsync<RequestTimeoutException>(() => due);
        await ExchangeAsync();
    });

    [Fact]
    public void A_request_that_is_too_large_says_its_size_and_the_limit() => _thread.RunTest(async () =>
    {
        _server.ConnAck = new ConnAckPacket { MaximumPacketSize = 500 };
        Reconnect(sessionPresent: false);

        var exception = await Assert.ThrowsAsync<RequestRefusedException>(
            () => _requester.RequestAsync("relay/1", new byte[1000], cancellationToken: Token).AsTask());

        Assert.Equal(ReasonCode.PacketTooLarge, exception.ReasonCode);
        Assert.Matches(
            @"^The request on «relay/1» was refused: PacketTooLarge \(0x95\), "
            + @"the packet has 1\d{3} bytes, and the server takes 500 at most \(Maximum Packet Size, MQTT 5 §3\.2\.2\.3\.6\)\.$",
            exception.Message);
    });

    private Task<Response> Call(RequestOptions? options = null) => _requester.RequestAsync("relay/1", "1", options, Token).AsTask();

    private Task<Response> Call(string text) => _requester.RequestAsync("relay/1", text, cancellationToken: Token).AsTask();

    private Task<List<Response>> GatherAsync(GatherOptions options) => Task.Run(
        async () =>
        {
            var replies = new List<Response>();
            await foreach (var reply in _requester.GatherAsync("relay/1", "1"u8.ToArray(), options, Token))
            {
                replies.Add(reply);
            }

            return replies;
        },
        Token);

    /// <summary>A whole call: when it is over, what the server sent before it has been dealt with.</summary>
    private async Task<Response> ExchangeAsync()
    {
        var call = Call("barrier");
        var request = await _server.PublishAsync();
        _server.Acknowledge(request);
        _server.Respond(request, "ok");
        return await call;
    }

    private void Reconnect(bool sessionPresent)
    {
        _server.ConnAck = _server.ConnAck with { SessionPresent = sessionPresent };
        _server.Cut();
        _server.LetReconnect();
    }
}
