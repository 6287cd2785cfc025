using System.Buffers.Binary;

namespace Antiphon.Protocol.Wire;

/// <summary>A hash of UTF-8 text for tables in memory. It makes no string.</summary>
internal static class Utf8Hash
{
    private const ulong Mix = 0x9E37_79B9_7F4A_7C15;

    /// <summary>The hash of a text.</summary>
    /// <param name="seed">A number that no peer knows, where a peer chooses the texts and could choose some that collide.</param>
    /// <param name="text">The text.</param>
    public static int Of(ulong seed, ReadOnlySpan<byte> text)
    {
        var hash = seed ^ (ulong)text.Length;
        while (text.Length >= sizeof(ulong))
        {
            hash = Fold(hash ^ BinaryPrimitives.ReadUInt64LittleEndian(text));
            text = text[sizeof(ulong)..];
        }

        var rest = 0UL;
        foreach (var next in text)
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
