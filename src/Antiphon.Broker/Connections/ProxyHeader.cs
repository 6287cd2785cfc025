using System.Buffers.Binary;
using System.Net;

namespace Antiphon.Broker.Connections;

/// <summary>What the first bytes of a connection behind a proxy are.</summary>
internal enum ProxyHeaderStatus
{
    /// <summary>A header is whole.</summary>
    Complete,

    /// <summary>So far they may be the beginning of one.</summary>
    NeedMore,

    /// <summary>They are none.</summary>
    Malformed,
}

/// <summary>
/// The header of the PROXY protocol, version 2, by which a proxy says whose connection it passes on.
/// (Its specification is haproxy's doc/proxy-protocol.txt, section 2.2.)
/// </summary>
/// <param name="Length">Its length, in bytes.</param>
/// <param name="Source">The client's address; <c>null</c>: the proxy connects for itself, or says no address.</param>
internal readonly record struct ProxyHeader(int Length, IPEndPoint? Source)
{
    /// <summary>
    /// The longest header that is accepted:
    /// what proxies add to the addresses, such as a certificate's names, is far less.
    /// </summary>
    public const int MaximumLength = 4096;

    private const int PrefixLength = 16;
    private const byte Local = 0x20;
    private const byte Proxy = 0x21;

    private static ReadOnlySpan<byte> Signature => "\r\n\r\n\0\r\nQUIT\n"u8;

    /// <summary>Reads the header at the beginning of a connection.</summary>
    /// <param name="bytes">What has arrived so far.</param>
    /// <param name="header">The header, where it is whole.</param>
    public static ProxyHeaderStatus TryRead(ReadOnlySpan<byte> bytes, out ProxyHeader header)
    {
        header = default;
        var seen = Math.Min(bytes.Length, Signature.Length);
        if (!bytes[..seen].SequenceEqual(Signature[..seen]))
        {
            return ProxyHeaderStatus.Malformed;
        }

        if (bytes.Length < PrefixLength)
        {
            return ProxyHeaderStatus.NeedMore;
        }

        var command = bytes[12];
        var family = bytes[13];
        var length = PrefixLength + BinaryPrimitives.ReadUInt16BigEndian(bytes[14..]);
        var addressLength = AddressLength(family);
        if (command is not (Local or Proxy)
            || length > MaximumLength
            || (command == Proxy && (addressLength < 0 || PrefixLength + addressLength > length)))
        {
            return ProxyHeaderStatus.Malformed;
        }

        if (bytes.Length < length)
        {
            return ProxyHeaderStatus.NeedMore;
        }

        header = new ProxyHeader(length, command == Local ? null : ReadSource(family, bytes.Slice(PrefixLength, addressLength)));
        return ProxyHeaderStatus.Complete;
    }

    /// <returns>How long the two addresses and ports are, in bytes; −1: there is no such family and protocol.</returns>
    private static int AddressLength(byte family) => family switch
    {
        0x00 => 0,
        0x11 or 0x12 => 12,
        0x21 or 0x22 => 36,
        0x31 or 0x32 => 216,
        _ => -1,
    };

    private static IPEndPoint? ReadSource(byte family, ReadOnlySpan<byte> addresses) => (family >> 4) switch
    {
        1 => new IPEndPoint(new IPAddress(addresses[..4]), BinaryPrimitives.ReadUInt16BigEndian(addresses[8..])),
        2 => new IPEndPoint(new IPAddress(addresses[..16]), BinaryPrimitives.ReadUInt16BigEndian(addresses[32..])),
        _ => null,
    };
}
