namespace Antiphon.Rpc.Responding.Remembering;

/// <summary>The remembered requests by their keys: a table of chains, which grows with them. Not thread-safe.</summary>
internal sealed class RememberedRequests(Slabs<RememberedRequest> items, ByteChains chains)
{
    private const int None = Slabs<RememberedRequest>.None;

    // Kept one higher, so that a new table is empty.
    private int[] _first = new int[1024];
    private int _count;

    /// <summary>What each takes in the table, at most.</summary>
    public static int BytesPerItem => 2 * sizeof(int);

    /// <summary>The request of a key. Of one whose bytes had to make room, two hashes of 64 bits are enough.</summary>
    public int Find(in RequestKey key)
    {
        for (var index = Bucket(key.Hash) - 1; index != None; index = items[index].Next)
        {
            ref var item = ref items[index];
            if (item.Hash == key.Hash && item.PayloadHash == key.PayloadHash
                && (item.Bytes == None || (item.KeyLength == key.Length && key.Matches(chains.At(item.Bytes)))))
            {
                return index;
            }
        }

        return None;
    }

    public void Add(int index)
    {
        if (_count++ == _first.Length)
        {
            Grow();
        }

        ref var bucket = ref Bucket(items[index].Hash);
        items[index].Next = bucket - 1;
        bucket = index + 1;
    }

    public void Remove(int index)
    {
        _count--;
        ref var bucket = ref Bucket(items[index].Hash);
        if (bucket == index + 1)
        {
            bucket = items[index].Next + 1;
            return;
        }

        var before = bucket - 1;
        while (items[before].Next != index)
        {
            before = items[before].Next;
        }

        items[before].Next = items[index].Next;
    }

    private ref int Bucket(ulong hash) => ref _first[hash & (ulong)(_first.Length - 1)];

    private void Grow()
    {
        var old = _first;
        _first = new int[2 * old.Length];
        foreach (var first in old)
        {
            for (var index = first - 1; index != None;)
            {
                var next = items[index].Next;
                ref var bucket = ref Bucket(items[index].Hash);
                items[index].Next = bucket - 1;
                bucket = index + 1;
                index = next;
            }
        }
    }
}
