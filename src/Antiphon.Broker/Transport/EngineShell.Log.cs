using System.Net;
using Microsoft.Extensions.Logging;

namespace Antiphon.Broker.Transport;

internal sealed partial class EngineShell
{
    [LoggerMessage(
        EventId = 1102,
        Level = LogLevel.Warning,
        Message = "A connection could not be accepted: {Error}; accepting pauses for {Milliseconds} ms")]
    private static partial void LogAcceptPaused(ILogger logger, string error, double milliseconds);

    [LoggerMessage(
        EventId = 1111,
        Level = LogLevel.Error,
        Message = "No file descriptor is left for another connection beside {Connections}: new ones are closed at once until some end, "
            + "{TurnedAway} so far; raise the limit of open files (ulimit -n)")]
    private static partial void LogTurnedAway(ILogger logger, long connections, long turnedAway);

    [LoggerMessage(
        EventId = 1112,
        Level = LogLevel.Information,
        Message = "The process may open {Maximum} file descriptors and has {InUse} open, which leaves room for {Room} connections; "
            + "MaximumConnections is {MaximumConnections}")]
    private static partial void LogRoom(ILogger logger, long maximum, int inUse, long room, int maximumConnections);

    [LoggerMessage(
        EventId = 1113,
        Level = LogLevel.Warning,
        Message = "{Remote} opens connections although its address has twice as many as it may: they are closed at once, "
            + "{Refused} of such addresses were refused so far; see MaximumConnectionsPerAddress")]
    private static partial void LogAddressRefused(ILogger logger, EndPoint? remote, long refused);

    [LoggerMessage(EventId = 1103, Level = LogLevel.Error, Message = "A defect of the broker")]
    private static partial void LogDefect(ILogger logger, Exception defect);
}
