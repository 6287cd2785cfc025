namespace Antiphon.Broker.Connections;

/// <summary>The connections that have something to send. Each is flushed once, at the end of a whole wake-up.</summary>
internal sealed class FlushList
{
    private readonly Queue<Connection> _dirty = new();

    public bool IsEmpty => _dirty.Count == 0;

    public void Mark(Connection connection)
    {
        if (!connection.IsDirty)
        {
            connection.IsDirty = true;
            _dirty.Enqueue(connection);
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
    }
}
