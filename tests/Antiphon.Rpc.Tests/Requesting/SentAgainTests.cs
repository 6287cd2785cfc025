using Antiphon.Client;
using Antiphon.Protocol;
using Antiphon.Protocol.Packets;
using Antiphon.Rpc.Tests.Servers;
using Antiphon.Rpc.Tests.Timing;

namespace Antiphon.Rpc.Tests.Requesting;

/// <summary>
/// Requests whose connection is lost before the server has acknowledged them:
/// which are sent again, and what is said of them (decision 0019).
/// </summary>
public sealed class SentAgainTests : IDisposable
{
    private readonly ManualTime _time = new();
    private readonly OneThread _thread = new();
    private readonly ScriptedServer _server;
    private MqttClient _client = null!;
    private Requester _requester = null!;

    public SentAgainTests()
    {
        _server = new ScriptedServer(_thread);
        _thread.RunTest(async () =>
        {
            _client = await _server.ConnectAsync();
            _requester = new Requester(_client, new RequesterOptions { TimeProvider = _time });
        });
    }

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => _thread.RunTest(async () =>
    {
        await _requester.DisposeAsync();
        await _client.DisposeAsync();
        _server.Dispose();
    });

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_request_whose_time_is_up_is_not_sent_again(bool sessionPresent) => _thread.RunTest(async () =>
    {
        var call = Call("1");
        await _server.PublishAsync();
        _server.Cut();
        _time.Advance(TimeSpan.FromSeconds(5));
        await Assert.ThrowsAsync<RequestTimeoutException>(() => call);
        Reconnect(sessionPresent);

        await NextIsSentAsync();
    });

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_request_whose_call_was_cancelled_is_not_sent_again(bool sessionPresent) => _thread.RunTest(async () =>
    {
        using var cancellation = CancellationTokenSource.CreateLinkedTokenSource(Token);
        var call = _requester.RequestAsync("relay/1", "1", cancellationToken: cancellation.Token).AsTask();
        await _server.PublishAsync();
        await cancellation.CancelAsync();
        await Assert.ThrowsAsync<OperationCanceledException>(() => call);
        _server.Cut();
        Reconnect(sessionPresent);

        await NextIsSentAsync();
    });

    [Theory]
    [InlineData("200")]
    [InlineData("429")]
    public void A_request_that_was_answered_before_its_PUBACK_is_not_sent_again(string status) => _thread.RunTest(async () =>
    {
        var call = Call("1");
        _server.Respond(await _server.PublishAsync(), "", ("__stat", status));
        await Record.ExceptionAsync(() => call);
        _server.Cut();
        Reconnect(sessionPresent: true);

        await NextIsSentAsync();
    });

    /// <summary>After a sleep of the machine the connection may be back before the timer of the calls has gone off.</summary>
    [Fact]
    public void A_request_whose_time_is_up_by_the_clock_is_not_sent_again_before_its_timer_goes_off() => _thread.RunTest(async () =>
    {
        var call = Call("1");
        await _server.PublishAsync();
        _server.IsOpen = false;
        _server.Cut();
        _server.ClientTime.Advance(TimeSpan.FromSeconds(5));
        _server.IsOpen = true;
        Reconnect(sessionPresent: true);

        Assert.Equal(RequestProgress.Sent, (await Assert.ThrowsAsync<RequestTimeoutException>(() => call)).Progress);
        Assert.Equal(1, _requester.Counters.TimedOut);
        await NextIsSentAsync();
    });

    [Fact]
    public void A_request_whose_time_is_up_by_the_clock_is_not_sent_late_either() => _thread.RunTest(async () =>
    {
        var time = new TimeWithoutTimers();
        await using var requester = new Requester(_client, new RequesterOptions { TimeProvider = time });
        _server.Cut();
        var call = requester.RequestAsync("relay/1", "late", cancellationToken: Token).AsTask();
        time.Now += TimeSpan.FromSeconds(5);
        Reconnect(sessionPresent: true);

        Assert.Equal(RequestProgress.NotSent, (await Assert.ThrowsAsync<RequestTimeoutException>(() => call)).Progress);
        await NextIsSentAsync();
    });

    [Fact]
    public void A_request_that_is_in_time_is_sent_again_with_the_time_that_is_left() => _thread.RunTest(async () =>
    {
        var call = Call("1");
        var first = await _server.PublishAsync();
        _server.Cut();
        _server.ClientTime.Advance(TimeSpan.FromSeconds(2));
        Reconnect(sessionPresent: true);

        var again = await _server.PublishAsync();
        Assert.True(again.Dup);
        Assert.Equal((first.PacketIdentifier, 3u), (again.PacketIdentifier, again.Message.MessageExpiryInterval));
        _server.Respond(again, "ok");
        Assert.Equal("ok", (await call).Text);
    });

    [Fact]
    public void That_nobody_listens_the_second_time_does_not_say_that_nobody_listened_the_first() => _thread.RunTest(async () =>
    {
        var (call, again) = await SendTwiceAsync();
        _server.Acknowledge(again, ReasonCode.NoMatchingSubscribers);
        _thread.Settle();
        Assert.False(call.IsCompleted);

        _server.Respond(again, "of the first");
        Assert.Equal("of the first", (await call).Text);
    });

