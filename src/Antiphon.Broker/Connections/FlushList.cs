namespace Antiphon.Broker.Connections;

/// <summary>
/// The connections that have something to send. Each is flushed once, at the end of a whole wake-up;
/// those that were only sent what goes to many are flushed after the others, and so many at the end of each.
/// </summary>
internal sealed class FlushList
{
    /// <summary>So many of the deferred ones are flushed in one turn: sending costs a system call each.</summary>
    internal const int DeferredPerTurn = 512;

    private readonly Queue<Connection> _dirty = new();
    private readonly Queue<Connection> _deferred = new();

    public bool IsEmpty => _dirty.Count == 0 && _deferred.Count == 0;

    /// <summary>Whether what is marked now is sent what goes to many.</summary>
    public bool Defers { get; set; }

    /// <summary>Whether as many are deferred as one turn flushes, or more.</summary>
    public bool IsBehind => _deferred.Count >= DeferredPerTurn;

    public void Mark(Connection connection)
    {
        if (connection.IsDirty)
        {
            return;
        }

        if (!Defers)
        {
            connection.IsDirty = true;
            _dirty.Enqueue(connection);
        }
        else if (!connection.IsDeferred)
        {
            connection.IsDeferred = true;
            _deferred.Enqueue(connection);
        }
    }

    /// <summary>Flushes what is marked now. What flushing itself marks waits for the next time.</summary>
    public void FlushAll()
    {
        for (var count = _dirty.Count; count > 0; count--)
        {
            var connection = _dirty.Dequeue();
            connection.IsDirty = false;
            if (connection.Phase != ConnectionPhase.Closed)
            {
                connection.Link.Flush();
            }
        }

        for (var count = Math.Min(_deferred.Count, DeferredPerTurn); count > 0; count--)
        {
            var connection = _deferred.Dequeue();
            connection.IsDeferred = false;

            // It may have been flushed among the others since.
            if (connection.Phase != ConnectionPhase.Closed && connection.Output.Length > 0)
            {
                connection.Link.Flush();
            }
        }
    }
}
