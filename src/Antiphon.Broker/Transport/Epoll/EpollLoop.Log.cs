using Antiphon.Protocol;
using Microsoft.Extensions.Logging;

namespace Antiphon.Broker.Transport.Epoll;

internal sealed partial class EpollLoop
{
    [LoggerMessage(EventId = 1101, Level = LogLevel.Debug, Message = "Connection {Token:X} closed: {ReasonCode} {Reason}")]
    private static partial void LogClosed(ILogger logger, ulong token, ReasonCode reasonCode, string? reason);

    [LoggerMessage(EventId = 1102, Level = LogLevel.Warning, Message = "A connection could not be accepted: {Error}; accepting pauses for {Milliseconds} ms")]
    private static partial void LogAcceptPaused(ILogger logger, string error, double milliseconds);

    [LoggerMessage(EventId = 1103, Level = LogLevel.Error, Message = "A defect of the broker ended connection {Token:X}")]
    private static partial void LogDefect(ILogger logger, Exception defect, ulong token);
}
