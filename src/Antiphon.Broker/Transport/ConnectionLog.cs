using Antiphon.Broker.Connections;
using Antiphon.Protocol;
using Antiphon.Protocol.Wire;
using Microsoft.Extensions.Logging;

namespace Antiphon.Broker.Transport;

/// <summary>
/// Writes what the engine has noted of connections into the log: who came, who was refused and why, who left and why.
/// On the loop's thread.
/// </summary>
internal sealed partial class ConnectionLog(ILogger logger, ConnectionEvents events)
{
    /// <summary>Writes what has been noted since the last turn.</summary>
    public void Write()
    {
        if (events.Pending.Count == 0)
        {
            return;
        }

        foreach (var noted in events.Pending)
        {
            Write(noted);
        }

        events.Clear();
    }

    private void Write(in ConnectionEvent noted)
    {
        var connection = noted.Connection;
        var client = connection.ClientId is { } id ? Utf8Text.Excerpt(id) : "";
        var origin = connection.Origin.RemoteEndPoint?.ToString() ?? connection.Origin.Listener;
        var (code, reason) = noted.Reason;
        switch (noted.Kind)
        {
            case ConnectionEventKind.Connected:
                WriteConnected(connection, client, origin, "new Session");
                break;
            case ConnectionEventKind.Resumed:
                WriteConnected(connection, client, origin, "goes on with its Session");
                break;
            case ConnectionEventKind.WillLeftOut:
                LogWillLeftOut(logger, client, origin);
                break;
            case ConnectionEventKind.AuthorizerLate:
                LogAuthorizerLate(logger, client, origin);
                break;
            case ConnectionEventKind.Refused:
                LogRefused(logger, client, origin, (byte)code, code, reason);
                break;
            case ConnectionEventKind.Left:
                LogLeft(logger, client, origin, reason);
                break;
            case ConnectionEventKind.Faulted:
                LogFaulted(logger, client, origin, (byte)code, code, reason);
                break;
            case ConnectionEventKind.MessageDenied:
                LogMessageDenied(logger, client, origin, (byte)code, code, reason);
                break;
            case ConnectionEventKind.SubscriptionDenied:
                LogSubscriptionDenied(logger, client, origin, (byte)code, code, reason);
                break;
            case ConnectionEventKind.Closed:
                LogClosed(logger, client, origin, reason);
                break;
            default:
                throw new InvalidOperationException($"The log has no words for {noted.Kind}.");
        }
    }

    private void WriteConnected(Connection connection, string client, string origin, string session)
    {
        if (logger.IsEnabled(LogLevel.Information))
        {
            var protocol = Protocol(connection);
            if (connection.UserName is { } name)
            {
                var user = Utf8Text.Excerpt(name);
                LogUserConnected(logger, client, origin, protocol, session, user);
            }
            else
            {
                LogConnected(logger, client, origin, protocol, session);
            }
        }
    }

    private static string Protocol(Connection connection) =>
        connection.Version == ProtocolVersion.V5 ? "MQTT 5" : connection.IsBridge ? "MQTT 3.1.1, a bridge" : "MQTT 3.1.1";
}
