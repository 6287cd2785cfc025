using System.Buffers.Binary;

namespace Antiphon.Broker.Subscriptions;

/// <summary>
/// Compares UTF-8 text byte by byte, so that look-ups need no string. The seed keeps peers from choosing texts that collide.
/// </summary>
/// <param name="seed">A number that no peer knows.</param>
internal sealed class Utf8Comparer(ulong seed) : IEqualityComparer<byte[]>, IAlternateEqualityComparer<ReadOnlySpan<byte>, byte[]>
{
    private const ulong Mix = 0x9E37_79B9_7F4A_7C15;

    public bool Equals(byte[]? x, byte[]? y) => x.AsSpan().SequenceEqual(y);

    public bool Equals(ReadOnlySpan<byte> alternate, byte[] other) => alternate.SequenceEqual(other);

    public int GetHashCode(byte[] obj) => GetHashCode(obj.AsSpan());

    public byte[] Create(ReadOnlySpan<byte> alternate) => alternate.ToArray();

    public int GetHashCode(ReadOnlySpan<byte> alternate)
    {
        var hash = seed ^ (ulong)alternate.Length;
        while (alternate.Length >= sizeof(ulong))
        {
            hash = Fold(hash ^ BinaryPrimitives.ReadUInt64LittleEndian(alternate));
            alternate = alternate[sizeof(ulong)..];
        }

        var rest = 0UL;
        foreach (var next in alternate)
        {
            rest = rest << 8 | next;
        }

        hash = Fold(hash ^ rest);
        return (int)(hash ^ hash >> 32);
    }

    private static ulong Fold(ulong value)
    {
        var high = Math.BigMul(value, Mix, out var low);
        return high ^ low;
    }
}
