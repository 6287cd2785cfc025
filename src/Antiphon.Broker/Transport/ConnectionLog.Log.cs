using Antiphon.Protocol;
using Microsoft.Extensions.Logging;

namespace Antiphon.Broker.Transport;

internal sealed partial class ConnectionLog
{
    [LoggerMessage(
        EventId = 1105, Level = LogLevel.Information, Message = "Client «{ClientId}» connected from {Origin}: {Protocol}, {Session}")]
    private static partial void LogConnected(ILogger logger, string clientId, string origin, string protocol, string session);

    // The same event: what it says more is who the client has proved to be.
#pragma warning disable SYSLIB1006
    [LoggerMessage(
        EventId = 1105,
        EventName = "LogConnected",
        Level = LogLevel.Information,
        Message = "Client «{ClientId}» connected from {Origin}: {Protocol}, {Session}, user «{User}»")]
    private static partial void LogUserConnected(
        ILogger logger, string clientId, string origin, string protocol, string session, string user);
#pragma warning restore SYSLIB1006

    [LoggerMessage(EventId = 1106, Level = LogLevel.Information, Message = "Client «{ClientId}» from {Origin} closed: {Reason}")]
    private static partial void LogClosed(ILogger logger, string clientId, string origin, string? reason);

    [LoggerMessage(
        EventId = 1107,
        Level = LogLevel.Warning,
        Message = "Client «{ClientId}» from {Origin} closed for its fault: 0x{Code:X2} {ReasonCode}: {Reason}")]
    private static partial void LogFaulted(
        ILogger logger, string clientId, string origin, byte code, ReasonCode reasonCode, string? reason);

    [LoggerMessage(
        EventId = 1108,
        Level = LogLevel.Warning,
        Message = "Client «{ClientId}» from {Origin} refused: 0x{Code:X2} {ReasonCode}: {Reason}")]
    private static partial void LogRefused(
        ILogger logger, string clientId, string origin, byte code, ReasonCode reasonCode, string? reason);

    [LoggerMessage(
        EventId = 1109, Level = LogLevel.Debug, Message = "Client «{ClientId}» from {Origin} left before it was connected: {Reason}")]
    private static partial void LogLeft(ILogger logger, string clientId, string origin, string? reason);

    [LoggerMessage(
        EventId = 1110,
        Level = LogLevel.Information,
        Message = "Client «{ClientId}» from {Origin} is a bridge whose Will is for $SYS/broker/connection/; it is not published")]
    private static partial void LogWillLeftOut(ILogger logger, string clientId, string origin);

    [LoggerMessage(
        EventId = 1121,
        Level = LogLevel.Warning,
        Message = "The authorizer took too long about client «{ClientId}» from {Origin}, which was refused what it asked for; "
            + "more of that is only counted")]
    private static partial void LogAuthorizerLate(ILogger logger, string clientId, string origin);

    [LoggerMessage(
        EventId = 1122,
        Level = LogLevel.Warning,
        Message = "Client «{ClientId}» from {Origin} may not publish: 0x{Code:X2} {ReasonCode}: {Reason} "
            + "More of this connection are counted only.")]
    private static partial void LogMessageDenied(
        ILogger logger, string clientId, string origin, byte code, ReasonCode reasonCode, string? reason);

    [LoggerMessage(
        EventId = 1123,
        Level = LogLevel.Warning,
        Message = "Client «{ClientId}» from {Origin} may not subscribe: 0x{Code:X2} {ReasonCode}: {Reason} "
            + "More of this connection are counted only.")]
    private static partial void LogSubscriptionDenied(
        ILogger logger, string clientId, string origin, byte code, ReasonCode reasonCode, string? reason);
}
