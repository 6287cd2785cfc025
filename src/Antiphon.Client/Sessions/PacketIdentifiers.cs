using Antiphon.Protocol;
using Antiphon.Protocol.Packets;

namespace Antiphon.Client.Sessions;

/// <summary>
/// Who holds which Packet Identifier (MQTT 5 §2.2.1). Identifiers go round, so that one just given back is not the next to be used. Allocates only to grow, up to 65,535 places.
/// </summary>
internal sealed class PacketIdentifiers
{
    /// <summary>How many PUBLISH may hold one; the rest is left to SUBSCRIBE and UNSUBSCRIBE.</summary>
    public const int MaximumPublishes = 60_000;

    private object?[] _owners = new object?[64];
    private int _next;

    /// <summary>How many are in use.</summary>
    public int Count { get; private set; }

    /// <summary>Takes a free one.</summary>
    /// <param name="owner">Whom the acknowledgement is for.</param>
    /// <returns><see cref="PacketIdentifier.None"/> when all 65,535 are in use.</returns>
    public PacketIdentifier Allocate(object owner)
    {
        if (Count >= _owners.Length / 2 && _owners.Length < ushort.MaxValue)
        {
            Array.Resize(ref _owners, Math.Min(2 * _owners.Length, ushort.MaxValue));
        }

        if (Count == _owners.Length)
        {
            return PacketIdentifier.None;
        }

        while (_owners[_next] is not null)
        {
            _next = (_next + 1) % _owners.Length;
        }

        var place = _next;
        _next = (_next + 1) % _owners.Length;
        _owners[place] = owner;
        Count++;
        return new PacketIdentifier((ushort)(place + 1));
    }

    /// <summary>Takes that one, which is free.</summary>
    public void Claim(PacketIdentifier identifier, object owner)
    {
        if (identifier.Value > _owners.Length)
        {
            Array.Resize(ref _owners, ushort.MaxValue);
        }

        _owners[identifier.Value - 1] = owner;
        _next = Math.Max(_next, identifier.Value % _owners.Length);
        Count++;
    }

    /// <summary>What to say of an acknowledgement whose identifier waits for something else, or for nothing.</summary>
    public static Fault Unexpected(PacketType type, PacketIdentifier identifier) =>
        Fault.Protocol($"{type} has the Packet Identifier {identifier}, which nothing waits for (MQTT 5 §4.3).");

    public object? Find(PacketIdentifier identifier) => identifier.Value <= _owners.Length && identifier.Value > 0 ? _owners[identifier.Value - 1] : null;

    public void Release(PacketIdentifier identifier)
    {
        _owners[identifier.Value - 1] = null;
        Count--;
    }
}
