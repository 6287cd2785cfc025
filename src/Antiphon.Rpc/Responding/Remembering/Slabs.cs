using System.Runtime.CompilerServices;

namespace Antiphon.Rpc.Responding.Remembering;

/// <summary>An item that can name the next one of a chain.</summary>
internal interface IChained
{
    /// <summary>The index of the next item; <see cref="Slabs{T}.None"/>: there is none.</summary>
    int Next { get; set; }
}

/// <summary>
/// Items that are named by index and used again, in a few large arrays: however many there are, the garbage collector sees no more than
/// these, and nothing within them. Arrays are added as they are needed and kept. Not thread-safe.
/// </summary>
internal sealed class Slabs<T>
    where T : unmanaged, IChained
{
    /// <summary>The index of no item.</summary>
    public const int None = -1;

    // 64 KiB of the usual items.
    private const int BitsOfSlab = 10;
    private const int ItemsPerSlab = 1 << BitsOfSlab;

    private T[][] _slabs = [];
    private int _used;
    private int _free = None;

    /// <summary>How many bytes an item takes.</summary>
    public static int ItemSize => Unsafe.SizeOf<T>();

    /// <summary>How many items are in use.</summary>
    public int Count { get; private set; }

    /// <summary>The item of an index; valid until it is given back.</summary>
    public ref T this[int index] => ref _slabs[index >> BitsOfSlab][index & (ItemsPerSlab - 1)];

    /// <summary>Takes an item, whose content is what it was when it was given back.</summary>
    public int Take()
    {
        Count++;
        if (_free != None)
        {
            var index = _free;
            _free = this[index].Next;
            return index;
        }

        if (_used == _slabs.Length << BitsOfSlab)
        {
            _slabs = [.. _slabs, new T[ItemsPerSlab]];
        }

        return _used++;
    }

    /// <summary>Gives an item back.</summary>
    public void Return(int index)
    {
        this[index].Next = _free;
        _free = index;
        Count--;
    }
}
