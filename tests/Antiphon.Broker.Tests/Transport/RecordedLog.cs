using System.Threading.Channels;
using Microsoft.Extensions.Logging;

namespace Antiphon.Broker.Tests.Transport;

/// <summary>What a broker logs from one level on, in order, to be waited for.</summary>
internal sealed class RecordedLog(LogLevel lowest) : ILoggerFactory, ILogger
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    private readonly Channel<string> _entries = Channel.CreateUnbounded<string>();

    public bool IsEmpty => !_entries.Reader.TryPeek(out _);

    public async Task<string> NextAsync()
    {
        using var patience = new CancellationTokenSource(Patience);
        return await _entries.Reader.ReadAsync(patience.Token);
    }

    public ILogger CreateLogger(string categoryName) => this;

    public void AddProvider(ILoggerProvider provider) => throw new NotSupportedException();

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => logLevel >= lowest;

    void ILogger.Log<TState>(
        LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        if (IsEnabled(logLevel))
        {
            Assert.True(_entries.Writer.TryWrite($"{formatter(state, exception)} {exception}".TrimEnd()));
        }
    }

    public void Dispose()
    {
    }
}