    [Fact]
    public void A_refusal_the_second_time_leaves_the_outcome_unknown() => _thread.RunTest(async () =>
    {
        var (call, again) = await SendTwiceAsync();
        _server.Acknowledge(again, ReasonCode.NotAuthorized);

        var exception = await Assert.ThrowsAsync<OutcomeUnknownException>(() => call);
        Assert.Equal(ReasonCode.NotAuthorized, Assert.IsType<RefusedException>(exception.InnerException).ReasonCode);
        Assert.Equal(
            "The outcome of the request on «relay/1» is unknown: it was sent twice, and refused the second time with 0x87; "
            + "the request was sent and not acknowledged.",
            exception.Message);
    });

    [Fact]
    public void A_server_that_would_not_take_the_request_the_second_time_leaves_the_outcome_unknown() => _thread.RunTest(async () =>
    {
        var call = Call("1");
        await _server.PublishAsync();
        _server.Cut();
        _server.ConnAck = new ConnAckPacket { MaximumPacketSize = 20 };
        Reconnect(sessionPresent: true);

        var exception = await Assert.ThrowsAsync<OutcomeUnknownException>(() => call);
        Assert.Equal(ReasonCode.PacketTooLarge, Assert.IsType<RefusedException>(exception.InnerException).ReasonCode);
        _server.ConnAck = new ConnAckPacket();
    });

    [Theory]
    [InlineData("429", null, typeof(RemoteErrorException))]
    [InlineData("503", null, typeof(RemoteErrorException))]
    [InlineData("503", "no-responders", typeof(NoResponderException))]
    public void That_one_of_two_was_not_run_leaves_the_outcome_unknown(string status, string? reason, Type cause) =>
        _thread.RunTest(async () =>
    {
        foreach (var isAcknowledged in new[] { false, true })
        {
            var (call, again) = await SendTwiceAsync();
            if (isAcknowledged)
            {
                _server.Acknowledge(again);
            }

            _server.Respond(again, "", ("__stat", status), ("antiphon-reason", reason ?? "none"));

            var exception = await Assert.ThrowsAsync<OutcomeUnknownException>(() => call);
            Assert.IsType(cause, exception.InnerException);
            Assert.DoesNotContain("..", exception.Message, StringComparison.Ordinal);
        }
    });

    [Fact]
    public void That_a_request_failed_is_true_however_often_it_was_sent() => _thread.RunTest(async () =>
    {
        var (call, again) = await SendTwiceAsync();
        _server.Respond(again, "", ("__stat", "500"));

        Assert.Equal(500, (await Assert.ThrowsAsync<RemoteErrorException>(() => call)).Status);
    });

    /// <summary>The answer would come to a program that is no more.</summary>
    [Fact]
    public void A_request_is_not_kept_for_the_next_run_of_the_program() => _thread.RunTest(async () =>
    {
        var store = new MemorySessionStore();
        using var server = new ScriptedServer(_thread);
        var options = new MqttClientOptions
        {
            ClientId = "c",
            SessionStore = store,
            SessionExpiry = TimeSpan.FromHours(1),
            CleanStart = false,
        };
        await using (var client = await server.ConnectAsync(options))
        {
            await using var requester = new Requester(client);
            var call = requester.RequestAsync("relay/1", "1", cancellationToken: Token).AsTask();
            await server.PublishAsync();
            await client.DisposeAsync();
            await Assert.ThrowsAsync<OutcomeUnknownException>(() => call);
        }

        Assert.Empty(store.Load()!.Publishes);
    });

    private Task<Response> Call(string text) => _requester.RequestAsync("relay/1", text, cancellationToken: Token).AsTask();

    private async Task<(Task<Response> Call, PublishPacket Again)> SendTwiceAsync()
    {
        var call = Call("1");
        await _server.PublishAsync();
        _server.Cut();
        Reconnect(sessionPresent: true);
        return (call, await _server.PublishAsync());
    }

    /// <summary>The next PUBLISH is that of the next call.</summary>
    private async Task NextIsSentAsync()
    {
        var next = Call("next");
        var request = await _server.PublishAsync();
        Assert.Equal(("next", false), (System.Text.Encoding.UTF8.GetString(request.Message.Payload.Span), request.Dup));
        _server.Acknowledge(request);
        _server.Respond(request, "ok");
        await next;
        _thread.Settle();
        Assert.Equal(0, _client.Session.IdentifiersInUse);
    }

    private void Reconnect(bool sessionPresent)
    {
        _server.ConnAck = _server.ConnAck with { SessionPresent = sessionPresent };
        _server.LetReconnect();
    }

    /// <summary>A clock whose timers have not gone off yet.</summary>
    private sealed class TimeWithoutTimers : TimeProvider
    {
        public TimeSpan Now { get; set; }

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => Now.Ticks;

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) => new Timer();

        private sealed class Timer : ITimer
        {
            public bool Change(TimeSpan dueTime, TimeSpan period) => true;

            public void Dispose()
            {
            }

            public ValueTask DisposeAsync() => default;
        }
    }
}
