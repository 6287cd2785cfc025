using Antiphon.Protocol;

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
}

/// <summary>What happened to one connection, and why if it ended.</summary>
internal readonly record struct ConnectionEvent(ConnectionEventKind Kind, Connection Connection, Fault Reason);

/// <summary>
/// What happened to connections since it was looked at last. The engine does not log: it notes it here, once or twice a connection,
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

    public void Clear() => _events.Clear();
}
