using System.Buffers;
using System.Numerics;

namespace Antiphon.Protocol.Wire;

/// <summary>
/// The bytes of a pooled object. Up to a size they stay with the object: the shared pool keeps few arrays of one size and thread,
/// and allocates when more than these are under way at once, or when they are given back on another thread.
/// Larger ones come from the shared pool. Not thread-safe.
/// </summary>
internal struct ReusableBytes
{
    private const int LargestKept = 1024;

    private byte[]? _bytes;

    /// <summary>Room for so many bytes; what was in it is lost.</summary>
    public byte[] Reserve(int size)
    {
        if (_bytes is not null && _bytes.Length >= size)
        {
            return _bytes;
        }

        Release();
        return _bytes = size > LargestKept
            ? ArrayPool<byte>.Shared.Rent(size)
            : GC.AllocateUninitializedArray<byte>((int)BitOperations.RoundUpToPowerOf2((uint)Math.Max(size, 1)));
    }

    /// <summary>They are not needed for now.</summary>
    public void Release()
    {
        if (_bytes?.Length > LargestKept)
        {
            ArrayPool<byte>.Shared.Return(_bytes);
            _bytes = null;
        }
    }
}
