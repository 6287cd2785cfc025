using System.Threading.Channels;
using Antiphon.Broker.Authentication;
using Antiphon.Protocol;
using Antiphon.Protocol.Packets;
using Microsoft.Extensions.Logging;

namespace Antiphon.Broker.Tests.Transport;

/// <summary>Authenticators on their own threads, and the broker beside them.</summary>
public sealed class AuthenticationRunnerTests
{
    public static TheoryData<BrokerTransport> Transports => BrokerHostTests.Transports;

    [Theory]
    [MemberData(nameof(Transports))]
    public async Task While_an_authenticator_thinks_everybody_else_is_served(BrokerTransport transport)
    {
        var thinking = new Thinking();
        await using var broker = Start(thinking, transport);
        await using var other = await ConnectAsync(broker, thinking);
        await using var waiting = await TcpPeer.OpenAsync(broker);
        await waiting.SendAsync(new ConnectPacket { ClientId = "waiting", UserName = "ann" }, PingReqPacket.Instance);
        var question = await thinking.NextAsync();

        await other.SendAsync(PingReqPacket.Instance);
        await other.NextAsync<PingRespPacket>();
        question.Answer.SetResult(AuthenticationResult.Accept("ann"));

        Assert.Equal(ReasonCode.Success, (await waiting.NextAsync<ConnAckPacket>()).ReasonCode);
        await waiting.NextAsync<PingRespPacket>();
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
            var client = await TcpPeer.OpenAsync(broker);
            await client.SendAsync(new ConnectPacket { ClientId = $"client{i}", UserName = "ann" });
            clients.Add(client);
        }

        for (var i = 0; i < 5; i++)
        {
            (await thinking.NextAsync()).Answer.SetResult(AuthenticationResult.Accept("ann"));
        }

        foreach (var client in clients)
        {
            Assert.Equal(ReasonCode.Success, (await client.NextAsync<ConnAckPacket>()).ReasonCode);
            await client.DisposeAsync();
        }

        Assert.InRange(thinking.Most, 1, 2);
    }

    [Theory]
    [MemberData(nameof(Transports))]
    public async Task The_end_of_the_connection_cancels_the_token(BrokerTransport transport)
    {
        var thinking = new Thinking();
        await using var broker = Start(thinking, transport, maximum: 1);
        var leaving = await TcpPeer.OpenAsync(broker);
        await leaving.SendAsync(new ConnectPacket { ClientId = "leaving", UserName = "ann" });
        var question = await thinking.NextAsync();

        await leaving.DisposeAsync();

        await question.Cancelled.Task.WaitAsync(TestContext.Current.CancellationToken);
        question.Answer.SetCanceled(TestContext.Current.CancellationToken);
        await using var next = await TcpPeer.OpenAsync(broker);
        await next.SendAsync(new ConnectPacket { ClientId = "next", UserName = "ann" });
        (await thinking.NextAsync()).Answer.SetResult(AuthenticationResult.Accept("ann"));
        Assert.Equal(ReasonCode.Success, (await next.NextAsync<ConnAckPacket>()).ReasonCode);
    }

    [Theory]
    [MemberData(nameof(Transports))]
    public async Task An_authenticator_that_throws_refuses_its_client_and_is_logged_once(BrokerTransport transport)
    {
        var thinking = new Thinking();
        using var log = new RecordedLog(LogLevel.Error);
        await using var broker = Start(thinking, transport, log: log);
        await using var unlucky = await TcpPeer.OpenAsync(broker);
        await unlucky.SendAsync(new ConnectPacket { ClientId = "unlucky", UserName = "ann", Password = "hidden"u8.ToArray() });

        (await thinking.NextAsync()).Answer.SetException(new InvalidOperationException("The directory is away."));

        Assert.Equal(ReasonCode.ServerUnavailable, (await unlucky.NextAsync<ConnAckPacket>()).ReasonCode);
        Assert.Null(await unlucky.NextAsync());
        var entry = await log.NextAsync();
        Assert.True(log.IsEmpty);
        Assert.Contains("unlucky", entry, StringComparison.Ordinal);
        Assert.Contains("The directory is away.", entry, StringComparison.Ordinal);
        Assert.DoesNotContain("hidden", entry, StringComparison.Ordinal);
        await using var other = await ConnectAsync(broker, thinking);
    }

    [Fact]
    public async Task A_broker_whose_authenticator_never_answers_stops_all_the_same()
    {
        var thinking = new Thinking();
        var broker = Start(thinking, BrokerTransport.Automatic);
        await using var waiting = await TcpPeer.OpenAsync(broker);
        await waiting.SendAsync(new ConnectPacket { ClientId = "waiting", UserName = "ann" });
        var question = await thinking.NextAsync();

        await broker.StopAsync(TestContext.Current.CancellationToken);

        await question.Cancelled.Task.WaitAsync(TestContext.Current.CancellationToken);
        question.Answer.SetResult(AuthenticationResult.Accept("ann"));
    }

    private static async Task<TcpPeer> ConnectAsync(BrokerHost broker, Thinking thinking)
    {
        var client = await TcpPeer.OpenAsync(broker);
        await client.SendAsync(new ConnectPacket { ClientId = "other", UserName = "ann" });
        (await thinking.NextAsync()).Answer.SetResult(AuthenticationResult.Accept("ann"));
        Assert.Equal(ReasonCode.Success, (await client.NextAsync<ConnAckPacket>()).ReasonCode);
        return client;
    }

    private static BrokerHost Start(Thinking thinking, BrokerTransport transport, int maximum = 4, ILoggerFactory? log = null)
    {
        var options = new BrokerOptions
        {
            Port = 0,
            Transport = transport,
            Authenticator = thinking,
            MaximumConcurrentAuthentications = maximum,
            ConnectTimeout = TimeSpan.FromMinutes(1),
        };
        return BrokerHost.Start(log is null ? options : options with { LoggerFactory = log });
    }

    private sealed class Question
    {
        public TaskCompletionSource<AuthenticationResult> Answer { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public TaskCompletionSource Cancelled { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }

    private sealed class Thinking : IAuthenticator
    {
        private readonly Channel<Question> _questions = Channel.CreateUnbounded<Question>();
        private int _now;
        private int _most;

        public int Most => Volatile.Read(ref _most);

        public async ValueTask<AuthenticationResult> AuthenticateAsync(ConnectingClient client, CancellationToken cancellationToken)
        {
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
