using Antiphon.Protocol;

namespace Antiphon.Client.Stores;

/// <summary>Where a record stands in its file, in bytes.</summary>
internal readonly record struct Place(long Offset, int Size);

/// <summary>
/// Keeps in mind where in the file of a <see cref="FileSessionStore"/> what is not over stands, and how long the file is.
/// Guarded by the lock of the store.
/// </summary>
/// <param name="path">The file, for exceptions.</param>
internal sealed class LiveRecords(string path)
{
    private readonly Dictionary<PacketIdentifier, Place> _publishes = [];
    private readonly Dictionary<PacketIdentifier, Place> _received = [];

    /// <summary>Where the Session begins; a size of 0: none has.</summary>
    public Place Session { get; private set; }

    /// <summary>The length of all records in bytes.</summary>
    public long Length { get; private set; }

    /// <summary>The length of those that are not over, in bytes.</summary>
    public long Live { get; private set; }

    /// <summary>The PUBLISH packets and releases in their order.</summary>
    public IEnumerable<(PacketIdentifier Identifier, Place Place)> Publishes =>
        _publishes.OrderBy(publish => publish.Value.Offset).Select(publish => (publish.Key, publish.Value));

    /// <summary>The identifiers of received QoS 2 messages.</summary>
    public IReadOnlyList<PacketIdentifier> Received => [.. _received.Keys];

    /// <summary>Everything that is not over, in its order.</summary>
    public Place[] InOrder => [Session, .. _publishes.Values.Concat(_received.Values).OrderBy(place => place.Offset)];

    /// <summary>A record has been appended: what it means for those before it.</summary>
    public void Append(RecordKind kind, PacketIdentifier identifier, int size)
    {
        var place = new Place(Length, size);
        switch (kind)
        {
            case RecordKind.Session:
                Clear(Length);
                Session = place;
                Live = place.Size;
                break;
            case RecordKind.Publish or RecordKind.Release:
                Replace(_publishes, identifier, place);
                break;
            case RecordKind.Received:
                Replace(_received, identifier, place);
                break;
            case RecordKind.RemovePublish:
                Remove(_publishes, identifier);
                break;
            case RecordKind.RemoveReceived:
                Remove(_received, identifier);
                break;
            default:
                throw new InvalidDataException($"{path} holds a record of kind {(int)kind}, which this version does not know.");
        }

        Length += size;
    }

    /// <summary>The file is empty.</summary>
    public void Clear() => Clear(0);

    /// <summary>The records that are not over have moved together, in their order, and the others are gone.</summary>
    public void MoveTogether()
    {
        var offset = (long)Session.Size;
        Session = Session with { Offset = 0 };
        foreach (var (places, identifier, place) in _publishes.Select(entry => (_publishes, entry.Key, entry.Value))
            .Concat(_received.Select(entry => (_received, entry.Key, entry.Value)))
            .OrderBy(entry => entry.Value.Offset)
            .ToArray())
        {
            places[identifier] = place with { Offset = offset };
            offset += place.Size;
        }

        Length = offset;
    }

    private void Clear(long length)
    {
        _publishes.Clear();
        _received.Clear();
        Session = default;
        Length = length;
        Live = 0;
    }

    private void Replace(Dictionary<PacketIdentifier, Place> places, PacketIdentifier identifier, in Place place)
    {
        Remove(places, identifier);
        places[identifier] = place;
        Live += place.Size;
    }

    private void Remove(Dictionary<PacketIdentifier, Place> places, PacketIdentifier identifier)
    {
        if (places.Remove(identifier, out var before))
        {
            Live -= before.Size;
        }
    }
}
