using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Antiphon.Server.Listening;

/// <summary>
/// Kestrel's log within ours, without what would mislead there: it calls each listener an address of HTTP,
/// and each WebSocket two lines of a web server. Why it cannot start is told by who starts it, and not here by a stack trace.
/// Safe from any thread.
/// </summary>
internal sealed class ListenerLogs(ILoggerFactory inner) : ILoggerFactory
{
    private volatile bool _hasStarted;

    /// <summary>Kestrel has started; from now on all it says is passed on.</summary>
    public void Start() => _hasStarted = true;

    public ILogger CreateLogger(string categoryName) =>
        categoryName is "Microsoft.Hosting.Lifetime"
            or "Microsoft.AspNetCore.Hosting.Diagnostics"
            or "Microsoft.Extensions.Hosting.Internal.Host"
            ? NullLogger.Instance
            : new Log(this, inner.CreateLogger(categoryName));

    public void AddProvider(ILoggerProvider provider) => inner.AddProvider(provider);

    public void Dispose()
    {
        // The inner one is the embedder's.
    }

    private sealed class Log(ListenerLogs owner, ILogger inner) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => inner.BeginScope(state);

        public bool IsEnabled(LogLevel logLevel) => owner._hasStarted && inner.IsEnabled(logLevel);

        void ILogger.Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (owner._hasStarted)
            {
                inner.Log(logLevel, eventId, state, exception, formatter);
            }
        }
    }
}
