using System.Runtime.InteropServices;

namespace Antiphon.Bench.Load;

/// <summary>Bytes outside the garbage-collected heap, appended at the end and taken from the front.</summary>
internal unsafe struct NativeBuffer
{
    private byte* _bytes;
    private int _capacity;
    private int _start;
    private int _end;

    public readonly int Length => _end - _start;

    public readonly byte* First => _bytes + _start;

    /// <summary>Room for so many bytes at the end; <see cref="Advance"/> says how many of them were written.</summary>
    public byte* Reserve(int count)
    {
        if (_capacity - _end < count)
        {
            MakeRoom(count);
        }

        return _bytes + _end;
    }

    public void Advance(int count) => _end += count;

    public void Append(byte* bytes, int count)
    {
        Buffer.MemoryCopy(bytes, Reserve(count), count, count);
        _end += count;
    }

    public void Consume(int count)
    {
        _start += count;
        if (_start == _end)
        {
            _start = _end = 0;
        }
    }

    public void Free()
    {
        NativeMemory.Free(_bytes);
        this = default;
    }

    private void MakeRoom(int count)
    {
        var length = Length;
        if (_capacity < length + count)
        {
            _capacity = Math.Max(256, 2 * (length + count));
            var larger = (byte*)NativeMemory.Alloc((nuint)_capacity);
            Buffer.MemoryCopy(First, larger, _capacity, length);
            NativeMemory.Free(_bytes);
            _bytes = larger;
        }
        else
        {
            Buffer.MemoryCopy(First, _bytes, _capacity, length);
        }

        _start = 0;
        _end = length;
    }
}
