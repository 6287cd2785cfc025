using System.Buffers.Binary;
using System.Numerics;
using Antiphon.Protocol;

namespace Antiphon.Client.Stores;

/// <summary>What a record in the file of a <see cref="FileSessionStore"/> says.</summary>
internal enum RecordKind : byte
{
    /// <summary>A Session begins: the protocol version and the Client Identifier.</summary>
    Session = 1,

    /// <summary>A PUBLISH.</summary>
    Publish,

    /// <summary>It has its PUBREC.</summary>
    Release,

    /// <summary>It is over.</summary>
    RemovePublish,

    /// <summary>A received QoS 2 message has been dealt with.</summary>
    Received,

    /// <summary>It has its PUBREL.</summary>
    RemoveReceived,
}

/// <summary>
/// The form of a record: length of the body (4 bytes), CRC-32C of the body (4 bytes), and the body:
/// kind (1 byte), Packet Identifier (2 bytes), content. Numbers are big-endian.
/// A record whose end is missing, or whose sum is wrong, was being written when the program ended, and counts as not there.
/// </summary>
internal static class StoreRecord
{
    public const int HeaderSize = 8;
    public const int BodySize = 3;

    public static int SizeOf(int content) => HeaderSize + BodySize + content;

    public static void Write(Span<byte> record, RecordKind kind, PacketIdentifier identifier, ReadOnlySpan<byte> content)
    {
        var body = record[HeaderSize..];
        body[0] = (byte)kind;
        BinaryPrimitives.WriteUInt16BigEndian(body[1..], identifier.Value);
        content.CopyTo(body[BodySize..]);
        BinaryPrimitives.WriteInt32BigEndian(record, body.Length);
        BinaryPrimitives.WriteUInt32BigEndian(record[sizeof(int)..], Sum(body));
    }

    /// <summary>Reads the record at the beginning of the bytes.</summary>
    /// <returns>How long it is; 0: there is no whole one.</returns>
    public static int TryRead(
        ReadOnlySpan<byte> bytes, out RecordKind kind, out PacketIdentifier identifier, out ReadOnlySpan<byte> content)
    {
        kind = default;
        identifier = default;
        content = default;
        if (bytes.Length < HeaderSize + BodySize)
        {
            return 0;
        }

        var length = BinaryPrimitives.ReadInt32BigEndian(bytes);
        if (length < BodySize || length > bytes.Length - HeaderSize)
        {
            return 0;
        }

        var body = bytes.Slice(HeaderSize, length);
        if (Sum(body) != BinaryPrimitives.ReadUInt32BigEndian(bytes[sizeof(int)..]))
        {
            return 0;
        }

        kind = (RecordKind)body[0];
        identifier = new PacketIdentifier(BinaryPrimitives.ReadUInt16BigEndian(body[1..]));
        content = body[BodySize..];
        return HeaderSize + length;
    }

    /// <summary>
    /// Whether bytes that hold no whole record may be the first one of a file all the same, which was being written when the program ended:
    /// its length, its kind, or nothing yet.
    /// </summary>
    public static bool MayBegin(ReadOnlySpan<byte> bytes) =>
        (bytes.Length <= 0 || bytes[0] == 0)
        && (bytes.Length <= 1 || bytes[1] <= 1)
        && (bytes.Length <= HeaderSize || bytes[HeaderSize] <= (byte)RecordKind.Session);

    private static uint Sum(ReadOnlySpan<byte> body)
    {
        var sum = uint.MaxValue;
        while (body.Length >= sizeof(ulong))
        {
            sum = BitOperations.Crc32C(sum, BinaryPrimitives.ReadUInt64LittleEndian(body));
            body = body[sizeof(ulong)..];
        }

        foreach (var value in body)
        {
            sum = BitOperations.Crc32C(sum, value);
        }

        return ~sum;
    }
}
