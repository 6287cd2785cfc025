using Antiphon.Protocol;
using Antiphon.Protocol.Wire;

namespace Antiphon.Broker.Connections;

/// <summary>What happened to a connection that an operator may want to read in the log.</summary>
internal enum ConnectionEventKind
{
    /// <summary>Its client was accepted and begins a new Session.</summary>
    Connected,

    /// <summary>Its client was accepted and goes on with its Session.</summary>
    Resumed,

    /// <summary>The Will of its CONNECT is one that nobody publishes here; the client was not refused for that.</summary>
    WillLeftOut,

    /// <summary>The application's authorizer took too long about it; noted once.</summary>
    AuthorizerLate,

    /// <summary>It ended before its client was accepted, for a reason of the client's.</summary>
    Refused,

    /// <summary>It ended before its client was accepted, and nobody is to blame.</summary>
    Left,

    /// <summary>Its client was connected, and the connection ended because of what the client did.</summary>
    Faulted,

    /// <summary>Its client was connected, and the connection ended.</summary>
    Closed,

    /// <summary>A message of its client was refused, the first of this connection.</summary>
    MessageDenied,

    /// <summary>A subscription of its client was refused, the first of this connection.</summary>
    SubscriptionDenied,
}

/// <summary>What happened to one connection, and why if it ended.</summary>
internal readonly record struct ConnectionEvent(ConnectionEventKind Kind, Connection Connection, Fault Reason);

/// <summary>
/// What happened to connections since it was looked at last. The engine does not log: it notes it here, a few times a connection,
/// if anybody takes it.
/// </summary>
internal sealed class ConnectionEvents
{
    private readonly List<ConnectionEvent> _events = [];

    /// <summary>Whether somebody takes what is noted; if not, nothing is.</summary>
    public bool IsWatched { get; set; }

    public IReadOnlyList<ConnectionEvent> Pending => _events;

    /// <summary>Notes what happened, with <see cref="Connection.CloseReason"/>.</summary>
    public void Add(ConnectionEventKind kind, Connection connection)
    {
        if (IsWatched)
        {
            _events.Add(new ConnectionEvent(kind, connection, connection.CloseReason));
        }
    }

    /// <summary>Notes the end of a connection; of several, only the first counts.</summary>
    public void AddEnd(Connection connection)
    {
        if (!connection.IsEndNoted)
        {
            connection.IsEndNoted = true;
            var isBlamed = connection.IsRefused;
            Add(
                connection.Phase == ConnectionPhase.Connected
                    ? isBlamed ? ConnectionEventKind.Faulted : ConnectionEventKind.Closed
                    : isBlamed ? ConnectionEventKind.Refused : ConnectionEventKind.Left,
                connection);
        }
    }

    /// <summary>Notes that a message was refused; of several of a connection, only the first counts.</summary>
    public void AddDenied(Connection connection, ReadOnlySpan<byte> topic, in Fault reason)
    {
        if (IsWatched && !connection.IsDeniedMessageNoted)
        {
            connection.IsDeniedMessageNoted = true;
            AddDenied(ConnectionEventKind.MessageDenied, connection, System.Text.Encoding.UTF8.GetString(topic), reason);
        }
    }

    /// <summary>Notes that a subscription was refused; of several of a connection, only the first counts.</summary>
    public void AddDenied(Connection connection, string topicFilter, in Fault reason)
    {
        if (IsWatched && !connection.IsDeniedSubscriptionNoted)
        {
            connection.IsDeniedSubscriptionNoted = true;
            AddDenied(ConnectionEventKind.SubscriptionDenied, connection, topicFilter, reason);
        }
    }

    public void Clear() => _events.Clear();

    private void AddDenied(ConnectionEventKind kind, Connection connection, string topic, in Fault reason) => _events.Add(
        new ConnectionEvent(kind, connection, new Fault(reason.Code, $"«{Utf8Text.Excerpt(topic)}»: {reason.Message}")));
}
