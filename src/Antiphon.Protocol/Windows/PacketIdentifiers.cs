namespace Antiphon.Protocol.Windows;

/// <summary>Who holds which Packet Identifier of one Session (MQTT 5 §2.2.1). Every call takes constant time.</summary>
/// <remarks>
/// The free identifiers stand in a ring, in the order in which they became free. So one that was just given back is the last to be used again,
/// and one that is never given back stops nothing else. Allocates only to grow, up to 65,535 places.
/// </remarks>
/// <typeparam name="TOwner">What waits for the acknowledgement.</typeparam>
internal sealed class PacketIdentifiers<TOwner>
{
    private const int FirstLength = 16;
    private const int LongestLength = ushort.MaxValue + 1;

    /// <summary>Where the ring begins and ends: 0 is no Packet Identifier.</summary>
    private const ushort Ring = 0;

    // By identifier.
    private Place[] _places = [];

    /// <summary>How many are in use.</summary>
    public int Count { get; private set; }

    /// <summary>Takes the identifier that has been free for longest.</summary>
    /// <param name="owner">Who holds it from now on.</param>
    /// <returns>One that is not in use [MQTT-2.2.1-3, MQTT-2.2.1-4]; <see cref="PacketIdentifier.None"/> when all 65,535 are.</returns>
    public PacketIdentifier Allocate(TOwner owner)
    {
        // Half of them stay free, so that one given back rests for a while.
        if (Count >= _places.Length / 2 && _places.Length < LongestLength)
        {
            Grow(Math.Clamp(2 * _places.Length, FirstLength, LongestLength));
        }

        var identifier = _places[Ring].Next;
        if (identifier != Ring)
        {
            Take(identifier, owner);
        }

        return new PacketIdentifier(identifier);
    }

    /// <summary>Takes one that is known to be free, such as one of a Session that has been stored.</summary>
    /// <param name="identifier">Which one.</param>
    /// <param name="owner">Who holds it from now on.</param>
    public void Claim(PacketIdentifier identifier, TOwner owner)
    {
        if (identifier.Value >= _places.Length)
        {
            Grow(LongestLength);
        }

        Take(identifier.Value, owner);
    }

    /// <summary>Who holds that identifier; nobody, which is the default, where it is not in use.</summary>
    public TOwner? Find(PacketIdentifier identifier) => identifier.Value < _places.Length ? _places[identifier.Value].Owner : default;

    /// <summary>The holder of an identifier that is in use, to be changed in its place. Valid until the next identifier is taken.</summary>
    public ref TOwner this[PacketIdentifier identifier] => ref _places[identifier.Value].Owner;

    /// <summary>Gives back an identifier that is in use.</summary>
    public void Release(PacketIdentifier identifier)
    {
        _places[identifier.Value] = default;
        Count--;
        Append(identifier.Value);
    }

    private void Take(ushort identifier, TOwner owner)
    {
        ref var place = ref _places[identifier];
        _places[place.Previous].Next = place.Next;
        _places[place.Next].Previous = place.Previous;
        place.Owner = owner;
        Count++;
    }

    private void Append(ushort identifier)
    {
        var last = _places[Ring].Previous;
        _places[identifier].Previous = last;
        _places[last].Next = identifier;
        _places[Ring].Previous = identifier;
        _places[identifier].Next = Ring;
    }

    private void Grow(int length)
    {
        var first = _places.Length;
        Array.Resize(ref _places, length);
        for (var identifier = Math.Max(first, Ring + 1); identifier < length; identifier++)
        {
            Append((ushort)identifier);
        }
    }

    private struct Place
    {
        public TOwner Owner;

        // Its neighbours in the ring, while it is free.
        public ushort Next;
        public ushort Previous;
    }
}
