using System.Diagnostics.CodeAnalysis;
using Antiphon.Client.Sessions;
using Microsoft.Extensions.Logging;

namespace Antiphon.Rpc.Responding;

/// <summary>What a responder has to tell. The logger is the application's: what it throws does not matter to requests.</summary>
internal sealed partial class ResponderLog(ILogger logger)
{
    private long _callbackFailures;

    /// <summary>How often code of the application has thrown that is no handler: callbacks of tokens and events, and the logger.</summary>
    public long CallbackFailures => Interlocked.Read(ref _callbackFailures);

    /// <summary>A handler has thrown. The first of a registration is an error in the log, the rest is for who looks closely.</summary>
    public void HandlerFailed(Registration registration, Exception exception)
    {
        if (registration.IsFirst(Complaint.HandlerFailed))
        {
            Guarded(() => LogHandlerFailed(logger, registration.TopicFilter, exception));
        }
        else
        {
            Guarded(() => LogHandlerFailedAgain(logger, registration.TopicFilter, exception));
        }
    }

    /// <summary>What a handler had registered with its token has thrown, or what hears of refused answers.</summary>
    public void CallbackFailed(Registration registration, Exception exception)
    {
        Interlocked.Increment(ref _callbackFailures);
        if (registration.IsFirst(Complaint.CallbackFailed))
        {
            Guarded(() => LogCallbackFailed(logger, registration.TopicFilter, exception));
        }
    }

    /// <summary>A response was not delivered; to be deferred, since that is found within the gate.</summary>
    public IDeferred Undelivered(string responseTopic, Exception exception) =>
        new Entry(() => Guarded(() => LogUndelivered(logger, responseTopic, exception)));

    /// <summary>
    /// The server has refused a response, the first one of a registration;
    /// to be deferred, since that is found within the gate.
    /// </summary>
    public IDeferred Refused(string topicFilter, string responseTopic, string refusal) =>
        new Entry(() => Guarded(() => LogRefused(logger, topicFilter, responseTopic, refusal)));

    [SuppressMessage("Design", "CA1031", Justification = "There is nowhere left to tell it.")]
    private void Guarded(Action log)
    {
        try
        {
            log();
        }
        catch (Exception)
        {
            // A logger that fails must not end the thread of a handler, a timer or a connection.
            Interlocked.Increment(ref _callbackFailures);
        }
    }

    [LoggerMessage(
        EventId = 3001,
        Level = LogLevel.Error,
        Message = "The handler of «{topicFilter}» failed. Further ones are logged at Debug.")]
    private static partial void LogHandlerFailed(ILogger logger, string topicFilter, Exception exception);

    [LoggerMessage(EventId = 3005, Level = LogLevel.Debug, Message = "The handler of «{topicFilter}» failed again.")]
    private static partial void LogHandlerFailedAgain(ILogger logger, string topicFilter, Exception exception);

    [LoggerMessage(EventId = 3002, Level = LogLevel.Debug, Message = "A response on «{responseTopic}» was not delivered.")]
    private static partial void LogUndelivered(ILogger logger, string responseTopic, Exception exception);

    [LoggerMessage(
        EventId = 3003,
        Level = LogLevel.Error,
        Message = "A callback of the program's own for «{topicFilter}» failed, of a CancellationToken or an event. "
            + "Further ones are counted.")]
    private static partial void LogCallbackFailed(ILogger logger, string topicFilter, Exception exception);

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
