using Microsoft.Extensions.Logging;

namespace Antiphon.Client.Connections;

internal sealed partial class ConnectionLoop
{
    [LoggerMessage(EventId = 1, Level = LogLevel.Information, Message = "Connected to {Server}, Session Present {SessionPresent}")]
    private partial void LogConnected(string server, bool sessionPresent);

    [LoggerMessage(
        EventId = 2, Level = LogLevel.Warning,
        Message = "Not connected: {Reason} Next try in {Delay}")]
    private partial void LogLost(string reason, TimeSpan delay);

    [LoggerMessage(
        EventId = 3, Level = LogLevel.Debug,
        Message = "Still not connected: {Reason} Next try in {Delay}")]
    private partial void LogFailedAgain(string reason, TimeSpan delay);

    [LoggerMessage(EventId = 4, Level = LogLevel.Error, Message = "Stopped for good: {Reason}")]
    private partial void LogStopped(string reason);

    [LoggerMessage(EventId = 5, Level = LogLevel.Information, Message = "Disconnected")]
    private partial void LogDisconnected();

    [LoggerMessage(EventId = 6, Level = LogLevel.Error, Message = "A handler of StateChanged threw")]
    private partial void LogCallbackFailed(Exception exception);
}
