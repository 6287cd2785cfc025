using Antiphon.Protocol;
using Microsoft.Extensions.Logging;

namespace Antiphon.Broker.Transport;

internal sealed partial class EngineShell
{
    [LoggerMessage(EventId = 1101, Level = LogLevel.Debug, Message = "Connection of client «{ClientId}» closed: {ReasonCode} {Reason}")]
    private static partial void LogClosed(ILogger logger, string? clientId, ReasonCode reasonCode, string? reason);

    [LoggerMessage(
        EventId = 1102,
        Level = LogLevel.Warning,
        Message = "A connection could not be accepted: {Error}; accepting pauses for {Milliseconds} ms")]
    private static partial void LogAcceptPaused(ILogger logger, string error, double milliseconds);

    [LoggerMessage(EventId = 1103, Level = LogLevel.Error, Message = "A defect of the broker")]
    private static partial void LogDefect(ILogger logger, Exception defect);
}
