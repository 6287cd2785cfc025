using System.Threading.Channels;
using Antiphon.Broker.Access;
using Antiphon.Protocol;
using Antiphon.Protocol.Packets;
using Microsoft.Extensions.Logging;

namespace Antiphon.Broker.Tests.Transport;

/// <summary>An authorizer on its own threads, and the broker beside it.</summary>
public sealed class AuthorizationRunnerTests
{
    public static TheoryData<BrokerTransport> Transports => BrokerHostTests.Transports;

    [Theory]
    [MemberData(nameof(Transports))]
    public async Task While_an_authorizer_thinks_everybody_else_is_served(BrokerTransport transport)
    {
        var thinking = new Thinking();
        await using var broker = Start(thinking, transport);
        await using var waiting = await TcpPeer.ConnectAsync(broker, "waiting");
        await waiting.SendAsync(Publish("t", 1), PingReqPacket.Instance, Publish("t", 2));
        var question = await thinking.NextAsync();
        await using var other = await TcpPeer.ConnectAsync(broker, "other");

        await other.SendAsync(PingReqPacket.Instance);
        await other.NextAsync<PingRespPacket>();
        question.Answer.SetResult(AuthorizationResult.Allow());

        Assert.Equal(1, (await waiting.NextAsync<AcknowledgementPacket>()).PacketIdentifier.Value);
        await waiting.NextAsync<PingRespPacket>();
        (await thinking.NextAsync()).Answer.SetResult(AuthorizationResult.Deny("No."));
        var denied = await waiting.NextAsync<AcknowledgementPacket>();
        Assert.Equal((2, ReasonCode.NotAuthorized, "No."), (denied.PacketIdentifier.Value, denied.ReasonCode, denied.ReasonString));
    }

    [Theory]
    [MemberData(nameof(Transports))]
    public async Task No_more_are_asked_at_once_than_may_be(BrokerTransport transport)
    {
        var thinking = new Thinking();
        await using var broker = Start(thinking, transport, maximum: 2);
        var clients = new List<TcpPeer>();
        for (var i = 0; i < 5; i++)
        {
            clients.Add(await TcpPeer.ConnectAsync(broker, $"client{i}"));
            await clients[i].SendAsync(Publish("t", 1));
        }

        for (var i = 0; i < 5; i++)
        {
            (await thinking.NextAsync()).Answer.SetResult(AuthorizationResult.Allow());
        }

        foreach (var client in clients)
        {
            Assert.Equal(ReasonCode.NoMatchingSubscribers, (await client.NextAsync<AcknowledgementPacket>()).ReasonCode);
            await client.DisposeAsync();
        }

        Assert.InRange(thinking.Most, 1, 2);
    }

    [Theory]
    [MemberData(nameof(Transports))]
    public async Task One_that_throws_refuses_and_is_logged_once_a_connection(BrokerTransport transport)
    {
        var thinking = new Thinking();
        using var log = new RecordedLog(LogLevel.Error);
        await using var broker = Start(thinking, transport, log: log);
        await using var unlucky = await TcpPeer.ConnectAsync(broker, "unlucky");
        await unlucky.SendAsync(Publish("t", 1), Publish("t", 2));

        for (var i = 0; i < 2; i++)
        {
            (await thinking.NextAsync()).Answer.SetException(new InvalidOperationException("The directory is away."));
            Assert.Equal(ReasonCode.NotAuthorized, (await unlucky.NextAsync<AcknowledgementPacket>()).ReasonCode);
        }

        var entry = await log.NextAsync();
        Assert.True(log.IsEmpty);
        Assert.Contains("unlucky", entry, StringComparison.Ordinal);
        Assert.Contains("The directory is away.", entry, StringComparison.Ordinal);
        Assert.Equal((2, 0), (broker.Counters.FailedAuthorizations, broker.Counters.Defects));
    }

    [Theory]
    [MemberData(nameof(Transports))]
    public async Task One_that_is_late_refuses_is_told_to_give_up_and_logged_once_a_connection(BrokerTransport transport)
    {
        var thinking = new Thinking();
        using var log = new RecordedLog(LogLevel.Warning);
        await using var broker = Start(thinking, transport, log: log, timeout: TimeSpan.FromMilliseconds(50));
        await using var unlucky = await TcpPeer.ConnectAsync(broker, "unlucky");
        await unlucky.SendAsync(Publish("t", 1), Publish("t", 2));

        for (var i = 0; i < 2; i++)
        {
            var question = await thinking.NextAsync();
            Assert.Equal(ReasonCode.NotAuthorized, (await unlucky.NextAsync<AcknowledgementPacket>()).ReasonCode);
            await question.Cancelled.Task.WaitAsync(TestContext.Current.CancellationToken);
            question.Answer.SetResult(AuthorizationResult.Allow());
        }

        // One line for the operator's authorizer, and one for what the client was refused.
        Assert.Contains("took too long about client «unlucky»", await log.NextAsync(), StringComparison.Ordinal);
        Assert.Matches("«unlucky» from .* may not publish: 0x87 NotAuthorized: «t»: ", await log.NextAsync());
        Assert.True(log.IsEmpty);
        Assert.Equal(2, broker.Counters.FailedAuthorizations);
    }

