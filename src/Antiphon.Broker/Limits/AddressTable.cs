using System.Net;
using Antiphon.Broker.Timing;

namespace Antiphon.Broker.Limits;

/// <summary>
/// The addresses that have connections, or had some a moment ago. Whoever comes from ever new addresses makes it no larger than
/// <see cref="MaximumIdle"/> beyond the connections that stand.
/// </summary>
internal sealed class AddressTable
{
    /// <summary>How many addresses without a connection are remembered; beyond it the one that left first is forgotten.</summary>
    internal const int MaximumIdle = 16_384;

    /// <summary>So many of those that are remembered in vain are forgotten with each that comes.</summary>
    private const int Swept = 2;

    private readonly Dictionary<AddressKey, ClientAddress> _addresses = [];

    /// <summary>Those without a connection, the one that left first at the front.</summary>
    private readonly LinkedList<ClientAddress> _idle = [];

    /// <summary>How many it remembers.</summary>
    public int Count => _addresses.Count;

    /// <summary>An address, if it is remembered and bounded at all.</summary>
    public ClientAddress? Find(EndPoint? remote) => AddressKey.TryGet(remote, out var key) ? _addresses.GetValueOrDefault(key) : null;

    /// <summary>One more connection has come.</summary>
    /// <returns>Its address; <c>null</c>: no bound holds for it.</returns>
    public ClientAddress? Enter(EndPoint? remote, Instant now)
    {
        Sweep(now);
        if (!AddressKey.TryGet(remote, out var key))
        {
            return null;
        }

        if (!_addresses.TryGetValue(key, out var address))
        {
            address = new ClientAddress(key);
            _addresses.Add(key, address);
        }
        else if (address.Idle is { List: not null } node)
        {
            _idle.Remove(node);
        }

        address.Connections++;
        return address;
    }

    /// <summary>A connection has gone.</summary>
    public void Leave(ClientAddress address, Instant now)
    {
        address.Connections--;
        if (address.Connections > 0)
        {
            return;
        }

        if (address.Connects.IsFull(now))
        {
            _addresses.Remove(address.Key);
            return;
        }

        _idle.AddLast(address.Idle ??= new LinkedListNode<ClientAddress>(address));
        if (_idle.Count > MaximumIdle)
        {
            Forget(_idle.First!);
        }
    }

    private void Sweep(Instant now)
    {
        for (var i = 0; i < Swept && _idle.First is { } first && first.Value.Connects.IsFull(now); i++)
        {
            Forget(first);
        }
    }

    private void Forget(LinkedListNode<ClientAddress> node)
    {
        _idle.Remove(node);
        _addresses.Remove(node.Value.Key);
    }
}

/// <summary>What is known of one address.</summary>
/// <param name="key">Which it is.</param>
internal sealed class ClientAddress(AddressKey key)
{
    public AddressKey Key { get; } = key;

    /// <summary>Its Network Connections, those that have not sent CONNECT or are about to be closed included.</summary>
    public int Connections { get; set; }

    /// <summary>How often it has connected lately.</summary>
    public TokenBucket Connects;

    /// <summary>Its place among those without a connection; <c>null</c> until it has one for the first time.</summary>
    public LinkedListNode<ClientAddress>? Idle { get; set; }
}
