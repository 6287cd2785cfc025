using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Antiphon.Server.Listening;

/// <summary>
/// Kestrel's log within ours, without what would mislead there: it calls each listener an address of HTTP,
/// and each WebSocket two lines of a web server.
/// </summary>
internal sealed class ListenerLogs(ILoggerFactory inner) : ILoggerFactory
{
    public ILogger CreateLogger(string categoryName) =>
        categoryName is "Microsoft.Hosting.Lifetime" or "Microsoft.AspNetCore.Hosting.Diagnostics"
            ? NullLogger.Instance
            : inner.CreateLogger(categoryName);

    public void AddProvider(ILoggerProvider provider) => inner.AddProvider(provider);

    public void Dispose()
    {
        // The inner one is the embedder's.
    }
}
