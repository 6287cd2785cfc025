namespace Antiphon.Rpc.Responding.Remembering;

/// <summary>The neighbours of an item in an <see cref="IndexList"/>.</summary>
internal struct Links
{
    public int Previous;
    public int Next;
}

/// <summary>Which links of an item a list goes by; an item with several can be in as many lists.</summary>
internal interface ILinksOf<T>
{
    static abstract ref Links Of(ref T item);
}

/// <summary>A list of items of a <see cref="Slabs{T}"/>, linked by index. The default value is an empty list.</summary>
internal struct IndexList
{
    // Kept one higher, so that the default value is empty.
    private int _first;
    private int _last;

    public readonly int First => _first - 1;

    public int Count { get; private set; }

    public void AddLast<T, TLinks>(Slabs<T> items, int index)
        where T : unmanaged, IChained
        where TLinks : ILinksOf<T>
    {
        ref var links = ref TLinks.Of(ref items[index]);
        links.Previous = _last - 1;
        links.Next = Slabs<T>.None;
        if (Count++ == 0)
        {
            _first = index + 1;
        }
        else
        {
            TLinks.Of(ref items[_last - 1]).Next = index;
        }

        _last = index + 1;
    }

    public void Remove<T, TLinks>(Slabs<T> items, int index)
        where T : unmanaged, IChained
        where TLinks : ILinksOf<T>
    {
        var links = TLinks.Of(ref items[index]);
        Count--;
        if (links.Previous == Slabs<T>.None)
        {
            _first = links.Next + 1;
        }
        else
        {
            TLinks.Of(ref items[links.Previous]).Next = links.Next;
        }

        if (links.Next == Slabs<T>.None)
        {
            _last = links.Previous + 1;
        }
        else
        {
            TLinks.Of(ref items[links.Next]).Previous = links.Previous;
        }
    }
}
