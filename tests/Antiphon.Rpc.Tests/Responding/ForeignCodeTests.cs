using System.Text;
using Antiphon.Client;
using Antiphon.Protocol;
using Antiphon.Rpc.Tests.Servers;
using Antiphon.Rpc.Tests.Timing;
using Microsoft.Extensions.Logging;

namespace Antiphon.Rpc.Tests.Responding;

/// <summary>Code of the application that throws where a responder calls it: it is counted, told once, and ends nothing.</summary>
public sealed class ForeignCodeTests : IDisposable
{
    private readonly ManualTime _time = new();
    private readonly OneThread _thread = new();
    private readonly Log _log = new();
    private readonly ScriptedServer _server;
    private readonly Responder _responder;
    private MqttClient _client = null!;

    public ForeignCodeTests()
    {
        _server = new ScriptedServer(_thread);
        _thread.RunTest(async () => _client = await _server.ConnectAsync());
        _responder = new Responder(
            _client, new ResponderOptions { DrainTimeout = TimeSpan.Zero, TimeProvider = _time, LoggerFactory = _log });
    }

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => _thread.RunTest(async () =>
    {
        await _responder.DisposeAsync();
        await _client.DisposeAsync();
        _server.Dispose();
    });

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_handler_that_throws_is_told_aloud_once_whatever_the_logger_does(bool loggerThrows) => _thread.RunTest(async () =>
    {
        _log.Throws = loggerThrows;
        await _responder.RespondAsync(
            "t", request => request.Text == "fail" ? throw new InvalidOperationException("no") : request.Text, cancellationToken: Token);
        for (byte i = 1; i < 4; i++)
        {
            Assert.Contains(new("__stat", "500"), (await AskAsync(i, "fail")).UserProperties);
        }

        Assert.Equal("ok", Text(await AskAsync(4, "ok")));
        Assert.Equal([LogLevel.Error, LogLevel.Debug, LogLevel.Debug], _log.Levels);
        Assert.Equal((3, loggerThrows ? 3 : 0), (_responder.Counters.HandlerFailures, _responder.Counters.CallbackFailures));
    });

    [Theory]
    [InlineData(false, 3)]
    [InlineData(true, 4)]
    public void Callbacks_of_the_token_that_throw_at_the_deadline_are_counted_and_told_once(bool loggerThrows, int failures) =>
        _thread.RunTest(async () =>
    {
        _log.Throws = loggerThrows;
        var cancelled = 0;
        await _responder.RespondAsync(
            "t",
            async request =>
            {
                if (request.Text == "slow")
                {
                    request.CancellationToken.Register(() => cancelled++);
                    request.CancellationToken.Register(() => throw new InvalidOperationException("the callback"));
                    await new TaskCompletionSource().Task;
                }

                return request.Text;
            },
            cancellationToken: Token);
        for (byte i = 1; i < 4; i++)
        {
            _server.Deliver(Request(i, "slow"));
        }

        _thread.Settle();
        _time.Advance(TimeSpan.FromSeconds(5));
        _thread.Settle();
        Assert.Equal(3, cancelled);
        Assert.Equal([LogLevel.Error], _log.Levels);
        Assert.Equal((3, failures), (_responder.Counters.Overran, _responder.Counters.CallbackFailures));
        Assert.Equal("next", Text(await AskAsync(9, "next")));
    });

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_refused_answer_is_counted_and_told_to_who_listens_even_to_one_that_throws(bool throws) => _thread.RunTest(async () =>
    {
        var registration = await _responder.RespondAsync("t", request => request.Text, cancellationToken: Token);
        var told = new List<RefusedException>();
        registration.AnswerRefused += (sender, refusal) =>
        {
            Assert.Same(registration, sender);
            told.Add(refusal);
            if (throws)
            {
                throw new InvalidOperationException("the listener");
            }
        };
        for (byte i = 1; i < 4; i++)
        {
            _server.Deliver(Request(i, "x"));
            _server.Acknowledge(await _server.PublishAsync(), ReasonCode.NotAuthorized);
            await _server.PubAckAsync();
        }

        _thread.Settle();
        Assert.Equal(3, told.Count);
        Assert.All(told, refusal => Assert.Equal(("r/1", ReasonCode.NotAuthorized), (refusal.Topic, refusal.ReasonCode)));
        Assert.Equal(3, registration.RefusedAnswers);
        Assert.Equal(
            (3, 3, throws ? 3 : 0),
            (_responder.Counters.RefusedAnswers, _responder.Counters.Undelivered, _responder.Counters.CallbackFailures));
        Assert.Equal(1, _log.Levels.Count(level => level == LogLevel.Warning));
        Assert.Equal(throws ? 1 : 0, _log.Levels.Count(level => level == LogLevel.Error));
    });

    [Fact]
    public void An_answer_that_nobody_received_is_no_refused_one() => _thread.RunTest(async () =>
    {
        var registration = await _responder.RespondAsync("t", request => request.Text, cancellationToken: Token);
        _server.Deliver(Request(1, "x"));
        _server.Acknowledge(await _server.PublishAsync(), ReasonCode.NoMatchingSubscribers);
        await _server.PubAckAsync();

        Assert.Equal((1, 0, 0), (_responder.Counters.Undelivered, _responder.Counters.RefusedAnswers, registration.RefusedAnswers));
    });

    private static string Text(ApplicationMessage message) => Encoding.UTF8.GetString(message.Payload.Span);

    private async Task<ApplicationMessage> AskAsync(byte correlation, string text)
    {
        _server.Deliver(Request(correlation, text));
        var answer = await _server.PublishAsync();
        _server.Acknowledge(answer);
        return answer.Message;
    }

    private static ApplicationMessage Request(byte correlation, string text) => new()
    {
        Topic = "t",
        Payload = Encoding.UTF8.GetBytes(text),
        QoS = QualityOfService.AtLeastOnce,
        ResponseTopic = "r/1",
        CorrelationData = Enumerable.Repeat(correlation, 16).ToArray(),
        MessageExpiryInterval = 5,
        UserProperties = [new("__protVer", "1.0")],
    };

    private sealed class Log : ILoggerFactory, ILogger
    {
        public bool Throws { get; set; }

        public List<LogLevel> Levels { get; } = [];

        public ILogger CreateLogger(string categoryName) => this;

        public void AddProvider(ILoggerProvider provider) => throw new NotSupportedException();

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Dispose()
        {
        }

        void ILogger.Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (eventId.Id == 3002)
            {
                return;
            }

            Levels.Add(logLevel);
            if (Throws)
            {
                throw new InvalidOperationException("The logger is broken.");
            }
        }
    }
}
