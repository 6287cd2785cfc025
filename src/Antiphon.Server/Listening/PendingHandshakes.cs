using Antiphon.Broker;
using Antiphon.Broker.Limits;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http.Features;

namespace Antiphon.Server.Listening;

/// <summary>
/// Connections that the broker has not got yet, since TLS or the request for a WebSocket is still to be done: how many there may be in all
/// (<see cref="BrokerOptions.MaximumPendingConnections"/>; beyond it the oldest ends), and of one address
/// (<see cref="BrokerOptions.MaximumConnectionsPerAddress"/>; beyond it none is taken). Safe from any thread.
/// </summary>
/// <param name="broker">The broker that gets the connections, and counts those that it never got.</param>
internal sealed class PendingHandshakes(BrokerHost broker)
{
    private readonly Lock _lock = new();

    // Guarded by the lock. By age, the oldest first.
    private readonly LinkedList<Handshake> _pending = [];
    private readonly Dictionary<AddressKey, int> _ofAddress = [];

    /// <summary>Looks at a connection before anything is read from it.</summary>
    /// <param name="next">What reads it.</param>
    public ConnectionDelegate Bound(ConnectionDelegate next) => async connection =>
    {
        if (!TryBegin(connection, out var handshake, out var oldest))
        {
            broker.CountRefusedByAddress();
            connection.Abort();
            return;
        }

        if (oldest is not null)
        {
            broker.CountDroppedPending();
            oldest.Abort();
        }

        connection.Features.Set(handshake);
        try
        {
            await next(connection);
        }
        finally
        {
            End(handshake);
        }
    };

    /// <summary>A connection is the broker's now.</summary>
    /// <param name="features">Those of the connection; of one that was never looked at, nothing happens.</param>
    public static void HandOver(IFeatureCollection features)
    {
        if (features.Get<Handshake>() is { } handshake)
        {
            handshake.Owner.End(handshake);
        }
    }

    private bool TryBegin(ConnectionContext connection, out Handshake handshake, out ConnectionContext? oldest)
    {
        oldest = null;
        handshake = new Handshake(this, connection, AddressKey.TryGet(connection.RemoteEndPoint, out var key) ? key : null);
        var options = broker.Options;
        lock (_lock)
        {
            if (handshake.Address is { } address)
            {
                var ofAddress = _ofAddress.GetValueOrDefault(address);
                if (options.MaximumConnectionsPerAddress > 0 && ofAddress >= options.MaximumConnectionsPerAddress)
                {
                    return false;
                }

                _ofAddress[address] = ofAddress + 1;
            }

            _pending.AddLast(handshake.Node);
            if (_pending.Count > options.MaximumPendingConnections)
            {
                var first = _pending.First!.Value;
                oldest = first.Connection;
                Remove(first);
            }

            return true;
        }
    }

    private void End(Handshake handshake)
    {
        lock (_lock)
        {
            Remove(handshake);
        }
    }

    private void Remove(Handshake handshake)
    {
        if (handshake.Node.List is null)
        {
            return;
        }

        _pending.Remove(handshake.Node);
        if (handshake.Address is { } address && --_ofAddress[address] == 0)
        {
            _ofAddress.Remove(address);
        }
    }

    /// <summary>One of them.</summary>
    private sealed class Handshake
    {
        public Handshake(PendingHandshakes owner, ConnectionContext connection, AddressKey? address)
        {
            Owner = owner;
            Connection = connection;
            Address = address;
            Node = new LinkedListNode<Handshake>(this);
        }

        public PendingHandshakes Owner { get; }

        public ConnectionContext Connection { get; }

        /// <summary><c>null</c>: an address that has no bound, such as one of this machine.</summary>
        public AddressKey? Address { get; }

        public LinkedListNode<Handshake> Node { get; }
    }
}
