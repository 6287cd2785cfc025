using System.Diagnostics.CodeAnalysis;
using Antiphon.Broker.Timing;

namespace Antiphon.Broker.Connections;

/// <summary>
/// The connections of which a packet has begun and not ended, the one that began first at the front.
/// Keep Alive may be off, so each has a limit of time; and together they have a quarter of the room for all,
/// so that half packets cannot hold up those who publish whole ones.
/// </summary>
internal sealed class UnfinishedPackets
{
    private readonly OptionsInForce _options;
    private readonly TimingWheel _wheel;
    private readonly LinkedList<Connection> _byAge = [];

    /// <summary>At the limit of the oldest or before it.</summary>
    private readonly Deadline _deadline;
    private long _bytes;

    public UnfinishedPackets(OptionsInForce options, TimingWheel wheel)
    {
        _options = options;
        _wheel = wheel;
        _deadline = new Deadline(this);
    }

    /// <summary>What has arrived on a connection was looked through.</summary>
    /// <param name="connection">The connection, with what is left in its <see cref="Connection.Partial"/>.</param>
    /// <param name="packetEnded">Whether a packet ended, so that what is left belongs to another than before.</param>
    /// <param name="now">The current instant.</param>
    public void Note(Connection connection, bool packetEnded, Instant now)
    {
        var partial = connection.Partial;
        if (partial.IsEmpty)
        {
            Remove(connection);
            return;
        }

        if (packetEnded || connection.Unfinished is not { List: not null })
        {
            Append(connection, now);
        }

        Count(partial);
    }

    /// <summary>The connection has ended, or its packet has.</summary>
    public void Remove(Connection connection)
    {
        connection.Partial.Clear();
        Leave(connection);
    }

    /// <summary>What a connection keeps in its <see cref="Connection.Partial"/> is not the beginning of a packet.</summary>
    public void Leave(Connection connection)
    {
        Uncount(connection.Partial);
        if (connection.Unfinished is { List: not null } node)
        {
            _byAge.Remove(node);
        }
    }

    /// <summary>The connection that has to go because all take more than their share. The last one may finish whatever it takes.</summary>
    public bool IsExcessive([NotNullWhen(true)] out Connection? oldest)
    {
        oldest = _bytes > _options.Current.MaximumBufferBytes / 4 && _byAge.Count > 1 ? _byAge.First!.Value : null;
        return oldest is not null;
    }

    /// <summary>A connection whose packet has taken too long. Asked until there is none, once the deadline is reached.</summary>
    public bool IsOverdue(Instant now, [NotNullWhen(true)] out Connection? oldest)
    {
        while (_byAge.First is { Value: var first })
        {
            var due = first.Partial.Began + _options.Current.PacketTimeout;
            if (due > now)
            {
                _wheel.Set(_deadline, due);
                break;
            }

            if (!first.IsPaused && !first.IsOnHold)
            {
                oldest = first;
                return true;
            }

            // It is left unread: that it does not finish is of our making.
            Append(first, now);
        }

        oldest = null;
        return false;
    }

    private void Append(Connection connection, Instant now)
    {
        connection.Partial.Began = now;
        var node = connection.Unfinished ??= new LinkedListNode<Connection>(connection);
        if (node.List is not null)
        {
            _byAge.Remove(node);
        }

        _byAge.AddLast(node);
        if (!_deadline.IsSet)
        {
            _wheel.Set(_deadline, now + _options.Current.PacketTimeout);
        }
    }

    private void Uncount(PartialPacket partial)
    {
        _bytes -= partial.Counted;
        partial.Counted = 0;
    }

    private void Count(PartialPacket partial)
    {
        _bytes += partial.Size - partial.Counted;
        partial.Counted = partial.Size;
    }
}
