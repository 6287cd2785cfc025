using System.Numerics;

namespace Antiphon.Broker.Buffers;

/// <summary>
/// The engine's byte arrays, in sizes that are powers of two. It belongs to the engine's thread,
/// so renting and returning are a pop and a push: no allocation in steady state, whatever the number of connections that have something to
/// send at once. The arrays are pinned: the kernel may be given their addresses.
/// </summary>
/// <param name="account">Where what is rented out counts; <c>null</c>: on an account of its own.</param>
internal sealed class BufferPool(MemoryAccount? account = null)
{
    private const int SmallestLog2 = 6;
    private const int LargestLog2 = 20;

    /// <summary>How many bytes of one size are kept for reuse; what comes back beyond that is left to the garbage collector.</summary>
    private const int KeptBytesPerSize = 8 * 1024 * 1024;

    private readonly Stack<byte[]>[] _bySize = [.. Enumerable.Range(0, LargestLog2 - SmallestLog2 + 1).Select(_ => new Stack<byte[]>())];

    /// <summary>Where what is rented out counts.</summary>
    public MemoryAccount Account { get; } = account ?? new MemoryAccount();

    /// <summary>An array of at least that many bytes; its content is arbitrary.</summary>
    public byte[] Rent(int minimumLength)
    {
        var size = SizeClass(minimumLength);
        if (size >= _bySize.Length)
        {
            var length = checked((int)BitOperations.RoundUpToPowerOf2((uint)minimumLength));
            Account.Add(length + MemoryAccount.ArrayOverhead);
            return GC.AllocateUninitializedArray<byte>(length, pinned: true);
        }

        Account.Add((1 << (size + SmallestLog2)) + MemoryAccount.ArrayOverhead);
        return _bySize[size].TryPop(out var buffer)
            ? buffer
            : GC.AllocateUninitializedArray<byte>(1 << (size + SmallestLog2), pinned: true);
    }

    /// <summary>Takes an array back that <see cref="Rent"/> gave.</summary>
    public void Return(byte[] buffer)
    {
        Account.Add(-(buffer.Length + MemoryAccount.ArrayOverhead));
        var size = SizeClass(buffer.Length);
        if (size < _bySize.Length && _bySize[size].Count < KeptBytesPerSize >> (size + SmallestLog2))
        {
            _bySize[size].Push(buffer);
        }
    }

    private static int SizeClass(int length) => Math.Max(0, BitOperations.Log2((uint)Math.Max(1, length - 1)) + 1 - SmallestLog2);
}
