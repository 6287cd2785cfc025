using System.Diagnostics.CodeAnalysis;
using Microsoft.Extensions.Logging;

namespace Antiphon.Client.Logging;

/// <summary>
/// The application's logger, with a net under it: what it throws would end a connection, or the client, and there is nowhere to tell it.
/// </summary>
[SuppressMessage("Design", "CA1031", Justification = "A logger that fails must not end what it tells of.")]
internal sealed class GuardedLogger(ILogger logger) : ILogger
{
    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull
    {
        try
        {
            return logger.BeginScope(state);
        }
        catch (Exception)
        {
            return null;
        }
    }

    public bool IsEnabled(LogLevel logLevel)
    {
        try
        {
            return logger.IsEnabled(logLevel);
        }
        catch (Exception)
        {
            return false;
        }
    }

    public void Log<TState>(
        LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        try
        {
            logger.Log(logLevel, eventId, state, exception, formatter);
        }
        catch (Exception)
        {
            // Its next line may come through.
        }
    }
}
