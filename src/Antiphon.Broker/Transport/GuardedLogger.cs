using Microsoft.Extensions.Logging;

namespace Antiphon.Broker.Transport;

/// <summary>
/// The log of a host, which is foreign code: where it throws, the entry is lost and counted, and nothing else is left undone.
/// Safe from any thread if the host's is.
/// </summary>
internal sealed class GuardedLogger(ILogger log, EngineCounters counters) : ILogger
{
    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => log.BeginScope(state);

    public bool IsEnabled(LogLevel logLevel)
    {
        try
        {
            return log.IsEnabled(logLevel);
        }
        catch (Exception failure) when (failure is not OutOfMemoryException)
        {
            counters.AddDefect();
            return false;
        }
    }

    public void Log<TState>(
        LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        try
        {
            log.Log(logLevel, eventId, state, exception, formatter);
        }
        catch (Exception failure) when (failure is not OutOfMemoryException)
        {
            counters.AddDefect();
        }
    }
}
