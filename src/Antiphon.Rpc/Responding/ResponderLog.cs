using System.Diagnostics.CodeAnalysis;
using Antiphon.Client.Sessions;
using Microsoft.Extensions.Logging;

namespace Antiphon.Rpc.Responding;

/// <summary>What a responder has to tell. The logger is the application's: what it throws does not matter to requests.</summary>
internal sealed partial class ResponderLog(ILogger logger)
{
    /// <summary>A handler has thrown.</summary>
    public void HandlerFailed(string topicFilter, Exception exception) => Guarded(() => LogHandlerFailed(logger, topicFilter, exception));

    /// <summary>What a handler had registered with its token has thrown.</summary>
    public void CancellationFailed(string topicFilter, Exception exception) =>
        Guarded(() => LogCancellationFailed(logger, topicFilter, exception));

    /// <summary>A response was not delivered; to be deferred, since that is found within the gate.</summary>
    public IDeferred Undelivered(string responseTopic, Exception exception) =>
        new Entry(() => Guarded(() => LogUndelivered(logger, responseTopic, exception)));

    /// <summary>The server has refused a response, the first one of a registration; to be deferred, since that is found within the gate.</summary>
    public IDeferred Refused(string topicFilter, string responseTopic, string refusal) =>
        new Entry(() => Guarded(() => LogRefused(logger, topicFilter, responseTopic, refusal)));

    [SuppressMessage("Design", "CA1031", Justification = "There is nowhere left to tell it.")]
    private static void Guarded(Action log)
    {
        try
        {
            log();
        }
        catch (Exception)
        {
            // A logger that fails must not end the thread of a handler, a timer or a connection.
        }
    }

    [LoggerMessage(EventId = 3001, Level = LogLevel.Error, Message = "The handler of «{topicFilter}» failed.")]
    private static partial void LogHandlerFailed(ILogger logger, string topicFilter, Exception exception);

    [LoggerMessage(EventId = 3002, Level = LogLevel.Debug, Message = "A response on «{responseTopic}» was not delivered.")]
    private static partial void LogUndelivered(ILogger logger, string responseTopic, Exception exception);

    [LoggerMessage(
        EventId = 3003, Level = LogLevel.Error, Message = "A callback of the CancellationToken of a request on «{topicFilter}» failed.")]
    private static partial void LogCancellationFailed(ILogger logger, string topicFilter, Exception exception);

    [LoggerMessage(
        EventId = 3004,
        Level = LogLevel.Warning,
        Message = "The server has refused the response to a request on «{topicFilter}»: {refusal} It was for «{responseTopic}». Further "
            + "refusals on this filter are counted and not logged.")]
    private static partial void LogRefused(ILogger logger, string topicFilter, string responseTopic, string refusal);

    private sealed class Entry(Action log) : IDeferred
    {
        public void Run(uint version) => log();
    }
}
