using System.Buffers.Binary;

namespace Antiphon.Rpc.Responding.Remembering;

/// <summary>
/// A hash of 64 bits over byte strings, each with its length, so that where one ends and the next begins counts too. It begins with a
/// secret of the process; who does not know that cannot make two that are alike. Multiply and fold, as wyhash and its kin do.
/// </summary>
internal struct Fingerprint(ulong secret)
{
    private const ulong Multiplier = 0x9E3779B97F4A7C15;
    private const ulong Addend = 0xD1B54A32D192ED03;

    public ulong Value { get; private set; } = secret;

    public void Add(scoped ReadOnlySpan<byte> bytes)
    {
        Add((ulong)bytes.Length);
        while (bytes.Length >= sizeof(ulong))
        {
            Add(BinaryPrimitives.ReadUInt64LittleEndian(bytes));
            bytes = bytes[sizeof(ulong)..];
        }

        if (!bytes.IsEmpty)
        {
            Span<byte> rest = stackalloc byte[sizeof(ulong)];
            rest.Clear();
            bytes.CopyTo(rest);
            Add(BinaryPrimitives.ReadUInt64LittleEndian(rest));
        }
    }

    public void Add(ulong number)
    {
        var high = Math.BigMul(Value ^ number, Multiplier, out var low);
        Value = (high ^ low) + Addend;
    }
}