    [Theory]
    [MemberData(nameof(Transports))]
    public async Task What_a_client_sent_before_it_closed_is_done_to_the_last_packet(BrokerTransport transport)
    {
        const int Count = 40;
        var thinking = new Thinking { AnswersAtOnce = true };
        await using var broker = Start(thinking, transport);
        await using var listener = await TcpPeer.ConnectAsync(broker, "listener");
        await listener.SubscribeAsync("#", QualityOfService.AtMostOnce);
        await using (var client = await TcpPeer.ConnectAsync(
            broker, "a", connect => connect with { Will = new Will(TestLink.Message("will", "will")) }))
        {
            thinking.AnswersAtOnce = false;

            // Much more than is held at once: the rest waits in the network until it is read.
            await client.SendAsync(
                [
                    .. Enumerable.Range(0, Count).Select(i => new PublishPacket(TestLink.Message($"t/{i}", new string('x', 2000)))),
                    new DisconnectPacket(),
                ]);
        }

        for (var i = 0; i < Count; i++)
        {
            (await thinking.NextAsync()).Answer.SetResult(AuthorizationResult.Allow());
            Assert.Equal($"t/{i}", (await listener.NextAsync<PublishPacket>()).Message.Topic);
        }

        await listener.SendAsync(PingReqPacket.Instance);
        await listener.NextAsync<PingRespPacket>();
    }

    [Fact]
    public async Task A_broker_whose_authorizer_never_answers_stops_all_the_same()
    {
        var thinking = new Thinking();
        var broker = Start(thinking, BrokerTransport.Automatic);
        await using var waiting = await TcpPeer.ConnectAsync(broker, "waiting");
        await waiting.SendAsync(Publish("t", 1));
        var question = await thinking.NextAsync();

        await broker.StopAsync(TestContext.Current.CancellationToken);

        await question.Cancelled.Task.WaitAsync(TestContext.Current.CancellationToken);
        question.Answer.SetResult(AuthorizationResult.Allow());
    }

    private static PublishPacket Publish(string topic, ushort identifier) =>
        new(TestLink.Message(topic, "", QualityOfService.AtLeastOnce)) { PacketIdentifier = new(identifier) };

    private static BrokerHost Start(
        Thinking thinking, BrokerTransport transport, int maximum = 4, ILoggerFactory? log = null, TimeSpan? timeout = null)
    {
        var options = new BrokerOptions
        {
            Port = 0,
            Transport = transport,
            Authorizer = thinking,
            MaximumConcurrentAuthorizations = maximum,
            AuthorizationTimeout = timeout ?? TimeSpan.FromMinutes(1),
        };
        return BrokerHost.Start(log is null ? options : options with { LoggerFactory = log });
    }

    private sealed class Question
    {
        public TaskCompletionSource<AuthorizationResult> Answer { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public TaskCompletionSource Cancelled { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }

    private sealed class Thinking : IAuthorizer
    {
        private readonly Channel<Question> _questions = Channel.CreateUnbounded<Question>();
        private int _now;
        private int _most;

        public int Most => Volatile.Read(ref _most);

        /// <summary>Whether it allows everything without thinking.</summary>
        public volatile bool AnswersAtOnce;

        public async ValueTask<AuthorizationResult> AuthorizeAsync(AuthorizationRequest request, CancellationToken cancellationToken)
        {
            if (AnswersAtOnce)
            {
                return AuthorizationResult.Allow();
            }

            var now = Interlocked.Increment(ref _now);
            for (var most = Most; now > most && Interlocked.CompareExchange(ref _most, now, most) != most; most = Most)
            {
            }

            var question = new Question();
            await using var registration = cancellationToken.Register(question.Cancelled.SetResult);
            Assert.True(_questions.Writer.TryWrite(question));
            try
            {
                return await question.Answer.Task;
            }
            finally
            {
                Interlocked.Decrement(ref _now);
            }
        }

        public ValueTask<Question> NextAsync() => _questions.Reader.ReadAsync(TestContext.Current.CancellationToken);
    }
}
