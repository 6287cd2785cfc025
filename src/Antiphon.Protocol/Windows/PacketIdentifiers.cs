namespace Antiphon.Protocol.Windows;

/// <summary>Who holds which Packet Identifier of one Session (MQTT 5 §2.2.1). Every call takes constant time.</summary>
/// <remarks>
/// The free identifiers stand in a ring, in the order in which they became free.
/// So one that was just given back is the last to be used again, and one that is never given back stops nothing else.
/// Those in use stand in a list, in the order in which they were taken.
/// Allocates only to grow, up to 65,535 places.
/// </remarks>
/// <typeparam name="TOwner">What waits for the acknowledgement.</typeparam>
internal sealed class PacketIdentifiers<TOwner>
{
    private const int FirstLength = 8;
    private const int LongestLength = ushort.MaxValue + 1;

    /// <summary>Where ring and list begin and end: 0 is no Packet Identifier.</summary>
    private const ushort None = 0;

    // By identifier.
    private Place[] _places = [];
    private ushort _oldest;
    private ushort _newest;

    /// <summary>How many are in use.</summary>
    public int Count { get; private set; }

    /// <summary>How many places there are, in use or free; each takes what an owner takes and four bytes.</summary>
    public int Places => _places.Length;

    /// <summary>Whether all 65,535 are in use.</summary>
    public bool IsFull => Count == ushort.MaxValue;

    /// <summary>The one in use that was taken first; <see cref="PacketIdentifier.None"/>: none is in use.</summary>
    public PacketIdentifier Oldest => new(_oldest);

    /// <summary>Takes the identifier that has been free for longest.</summary>
    /// <param name="owner">Who holds it from now on.</param>
    /// <returns>One that was not in use [MQTT-2.2.1-3, MQTT-2.2.1-4]; <see cref="PacketIdentifier.None"/> when all 65,535 were.</returns>
    public PacketIdentifier Allocate(in TOwner owner)
    {
        // Half of them stay free, so that one given back rests for a while.
        if (Count >= _places.Length / 2 && _places.Length < LongestLength)
        {
            Grow(Math.Clamp(2 * _places.Length, FirstLength, LongestLength));
        }

        var identifier = _places[None].Next;
        if (identifier != None)
        {
            Take(identifier, owner);
        }

        return new PacketIdentifier(identifier);
    }

    /// <summary>Takes one that is known to be free, such as one of a Session that has been stored.</summary>
    /// <param name="identifier">Which one.</param>
    /// <param name="owner">Who holds it from now on.</param>
    public void Claim(PacketIdentifier identifier, in TOwner owner)
    {
        if (identifier.Value >= _places.Length)
        {
            Grow(LongestLength);
        }

        Take(identifier.Value, owner);
    }

    /// <summary>Who holds that identifier; nobody, which is the default, where it is not in use.</summary>
    public TOwner? Find(PacketIdentifier identifier) => identifier.Value < _places.Length ? _places[identifier.Value].Owner : default;

    /// <summary>Whether there is a place for that identifier, in use or free, so that it may be looked at in its place.</summary>
    public bool HasPlace(PacketIdentifier identifier) => identifier.Value < _places.Length;

    /// <summary>
    /// Who holds that identifier, in its place: to be changed only where it is in use, and valid until the next one is taken.
    /// </summary>
    public ref TOwner this[PacketIdentifier identifier] => ref _places[identifier.Value].Owner;

    /// <summary>The one in use that was taken next; <see cref="PacketIdentifier.None"/>: that identifier is the newest.</summary>
    public PacketIdentifier After(PacketIdentifier identifier) => new(_places[identifier.Value].Next);

    /// <summary>Gives back an identifier that is in use.</summary>
    public void Release(PacketIdentifier identifier)
    {
        ref var place = ref _places[identifier.Value];
        var (previous, next) = (place.Previous, place.Next);
        if (previous == None)
        {
            _oldest = next;
        }
        else
        {
            _places[previous].Next = next;
        }

        if (next == None)
        {
            _newest = previous;
        }
        else
        {
            _places[next].Previous = previous;
        }

        place.Owner = default!;
        Count--;
        Free(identifier.Value);
    }

    /// <summary>From the ring into the list.</summary>
    private void Take(ushort identifier, in TOwner owner)
    {
        ref var place = ref _places[identifier];
        _places[place.Previous].Next = place.Next;
        _places[place.Next].Previous = place.Previous;
        place.Owner = owner;
        place.Previous = _newest;
        place.Next = None;
        if (_newest == None)
        {
            _oldest = identifier;
        }
        else
        {
            _places[_newest].Next = identifier;
        }

        _newest = identifier;
        Count++;
    }

    /// <summary>Into the ring, behind all others.</summary>
    private void Free(ushort identifier)
    {
        var last = _places[None].Previous;
        _places[identifier].Previous = last;
        _places[identifier].Next = None;
        _places[last].Next = identifier;
        _places[None].Previous = identifier;
    }

    private void Grow(int length)
    {
        var first = Math.Max(_places.Length, None + 1);
        Array.Resize(ref _places, length);
        for (var identifier = first; identifier < length; identifier++)
        {
            Free((ushort)identifier);
        }
    }

    private struct Place
    {
        public TOwner Owner;

        // Its neighbours: in the ring while it is free, in the list while it is in use.
        public ushort Next;
        public ushort Previous;
    }
}
