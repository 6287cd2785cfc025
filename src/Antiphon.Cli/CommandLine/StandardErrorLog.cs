using Antiphon.Cli.Output;
using Microsoft.Extensions.Logging;

namespace Antiphon.Cli.CommandLine;

/// <summary>What the library warns of, such as an answer that the broker refused, as a sentence on the standard error.</summary>
internal sealed class StandardErrorLog(Terminal terminal) : ILoggerFactory, ILogger
{
    public void AddProvider(ILoggerProvider provider)
    {
        // There is one place to log to.
    }

    public ILogger CreateLogger(string categoryName) => this;

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Warning;

    public void Log<TState>(
        LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        if (IsEnabled(logLevel))
        {
            terminal.Complain(exception is null ? formatter(state, exception) : $"{formatter(state, exception)} {exception.Message}");
        }
    }

    public void Dispose()
    {
        // The terminal is the program's.
    }
}
