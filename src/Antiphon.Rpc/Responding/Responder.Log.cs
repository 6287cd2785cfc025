using Microsoft.Extensions.Logging;

namespace Antiphon.Rpc;

public sealed partial class Responder
{
    [LoggerMessage(EventId = 3001, Level = LogLevel.Error, Message = "The handler of «{topicFilter}» failed.")]
    private static partial void LogHandlerFailed(ILogger logger, string topicFilter, Exception exception);

    [LoggerMessage(EventId = 3002, Level = LogLevel.Debug, Message = "A response on «{responseTopic}» was not delivered.")]
    private static partial void LogUndelivered(ILogger logger, string responseTopic, Exception exception);
}
