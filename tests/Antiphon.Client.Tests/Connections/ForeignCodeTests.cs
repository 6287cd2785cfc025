using Antiphon.Client.Tests.Peers;
using Antiphon.Protocol;
using Microsoft.Extensions.Logging;

namespace Antiphon.Client.Tests.Connections;

/// <summary>What the application's own code throws ends nothing of ours.</summary>
public sealed class ForeignCodeTests
{
    [Fact]
    public async Task A_logger_that_throws_does_not_stop_the_client()
    {
        using var server = new ScriptedServer();
        await using var client = MqttClient.Start(
            server.Options with { LoggerFactory = new Throwing(), ReconnectDelay = TimeSpan.FromMilliseconds(1) });
        for (var i = 0; i < 3; i++)
        {
            using var connection = await server.AcceptAsync(ScriptedServer.Accepted);
            await client.WaitUntilConnectedAsync(Limit.Token);
            connection.Reset();
        }

        using var last = await server.AcceptAsync(ScriptedServer.Accepted);
        await client.WaitUntilConnectedAsync(Limit.Token);
    }

    [Fact]
    public async Task A_StateChanged_handler_that_throws_keeps_nothing_from_being_sent()
    {
        using var server = new ScriptedServer();
        await using var client = MqttClient.Start(server.Options);
        client.StateChanged += (_, _) => throw new InvalidOperationException("The handler is broken.");
        var publishing = client.PublishAsync(
            new ApplicationMessage { Topic = "a", QoS = QualityOfService.AtLeastOnce }, Limit.Token).AsTask();

        using var connection = await server.AcceptAsync(ScriptedServer.Accepted);

        await connection.ExpectAsync("32 06 0001 'a' 0001 00");
        await connection.SendAsync("40 02 0001");
        await publishing;
    }

    /// <summary>Throws whatever it is asked.</summary>
    private sealed class Throwing : ILoggerFactory, ILogger
    {
        public ILogger CreateLogger(string categoryName) => this;

        public void AddProvider(ILoggerProvider provider) => throw new NotSupportedException();

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => throw new InvalidOperationException("The logger is broken.");

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Dispose()
        {
        }

        void ILogger.Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            throw new InvalidOperationException("The logger is broken.");
    }
}
