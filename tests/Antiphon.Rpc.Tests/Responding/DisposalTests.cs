using Antiphon.Client;
using Antiphon.Protocol;
using Antiphon.Protocol.Packets;
using Antiphon.Rpc.Tests.Servers;
using Antiphon.Rpc.Tests.Timing;

namespace Antiphon.Rpc.Tests.Responding;

/// <summary>Registration, responder and client that end in any order while something is pending.</summary>
public sealed class DisposalTests : IDisposable
{
    private readonly ManualTime _time = new();
    private readonly OneThread _thread = new();
    private readonly ScriptedServer _server;
    private MqttClient _client = null!;

    public DisposalTests()
    {
        _server = new ScriptedServer(_thread);
        _thread.RunTest(async () => _client = await _server.ConnectAsync());
    }

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => _thread.RunTest(async () =>
    {
        await _client.DisposeAsync();
        _server.Dispose();
    });

    [Theory]
    [InlineData(true, true)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    [InlineData(false, false)]
    public void What_was_asked_for_and_given_up_without_a_connection_is_left_when_there_is_one(bool byToken, bool sessionPresent) =>
        _thread.RunTest(async () =>
        {
            _server.AnswersSubscriptions = false;
            using var cancellation = new CancellationTokenSource();
            var responder = Make();
            var registering = responder.RespondAsync("t", _ => "ok", cancellationToken: cancellation.Token);
            await _server.SubscribedAsync();

            // The server may have taken the SUBSCRIBE; its SUBACK is lost.
            _server.ConnAck = new ConnAckPacket { SessionPresent = sessionPresent };
            _server.Forget();
            _server.Cut();
            if (byToken)
            {
                await cancellation.CancelAsync();
                await Assert.ThrowsAnyAsync<OperationCanceledException>(() => registering);
            }
            else
            {
                var disposing = responder.DisposeAsync();
                await Assert.ThrowsAsync<ObjectDisposedException>(() => registering);
                await disposing;
            }

            _server.AnswersSubscriptions = true;
            _server.LetReconnect();
            if (sessionPresent)
            {
                Assert.Equal("t", await _server.UnsubscribedAsync());
            }

            await responder.DisposeAsync();
            await using var other = Make();
            await other.RespondAsync("t", _ => "ok", cancellationToken: Token);
        });

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_client_that_ends_first_ends_what_is_pending(bool isConnected) => _thread.RunTest(async () =>
    {
        _server.AnswersSubscriptions = false;
        var responder = Make();
        if (!isConnected)
        {
            _server.Cut();
        }

        var registering = responder.RespondAsync("t", _ => "ok", cancellationToken: Token);
        _thread.Settle();
        await _client.DisposeAsync();
        await Assert.ThrowsAsync<ConnectionException>(() => registering);
        await responder.DisposeAsync();
        await responder.DisposeAsync();
        await Assert.ThrowsAsync<ObjectDisposedException>(() => responder.RespondAsync("t", _ => "ok", cancellationToken: Token));
    });

    [Fact]
    public void A_second_end_of_a_responder_waits_for_the_first() => _thread.RunTest(async () =>
    {
        var responder = Make();
        var go = new TaskCompletionSource();
        await responder.RespondAsync(
            "t",
            async request =>
            {
                await go.Task;
                return request.Text;
            },
            cancellationToken: Token);
        _server.Deliver(Request);
        _thread.Settle();
        var first = responder.DisposeAsync().AsTask();
        var second = responder.DisposeAsync().AsTask();
        await _server.UnsubscribedAsync();
        _thread.Settle();
        Assert.False(first.IsCompleted || second.IsCompleted);
        OneThread.WithoutContext(go.SetResult);
        _server.Acknowledge(await _server.PublishAsync());
        await Task.WhenAll(first, second);
    });

    [Fact]
    public void A_handler_may_end_its_own_responder_while_another_registration_is_pending() => _thread.RunTest(async () =>
    {
        var responder = Make();
        var ended = new TaskCompletionSource();
        Task<Registration>? registering = null;
        await responder.RespondAsync(
            "t",
            async request =>
            {
                _server.AnswersSubscriptions = false;
                registering = responder.RespondAsync("u", _ => "ok", cancellationToken: Token);
                await responder.DisposeAsync();
                ended.SetResult();
                return "too late";
            },
            cancellationToken: Token);
        _server.Deliver(Request);
        _thread.Settle();
        await Assert.ThrowsAsync<ObjectDisposedException>(() => registering!);
        _server.AnswerSubscriptions();
        _thread.Settle();
        Assert.False(ended.Task.IsCompleted);
        _time.Advance(TimeSpan.FromSeconds(10));
        var answer = await _server.PublishAsync();
        Assert.Contains(new("__stat", "503"), answer.Message.UserProperties);
        _server.Acknowledge(answer);
        await ended.Task;
        Assert.Equal(0, responder.Counters.Waiting);
    });

    [Fact]
    public void A_handler_may_end_its_own_client() => _thread.RunTest(async () =>
    {
        var responder = Make();
        var ended = new TaskCompletionSource();
        await responder.RespondAsync(
            "t",
            async _ =>
            {
                await _client.DisposeAsync();
                ended.SetResult();
                return "nowhere to send it";
            },
            cancellationToken: Token);
        _server.Deliver(Request);
        await ended.Task;
        await responder.DisposeAsync();
        Assert.Equal((0, 0), (responder.Counters.Running, responder.Counters.Waiting));
    });

    [Fact]
    public void A_failure_that_nobody_waits_for_is_no_unobserved_one() => _thread.RunTest(async () =>
    {
        var unobserved = 0;
        void Count(object? sender, UnobservedTaskExceptionEventArgs failure) =>
            unobserved += failure.Exception.ToString().Contains("filter/of/this/test", StringComparison.Ordinal) ? 1 : 0;
        TaskScheduler.UnobservedTaskException += Count;
        try
        {
            await RefuseAsync();
            for (var i = 0; i < 3; i++)
            {
                GC.Collect();
                GC.WaitForPendingFinalizers();
            }

            Assert.Equal(0, unobserved);
        }
        finally
        {
            TaskScheduler.UnobservedTaskException -= Count;
        }
    });

    private async Task RefuseAsync()
    {
        await using var responder = Make();
        _server.Granting = ReasonCode.NotAuthorized;
        await Assert.ThrowsAsync<RefusedException>(
            () => responder.RespondAsync("filter/of/this/test", _ => "ok", cancellationToken: Token));
        using var cancellation = new CancellationTokenSource();
        _server.AnswersSubscriptions = false;
        var registering = responder.RespondAsync("filter/of/this/test", _ => "ok", cancellationToken: cancellation.Token);
        await cancellation.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => registering);
        _server.AnswersSubscriptions = true;
        _server.AnswerSubscriptions();
    }

    private static ApplicationMessage Request { get; } = new()
    {
        Topic = "t",
        QoS = QualityOfService.AtLeastOnce,
        ResponseTopic = "r/1",
        CorrelationData = new byte[16],
        UserProperties = [new("__protVer", "1.0")],
    };

    private Responder Make() => new(_client, new ResponderOptions { TimeProvider = _time });
}
