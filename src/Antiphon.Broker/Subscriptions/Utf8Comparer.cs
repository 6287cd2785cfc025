using Antiphon.Protocol.Wire;

namespace Antiphon.Broker.Subscriptions;

/// <summary>
/// Compares UTF-8 text byte by byte, so that look-ups need no string. The seed keeps peers from choosing texts that collide.
/// </summary>
/// <param name="seed">A number that no peer knows.</param>
internal sealed class Utf8Comparer(ulong seed) : IEqualityComparer<byte[]>, IAlternateEqualityComparer<ReadOnlySpan<byte>, byte[]>
{
    public ulong Seed => seed;

    public bool Equals(byte[]? x, byte[]? y) => x.AsSpan().SequenceEqual(y);

    public bool Equals(ReadOnlySpan<byte> alternate, byte[] other) => alternate.SequenceEqual(other);

    public int GetHashCode(byte[] obj) => GetHashCode(obj.AsSpan());

    public byte[] Create(ReadOnlySpan<byte> alternate) => alternate.ToArray();

    public int GetHashCode(ReadOnlySpan<byte> alternate) => Utf8Hash.Of(seed, alternate);
}
